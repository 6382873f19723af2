"""Progress of long work: the core reports it, the command line shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of work."""

    def expect(self, count: int) -> None:
        """Add `count` bytes to the total."""
        ...

    def advance(self, count: int) -> None:
        """Count `count` bytes as done."""
        ...


class Silent:
    """Shows no progress."""

    def expect(self, count: int) -> None: ...
    def advance(self, count: int) -> None: ...
