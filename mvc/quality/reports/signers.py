"""Who may sign, and what was signed: `.mvc/allowed_signers`, and the blocks of a `.sig` file.

Nothing is verified here: that is for `ssh-keygen` (docs/adr/0013-signatures-by-ssh-keygen.md).
Formats: docs/formats.md, "Signatures"; sshsig(5) as OpenSSH's PROTOCOL.sshsig has it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from mvc.objects.hashing import hash_bytes

REPORTS = "mvc-eval@v1"
"""The namespace of a report's signatures."""
CHANGES = "mvc-policy@v1"
"""The namespace of signatures under the change of a guarded file."""

MAX_BYTES = 256 << 10
"""Of a `.sig` file."""
MAX_BLOCKS = 32
MAX_SIGNERS_BYTES = 1 << 20
"""Of `allowed_signers` or `revoked_signers`."""
KRL = b"SSHKRL\n\0"
"""How a key revocation list begins; see `ssh-keygen -k`."""


def change_text(path: str, old: bytes | None, new: bytes | None) -> bytes:
    """Return what is signed for the change of a guarded file; None where there is no file."""
    return f"mvc-change 1\npath {path}\nfrom {_named(old)}\nto {_named(new)}\n".encode()


def _named(raw: bytes | None) -> str:
    return "none" if raw is None else hash_bytes(raw).blake3


# Signatures.


class Block(NamedTuple):
    """One armoured signature."""

    armour: bytes
    """As `ssh-keygen` writes it; empty when it cannot be read."""
    key: str = ""
    """The key that made it, in base64, as `allowed_signers` has keys."""
    namespace: str = ""
    problem: str = ""
    """Why it cannot be read."""

    @property
    def fingerprint(self) -> str:
        """Of the key, as `ssh-keygen -l` prints it."""
        return fingerprint(self.key) if self.key else ""


_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_END = b"-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_VERSION = 1
_WIDTH = 70
_NUMBER = 4
"""Bytes of a number in SSH's encoding."""


def split_blocks(raw: bytes) -> tuple[Block, ...]:
    """Return the signatures in a `.sig` file, each once; what is none is a block with a problem."""
    if len(raw) > MAX_BYTES:
        return (Block(b"", problem=f"the file has {len(raw):,} bytes, at most {MAX_BYTES:,} are read"),)
    blocks = list(dict.fromkeys(_blocks(raw)))
    if len(blocks) > MAX_BLOCKS:
        rest = Block(b"", problem=f"the file has {len(blocks)} signatures, at most {MAX_BLOCKS} are read")
        return (*blocks[:MAX_BLOCKS], rest)
    return tuple(blocks)


def _blocks(raw: bytes) -> Iterator[Block]:
    lines: list[bytes] | None = None
    for line in raw.split(b"\n"):
        text = line.removesuffix(b"\r")
        if text == _BEGIN:
            if lines is not None:
                yield Block(b"", problem="it has no end")
            lines = []
        elif text == _END:
            yield Block(b"", problem="it has no beginning") if lines is None else _block(lines)
            lines = None
        elif lines is not None:
            lines.append(text)
        elif text.strip():
            yield Block(b"", problem="it is no signature of ssh-keygen")
    if lines is not None:
        yield Block(b"", problem="it has no end")


def _block(lines: list[bytes]) -> Block:
    try:
        body = b64decode(b"".join(lines), validate=True)
        key, namespace = _parse(body)
    except (binascii.Error, ValueError):
        return Block(b"", problem="it is damaged")
    return Block(armoured(body), b64encode(key).decode(), namespace)


def _parse(body: bytes) -> tuple[bytes, str]:
    """Return key and namespace of a signature.

    Raises:
        ValueError: it is none.

    """
    start = len(_MAGIC) + _NUMBER
    if body[:start] != _MAGIC + _VERSION.to_bytes(_NUMBER, "big"):
        raise ValueError("no signature, or of a newer format")
    (key, namespace, _, _, signature), rest = _strings(body[start:], 5)
    if rest or not key or not signature:
        raise ValueError("bytes are left over")
    return key, namespace.decode()


def _strings(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    """Return `count` strings in SSH's encoding, and what follows them."""
    found = []
    for _ in range(count):
        end = _NUMBER + int.from_bytes(data[:_NUMBER], "big")
        if len(data) < max(end, _NUMBER):
            raise ValueError("cut short")
        found.append(data[_NUMBER:end])
        data = data[end:]
    return found, data


def armoured(body: bytes) -> bytes:
    """Return a signature as `ssh-keygen` writes it."""
    text = b64encode(body)
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return b"\n".join([_BEGIN, *lines, _END, b""])


def fingerprint(key: str) -> str:
    """Return the fingerprint of a key in base64: `SHA256:…`."""
    return "SHA256:" + b64encode(sha256(b64decode(key)).digest()).decode().rstrip("=")


# Keys.


class Allowed(NamedTuple):
    """One line of `allowed_signers`: a key, and whose it is."""

    principal: str
    """The first field as it stands: several names, or a pattern, are one principal."""
    options: str
    kind: str
    key: str
    """In base64."""

    @property
    def line(self) -> str:
        """The line without its principal, as `ssh-keygen` reads it."""
        return " ".join(filter(None, (self.options, self.kind, self.key)))


class Lines(NamedTuple):
    """A file of keys, read."""

    signers: tuple[Allowed, ...]
    broken: tuple[str, ...] = ()
    """The lines that are none."""


_KEY = r"(?P<kind>[a-z][a-z0-9@.-]*) +(?P<key>[A-Za-z0-9+/]{16,}={0,2})(?: .*)?"
_LINE = re.compile(
    rf'(?:"(?P<quoted>[^"]+)"|(?P<plain>[^\s"#]\S*)) +(?:(?P<options>(?:[^\s"]|"(?:[^"\\]|\\.)*")+) +)?{_KEY}',
)
_LISTED = re.compile(_KEY)
_CERTIFICATE = "-cert-v01@"


def parse_signers(raw: bytes) -> Lines:
    """Return the lines of an `allowed_signers` file."""
    signers, broken = [], []
    for line in _lines(raw):
        match = _LINE.fullmatch(line)
        if match and line.isprintable() and _is_key(match["kind"], match["key"]):
            principal = match["quoted"] or match["plain"]
            signers.append(Allowed(principal, match["options"] or "", match["kind"], _spelled(match["key"])))
        else:
            broken.append(line)
    return Lines(tuple(dict.fromkeys(signers)), tuple(broken))


def parse_revoked(raw: bytes) -> Lines:
    """Return the lines of a `revoked_signers` file that is a list of public keys, and no `KRL`."""
    keys, broken = [], []
    for line in _lines(raw):
        match = _LISTED.fullmatch(line)
        if match and line.isprintable() and _is_key(match["kind"], match["key"]):
            keys.append(Allowed("", "", match["kind"], _spelled(match["key"])))
        else:
            broken.append(line)
    return Lines(tuple(dict.fromkeys(keys)), tuple(broken))


def _lines(raw: bytes) -> Iterator[str]:
    if len(raw) > MAX_SIGNERS_BYTES:
        yield f"{len(raw)} bytes"
        return
    for line in raw.decode(errors="replace").split("\n"):
        text = line.removesuffix("\r").strip(" \t").replace("\t", " ")
        if text and not text.startswith("#"):
            yield text


def _spelled(key: str) -> str:
    """Return the one spelling of a key: base64 leaves some bits at the end free."""
    return b64encode(b64decode(key)).decode()


def _is_key(kind: str, key: str) -> bool:
    """Whether `key` is of the kind that stands before it; a certificate is none."""
    try:
        (named,), rest = _strings(b64decode(key, validate=True), 1)
    except (binascii.Error, ValueError):
        return False
    return bool(rest) and named == kind.encode() and _CERTIFICATE not in kind
