"""Attribute files of a tree as one file: it chooses the merge drivers that Git chooses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from mvc.objects.parsing.gitattributes import merge_attributes

FILES = {
    "": (
        "# a comment\n\n*.md merge=union\nbin/* binary\n/top.txt -merge\n  *.log\tmerge=custom text\n"
        '"with space" merge=union\n"quo\\"te" merge=union\n*.x merge=union eol=lf\r\n[attr]ours merge=union -diff\n'
        "*.ours ours\n*.not ours !merge\n!bad merge=union\nlonely\n\\#hash merge=union\na/**/z merge=union\n"
    ),
    "dir/": "*.md merge=text\n/one.txt merge=union\ndeep/two.txt merge=union\n[attr]here merge=union\n*.h here\n",
    "dir/deep/": "*.md !merge\n*.x merge=binary\n",
    "a b[c]/": 'x.txt merge=union\n"y z" merge=union\n/w merge=union\n',
    'quo"te\\/': "x.txt merge=union\n",
}
PATHS = [
    f"{folder}{name}"
    for folder in (*FILES, "other/", "dir/other/", "a/b/c/", "bin/", "a b[c]/deep/", "a bc/")
    for name in (
        "x.md", "x.log", "x.x", "x.txt", "one.txt", "two.txt", "top.txt", "with space", 'quo"te', "x.ours", "x.not",
        "x.h", "z", "y z", "w", "#hash", "lonely", "bad", "b",
    )
]


def attributes(folder: Path, *options: str) -> list[str]:
    """Return what Git says of each path."""
    told = subprocess.run(
        ["git", *options, "check-attr", "-z", "--stdin", "merge"], cwd=folder, input="\0".join([*PATHS, ""]).encode(),
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}, capture_output=True,
        check=True,
    )
    return told.stdout.decode().split("\0")[2::3]


def test_one_file_says_the_same_as_many(tmp_path: Path) -> None:
    for folder, text in FILES.items():
        (tmp_path / "many" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "many" / folder / ".gitattributes").write_bytes(text.encode())
    for name in ("many", "one"):
        subprocess.run(["git", "init", "-q", str(tmp_path / name)], check=True)
    files = [(folder.encode(), text.encode()) for folder, text in reversed(FILES.items())]
    (tmp_path / "one/.git/info/attributes").write_bytes(merge_attributes(files))
    expected = ["text" if told == "custom" else told for told in attributes(tmp_path / "many")]
    assert dict(zip(PATHS, attributes(tmp_path / "one"), strict=True)) == dict(zip(PATHS, expected, strict=True))
    assert {"union", "text", "binary", "unset", "unspecified"} <= set(expected)


def test_only_drivers_of_git_are_named() -> None:
    raw = b"a merge=evil\nb merge=union merge=evil\nc merge=\nd premerge=evil\n[attr]m merge=evil\n"
    assert merge_attributes([(b"", raw)]) == (
        b'"a" merge=text\n"b" merge=union merge=text\n"c" merge=\n"d" premerge=evil\n[attr]m merge=text\n'
    )
