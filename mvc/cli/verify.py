"""`mvc verify`: the cache or a remote, held against the digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import Json, Paths
from mvc.cli.failures import say
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.cli.uses import FEW_USES, tell_use

if TYPE_CHECKING:
    from mvc.ops.verify import Verified, Wrong
    from mvc.ops.verify_remote import RemoteVerified
    from mvc.project import Project


@app.command(rich_help_panel=WORKSPACE)
def verify(
    ctx: typer.Context,
    paths: Paths = None,
    quick: Annotated[bool, typer.Option("--quick", help="Compare xxh128 where it is known: rot, not forgery.")] = False,
    remote: Annotated[
        str | None, typer.Option("-r", "--remote", metavar="NAME", help="Read this remote, not the cache."),
    ] = None,
    json: Json = False,
) -> int:
    """Read the cache and prove it against the digests; put aside what is wrong."""
    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = _verified(project, project.paths(paths or []), remote, quick=quick)
        if json:
            print_json(result)
        else:
            _show_verified(output, project, result)
    return 1 if result.wrong else 0


def _verified(project: Project, paths: list[str], remote: str | None, *, quick: bool) -> Verified | RemoteVerified:
    if remote:
        from mvc.ops.verify_remote import verify_remote  # noqa: PLC0415

        return verify_remote(project, remote, paths, quick=quick)
    from mvc.ops.verify import verify as run  # noqa: PLC0415

    return run(project, paths, quick=quick)


def _show_verified(output: Output, project: Project, result: Verified | RemoteVerified) -> None:
    remote = getattr(result, "remote", "")
    for wrong in result.wrong:
        if wrong.whole:
            path = wrong.users[0]
            line = f"{project.line('mvc log', path)}  # its other versions"
            say(f"object {wrong.blake3}, which {path} needs: {wrong.reason}", line)
        elif remote:
            _show_wrong_there(project, remote, wrong)
        else:
            _show_wrong(project, wrong)
        for use in wrong.history[: None if output.verbose else FEW_USES]:
            output.note(f"  needed by {tell_use(use)}")
    where = f" from {visible(remote)}" if remote else ""
    output.line(f"{plural(result.objects, 'object')}, {size(result.bytes)} read{where}: {len(result.wrong)} wrong.")


def _show_wrong_there(project: Project, remote: str, wrong: Wrong) -> None:
    """A remote is never altered: say who can mend it, and how."""
    command = f"mvc push --repair -r {remote}"
    line = project.line(command, wrong.users[0]) if wrong.users else f"{command} --all-commits"
    where = f", which {wrong.users[0]} needs" if wrong.users else ""
    say(f"object {wrong.blake3}{where}: {wrong.reason} on {remote}", f"{line}  # in a clone that has the content")


def _show_wrong(project: Project, wrong: Wrong) -> None:
    if wrong.repaired_from:
        say(f"object {wrong.blake3}: {wrong.reason}; repaired from {project.show(wrong.repaired_from)}")
        return
    say(f"object {wrong.blake3}: {wrong.reason}{'' if 'quarantine' in wrong.reason else '; it is in quarantine now'}")
    for path in wrong.users:
        say(f"{path} needs it", f"{project.line('mvc verify', path)}  # once its content is back at that place")
