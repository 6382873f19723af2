"""An event: one annotated tag, and what its message says besides.

Trailers end the message: docs/formats.md, "Tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.registry.grammar import Action, TagName, parse_tag
from mvc.scm.tags import TagRow

MODEL, REPORT, POINTER, PREVIOUS = "Mvc-Model-Blake3", "Mvc-Report-Blake3", "Mvc-Pointer", "Mvc-Prev"
_TRAILER = re.compile(r"^(Mvc-[A-Za-z0-9-]+): (.*)$", re.MULTILINE)
_DATE = re.compile(r"[0-9]{1,12} [+-](?:[01][0-9]|2[0-3])[0-5][0-9]")
_LAST = 253_402_300_799 - 24 * 3600
"""The last date that Python knows, in any time zone."""
_SIGNATURE = re.compile(rb"^-----BEGIN (?:SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----$", re.MULTILINE)


class Trailers(NamedTuple):
    """The trailers of an event; empty where there is none, as in tags of other programs."""

    blake3: str = ""
    """Of the model."""
    report: str = ""
    """The blake3 of the report."""
    pointer: str = ""
    """The path of the pointer in the tagged commit."""
    previous: str = ""
    """The object of the model's event before."""


class Event(NamedTuple):
    """An event of a model."""

    tag: str
    model: str
    action: Action
    version: str
    """Empty for events of stages."""
    stage: str
    number: int
    oid: str
    commit: str
    time: int
    """Seconds since the epoch."""
    zone: str
    """Such as `+0100`."""
    who: str
    email: str
    text: str
    """The message with its trailers and, if there is one, the signature."""
    trailers: Trailers
    """What the message says about the version."""

    @property
    def author(self) -> str:
        """Who tagged it: name and email address."""
        return f"{self.who} <{self.email}>"

    @property
    def is_signed(self) -> bool:
        """Whether it has a signature, valid or not."""
        if "-----BEGIN " not in self.text:
            return False
        raw = self.text.encode(errors="surrogateescape")
        return signature_start(raw) < len(raw)

    @property
    def message(self) -> str:
        """The message without subject, trailers and signature."""
        _, _, body = _unsigned(self.text).rstrip("\n").partition("\n\n")
        head, _, last = body.rpartition("\n\n")
        return head.strip() if _TRAILER.match(last) else body.strip()


def trailers_of(text: str) -> Trailers:
    """Return the trailers in the last paragraph of a tag's message."""
    if "\nMvc-" not in text:
        return Trailers()
    found = dict(_TRAILER.findall(_unsigned(text).rstrip("\n").rpartition("\n\n")[2]))
    return Trailers(*(found.get(key, "") for key in (MODEL, REPORT, POINTER, PREVIOUS)))


def _unsigned(text: str) -> str:
    if "-----BEGIN " not in text:
        return text
    raw = text.encode(errors="surrogateescape")
    return raw[: signature_start(raw)].decode(errors="surrogateescape")


def signature_start(raw: bytes) -> int:
    """Return where the signature begins in a tag or its message, as Git finds it: at the last such line; else the end.

    Source: Git's gpg-interface.c, `parse_signed_buffer`.
    """
    return max((match.start() for match in _SIGNATURE.finditer(raw)), default=len(raw))


def message_of(subject: str, text: str, trailers: Trailers) -> str:
    """Return the message of a new tag; `text` is the user's, or empty. What looks like a signature is indented."""
    text = re.sub(r"^(?=-----BEGIN )", " ", text.strip(), flags=re.MULTILINE)
    pairs = zip((MODEL, REPORT, POINTER, PREVIOUS), trailers, strict=True)
    last = "\n".join(f"{key}: {value}" for key, value in pairs if value)
    return "\n\n".join(filter(None, (subject, text, last))) + "\n"


def event_of(row: TagRow, name: TagName) -> Event:
    """Return the event of a well-formed tag: one in which `problem_of` finds nothing."""
    seconds, _, zone = row.date.partition(" ")
    action, oid, commit = name.action, row.oid, row.target
    return Event(
        row.name, name.model, action, name.version, name.stage, name.number, oid, commit,
        int(seconds), zone, row.tagger, row.email, row.text, trailers_of(row.text),
    )


class IgnoredTag(NamedTuple):
    """A tag with the name of an event that is none."""

    tag: str
    model: str
    problem: str


def problem_of(row: TagRow) -> str:
    """Return why a tag is no event; empty if it is one."""
    if row.kind != "tag":
        return "lightweight: expected an annotated tag"
    if row.header != row.name:
        return f"renamed: its object is the tag {row.header}"
    if row.target_kind != "commit":
        return f"it names a {row.target_kind}, expected a commit"
    if not _DATE.fullmatch(row.date) or int(row.date.partition(" ")[0]) > _LAST:
        return "it has no valid date"
    return ""


def read_events(rows: Iterable[TagRow]) -> Iterator[Event | IgnoredTag]:
    """Yield the events among the tags, and tags with such names that are none."""
    for row in rows:
        if name := parse_tag(row.name):
            problem = problem_of(row)
            yield IgnoredTag(row.name, name.model, problem) if problem else event_of(row, name)
