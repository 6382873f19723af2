"""Adds a waiver to `.mvc/waivers.yaml` as lines of text, so that the file's comments and layout stay."""

from __future__ import annotations

import re

from msgspec.structs import asdict, replace

from mvc.errors import InvalidFormat
from mvc.objects.pointer import quote
from mvc.quality.files import WAIVERS
from mvc.quality.judge.rules.waivers import Waiver, parse_file

_NEW = b"mvc-waivers: 1\n"
_EMPTY_LIST = re.compile(r"^(waivers:)[ \t]*\[[ \t]*\](?=[ \t]*(?:#[^\r\n]*)?\r?$)", re.MULTILINE)
_KEY = re.compile(r"^waivers:[ \t]*(?:#[^\r\n]*)?(?=\r?$)", re.MULTILINE)
_ITEM = re.compile(r"^( *)- ", re.MULTILINE)
_NEXT_KEY = re.compile(r"(?:^#.*\n|^[ \t]*\r?\n)*^(?=[^ \t#\r\n-])", re.MULTILINE)
"""What follows the list: another key, with the comments before it."""


def with_waiver(raw: bytes | None, waiver: Waiver) -> bytes:
    """Return the file `raw` with a waiver after the others; None: there is no file yet.

    Raises:
        InvalidFormat: the file is invalid, or its layout has no place for lines.
    """
    old = _NEW if raw is None else raw
    before = parse_file(old)
    new = _with_lines(old.decode(), waiver).encode()
    try:
        if parse_file(new) == replace(before, waivers=[*before.waivers, waiver]):
            return new
    except InvalidFormat as error:
        raise InvalidFormat(f"{WAIVERS}: cannot add lines to it: {error.message}: edit it by hand", _HELP) from None
    raise InvalidFormat(f"{WAIVERS}: cannot add lines to it: edit it by hand", _HELP)


_HELP = "mvc help policy  # Waivers"


def _with_lines(text: str, waiver: Waiver) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    text = _EMPTY_LIST.sub(r"\1", text)
    if not (key := _KEY.search(text)):
        text = f"{text.rstrip()}{newline}waivers:{newline}"
        key = _KEY.search(text)
    start = key.end() if key else len(text)
    following = _NEXT_KEY.search(text, start)
    block = text[start : following.start() if following else len(text)]
    item = _ITEM.search(block)
    fields = {name: value for name, value in asdict(waiver).items() if value or name == "report"}
    lines = [f"{name}: {value if name == 'code' else quote(value)}" for name, value in fields.items()]
    indent = item[1] if item else "  "
    entry = newline.join(f"{indent}{'  ' if number else '- '}{line}" for number, line in enumerate(lines))
    end = start + len(block.rstrip())
    return f"{text[:end]}{newline}{entry}{text[end:] or newline}"
