"""Errors as exit codes and two lines: the message, and the fix."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mvc.cli.output import visible
from mvc.errors import MvcError
from mvc.fs.files import as_error

if TYPE_CHECKING:
    from mvc.ops.shared.failures import Failure

USAGE = 2
BUG = 70
INTERRUPTED = 130


def report(error: MvcError) -> int:
    """Print an error, and return its exit code."""
    say(error.message, error.fix)
    return error.exit_code


def report_usage(message: str, arguments: list[str], command: str = "") -> int:
    """Print an error in the command line, and return the exit code. `command` is the command, if it is known."""
    from mvc.cli.app import app  # noqa: PLC0415 - callers of this module import it

    groups = [group.name for group in app.registered_groups]
    known = {info.name or getattr(info.callback, "__name__", "") for info in app.registered_commands}.union(groups)
    name = next((word for word in arguments if word in known), "")
    say(message.replace("\n", " "), f"{command or f'mvc {name}'.rstrip()} --help")
    return USAGE


def report_os_error(error: OSError) -> int:
    """Print an unexpected error of the operating system, and return its exit code."""
    return report(as_error(error, os.fsdecode(error.filename) if error.filename else "writing failed"))


def report_interruption() -> int:
    """Say that Ctrl-C ended the command, and return the exit code."""
    say("interrupted")
    return INTERRUPTED


def quiet_pipe() -> int:
    """The reader closed the pipe, as `head` does: this is not an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def report_bug(arguments: list[str]) -> int:
    """Write the traceback to a log file and print its name; return the exit code of a bug."""
    from mvc.ops.shared.bug_log import write_bug_log  # noqa: PLC0415 - only a bug needs it

    say(f"a bug in mvc: {sys.exc_info()[1]!r}", f"report it with the log: {write_bug_log(arguments)}")
    return BUG


def say(message: str, fix: str = "") -> None:
    """Print an error and its fix on stderr, without control characters."""
    with suppress(OSError):  # stderr is closed: only the exit code remains
        print(f"error: {visible(message)}", file=sys.stderr)
        if fix:
            print(f"  try: {visible(fix)}", file=sys.stderr)


def say_all(failed: Sequence[Failure], *, silent: bool) -> int:
    """Print what failed, path by path, unless `silent`; return the exit code of the first."""
    for failure in failed:
        if not silent:
            say(failure.message, failure.fix)
    return failed[0].exit_code if failed else 0
