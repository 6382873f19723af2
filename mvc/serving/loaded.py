"""Models that are served: an immutable value for each, which a swap replaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mvc.objects.names import address_name
from mvc.runtime.predictor import Array
from mvc.serving.tensor_model import TensorModel
from mvc.serving.work import Pace


class Identity(NamedTuple):
    """The labels of all series: which model, which version, which bytes."""

    model: str
    """Its name in the registry, or the one that it was given: `search/ranker`."""
    version: str
    """Such as `v1.3.0`; the first 12 digits of its blake3 for content without a version."""
    blake3: str


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory, and where it is from."""

    identity: Identity
    model: TensorModel
    ref: str
    """As typed."""
    stage: str
    """Empty where REF names none."""
    path: str
    """The tracked path."""
    text: str
    """What names the content, and nothing else later: the commit and the path."""
    sample: dict[str, Array] = field(default_factory=dict)
    """A row that it answered, which the version after it must answer, too; nothing before the first request."""
    pace: Pace = field(default_factory=Pace)
    """How long it takes of late."""

    @cached_property
    def address(self) -> str:
        """Its name in addresses: `search-ranker`."""
        return address_name(self.identity.model)


@dataclass(eq=False)
class Served:
    """What a name stands for at present. A request uses the value that it read first."""

    now: Loaded
    retired: bool = field(default=False)
    """Whether the registry says that this version is not to be used any more."""

    @property
    def name(self) -> str:
        """The name of the model, as in the labels of series."""
        return self.now.identity.model
