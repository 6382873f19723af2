"""`mvc package`: a model as an artifact in a registry, or as a build context."""

from __future__ import annotations

from typing import Annotated

import typer

from mvc.cli.app import PRODUCTION, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.errors import UsageError
from mvc.project import Project

Reference = Annotated[str, typer.Argument(metavar="REF", show_default=False)]
Folder = Annotated[str, typer.Option("-o", "--output", metavar="DIR", help="Write a build context to DIR.")]
Oci = Annotated[str, typer.Option("--oci", metavar="HOST/REPO[:TAG]", help="Store an artifact in this registry.")]


@app.command(rich_help_panel=PRODUCTION)
def package(ctx: typer.Context, reference: Reference, folder: Folder = "", oci: Oci = "", json: Json = False) -> None:
    """Store a model with its report in a registry of containers, or write a Dockerfile that fetches it by digest."""
    if bool(folder) == bool(oci):
        raise UsageError("expected one of -o DIR and --oci HOST/REPO[:TAG]", "mvc package --help")
    output: Output = ctx.obj
    with opened(output, json=json) as project:
        if folder:
            _write_context(output, project, reference, folder, json=json)
        else:
            _store(output, project, reference, oci, json=json)


def _store(output: Output, project: Project, reference: str, oci: str, *, json: bool) -> None:
    from mvc.oci.extra import require  # noqa: PLC0415
    from mvc.oci.reference import parse_target  # noqa: PLC0415

    require()
    from mvc.ops.lifecycle.packaging.noted import note  # noqa: PLC0415
    from mvc.ops.lifecycle.packaging.push import push  # noqa: PLC0415
    from mvc.ops.lifecycle.packaging.subject import Sums, subject_of  # noqa: PLC0415
    from mvc.ops.remotes.content import proven  # noqa: PLC0415

    target, sums = parse_target(oci), Sums()
    copy = proven(project, reference, sums.reader(project.around.progress))
    subject = subject_of(project, reference, copy.path, copy.commit, copy.pointer)
    made = push(project, subject, copy.file, sums, target)
    noted = note(project, subject, made.reference)
    if json:
        print_json(made._replace(noted=noted.commit))
        return
    output.line(f"Packaged {visible(reference)} as {made.reference}")
    output.line(f"{plural(made.files, 'file')}, {size(made.bytes)}; {size(made.sent)} sent")
    if noted.push_line:
        output.line(f"Next: {noted.push_line}")


def _write_context(output: Output, project: Project, reference: str, folder: str, *, json: bool) -> None:
    from mvc.ops.lifecycle.packaging.subject import subject_of  # noqa: PLC0415
    from mvc.ops.lifecycle.packaging.write import write  # noqa: PLC0415
    from mvc.ops.remotes.content import named  # noqa: PLC0415

    path, commit, pointer = named(project, reference)
    made = write(project, subject_of(project, reference, path, commit, pointer), folder)
    if json:
        print_json(made)
        return
    output.line(f"Wrote {visible(made.folder)}: {', '.join(made.files)}")
    output.line(f"The image fetches {visible(made.source)}")
    output.line(f"Next: {visible(made.line)}")
