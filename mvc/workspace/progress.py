"""How long work tells that it goes on. The core only reports; who shows it is not its business."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of work as it is done."""

    def expect(self, count: int) -> None:
        """So many more bytes are to be read or written."""
        ...

    def advance(self, count: int) -> None:
        """So many bytes are done."""
        ...


class Silent:
    """Progress that nobody watches."""

    def expect(self, count: int) -> None:
        """See `Progress.expect`."""

    def advance(self, count: int) -> None:
        """See `Progress.advance`."""
