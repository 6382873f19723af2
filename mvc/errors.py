"""What can go wrong: one class per exit code, and a few that callers catch.

An error is one line of what is wrong (`message`) and one line of what to type
(`fix`, may be empty). Exit codes: docs/commands.md, "Exit codes".
"""

from __future__ import annotations


class MvcError(Exception):
    """Could not finish: something is missing, unreadable, locked or full. Exit code 3."""

    exit_code = 3

    def __init__(self, message: str, fix: str = "") -> None:
        """Say what is wrong in `message`, and what to type in `fix`."""
        super().__init__(message)
        self.message = message
        self.fix = fix


class UsageError(MvcError):
    """What was asked, or a setting, is wrong; nothing was done. Exit code 2."""

    exit_code = 2


class InvalidFormat(UsageError):
    """A pointer, manifest, index or config breaks its format."""


class InvalidName(InvalidFormat):
    """A path or object name that mvc refuses: docs/formats.md, "Names"."""


class CorruptObject(MvcError):
    """Bytes do not match their digest. Exit code 1."""

    exit_code = 1


class MissingObject(MvcError):
    """A store does not hold the object asked for."""


class SourceChanged(MvcError):
    """A file changed while it was read; it was left as it is and nothing was stored."""
