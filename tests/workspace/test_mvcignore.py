"""`.mvcignore` leaves out what Git would leave out with the same lines in a `.gitignore`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.fs.files import UnsafePath
from mvc.fs.tree import Tree
from mvc.store.cache.cache import Cache
from mvc.workspace.links import Links
from mvc.workspace.scan import scan

FILES = [
    "d/a.txt",
    "d/b.txt",
    "d/a.log",
    "d/sub/a.txt",
    "d/sub/a.log",
    "d/sub/deep/a.txt",
    "d/sub/deep/b.log",
    "d/build/out",
    "d/build/a.txt",
    "d/sub/build/out",
    "d/#x",
    "d/!x",
    "d/with space",
    "d/[x]",
    "d/x",
    "d/.hidden",
    "d/naïve",
]
LINES = {
    "nothing": {},
    "one pattern": {"": "*.log"},
    "anchored": {"d": "/a.txt"},
    "anchored at the top": {"": "/a.txt"},
    "a path": {"": "d/sub/a.txt"},
    "a path from elsewhere": {"": "sub/a.txt"},
    "a directory": {"d": "build/"},
    "a directory by path": {"": "d/build/"},
    "a file that is meant as a directory": {"d": "x/"},
    "taken back": {"d": "*.txt\n!a.txt"},
    "taken back in a directory that is out": {"d": "build/\n!build/out"},
    "contents out, one back": {"d": "build/*\n!build/out"},
    "the last line wins": {"d": "!a.txt\na.txt"},
    "a deeper file wins": {"": "*.txt", "d/sub": "!a.txt"},
    "a deeper file is silent": {"": "*.txt", "d/sub": "*.log"},
    "a deeper file leaves out": {"d/sub/deep": "*"},
    "a deeper file takes all back": {"d": "sub/deep/*", "d/sub/deep": "!*.log"},
    "every depth": {"": "*.log", "d": "!a.log", "d/sub": "*.log"},
    "all but text, at the top": {"": "*\n!*.txt\n!*/"},
    "all below a directory but one": {"d": "sub/**\n!sub/a.txt"},
    "all but text": {"d": "*\n!*.txt\n!*/"},
    "two stars first": {"": "**/deep"},
    "two stars last": {"d": "sub/**"},
    "two stars between": {"": "d/**/a.txt"},
    "one star between": {"": "d/*/a.txt"},
    "question mark": {"d": "?.txt"},
    "set": {"d": "[ab].txt"},
    "negated set": {"d": "[!a].txt"},
    "escaped": {"d": "\\#x\n\\!x\n\\[x\\]"},
    "comment": {"d": "#x\n# *"},
    "spaces at the end": {"d": "x   \na.txt  "},
    "a space inside": {"d": "with space"},
    "empty lines": {"d": "\n\n*.log\n\n"},
    "Windows line ends": {"d": "*.log\r\nx\r\n"},
    "byte order mark": {"d": "\ufeff*.log\nx"},
    "a form feed does not end a line": {"d": "x\x0cy\n*.log"},
    "a line separator does not end a line": {"d": "x\u2028y\n*.log"},
    "not ASCII": {"d": "naïve"},
    "no line end": {"d": "x"},
    "the directory itself": {"": "d/sub/"},
    "a tracked directory's own name": {"d": "d"},
    "a stray bracket": {"d": "[x\n*.log"},
    "a slash alone": {"d": "/"},
    "an exclamation mark alone": {"d": "!\n*.log"},
    "a range upside down": {"d": "[z-a]\n*.log"},
    "a backslash at the end": {"d": "x\\\n*.log"},
}


def lay_out(top: Path, lines: dict[str, str], ignore_file: str) -> None:
    """Write the files, and the patterns into files of this name."""
    for path in FILES:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(b"x")
    for folder, text in lines.items():
        (top / folder / ignore_file).write_bytes(text.encode("utf-8", "surrogateescape"))


def git_keeps(top: Path, lines: dict[str, str]) -> set[str]:
    """Return the files below `d` that Git does not ignore."""
    lay_out(top, lines, ".gitignore")
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    command = ["git", "ls-files", "-z", "--others", "--exclude-standard", "--", "d"]
    output = subprocess.run(command, cwd=top, capture_output=True, check=True).stdout
    return {os.fsdecode(name) for name in output.split(b"\0") if name} - {f"{folder}/.gitignore" for folder in lines}


def mvc_keeps(top: Path, lines: dict[str, str]) -> set[str]:
    """Return the files below `d` that mvc would track."""
    lay_out(top, lines, ".mvcignore")
    with Tree(str(top)) as tree:
        found = scan(tree, "d", Links(Cache(str(top / "cache")), ("copy",)))
    return {f"d/{name}" for name in found.names} - {f"{folder}/.mvcignore" for folder in lines}


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_mvc_leaves_out_what_git_leaves_out(tmp_path: Path, lines: dict[str, str]) -> None:
    expected = git_keeps(tmp_path / "git", lines)
    assert mvc_keeps(tmp_path / "mvc", lines) == expected
    assert (
        lines == {}
        or lines
        in (
            LINES["anchored at the top"],
            LINES["a path from elsewhere"],
            LINES["a file that is meant as a directory"],
            LINES["comment"],
            LINES["a tracked directory's own name"],
            LINES["a slash alone"],
        )
        or len(expected) < len(FILES)
    )


pieces = st.sampled_from(["a", "b", "x", "*", "**", "sub", "deep", "build", "*.txt", "*.log", "?", "[ab]*", "out"])
patterns = st.builds(
    lambda bang, first, parts, last: bang + first + "/".join(parts) + last,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(pieces, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)
texts = st.lists(patterns, min_size=1, max_size=4).map("\n".join)


@given(st.dictionaries(st.sampled_from(["d", "d/sub", "d/sub/deep"]), texts, min_size=1, max_size=3))
@settings(deadline=None, max_examples=40)
def test_any_patterns_mean_what_they_mean_to_git(
    tmp_path_factory: pytest.TempPathFactory, lines: dict[str, str]
) -> None:
    top = tmp_path_factory.mktemp("ignore", numbered=True)
    expected = git_keeps(top / "git", lines)
    assert mvc_keeps(top / "mvc", lines) - ignore_files(lines) == expected - ignore_files(lines)


def ignore_files(lines: dict[str, str]) -> set[str]:
    """Return the paths of the ignore files themselves."""
    return {f"{folder}/{name}" for folder in lines for name in (".gitignore", ".mvcignore")}


@pytest.mark.parametrize("text", ["d", "d/", "/d", "**/", "?"])
def test_what_is_tracked_by_name_is_tracked_though_a_pattern_means_it(tmp_path: Path, text: str) -> None:
    assert "d/a.txt" in mvc_keeps(tmp_path, {"": text})


def test_without_such_a_file_nothing_is_left_out(tmp_path: Path) -> None:
    assert mvc_keeps(tmp_path, {}) == set(FILES)


def test_a_gitignore_says_nothing_to_mvc(tmp_path: Path) -> None:
    lay_out(tmp_path, {"": "*", "d": "*"}, ".gitignore")
    assert mvc_keeps(tmp_path, {}) >= set(FILES)


def test_an_ignore_file_is_read_without_following_a_symlink(tmp_path: Path) -> None:
    lay_out(tmp_path, {}, ".mvcignore")
    (tmp_path / "outside").write_text("*")
    (tmp_path / "d" / ".mvcignore").symlink_to("../outside")
    with pytest.raises(UnsafePath, match="symlink"):
        mvc_keeps(tmp_path, {})
