"""The changed lines of a text, as `diff -u` shows them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.ops.workspace.reading.diff_text import MOST_LINES, unified

texts = st.lists(st.sampled_from(["a", "b", "c", "", "x y"]), max_size=30).map("\n".join)


def patched(old: bytes, diff: tuple[str, ...], folder: Path) -> bytes:
    """Return what `patch` makes of the old text."""
    (folder / "file").write_bytes(old)
    patch = "".join(f"{line}\n" for line in ("--- file", "+++ file", *diff))
    subprocess.run(["git", "apply", "--unidiff-zero", "-p0", "-"], cwd=folder, input=patch.encode(), check=True)
    return (folder / "file").read_bytes()


def test_a_changed_line_and_its_surroundings() -> None:
    old = "".join(f"line {number}\n" for number in range(1, 21))
    new = old.replace("line 10\n", "line ten\nand more\n")
    assert unified(old.encode(), new.encode()) == (
        "@@ -7,7 +7,8 @@", " line 7", " line 8", " line 9", "-line 10", "+line ten", "+and more",
        " line 11", " line 12", " line 13",
    )


@given(texts, texts)
@settings(deadline=None, max_examples=40)
def test_git_applies_it(tmp_path_factory: pytest.TempPathFactory, old: str, new: str) -> None:
    if old and new and old != new:
        folder = tmp_path_factory.mktemp("r")
        assert patched(old.encode(), unified(old.encode(), new.encode()), folder) == new.encode()


@pytest.mark.parametrize(("old", "new"), [
    (b"a\0b", b"a"), (b"a", b"\xff\xfe"), (b"same\n", b"same\n"),
    (b"a\n" * 2 * MOST_LINES, b"b\n" * 2 * MOST_LINES),
])
def test_no_text_and_no_change_and_a_large_one(old: bytes, new: bytes) -> None:
    assert unified(old, new) == ()


def test_a_change_in_a_long_text() -> None:
    old = "".join(f"{number}\n" for number in range(20_000))
    assert unified(old.encode(), (old + "more\n").encode())[-1] == "+more"
    assert unified(old.encode(), old.encode()[:-1])[-1] == "\\ No newline at end of file"
    assert unified(b"", b"a\n") == ("@@ -0,0 +1 @@", "+a")


def test_long_lines_are_cut_and_tabs_are_spaces() -> None:
    lines = unified(b"a\n", b"\t" + b"x" * 1000 + b"\n")
    assert lines[-1].startswith("+    x")
    assert len(lines[-1]) < 250
