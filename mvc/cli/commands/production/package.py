"""`mvc package`: a model as an artifact in a registry, or as a build context."""

from __future__ import annotations

from typing import Annotated

import typer

from mvc.cli.app import PRODUCTION, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.errors import UsageError

Reference = Annotated[str, typer.Argument(metavar="REF", show_default=False)]
Folder = Annotated[str, typer.Option("-o", "--output", metavar="DIR", help="Write a build context to DIR.")]
Oci = Annotated[str, typer.Option("--oci", metavar="HOST/REPO[:TAG]", help="Store an artifact in this registry.")]


@app.command(rich_help_panel=PRODUCTION)
def package(ctx: typer.Context, reference: Reference, folder: Folder = "", oci: Oci = "", json: Json = False) -> None:
    """Store a model with its report in a registry of containers, or write a Dockerfile that fetches it by digest."""
    if bool(folder) == bool(oci):
        raise UsageError("expected one of -o DIR and --oci HOST/REPO[:TAG]", "mvc package --help")
    from mvc.oci.extra import require  # noqa: PLC0415
    from mvc.oci.reference import parse_reference  # noqa: PLC0415

    require()
    from mvc.ops.lifecycle.packaging.noted import note  # noqa: PLC0415
    from mvc.ops.lifecycle.packaging.push import push  # noqa: PLC0415
    from mvc.ops.lifecycle.packaging.subject import Sums, subject_of  # noqa: PLC0415
    from mvc.ops.remotes.content import proven  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        target, sums = parse_reference(oci), Sums()
        if target.digest:
            raise UsageError("a digest follows from the content: give a tag, or nothing", "--oci HOST/REPO[:TAG]")
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
