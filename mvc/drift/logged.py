"""The rows of a prediction log, as one side of a comparison."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mvc.drift.pairing import common_kind
from mvc.drift.read import Source
from mvc.drift.result import ModelVersion
from mvc.errors import UsageError
from mvc.evaluation.live.prediction_log import (
    BLAKE3,
    MODEL,
    OWN,
    VERSION,
    Part,
    Remark,
    by_version,
    codes_of,
    read_rows,
)
from mvc.evaluation.predictions import Wanted
from mvc.evaluation.roles import PREDICTED, SCORE

_NAMES = (MODEL, VERSION, BLAKE3)
_Batch: TypeAlias = Any
"""pyarrow has no types."""


class Log(NamedTuple):
    """The rows of a log that are compared."""

    source: Source
    features: tuple[str, ...]
    """The columns that the model took."""
    versions: tuple[ModelVersion, ...]
    """Those in the rows."""


def read_log(parts: Iterable[Part], what: str, wanted: ModelVersion, remark: Remark) -> Log:
    """Find in the parts the rows of the wanted version; those of all versions if its digest is empty.

    Raises:
        UsageError: there are none, or they are of several models.
    """
    parts = [part for part in parts if part.kinds.keys() >= set(_NAMES)]
    counts = {part.path: _count(part, remark) for part in parts}
    total = sum(counts.values(), Counter[ModelVersion]())
    versions = sorted(item for item in total if wanted.blake3 in ("", item.blake3))
    if not versions:
        raise _nothing(what, wanted, sorted(total))
    if len(models := sorted({item.model for item in versions})) > 1:
        message = f"{what} has rows of several models: {', '.join(models)}"
        raise UsageError(message, f"--current DIR/{shlex.quote(models[0])}")
    parts = [part for part in parts if any(counts[part.path][item] for item in versions)]
    kinds = _common_kinds(parts)
    features = tuple(name for name in kinds if name != PREDICTED and not name.startswith(SCORE))
    rows = sum(total[item] for item in versions)
    source = Source(what, kinds, rows, partial(_batches, parts, wanted.blake3, remark))
    return Log(source, features, tuple(versions))


def title(version: ModelVersion) -> str:
    """Return `ranker@v1.3.0`."""
    return "@".join(filter(None, (version.model, version.version))) or version.blake3[:12]


def _common_kinds(parts: Sequence[Part]) -> dict[str, str]:
    """Return the types of the columns that all parts have, without those that are about the request."""
    kinds = {name: kind for name, kind in parts[0].kinds.items() if not name.startswith(OWN)}
    for part in parts[1:]:
        kinds = {name: common_kind(kind, part.kinds[name]) for name, kind in kinds.items() if name in part.kinds}
    return kinds


def _nothing(what: str, wanted: ModelVersion, there: Sequence[ModelVersion]) -> UsageError:
    if not there:
        return UsageError(f"{what} has no rows of a prediction log", "--current DIR  # that of mvc serve --log")
    message = f"{what} has no rows of {title(wanted)}: it has {', '.join(map(title, there))}"
    return UsageError(message, "--reference FILE  # takes the rows of all versions")


def _count(part: Part, remark: Remark) -> Counter[ModelVersion]:
    """Count the rows by version."""
    found: Counter[ModelVersion] = Counter()
    for batch in read_rows([part], Wanted(_NAMES, ()), remark):
        for texts, places in by_version(batch):
            found[ModelVersion(*texts)] += len(places)
    return found


def _batches(parts: Sequence[Part], blake3: str, remark: Remark, wanted: Wanted) -> Iterator[_Batch]:
    if not blake3:
        yield from read_rows(parts, wanted, remark)
        return
    more = wanted._replace(texts=(*wanted.texts, BLAKE3))
    for batch in read_rows(parts, more, remark):
        column = batch.column(BLAKE3).dictionary_encode()
        is_wanted = np.array([*(text == blake3 for text in column.dictionary.to_pylist()), False])  # -1: missing
        yield batch.filter(is_wanted[codes_of(column)])
