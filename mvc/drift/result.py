"""The result of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mvc.drift.compare import ColumnDrift


class ModelVersion(NamedTuple):
    """A version of a model; empty texts for data without a model."""

    model: str = ""
    version: str = ""
    """Without the name of the model: `v1.3.0`."""
    blake3: str = ""
    """Of the model."""


class Data(NamedTuple):
    """The data of one side."""

    name: str
    """As the user named it."""
    rows: int
    blake3: str = ""
    """Of a data set that was proven; else empty."""


class Drift(NamedTuple):
    """Whether the current data differs from the reference."""

    drifted: bool
    level: float
    """The false discovery rate."""
    reference: Data
    current: Data
    model: str
    """`model`, `version` and `blake3` say which version the reference belongs to; empty for data without a model."""
    version: str
    blake3: str
    versions: tuple[str, ...]
    """Of a log: the versions in the rows that were compared."""
    columns: tuple[ColumnDrift, ...]
    """Those that drifted first."""
    only_reference: tuple[str, ...]
    """Columns that the current data does not have."""
    only_current: tuple[str, ...]
    skipped: Mapping[str, str]
    """Columns that cannot be compared, with the reason."""

    @property
    def drifted_columns(self) -> list[ColumnDrift]:
        """The columns that drifted."""
        return [column for column in self.columns if column.drifted]
