"""The result of a transfer: objects moved, and failures."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import MvcError


class TransferFailure(NamedTuple):
    """An object that was not transferred, or a pointer whose objects are unknown."""

    path: str = ""
    """A path that needs the object; empty if the failure is not about one path."""
    blake3: str = ""
    """Empty if the failure is not about one object."""
    error: str = ""
    fix: str = ""

    @classmethod
    def of(cls, path: str, error: MvcError) -> TransferFailure:
        """Return the failure of all that `path` needs."""
        return cls(path, error=error.message, fix=error.fix)


class TransferResult(NamedTuple):
    """The objects moved between cache and one remote (or planned)."""

    remote: str
    transferred: int = 0
    """Objects."""
    skipped: int = 0
    """Objects already present."""
    bytes: int = 0
    requests: int = 0
    """Requests sent to the remote."""
    failed: tuple[TransferFailure, ...] = ()
    warnings: tuple[TransferFailure, ...] = ()
    """Objects that arrived in spite of a problem on the remote."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 3 if anything failed."""
        return 3 if self.failed else 0
