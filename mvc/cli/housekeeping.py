"""`mvc gc` and `mvc verify`: the cache kept small and sound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import FEW, Json, Paths
from mvc.cli.failures import say
from mvc.cli.output import Output, plural, print_json, size, visible

if TYPE_CHECKING:
    from mvc.ops.gc import Garbage, GcResult
    from mvc.ops.uses import Use
    from mvc.ops.verify import Verified, Wrong
    from mvc.ops.verify_remote import RemoteVerified
    from mvc.project import Project

_FEW_USES = 3



@app.command(rich_help_panel=WORKSPACE)
def gc(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Free what the plan names; without it nothing changes.")] = False,
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="Keep what is younger: 14d, 36h, 2w; 0 for nothing."),
    ] = "14d",
    unpushed: Annotated[bool, typer.Option("--unpushed", help="Free what is on no remote, too.")] = False,
    evict: Annotated[
        bool, typer.Option("--evict", help="Free what the remote holds and no HEAD needs, too."),
    ] = False,
    remote: Annotated[str | None, typer.Option("-r", "--remote", metavar="NAME", help="Ask this remote.")] = None,
    json: Json = False,
) -> None:
    """Free content that no commit, stash, index or workspace needs any more."""
    from mvc.ops import gc as ops  # noqa: PLC0415

    output: Output = ctx.obj
    options = ops.GcOptions(yes, ops.parse_grace(grace), unpushed, evict, remote)
    with opened(output, json=json) as project:
        result = ops.gc(project, options)
    if json:
        print_json(result)
    else:
        given = f"{' --unpushed' if unpushed else ''}{' --evict' if evict else ''}{f' -r {remote}' if remote else ''}"
        _show_gc(output, result, given, grace)


def _show_gc(output: Output, result: GcResult, given: str, grace: str) -> None:
    if result.garbage:
        verb = "Moved to the trash" if result.done else "Needed by nothing"
        output.line(f"{verb}: {_much(len(result.garbage), result.bytes)}.")
        _show_garbage(output, result.garbage)
    else:
        output.line("Nothing to free.")
    for kept, why in ((result.young, f"stored less than {grace} ago"), (result.unpushed, "on no remote")):
        if kept.objects:
            output.line(f"Needed by nothing, but {why}, so kept: {_much(*kept)}.")
    if result.purged.objects:
        verb = "Deleted" if result.done else "Will be deleted"
        output.line(f"{verb} from the trash: {_much(*result.purged, 'file')}.")
    if result.trash.objects and result.done:
        output.line(f"In the trash for {grace}: {_much(*result.trash, 'file')}.")
    _show_next(output, result, given, grace)


def _much(count: int, total: int, noun: str = "object") -> str:
    return f"{plural(count, noun)}, {size(total)}"


def _show_next(output: Output, result: GcResult, given: str, grace: str) -> None:
    span = "" if grace == "14d" else f" --grace {grace}"
    if not result.done and (result.garbage or result.purged.objects):
        output.line(f"Nothing was changed. Next: mvc gc --yes{given}{span}")
    elif result.unpushed.objects:
        output.line(f"Next: mvc gc --unpushed{span}  # plans to free what is on no remote, too")


def _show_garbage(output: Output, garbage: tuple[Garbage, ...]) -> None:
    for item in garbage[: None if output.verbose else FEW]:
        name = item.blake3 if output.verbose else item.blake3[:12]
        output.line(f"  {size(item.size):>9}  {name}  {_first(item.users)}")
        for use in item.users[1 : None if output.verbose else _FEW_USES]:
            output.line(f"{'':25}{tell_use(use)}")
    if len(garbage) > FEW and not output.verbose:
        output.line(f"  ... and {plural(len(garbage) - FEW, 'more object')} (-v names them)")


def _first(users: Iterable[Use]) -> str:
    return next(map(tell_use, users), "not known to whom it belonged")


def tell_use(use: Use) -> str:
    """Return in one line whose content it is, or was."""
    if not use.commit:
        return f"{visible(use.path)}, never committed"
    tags = f" ({', '.join(map(visible, use.tags))})" if use.tags else ""
    origin = f"{use.commit[:12]}{tags} {use.date[:10]} {visible(use.author)}"
    return f"{visible(use.path)}, from {origin}: {visible(use.subject)}"


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
        if remote:
            _show_wrong_there(project, remote, wrong)
        else:
            _show_wrong(project, wrong)
        for use in wrong.history[: None if output.verbose else _FEW_USES]:
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
