"""`mvc waive`: writes a waiver of a finding of a model and its report as they are."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.tree import Replacement, replace_files
from mvc.ops.judging.check import check
from mvc.ops.shared.evidence.listed_waivers import PresentModels, read_waivers, renewed
from mvc.ops.shared.other_pointers.workspace import pointers_here
from mvc.ops.shared.reports import model_of
from mvc.ops.shared.selection import chosen
from mvc.project import Project
from mvc.quality.files import WAIVERS
from mvc.quality.judge.fixes import explained
from mvc.quality.judge.rules.waiver_lines import with_waiver
from mvc.quality.judge.rules.waivers import MAX_BYTES, WAIVABLE, Waiver, is_over, parse_day, parse_waivers
from mvc.scm.commits import identity
from mvc.scm.staging import stage


class WaiveOptions(NamedTuple):
    """The options of `mvc waive`."""

    reason: str
    expires: str
    owner: str = ""
    """Empty: the email address of Git's user."""


class Waived(NamedTuple):
    """A waiver that is in the file."""

    waiver: Waiver
    is_new: bool
    """False if the file had it already."""
    is_found: bool
    """Whether `mvc eval check` has such a finding now."""


def waive(project: Project, code: str, typed: str, options: WaiveOptions, now: float) -> Waived:
    """Write a waiver of `code` for the model `typed`, and stage the file; `now` in seconds since the epoch.

    Raises:
        UsageError: the code cannot be waived, the path is not one tracked model, or an option is wrong.
        MvcError: the model cannot be judged, or the file cannot be written.
    """
    if not WAIVABLE.fullmatch(code):
        raise UsageError(f"{code} cannot be waived", explained(code))
    _check(options, now)
    owner = options.owner.strip() or identity(project.git)
    if not owner:
        raise UsageError("Git has no user.email, so the owner of the waiver is unknown", "--owner WHO")
    path = model_of(project.shell.path(typed))
    model, report = _digests(project, path, code)
    waiver = Waiver(code, model, report, options.reason.strip(), owner, options.expires, path)
    found = _is_found(project, waiver, now)
    return Waived(waiver, is_new=_write(project, waiver), is_found=found)


def _check(options: WaiveOptions, now: float) -> None:
    if not options.reason.strip():
        raise UsageError("--reason is empty", "--reason TEXT")
    day = parse_day(options.expires)
    if day is None:
        raise UsageError(f"--expires {options.expires}: expected a day such as 2027-01-31", f"--expires {renewed(now)}")
    if is_over(day, now):
        raise UsageError(f"--expires {options.expires}: this day has passed", f"--expires {renewed(now)}")


def _digests(project: Project, path: str, code: str) -> tuple[str, str]:
    models = PresentModels(project)
    if found := models.digests(path, code):
        return found
    selected = [item.item.path for item in chosen(project, project.tracked(), [path])]
    if selected != [path]:
        raise UsageError(f"{path or 'the repository'} is not one tracked path", project.shell.line("mvc ls", path))
    raise UsageError(f"pointer or report of {path} cannot be read", project.shell.line("mvc eval check", path))


def _is_found(project: Project, waiver: Waiver, now: float) -> bool:
    """Whether the waiver is about a finding that there is, waived already or not."""
    if waiver.path not in {**project.tracked(), **pointers_here(project)}:
        return False
    findings = check(project, [waiver.path], now).findings
    here = [item for item in findings if item.path == waiver.path]
    return any(item.code == waiver.code or item.message.startswith(f"{waiver.code} is waived") for item in here)


def _write(project: Project, waiver: Waiver) -> bool:
    """Add a waiver to the file; False if it has it already."""
    with project.locks.worktree():
        raw = read_waivers(project)
        is_new = raw is None or waiver not in parse_waivers(raw)
        if is_new:
            there = project.tree.read(WAIVERS, MAX_BYTES)  # a sparse checkout may leave the file out
            with project.staging() as staging:
                replace_files(project.tree, staging, [Replacement(WAIVERS, there, with_waiver(raw, waiver))])
        stage(project.git, [WAIVERS])
    return is_new
