"""Which column of the reference is compared with which of the current data."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from mvc.errors import UsageError
from mvc.evaluation.predictions import EMPTY
from mvc.evaluation.roles import TRUTH
from mvc.quality.words import clipped

_POSITION = re.compile(r"(.+)_(\d+)")
_LISTED = 20


def common_kind(one: str, other: str) -> str:
    """Return the type of a column in files that are read together, in the terms of `PredictionsFile.kinds`."""
    if other in (one, EMPTY):
        return one
    if one == EMPTY:
        return other
    return "number" if {one, other} == {"integer", "number"} else "of several types"


class Pair(NamedTuple):
    """A column on both sides."""

    reference: str
    current: str
    kind: Literal["numbers", "texts", "changed"]
    """`changed`: of numbers on one side, of texts, or what cannot be compared, on the other."""


class Pairs(NamedTuple):
    """The columns of two files."""

    pairs: tuple[Pair, ...]
    only_reference: tuple[str, ...]
    only_current: tuple[str, ...]
    skipped: Mapping[str, str]
    """Columns that cannot be compared, with the reason."""


def pair(
    reference: Mapping[str, str], current: Mapping[str, str], columns: Sequence[str], features: Sequence[str] = (),
    truth: str = TRUTH,
) -> Pairs:
    """Pair columns of the same name; the types are those of `PredictionsFile.kinds`.

    Args:
        reference: the types by column.
        current: likewise.
        columns: those to compare, by their name in the reference; all if empty.
        features: the columns of a log that the model took. If all are named by their position in one input, as
            `X_0` and `X_1` are, and no name is in the reference, they are paired by position with `columns`, or with
            all columns of the reference that the log does not have, if these are as many.
        truth: the column of the reference with the true values, which no model takes.

    Raises:
        UsageError: a column of `columns` is not in both, or there is no common column that can be compared.
    """
    given = columns or [name for name in reference if name not in current and name != truth]
    there = {name: name for name in reference} | _by_position(reference, features, given)
    if columns:
        _check_columns(reference, current, columns, there)
    common = {name: other for name, other in there.items() if other in current and (not columns or name in columns)}
    if not common:
        message = f"no common column: the reference has {_listed(reference)}; the current data has {_listed(current)}"
        raise UsageError(message, "mvc drift --help")
    problems = {name: _problem(reference[name], current[other]) for name, other in common.items()}
    pairs = [Pair(name, other, _kind(reference[name], current[other])) for name, other in common.items()
             if not problems[name]]
    if not pairs:
        told = ", ".join(f"{clipped(name)} {problem}" for name, problem in [*problems.items()][:_LISTED])
        raise UsageError(f"no column can be compared: {told}", "mvc drift --help")
    taken = {*common.values()}
    return Pairs(
        tuple(pairs), tuple(name for name in reference if name not in common and not columns),
        tuple(name for name in current if name not in taken and not columns),
        {name: problem for name, problem in problems.items() if problem},
    )


def _check_columns(
    reference: Collection[str], current: Collection[str], columns: Sequence[str], there: Mapping[str, str],
) -> None:
    for name in columns:
        for names, side, known in (
            (reference, "the reference", name in reference), (current, "the current data", there.get(name) in current),
        ):
            if not known:
                message = f"no column {clipped(name)!r} in {side}: it has {_listed(names)}"
                raise UsageError(message, "--columns NAME,NAME")


def _by_position(reference: Collection[str], features: Collection[str], given: Sequence[str]) -> dict[str, str]:
    """Return the names of features in the log by those in the reference, where they are paired by position."""
    found = [_POSITION.fullmatch(name) for name in features]
    inputs = {match[1] for match in found if match}
    if not found or None in found or len(inputs) != 1 or any(name in reference for name in features):
        return {}
    ordered = [f"{next(iter(inputs))}_{index}" for index in range(len(features))]
    if len(given) != len(ordered) or set(ordered) != set(features):
        return {}
    return dict(zip(given, ordered, strict=True))


FAMILIES: Mapping[str, Literal["numbers", "texts"]] = {"text": "texts", "integer": "numbers", "number": "numbers"}
"""What the values of a column are, by its type, if they can be compared."""


def _problem(*kinds: str) -> str:
    """Return why neither side can be compared; empty if one can, or both are empty."""
    if any(kind in FAMILIES for kind in kinds):
        return ""
    return next((f"is {kind}" for kind in kinds if kind != EMPTY), "")


def _kind(reference: str, current: str) -> Literal["numbers", "texts", "changed"]:
    kinds = {FAMILIES.get(kind) for kind in (reference, current) if kind != EMPTY}
    found = kinds.pop() if kinds else "numbers"
    return "changed" if kinds or found is None else found


def _listed(names: Collection[str]) -> str:
    return (", ".join(clipped(name) for name in [*names][:_LISTED]) or "none") + ", ..." * (len(names) > _LISTED)
