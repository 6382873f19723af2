"""Selections, grouped by remote."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mvc.errors import MvcError, UsageError
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.transfers.results import TransferFailure, TransferResult
from mvc.ops.shared.transfers.selected import Selected
from mvc.project import Project
from mvc.store.buckets.bucket import RemoteError
from mvc.workspace.tracked import Selection


def to_each_remote(
    project: Project,
    meant: Selected,
    remote: str | None,
    move: Callable[[str, tuple[Selection, ...]], TransferResult],
) -> list[TransferResult]:
    """Call `move` for each remote with its selections; a remote that fails does not stop the others.

    Raises:
        UsageError: no such remote.
        MvcError: the only remote answers, but cannot be used.
    """
    groups, unknown = by_remote(project, meant.selections, remote)
    results: list[TransferResult] = []
    for name, selections in groups.items():
        try:
            results.append(move(name, selections) if selections else TransferResult(name))
        except MvcError as error:
            if len(groups) == 1 and not isinstance(error, RemoteError):
                raise
            results.append(TransferResult(name, failed=(TransferFailure.of("", error),)))
    first = results[0]
    return [first._replace(failed=(*meant.failed, *unknown, *first.failed)), *results[1:]]


def by_remote(
    project: Project, selections: Iterable[Selection], remote: str | None,
) -> tuple[dict[str, tuple[Selection, ...]], tuple[TransferFailure, ...]]:
    """Return the selections by remote: `remote`, else the pointer's own, else the default.

    Without selections the default remote gets none. Selections whose remote does not exist are failures.

    Raises:
        UsageError: there is no remote `remote`, or no default.
    """
    by_wanted: dict[str | None, list[Selection]] = {}
    for selection in selections:
        notes = selection.item.pointer.notes if selection.item.pointer else None
        by_wanted.setdefault(remote or (notes and notes.remote) or None, []).append(selection)
    groups: dict[str, tuple[Selection, ...]] = {}
    failed: list[TransferFailure] = []
    for wanted, items in by_wanted.items():
        try:
            name = find_remote(project, wanted).name
        except UsageError as error:
            if wanted == remote:
                raise
            failed += [_unknown_remote(selection, error) for selection in items]
        else:
            groups[name] = (*groups.get(name, ()), *items)
    return groups or {find_remote(project, remote).name: ()}, tuple(failed)


def _unknown_remote(selection: Selection, error: UsageError) -> TransferFailure:
    item = selection.item
    return TransferFailure(item.path, error=f"{item.pointer_path} names its own remote: {error.message}", fix=error.fix)
