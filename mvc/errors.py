"""Errors: a class for each exit code, and a few that callers catch.

An error has a one-line `message`, and a command or hint of one line (`fix`, may be empty).
Exit codes: docs/commands.md, "Exit codes".
"""

from __future__ import annotations


class MvcError(Exception):
    """The command could not finish: something is missing, unreadable, locked or full. Exit code 3."""

    exit_code = 3

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class UsageError(MvcError):
    """An argument or a setting is wrong; nothing was done. Exit code 2."""

    exit_code = 2


class InvalidFormat(UsageError):
    """A pointer, manifest, index or config file is invalid."""


class InvalidName(InvalidFormat):
    """A refused path or object name: docs/formats.md, "Names"."""


class CorruptObject(MvcError):
    """The content of an object does not match its digest. Exit code 1."""

    exit_code = 1


class Refused(MvcError):
    """The answer is no: a version, or a stage, is not as it must be. Exit code 1."""

    exit_code = 1


class MissingObject(MvcError):
    """A store does not have an object."""


class SourceChanged(MvcError):
    """A file changed while a command used it."""


def first_line(error: BaseException) -> str:
    """Return the first line of what another program's error says, at most 200 characters; its type if that is nothing.

    For an error of one line about it.
    """
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
