"""`mvc gc`: what nothing needs any more, in the cache or on a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import FEW, Json
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.cli.uses import FEW_USES, tell_use

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mvc.ops.gc import Garbage, GcOptions, GcResult
    from mvc.ops.gc_remote import RemoteGcResult
    from mvc.ops.uses import Use
    from mvc.project import Project


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
    remote: Annotated[
        str | None, typer.Option("-r", "--remote", metavar="NAME", help="Collect this remote; with --evict, ask it."),
    ] = None,
    json: Json = False,
) -> int:
    """Free content that no commit, stash, index or workspace needs any more."""
    from mvc.ops import gc as ops  # noqa: PLC0415

    output: Output = ctx.obj
    options = ops.GcOptions(yes, ops.parse_grace(grace), unpushed, evict, remote)
    with opened(output, json=json) as project:
        result = ops.gc(project, options) if evict or not remote else _collected(project, options)
    if json:
        print_json(result)
    elif isinstance(result, ops.GcResult):
        given = f"{' --unpushed' if unpushed else ''}{' --evict' if evict else ''}{f' -r {remote}' if remote else ''}"
        _show_gc(output, result, given, grace)
    else:
        _show_collected(output, result, grace)
    return result.exit_code if isinstance(result, ops.GcResult) else 0


def _collected(project: Project, options: GcOptions) -> RemoteGcResult:
    from mvc.ops.gc_remote import gc_remote  # noqa: PLC0415

    return gc_remote(project, options)


def _show_gc(output: Output, result: GcResult, given: str, grace: str) -> None:
    if result.garbage:
        verb = "Moved to the trash" if result.done else "Needed by nothing"
        output.line(f"{verb}: {_much(len(result.garbage), result.bytes)}.")
        _show_garbage(output, result.garbage)
    else:
        output.line("Nothing to free.")
    for silent in result.silent:
        output.note(f"warning: the remote {visible(silent.remote)} was not asked: {visible(silent.error)}")
    _show_damaged(output, result)
    for kept, why in ((result.young, f"stored less than {grace} ago"), (result.unpushed, "on no remote")):
        if kept.objects:
            output.line(f"Needed by nothing, but {why}, so kept: {_much(*kept)}.")
    if result.dispensable.objects:
        verb = "Moved" if result.done else "Will be moved"
        told = "damaged, and a sound copy is in the cache"
        output.line(f"{verb} from quarantine to the trash: {_much(*result.dispensable, 'file')}; {told}.")
    if result.quarantine.objects:
        why = f"put there less than {grace} ago, or no sound copy is in the cache"
        output.line(f"In quarantine: {_much(*result.quarantine, 'file')}; {why}.")
    if result.purged.objects:
        verb = "Deleted" if result.done else "Will be deleted"
        output.line(f"{verb} from the trash: {_much(*result.purged, 'file')}.")
    if result.trash.objects and result.done:
        output.line(f"In the trash for {grace}: {_much(*result.trash, 'file')}.")
    _show_next(output, result, given, grace)


def _show_damaged(output: Output, result: GcResult) -> None:
    """Name what is damaged on a remote, so that it was not evicted, and what mends that."""
    for item in result.damaged[: None if output.verbose else FEW]:
        name = item.blake3 if output.verbose else item.blake3[:12]
        output.note(f"warning: {name} stays here, for it is damaged on {visible(item.remote)}: {visible(item.reason)}")
    if len(result.damaged) > FEW and not output.verbose:
        output.note(f"... and {plural(len(result.damaged) - FEW, 'more object')} (-v names them)")
    for fix in dict.fromkeys(item.fix for item in result.damaged):
        output.note(f"  try: {visible(fix)}")


def _much(count: int, total: int, noun: str = "object") -> str:
    return f"{plural(count, noun)}, {size(total)}"


def _show_next(output: Output, result: GcResult, given: str, grace: str) -> None:
    span = "" if grace == "14d" else f" --grace {grace}"
    if not result.done and (result.garbage or result.dispensable.objects or result.purged.objects):
        if "--evict" in given:
            output.line("With --yes, what history needs of it is read on the remote first, to prove it there.")
        output.line(f"Nothing was changed. Next: mvc gc --yes{given}{span}")
    elif result.unpushed.objects:
        output.line(f"Next: mvc gc --unpushed{span}  # plans to free what is on no remote, too")


def _show_collected(output: Output, result: RemoteGcResult, grace: str) -> None:
    there = f"on {visible(result.remote)}"
    found, half = len(result.garbage), result.strays
    if found or half.objects:
        verb = f"Listed {there}" if result.done else f"Needed by nothing {there}"
        output.line(f"{verb}: {_much(found, result.bytes)}.")
        _show_garbage(output, result.garbage)
        if half.objects:
            left = f"{plural(half.objects, 'file')} of packs that were merged, or of pushes that were killed"
            output.line(f"  {size(half.bytes):>9}  {left}")
    if result.deleted.objects or result.deleted.bytes:
        output.line(f"{'Deleted' if result.done else 'Will be deleted'} {there}: {_much(*result.deleted)}.")
    if result.waiting.objects:
        output.line(f"Listed by an earlier gc, to be deleted from {result.due[:10]} on: {_much(*result.waiting)}.")
    if result.young.objects:
        output.line(f"Needed by nothing, but stored less than {grace} ago, so kept: {_much(*result.young)}.")
    _show_clones(output, result)
    _show_next_there(output, result, grace)


def _show_clones(output: Output, result: RemoteGcResult) -> None:
    for clone in result.clones[: None if output.verbose else FEW]:
        needs = f"Kept for {visible(clone.place)} alone: {_much(clone.objects, clone.bytes)}"
        output.line(f"{needs}. It pushed on {clone.pushed[:10]} (repos/{clone.id}).")
    if len(result.clones) > FEW and not output.verbose:
        output.line(f"... and for {plural(len(result.clones) - FEW, 'more clone')} (-v names them)")


def _show_next_there(output: Output, result: RemoteGcResult, grace: str) -> None:
    line = f"mvc gc -r {result.remote} --yes{'' if grace == '14d' else f' --grace {grace}'}"
    work = result.garbage or result.strays.objects
    if not result.done and (work or result.deleted.objects):
        output.line(f"Nothing was changed. Next: git fetch --all && {line}")
    elif result.done and work and result.grace:
        output.line(f"Next: {line}  # in {grace}: it deletes what is listed")
    elif not (work or result.deleted.objects or result.waiting.objects or result.young.objects):
        output.line(f"Nothing to free on {visible(result.remote)}.")


def _show_garbage(output: Output, garbage: tuple[Garbage, ...]) -> None:
    for item in garbage[: None if output.verbose else FEW]:
        name = item.blake3 if output.verbose else item.blake3[:12]
        output.line(f"  {size(item.size):>9}  {name}  {_first(item.users)}")
        for use in item.users[1 : None if output.verbose else FEW_USES]:
            output.line(f"{'':25}{tell_use(use)}")
    if len(garbage) > FEW and not output.verbose:
        output.line(f"  ... and {plural(len(garbage) - FEW, 'more object')} (-v names them)")


def _first(users: Iterable[Use]) -> str:
    return next(map(tell_use, users), "not known to whom it belonged")
