"""Output: plain lines for people, or one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from mvc.errors import MvcError, UsageError
from mvc.fs.files import as_error
from mvc.objects.visible import plural as plural  # noqa: PLC0414 - commands import output functions from here
from mvc.objects.visible import size as size  # noqa: PLC0414 - as above
from mvc.objects.visible import visible as visible  # noqa: PLC0414 - as above

T = TypeVar("T")
_COLORS = {"green": 32, "yellow": 33, "red": 31, "cyan": 36, "dim": 2}


FEW = 10
"""The number of items in a list without `-v`."""


class Output(NamedTuple):
    """How to print: `-q`, `-v`, and with or without colours."""

    quiet: bool = False
    verbose: bool = False
    color: bool = False

    def line(self, text: str = "") -> None:
        """Print a line on stdout, unless `-q`."""
        if not self.quiet:
            print(text)

    def note(self, text: str) -> None:
        """Print a line on stderr, unless `-q`."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def few(self, items: Sequence[T]) -> Sequence[T]:
        """Return the items to show: all with `-v`."""
        return items if self.verbose else items[:FEW]

    def rest(self, items: Sequence[object], noun: str, indent: str = "") -> None:
        """Print how many items `few` leaves out."""
        if len(items) > FEW and not self.verbose:
            self.line(f"{indent}... and {plural(len(items) - FEW, f'more {noun}')} (-v names them)")

    def slices(self, count: int, note: str = "", indent: str = "") -> None:
        """Print how many metrics of slices are left out."""
        if count:
            self.line(f"{indent}... {plural(count, 'slice')}{note} (-v lists them)")

    def paint(self, text: str, color: str) -> str:
        """Return `text` in a colour, if colours are on."""
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.color else text


def wants_color() -> bool:
    """Whether stdout is a terminal, and `NO_COLOR` (no-color.org) is not set."""
    return not os.environ.get("NO_COLOR") and sys.stdout is not None and sys.stdout.isatty()


def print_json(value: object, *rare: str) -> None:
    """Print the result of a use case as one JSON document, in ASCII; the keys `rare` only if there is something."""
    document = plain(value)
    for key in rare:
        if not document[key]:
            del document[key]
    print(json.dumps(document, indent=2).replace("##", "#\\u0023"))  # some CI systems take `##[` for a command


def plain(value: object) -> Any:
    """Return named tuples as dictionaries, recursively."""
    if hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def minute(date: str) -> str:
    """Return a date in ISO 8601 to the minute, for a table."""
    return date[:16].replace("T", " ")


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


# Files.


def check_outputs(outputs: Mapping[str, str], inputs: Iterable[str]) -> None:
    """Check that no file would be written over one that is read, or over another one.

    `outputs` has paths by option; those that are empty are not written.

    Raises:
        UsageError: one would.
    """
    taken = {os.path.realpath(path) for path in inputs}
    for option, path in outputs.items():
        real = os.path.realpath(path)
        if path and real in taken:
            raise UsageError(f"{option} {path} would write over another file of this command", f"{option} FILE")
        taken.add(real)


def write_file(path: str, content: bytes) -> None:
    """Write a file atomically; a pipe or device directly.

    Raises:
        MvcError: it cannot be written.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        append_to_file(path, content)
        return
    target = os.path.realpath(path)
    temporary = f"{target}.mvc-{os.getpid()}"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, target)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, FileNotFoundError):
            from mvc.quality.judge.fixes import word  # noqa: PLC0415 - an error is rare

            parent = os.path.dirname(target)
            raise MvcError(f"the directory {parent} does not exist", f"mkdir -p {word(parent)}") from None
        raise as_error(error, path) from None


def append_to_file(path: str, content: bytes) -> None:
    """Append to a file.

    Raises:
        MvcError: it cannot be written.
    """
    try:
        with open(path, "ab") as file:
            file.write(content)
    except OSError as error:
        raise as_error(error, path) from None
