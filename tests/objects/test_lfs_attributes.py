"""The lines of a `.gitattributes` that give files to git-lfs."""

from __future__ import annotations

import pytest

from mvc.objects.parsing.lfs_attributes import lfs_macros, lfs_patterns, without_lfs

TRACK = b"filter=lfs diff=lfs merge=lfs -text"


@pytest.mark.parametrize(("line", "pattern", "left"), [
    (b"*.bin " + TRACK, b"*.bin", None),
    (b"\t*.bin\t" + TRACK + b" lockable\r", b"*.bin", None),
    (b'"a b/*.bin" ' + TRACK, b'"a b/*.bin"', None),
    (b"a.bin filter=lfs", b"a.bin", None),
    (b"a.bin " + TRACK + b" eol=lf\r", b"a.bin", b"a.bin -text eol=lf\r"),
    (b"a.bin binary filter=lfs", b"a.bin", b"a.bin binary"),
    (b"a.bin model", b"a.bin", None),
    (b"a.bin model text", b"a.bin", b"a.bin text"),
    (b"# *.bin " + TRACK, None, None), (b"", None, None), (b"*.bin", None, None), (b"*.bin -filter -diff", None, None),
    (b"*.bin filter=lfs2 diff=lfs", None, None), (b"*.bin !filter", None, None), (b"[attr]own " + TRACK, None, None),
])
def test_a_line(line: bytes, pattern: bytes | None, left: bytes | None) -> None:
    raw = b"*.txt text\n" + line + b"\n# end\n"
    found = lfs_patterns(raw, {b"model"})
    assert found == ({1: pattern} if pattern else {})
    rest = line if pattern is None else left
    expected = b"*.txt text\n" + (rest + b"\n" if rest is not None else b"") + b"# end\n"
    assert without_lfs(raw, found, {b"model"}) == expected


def test_macros_may_use_others() -> None:
    raw = b"[attr]one " + TRACK + b"\n[attr]two one eol=lf\n[attr]three text\n*.bin two\n"
    assert lfs_macros(raw) == {b"one", b"two"}
    assert lfs_patterns(raw, lfs_macros(raw)) == {3: b"*.bin"}


def test_the_last_line_may_have_no_end() -> None:
    raw = b"*.txt text\n*.bin " + TRACK
    assert without_lfs(raw, lfs_patterns(raw)) == b"*.txt text"
    assert without_lfs(b"*.bin " + TRACK, {0}) == b""
