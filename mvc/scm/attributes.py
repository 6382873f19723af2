"""Git's attributes of many paths."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from mvc.scm.plumbing import Git, Layout

_PREFIX = "mvc-line-"


def paths_with(git: Git, attribute: str, value: str, paths: Iterable[str]) -> set[str]:
    """Return which of `paths`, from the top of the worktree, have an attribute with this value."""
    return {path for path, _, found in _check(git, [attribute], paths) if found == value}


def matching_patterns(
    git: Git, layout: Layout, scratch: str, patterns: Mapping[str, Mapping[int, bytes]], paths: Iterable[str],
) -> dict[str, set[tuple[str, int]]]:
    """Return the patterns that match each of `paths`, each pattern on its own.

    `patterns` are by file (a path of a `.gitattributes`) and number, as they are written there. Git itself matches
    them: in `scratch`, an empty directory, where each sets an attribute of its own.
    """
    numbers = [(file, number) for file, found in patterns.items() for number in found]
    names = {place: f"{_PREFIX}{at}" for at, place in enumerate(numbers)}
    for file, found in patterns.items():
        os.makedirs(os.path.dirname(f"{scratch}/{file}"), exist_ok=True)
        with open(f"{scratch}/{file}", "wb") as written:
            written.writelines(b"%s %s\n" % (pattern, names[file, at].encode()) for at, pattern in found.items())
    there = git.at(scratch).with_environ(
        GIT_DIR=layout.git_dir, GIT_WORK_TREE=scratch, GIT_INDEX_FILE=f"{scratch}/.no-index",
    )
    matched: dict[str, set[tuple[str, int]]] = {}
    for path, name, _ in _check(there, ["--all"], paths):
        if name.startswith(_PREFIX):
            matched.setdefault(path, set()).add(numbers[int(name.removeprefix(_PREFIX))])
    return matched


def _check(git: Git, wanted: list[str], paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield path, attribute and value; the latter may be empty."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    output = git.run("check-attr", "-z", "--stdin", *wanted, stdin=asked)
    fields = [os.fsdecode(field) for field in output.split(b"\0")[:-1]]
    return zip(fields[::3], fields[1::3], fields[2::3], strict=True)
