"""Pointers of git-lfs: their canonical form, and what is refused."""

from __future__ import annotations

import pytest

from mvc.errors import InvalidFormat
from mvc.objects import lfs

OID = "ab" * 32
PLAIN = f"version {lfs.VERSION}\noid sha256:{OID}\nsize 12\n"
EXT = f"version {lfs.VERSION}\next-0-zip sha256:{OID}\next-1-key sha256:{OID}\noid sha256:{OID}\nsize 12\n"


def test_a_pointer_is_read_and_written() -> None:
    pointer = lfs.parse(PLAIN.encode())
    assert pointer == lfs.LfsPointer(OID, 12)
    assert lfs.emit(pointer) == PLAIN.encode()


def test_extensions_are_named_and_old_versions_read() -> None:
    assert lfs.parse(EXT.encode()).extensions == ("ext-0-zip", "ext-1-key")
    old = "https://hawser.github.com/spec/v1"
    assert lfs.parse(PLAIN.replace(lfs.VERSION, old).encode()).version == old


@pytest.mark.parametrize("text", [
    PLAIN.replace("\n", "\r\n"), PLAIN + "\n", PLAIN.rstrip(), " " + PLAIN, PLAIN + "x y\n",
    PLAIN.replace("size 12", "size 012"),
    PLAIN.replace("size 12", "size -1"), PLAIN.replace("size 12", f"size {1 << 63}"), PLAIN.replace(OID, OID.upper()),
    PLAIN.replace("sha256:", "md5:"), PLAIN.replace(OID, OID[:-1]), EXT.replace("ext-0", "ext-2"),
    EXT.replace("ext-1", "ext-0"),
    PLAIN.replace("spec/v1", "spec/v9"), PLAIN.replace("size", f"oid sha256:{OID}\nsize"), "", PLAIN + " " * 1024,
])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat):
        lfs.parse(text.encode())


def test_what_git_lfs_would_read_is_recognised_in_any_form() -> None:
    texts = (PLAIN, EXT, "\n\u3000" + PLAIN, PLAIN.replace("\n", "\r\n"))
    assert all(lfs.is_lfs_pointer(text.encode()) for text in texts)
    assert not any(map(lfs.is_lfs_pointer, (b"", b"version 1\n", PLAIN.encode() + b" " * 1024)))
