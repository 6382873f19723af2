"""Allowed signers and signatures: `.mvc/allowed_signers`, and the blocks of a `.sig` file.

Nothing is verified here: `ssh-keygen` does that (docs/adr/0013-signatures-by-ssh-keygen.md).
Formats: docs/formats.md, "Signatures", and OpenSSH's PROTOCOL.sshsig.
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
"""Namespace of signatures of a report."""
CHANGES = "mvc-policy@v1"
"""Namespace of signatures of a policy file's change."""
TAGS = "git"
"""Namespace of the signatures that Git makes, of tags and commits."""

MAX_BYTES = 256 << 10
"""Largest `.sig` file."""
MAX_BLOCKS = 32
MAX_SIGNERS_BYTES = 1 << 20
"""Largest `allowed_signers` or `revoked_signers`."""
KRL = b"SSHKRL\n\0"
"""First bytes of a key revocation list (`ssh-keygen -k`)."""


def change_text(path: str, old: bytes | None, new: bytes | None) -> bytes:
    """Return the text that is signed for the change of a policy file; None for an absent file."""
    return f"mvc-change 1\npath {path}\nfrom {_named(old)}\nto {_named(new)}\n".encode()


def _named(raw: bytes | None) -> str:
    return "none" if raw is None else hash_bytes(raw).blake3


# Signatures.


class Block(NamedTuple):
    """One armored signature."""

    armour: bytes
    """As `ssh-keygen` writes it; empty for an invalid one."""
    key: str = ""
    """The signing key in base64, as in `allowed_signers`."""
    namespace: str = ""
    problem: str = ""
    """Why it is invalid."""

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, as `ssh-keygen -l` prints it."""
        return fingerprint(self.key) if self.key else ""


_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_END = b"-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_VERSION = 1
_WIDTH = 70
_LENGTH = 4
"""Bytes of a length in SSH's encoding."""


def split_blocks(raw: bytes) -> tuple[Block, ...]:
    """Return the signatures in a `.sig` file without duplicates; invalid ones have a problem."""
    if len(raw) > MAX_BYTES:
        return (Block(b"", problem=f"the file has {len(raw):,} bytes, expected at most {MAX_BYTES:,}"),)
    blocks = list(dict.fromkeys(_blocks(raw)))
    if len(blocks) > MAX_BLOCKS:
        rest = Block(b"", problem=f"the file has {len(blocks)} signatures, expected at most {MAX_BLOCKS}")
        return (*blocks[:MAX_BLOCKS], rest)
    return tuple(blocks)


def together(*files: bytes) -> bytes:
    """Return the valid signatures in several `.sig` files as one, without duplicates."""
    return b"".join(dict.fromkeys(block.armour for raw in files for block in split_blocks(raw)))


def _blocks(raw: bytes) -> Iterator[Block]:
    lines: list[bytes] | None = None
    for line in raw.split(b"\n"):
        text = line.removesuffix(b"\r")
        if text == _BEGIN:
            if lines is not None:
                yield Block(b"", problem="its end is missing")
            lines = []
        elif text == _END:
            yield Block(b"", problem="its beginning is missing") if lines is None else _block(lines)
            lines = None
        elif lines is not None:
            lines.append(text)
        elif text.strip():
            yield Block(b"", problem="not a signature of ssh-keygen")
    if lines is not None:
        yield Block(b"", problem="its end is missing")


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
        ValueError: it is invalid.
    """
    start = len(_MAGIC) + _LENGTH
    if body[:start] != _MAGIC + _VERSION.to_bytes(_LENGTH, "big"):
        raise ValueError("not a signature, or of a newer format")
    (key, namespace, _, _, signature), rest = _strings(body[start:], 5)
    if rest or not key or not signature:
        raise ValueError("trailing bytes")
    return key, namespace.decode()


def _strings(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    """Return `count` strings in SSH's encoding, and the bytes after them."""
    found = []
    for _ in range(count):
        end = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
        if len(data) < max(end, _LENGTH):
            raise ValueError("truncated")
        found.append(data[_LENGTH:end])
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


class AllowedKey(NamedTuple):
    """One line of `allowed_signers`: a key and its owner."""

    principal: str
    """The first field unchanged: several names, or a pattern, are one principal."""
    options: str
    kind: str
    key: str
    """In base64."""

    @property
    def line(self) -> str:
        """The line without its principal."""
        return " ".join(filter(None, (self.options, self.kind, self.key)))


class KeyFile(NamedTuple):
    """A parsed file of keys."""

    keys: tuple[AllowedKey, ...]
    invalid: tuple[str, ...] = ()
    """The lines that are not valid."""


_KEY = r"(?P<kind>[a-z][a-z0-9@.-]*) +(?P<key>[A-Za-z0-9+/]{16,}={0,2})(?: .*)?"
_LINE = re.compile(
    rf'(?:"(?P<quoted>[^"]+)"|(?P<plain>[^\s"#]\S*)) +(?:(?P<options>(?:[^\s"]|"(?:[^"\\]|\\.)*")+) +)?{_KEY}',
)
_LISTED = re.compile(_KEY)
_CERTIFICATE = "-cert-v01@"


def parse_signers(raw: bytes) -> KeyFile:
    """Parse an `allowed_signers` file."""
    keys, invalid = [], []
    for line in _lines(raw):
        match = _LINE.fullmatch(line)
        if match and line.isprintable() and _is_key(match["kind"], match["key"]):
            principal = match["quoted"] or match["plain"]
            keys.append(AllowedKey(principal, match["options"] or "", match["kind"], _canonical(match["key"])))
        else:
            invalid.append(line)
    return KeyFile(tuple(dict.fromkeys(keys)), tuple(invalid))


def parse_revoked(raw: bytes) -> KeyFile:
    """Parse a `revoked_signers` file that is a list of public keys, not a `KRL`."""
    keys, invalid = [], []
    for line in _lines(raw):
        match = _LISTED.fullmatch(line)
        if match and line.isprintable() and _is_key(match["kind"], match["key"]):
            keys.append(AllowedKey("", "", match["kind"], _canonical(match["key"])))
        else:
            invalid.append(line)
    return KeyFile(tuple(dict.fromkeys(keys)), tuple(invalid))


def _lines(raw: bytes) -> Iterator[str]:
    if len(raw) > MAX_SIGNERS_BYTES:
        yield f"{len(raw)} bytes"
        return
    for line in raw.decode(errors="replace").split("\n"):
        text = line.removesuffix("\r").strip(" \t").replace("\t", " ")
        if text and not text.startswith("#"):
            yield text


def _canonical(key: str) -> str:
    """Return a key with the unused bits at the end of its base64 cleared."""
    return b64encode(b64decode(key)).decode()


def _is_key(kind: str, key: str) -> bool:
    """Whether `key` is a key of this kind, and not a certificate."""
    try:
        (named,), rest = _strings(b64decode(key, validate=True), 1)
    except (binascii.Error, ValueError):
        return False
    return bool(rest) and named == kind.encode() and _CERTIFICATE not in kind
