"""Checks of a worktree: its pointers, and how Git treats them and tracked content."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from mvc.fs.scratch import SIBLING, left_behind
from mvc.ops.doctor.problem import Check, Problem, some
from mvc.ops.shared.content.missing import may_be_elsewhere, missing_content, way_out
from mvc.ops.shared.evidence.listed_waivers import expired_waivers, renewed
from mvc.ops.shared.hook_scripts import find_hooks
from mvc.ops.shared.merge_driver import missing_settings
from mvc.ops.shared.remotes import bringing
from mvc.ops.shared.selection import unusable
from mvc.project import ATTRIBUTE_LINES, ATTRIBUTES, Project
from mvc.quality.files import WAIVERS
from mvc.retention.available import known_objects
from mvc.scm import condition
from mvc.scm.index import index_paths
from mvc.store.cache.inventory import quarantined_objects
from mvc.workspace.ignore import in_workspace, not_excluded
from mvc.workspace.observe import ObserveOptions, observe
from mvc.workspace.read_files import hashing
from mvc.workspace.scan import scan
from mvc.workspace.tracked import Selection, Tracked

_MINUTE_NS = 60 * 10**9
_ANY = ".mvc-any"
"""A name that no file has: of a tracked directory Git ignores all but what `.mvcignore` excludes."""


def checks(project: Project, now: int) -> list[Check]:
    """Return the checks of the project's worktree; `now` in ns since the epoch."""
    tracked = list(project.tracked().values())
    present = [item.path for item in tracked if os.path.lexists(f"{project.root}/{item.path}")]
    return [
        partial(_index_lock, project),
        partial(_attributes, project),
        partial(_hooks, project),
        partial(_merge_driver, project),
        partial(_pointers, project, tracked),
        partial(_in_index, project, tracked),
        partial(_not_ignored, project, present),
        partial(_quarantine, project, tracked),
        partial(_missing, project, tracked),
        partial(_left_behind, project, tracked),
        partial(_clock, project, present, now),
        partial(_unbound, project, present),
        partial(_waivers, project, now // 10**9),
    ]


def _index_lock(project: Project) -> Iterator[Problem]:
    path = f"{project.layout.git_dir}/index.lock"
    if os.path.lexists(path):
        yield Problem(
            "index-lock",
            f"{path} exists: another git is running, or left it behind",
            f"rm {shlex.quote(path)}  # if no git is running",
        )


def _attributes(project: Project) -> Iterator[Problem]:
    missing = [line for line in ATTRIBUTE_LINES if not _holds(project, line)]
    if missing:
        text = "".join(f"\\n{line}" for line in missing)
        path = shlex.quote(project.shell.show(ATTRIBUTES))
        yield Problem(
            "attributes",
            f"{ATTRIBUTES} lets Git convert line ends, or merge as text: it lacks {some(missing)}",
            f"printf '{text}\\n' >> {path} && git add {path}",
        )


def _holds(project: Project, line: str) -> bool:
    """Whether Git does what a line of `.gitattributes` says."""
    pattern, *attributes = line.split()
    pairs = (text.partition("=") for text in attributes)
    wanted = {name: value or "set" for name, _, value in pairs}
    return condition.has_attributes(project.git, pattern.replace("*", "x"), wanted)


def _merge_driver(project: Project) -> Iterator[Problem]:
    if missing := list(missing_settings(project)):
        text = f"Git does not merge with this mvc: it lacks the settings {some(missing)}"
        yield Problem("merge-driver", text, "mvc init")


def _hooks(project: Project) -> Iterator[Problem]:
    found = find_hooks(project)
    if found.missing:
        where = "" if found.own else f" in {found.folder}"
        yield Problem("hooks-missing", f"missing Git hooks{where}: {some(found.missing)}", found.fix)
    outdated = [hook.name for hook in found.hooks if hook.state == "outdated"]
    if outdated:
        text = f"Git hooks of another mvc version or installation: {some(outdated)}"
        yield Problem("hooks-outdated", text, "mvc hook install")


def _pointers(project: Project, tracked: list[Tracked]) -> Iterator[Problem]:
    for item in tracked:
        if item.condition in ("invalid", "conflict"):
            yield Problem.of(f"pointer-{item.condition}", unusable(project, item))
        elif item.unordered:
            yield Problem("pointer-unordered", item.problem, project.shell.line("mvc add", item.path))


def _in_index(project: Project, tracked: list[Tracked]) -> Iterator[Problem]:
    index, rules = index_paths(project.git), in_workspace(project.tree)
    in_git = {item.path: index.at_or_below(item.path) for item in tracked}
    twice = {path: not_excluded(rules, path, files) for path, files in in_git.items()}
    if found := [path for path, files in twice.items() if files]:
        whole = [path for path in found if twice[path] == in_git[path]]
        parts = [file for path in found if path not in whole for file in twice[path]]
        fix = project.shell.line("git rm -r -q --cached --", *whole, *parts)
        yield Problem("in-index", f"tracked by both Git and mvc: {some(found)}", fix)


def _not_ignored(project: Project, present: list[str]) -> Iterator[Problem]:
    path_of = {f"{path}/{_ANY}" if _is_directory(project, path) else path: path for path in present}
    if found := [path_of[name] for name in condition.not_ignored(project.git, path_of)]:
        yield Problem("not-ignored", f"Git does not ignore {some(found)}", project.shell.line("mvc add", *found))


def _is_directory(project: Project, path: str) -> bool:
    full = f"{project.root}/{path}"
    return os.path.isdir(full) and not os.path.islink(full)


def _quarantine(project: Project, tracked: list[Tracked]) -> Iterator[Problem]:
    quarantined = quarantined_objects(project.cache).keys()
    if not quarantined:
        return
    gone = project.cache.missing(quarantined)
    paths = [
        item.path
        for item in tracked
        if item.pointer and any(digest.blake3 in gone for _, digest in known_objects(project.cache, item.pointer))
    ]
    if paths:
        fix = f"{project.shell.line('mvc add', *paths)}  # if the workspace still has the content"
        yield Problem("quarantine", f"only damaged content is left, in quarantine, of {some(paths)}", fix)


def _missing(project: Project, tracked: list[Tracked]) -> Iterator[Problem]:
    """Find content that is lost, as far as this clone knows. Nothing is remembered: doctor writes no catalog."""
    if may_be_elsewhere(project):
        return
    read = ObserveOptions(None, hashing(project.around.progress))
    missing = missing_content(
        project, map(Selection, tracked), lambda path: observe(project.tree, path, project.links, read),
    )
    if paths := sorted({path for item in missing for path in item.users}):
        message = f"neither cache nor workspace has the content of {some(paths)}, and no remote is configured"
        yield Problem("content-missing", message, way_out(project, min(item.path for item in missing)))


def _left_behind(project: Project, tracked: list[Tracked]) -> Iterator[Problem]:
    found = []
    for folder in sorted(_folders(project, tracked)):
        path = f"{folder}/{SIBLING}" if folder else SIBLING
        if left_behind(f"{project.root}/{path}"):
            found.append(path)
    if found:
        line = project.shell.line("rm -r", *found)
        yield Problem("left-behind", f"left behind by a killed command: {some(found)}", line)


def _folders(project: Project, tracked: list[Tracked]) -> set[str]:
    """Return the directories in which checkout writes files."""
    found = {""}
    for item in tracked:
        found.add(item.path.rpartition("/")[0])
        for folder, names, _ in os.walk(f"{project.root}/{item.path}"):
            found.add(os.path.relpath(folder, project.root))
            names[:] = [name for name in names if name != SIBLING]
    return found


def _clock(project: Project, present: list[str], now: int) -> Iterator[Problem]:
    ahead = {path: newest for path in present if (newest := _newest(f"{project.root}/{path}")) > now + _MINUTE_NS}
    if ahead:
        minutes = (max(ahead.values()) - now) // _MINUTE_NS
        test = r"\( -newermt '1 minute' -o -newerct '1 minute' \) -exec touch -h {} +"
        yield Problem(
            "clock",
            f"the clock is {minutes:,} min behind the timestamps of {some(ahead)}",
            f"{project.shell.line('find', *ahead)} {test}  # if the clock is right; else set it",
        )


def _newest(top: str) -> int:
    """Return the newest timestamp of a file at or below `top`, in ns."""
    newest = _timestamp(top) if not os.path.isdir(top) else 0
    for folder, _, files in os.walk(top):
        newest = max([newest, *(_timestamp(f"{folder}/{name}") for name in files)])
    return newest


def _timestamp(path: str) -> int:
    with suppress(FileNotFoundError):
        status = os.lstat(path)
        return max(status.st_mtime_ns, status.st_ctime_ns)
    return 0


def _unbound(project: Project, present: list[str]) -> Iterator[Problem]:
    """Look for symlinks of mvc that lead nowhere, where it makes symlinks: that needs a look at every file."""
    if "symlink" not in project.links.types:
        return
    if found := [path for path in present if scan(project.tree, path, project.links).unbound]:
        message = f"symlinks into a cache that was moved, or lost the objects: {some(found)}"
        yield Problem("dangling-links", message, project.shell.line(bringing(project), *found))


def _waivers(project: Project, now: float) -> Iterator[Problem]:
    for waiver, path in expired_waivers(project, now):
        options = shlex.join(["--reason", waiver.reason, "--expires", renewed(now), "--owner", waiver.owner])
        line = f"{project.shell.line(f'mvc waive {waiver.code}', path)} {options}  # or remove it from {WAIVERS}"
        message = f"the waiver of {waiver.code} for {path} by {waiver.owner} expired on {waiver.expires}"
        yield Problem("waiver-expired", message, line)
