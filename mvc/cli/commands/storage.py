"""`mvc cache`, `verify` and `gc`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import SETTINGS, WORKSPACE, Group, app, opened
from mvc.cli.arguments import Json, Paths
from mvc.cli.failures import say, say_all
from mvc.cli.output import FEW, Output, columns, plain, plural, print_json, size, visible
from mvc.cli.show import FEW_USES, describe_use
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.ops.shared.failures import Failure
    from mvc.ops.shared.object_users import Garbage
    from mvc.ops.storage.cache_size import CacheSize
    from mvc.ops.storage.gc import GcOptions, GcResult
    from mvc.ops.storage.gc_remote import RemoteGcResult
    from mvc.ops.storage.identify import Identified
    from mvc.ops.storage.verify import Missing, Verified, Wrong
    from mvc.ops.storage.verify_remote import RemoteVerified
    from mvc.project import Project


cache = typer.Typer(cls=Group, rich_markup_mode=None, help="Show the cache directory and its size.")
app.add_typer(cache, name="cache", rich_help_panel=SETTINGS)


@cache.command("dir")
def dir_(ctx: typer.Context) -> None:
    """Print the path of the cache."""
    with opened(ctx.obj) as project:
        print(visible(project.cache.root))


@cache.command("size")
def size_(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print the disk usage of the cache, part by part."""
    from mvc.ops.storage.cache_size import cache_size  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = cache_size(project)
    if json:
        print_json(result)
    else:
        for line in columns(_size_rows(result)):
            output.line(line)


def _size_rows(result: CacheSize) -> list[tuple[str, str, str]]:
    nouns = {"loose": "object", "packs": "pack"}
    parts = {name: getattr(result, name) for name in ("loose", "packs", "tmp", "quarantine", "trash", "catalog")}
    rows = [(name, size(part.bytes), plural(part.number, nouns.get(name, "file"))) for name, part in parts.items()]
    return [*rows, ("total", size(result.bytes), "")]


@app.command(rich_help_panel=WORKSPACE)
def verify(
    ctx: typer.Context,
    paths: Paths = None,
    quick: Annotated[bool, typer.Option("--quick", help="Compare xxh128 where known: finds rot, not forgery.")] = False,
    remote: Annotated[
        str | None, typer.Option("-r", "--remote", metavar="NAME", help="Check this remote instead of the cache."),
    ] = None,
    tags: Annotated[bool, typer.Option("--tags", help="Check the tags of versions and stages instead.")] = False,
    json: Json = False,
) -> int:
    """Check the cache against its digests, and quarantine damaged objects; say which version another file is."""
    from mvc.ops.storage.identify import identify, untracked_among  # noqa: PLC0415

    output: Output = ctx.obj
    if tags and (paths or quick or remote):
        raise UsageError("--tags cannot be combined with PATH, --quick or -r", "mvc verify --tags")
    with opened(output, json=json) as project:
        if tags:
            return _verify_tags(output, project, json=json)
        words = paths or []
        files = untracked_among(project, words)
        found = identify(project, files)
        only_files = bool(files) and set(words) == set(files)
        words = [word for word in words if word not in files]
        result = None if only_files else _verified(project, words, remote, quick=quick)
        if json:
            _print_verified(result, found)
        else:
            _show_identified(output, found)
            if result:
                _show_verified(output, project, result)
    return (result.exit_code if result else 0) or (1 if any(not item.versions for item in found) else 0)


def _verify_tags(output: Output, project: Project, *, json: bool) -> int:
    from mvc.ops.versions.verify_tags import verify_tags  # noqa: PLC0415

    result = verify_tags(project, time.time())
    if json:
        lack = result.incomplete
        print_json(result._replace(incomplete=lack.what if lack else ""))  # type: ignore[arg-type]  # for JSON only
        return result.exit_code
    for problem in result.problems:
        if problem.severity == "error":
            say(f"{problem.tag}: {problem.message}")
        else:
            output.note(f"warning: {visible(problem.tag)}: {visible(problem.message)}")
    if result.incomplete:
        say(f"tags may be missing: {result.incomplete.what}", result.incomplete.fix)
    found = plural(len(result.problems), "problem") if result.problems else "no problems"
    output.line(f"Checked {plural(result.tags, 'tag')}, {result.signed:,} with a signature that counts: {found}.")
    if result.problems:
        output.note("Next: mvc help registry  # what each means, and what to do")
    return result.exit_code


def _print_verified(result: Verified | RemoteVerified | None, files: Sequence[Identified]) -> None:
    from mvc.ops.storage.verify import Verified  # noqa: PLC0415

    print_json({**plain(result or Verified(0, 0, ())), "files": plain(files)}, "missing", "failed", "files")


def _show_identified(output: Output, files: Sequence[Identified]) -> None:
    for item in files:
        if not item.versions:
            output.line(f"{visible(item.path)} is not a version of this repository: blake3 {item.blake3}")
        for use in item.versions[: None if output.verbose else FEW_USES]:
            tag = f"{visible(item.tag)} of " if item.tag else ""
            output.line(f"{visible(item.path)} is {tag}{describe_use(use)}")


def _verified(project: Project, words: list[str], remote: str | None, *, quick: bool) -> Verified | RemoteVerified:
    from mvc.ops.shared.selection import typed_paths  # noqa: PLC0415
    from mvc.ops.storage.verify import verify as run  # noqa: PLC0415
    from mvc.ops.storage.verify_remote import verify_remote  # noqa: PLC0415

    failed: list[Failure] = []
    paths = typed_paths(project.shell, words, failed)
    result = verify_remote(project, remote, paths, quick=quick) if remote else run(project, paths, quick=quick)
    return result._replace(failed=(*failed, *result.failed))


def _show_verified(output: Output, project: Project, result: Verified | RemoteVerified) -> None:
    remote = getattr(result, "remote", "")
    for wrong in result.wrong:
        if wrong.whole:
            path = wrong.users[0]
            line = f"{project.shell.line('mvc log', path)}  # its other versions"
            say(f"object {wrong.blake3}, needed by {path}: {wrong.reason}", line)
        elif remote:
            _show_wrong_on_remote(project, remote, wrong)
        else:
            _show_wrong(project, wrong)
        for use in wrong.history[: None if output.verbose else FEW_USES]:
            output.note(f"  needed by {describe_use(use)}")
    _show_missing(output, result.missing)
    say_all(result.failed, silent=False)
    where = f" on {visible(remote)}" if remote else ""
    found = len(result.wrong) + sum(item.lost for item in result.missing) + len(result.failed)
    problems = plural(found, "problem") if found else "no problems"
    output.line(f"Checked {plural(result.objects, 'object')}{where}, {size(result.bytes)}: {problems}.")


def _show_missing(output: Output, missing: Sequence[Missing]) -> None:
    """Print the tracked paths with lost content, and how many other objects a remote may have."""
    lost: dict[str, list[Missing]] = {}
    for item in missing:
        if item.lost:
            lost.setdefault(item.path, []).append(item)
    for items in lost.values():
        first, more = items[0], f" and {plural(len(items) - 1, 'more object')}" if len(items) > 1 else ""
        where = "in neither the cache nor the workspace, and no remote is left to ask"
        say(f"{first.users[0]}: object {first.blake3}{more}: {where}", first.fix)
        for use in first.history[: None if output.verbose else FEW_USES]:
            output.note(f"  needed by {describe_use(use)}")
    if elsewhere := [item for item in missing if not item.lost]:
        output.note(f"note: {plural(len(elsewhere), 'needed object')} not in this clone, so not verified")
        fix = elsewhere[0].fix if len({item.path for item in elsewhere}) == 1 else "mvc pull"
        output.note(f"  try: {visible(fix)}")


def _show_wrong_on_remote(project: Project, remote: str, wrong: Wrong) -> None:
    """Print how another clone can repair the object: `verify` never changes a remote."""
    command = f"mvc push --repair -r {remote}"
    line = project.shell.line(command, wrong.users[0]) if wrong.users else f"{command} --all-commits"
    where = f", needed by {wrong.users[0]}" if wrong.users else ""
    say(f"object {wrong.blake3}{where}: {wrong.reason} on {remote}", f"{line}  # in a clone that has the content")


def _show_wrong(project: Project, wrong: Wrong) -> None:
    if wrong.repaired_from:
        say(f"object {wrong.blake3}: {wrong.reason}; repaired from {project.shell.show(wrong.repaired_from)}")
        return
    say(f"object {wrong.blake3}: {wrong.reason}{'' if 'quarantine' in wrong.reason else '; moved to quarantine'}")
    for path in wrong.users:
        say(f"{path} needs it", f"{project.shell.line('mvc verify', path)}  # after restoring its content there")


@app.command(rich_help_panel=WORKSPACE)
def gc(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Free what the plan lists; without it, nothing changes.")] = False,
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="Keep objects younger than SPAN: 14d, 36h, 2w; 0 keeps none."),
    ] = "14d",
    unpushed: Annotated[bool, typer.Option("--unpushed", help="Also free objects that are on no remote.")] = False,
    evict: Annotated[
        bool, typer.Option("--evict", help="Also free objects that the remote has and no HEAD needs."),
    ] = False,
    remote: Annotated[
        str | None, typer.Option("-r", "--remote", metavar="NAME", help="Collect on NAME, or --evict what NAME has."),
    ] = None,
    json: Json = False,
) -> int:
    """Free content that no commit, stash, index or workspace needs."""
    from mvc.ops.storage import gc as ops  # noqa: PLC0415

    output: Output = ctx.obj
    options = ops.GcOptions(yes, ops.parse_grace(grace), unpushed, evict, remote)
    with opened(output, json=json) as project:
        result = ops.gc(project, options) if evict or not remote else _gc_remote(project, options)
    if json:
        print_json(result)
    elif isinstance(result, ops.GcResult):
        given = f"{' --unpushed' if unpushed else ''}{' --evict' if evict else ''}{f' -r {remote}' if remote else ''}"
        _show_gc(output, result, given, grace)
    else:
        _show_gc_remote(output, result, grace)
    return result.exit_code if isinstance(result, ops.GcResult) else 0


def _gc_remote(project: Project, options: GcOptions) -> RemoteGcResult:
    from mvc.ops.storage.gc_remote import gc_remote  # noqa: PLC0415

    return gc_remote(project, options)


def _show_gc(output: Output, result: GcResult, given: str, grace: str) -> None:
    if result.garbage:
        verb = "Moved to the trash" if result.done else "Unneeded"
        output.line(f"{verb}: {_totals(len(result.garbage), result.bytes)}.")
        _show_garbage(output, result.garbage)
    else:
        output.line("Nothing to free.")
    for silent in result.silent:
        output.note(f"warning: the remote {visible(silent.remote)} did not answer: {visible(silent.error)}")
    _show_damaged(output, result)
    for kept, why in ((result.young, f"stored less than {grace} ago"), (result.unpushed, "on no remote")):
        if kept.objects:
            output.line(f"Unneeded, but kept: {_totals(*kept)} ({why}).")
    _show_files(output, result, grace)
    _show_next(output, result, given, grace)


def _show_files(output: Output, result: GcResult, grace: str) -> None:
    """Print what happened to the files in quarantine and trash."""
    if result.dispensable.objects:
        verb = "Moved" if result.done else "Will be moved"
        files = _totals(*result.dispensable, "file")
        output.line(f"{verb} from quarantine to the trash: {files} (damaged; the cache has intact copies).")
    if result.quarantine.objects:
        why = f"less than {grace} old, or without an intact copy in the cache"
        output.line(f"In quarantine: {_totals(*result.quarantine, 'file')} ({why}).")
    if result.purged.objects:
        verb = "Deleted" if result.done else "Will be deleted"
        output.line(f"{verb} from the trash: {_totals(*result.purged, 'file')}.")
    if result.trash.objects and result.done:
        output.line(f"In the trash for {grace}: {_totals(*result.trash, 'file')}.")


def _show_damaged(output: Output, result: GcResult) -> None:
    """Print the objects that were not evicted because they are damaged on a remote, and how to repair them."""
    for item in output.few(result.damaged):
        name = item.blake3 if output.verbose else item.blake3[:12]
        output.note(f"warning: kept {name}: it is damaged on {visible(item.remote)}: {visible(item.reason)}")
    if len(result.damaged) > FEW and not output.verbose:
        output.note(f"... and {plural(len(result.damaged) - FEW, 'more object')} (-v names them)")
    for fix in dict.fromkeys(item.fix for item in result.damaged):
        output.note(f"  try: {visible(fix)}")


def _totals(count: int, total: int, noun: str = "object") -> str:
    return f"{plural(count, noun)}, {size(total)}"


def _show_next(output: Output, result: GcResult, given: str, grace: str) -> None:
    span = "" if grace == "14d" else f" --grace {grace}"
    if not result.done and (result.garbage or result.dispensable.objects or result.purged.objects):
        if "--evict" in given:
            output.line("With --yes, mvc first reads and checks the objects that history needs on the remote.")
        if "--unpushed" in given:  # the cache may have the only copy: no line to copy without thinking
            output.line("Nothing was changed. --yes frees it; before, mvc get . DIGEST -o OUT writes what you need.")
        else:
            output.line(f"Nothing was changed. Next: mvc gc --yes{given}{span}")
    elif result.unpushed.objects:
        output.line(f"Next: mvc gc --unpushed{span}  # plans to free objects that are on no remote")


def _show_gc_remote(output: Output, result: RemoteGcResult, grace: str) -> None:
    there = f"on {visible(result.remote)}"
    found, half = len(result.garbage), result.strays
    if found or half.objects:
        verb = f"Listed {there}" if result.done else f"Unneeded {there}"
        output.line(f"{verb}: {_totals(found, result.bytes)}.")
        _show_garbage(output, result.garbage)
        if half.objects:
            output.line(f"  {size(half.bytes):>9}  {plural(half.objects, 'file')} of merged packs or killed pushes")
    if result.deleted.objects or result.deleted.bytes:
        output.line(f"{'Deleted' if result.done else 'Will be deleted'} {there}: {_totals(*result.deleted)}.")
    if result.waiting.objects:
        output.line(f"Listed by an earlier gc, to be deleted after {result.due[:10]}: {_totals(*result.waiting)}.")
    if result.young.objects:
        output.line(f"Unneeded, but kept: {_totals(*result.young)} (stored less than {grace} ago).")
    _show_clones(output, result)
    _show_next_on_remote(output, result, grace)


def _show_clones(output: Output, result: RemoteGcResult) -> None:
    for clone in output.few(result.clones):
        kept = f"Kept only for {visible(clone.place)}: {_totals(clone.objects, clone.bytes)}"
        output.line(f"{kept}. Its last push was on {clone.pushed[:10]} (repos/{clone.id}).")
    if len(result.clones) > FEW and not output.verbose:
        output.line(f"... and for {plural(len(result.clones) - FEW, 'more clone')} (-v names them)")


def _show_next_on_remote(output: Output, result: RemoteGcResult, grace: str) -> None:
    line = f"mvc gc -r {result.remote} --yes{'' if grace == '14d' else f' --grace {grace}'}"
    work = result.garbage or result.strays.objects
    if not result.done and (work or result.deleted.objects):
        output.line(f"Nothing was changed. Next: git fetch --all && {line}")
    elif result.done and work and result.grace:
        output.line(f"Next: {line}  # in {grace}: deletes the listed objects")
    elif not (work or result.deleted.objects or result.waiting.objects or result.young.objects):
        output.line(f"Nothing to free on {visible(result.remote)}.")


def _show_garbage(output: Output, garbage: tuple[Garbage, ...]) -> None:
    for item in output.few(garbage):
        name = item.blake3 if output.verbose else item.blake3[:12]
        output.line(f"  {size(item.size):>9}  {name}  {next(map(describe_use, item.users), 'origin unknown')}")
        for use in item.users[1 : None if output.verbose else FEW_USES]:
            output.line(f"{'':25}{describe_use(use)}")
    output.rest(garbage, "object", indent="  ")
