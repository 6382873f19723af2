"""What is known of a value that a pickle makes, and of a pickle as a whole."""

from __future__ import annotations

from typing import Any, NamedTuple

KEYS = 32
"""Keys of a dictionary, and items of a tuple, that are remembered."""
_NAMES = 1000
"""Names that are remembered of one file."""


class _Kind:
    """A value of which no more is known than this."""


ANYTHING: Any = _Kind()
OBJECT: Any = _Kind()
"""An instance of something: no text, and no class."""
DATA: Any = _Kind()
"""Neither that, nor anything that can be called."""


class Name(NamedTuple):
    """Something that was imported."""

    name: str


class Dict:
    """A dictionary, as long as its keys are strings and few: else nothing is known of it."""

    def __init__(self) -> None:
        """Make an empty one."""
        self.items: dict[bytes, Any] | None = {}

    def set(self, key: Any, value: Any) -> None:
        """Set a key."""
        if self.items is not None and type(key) is bytes and len(self.items) < KEYS:
            self.items[key] = value
        else:
            self.items = None


class Dtype:
    """A `numpy.dtype`: the text that makes it, and the state that is set after that."""

    def __init__(self, text: Any) -> None:
        """Make the one that `text` says."""
        self.text = text
        self.state: Any = None

    def set(self, state: Any) -> None:
        """Set the state, of which just one is understood."""
        self.state = ANYTHING if self.state is not None else state


class Wrapper:
    """What stands before an array in a file of joblib's."""

    def __init__(self) -> None:
        """Make one of which nothing is known yet."""
        self.built = False


class Found:
    """What is found out about a file."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.names: dict[str, None] = {}
        """What is not known to be harmless, in the order of the file."""
        self.called = False
        """Whether one of them is called, too."""
        self.wrapped = False
        """Whether an array of joblib's stands in it."""

    def add(self, name: str, *, called: bool = False) -> None:
        """Note a name."""
        self.called = self.called or called
        if len(self.names) < _NAMES:
            self.names[name] = None

    def take_in(self, other: Found) -> None:
        """Note what another has."""
        self.called = self.called or other.called
        self.wrapped = self.wrapped or other.wrapped
        for name in other.names:
            self.add(name)
