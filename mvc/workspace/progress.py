"""Progress of long work: the core reports it, the command line shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of work."""

    def expect(self, count: int) -> None:
        """Add `count` bytes that are to be read or written."""
        ...

    def advance(self, count: int) -> None:
        """Add `count` bytes that are done."""
        ...


class Silent:
    """Progress that is not shown."""

    def expect(self, count: int) -> None: ...
    def advance(self, count: int) -> None: ...
