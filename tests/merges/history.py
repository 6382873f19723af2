"""A merge history as data, and the exact text of files that is expected of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from formats.second_implementation import File, Pointer, digest_of, manifest_objects, may_be_inline
from harness import MANY

from mvc.workspace import gitignore

SHARDED = 4_200
"""Files of a directory whose list is divided."""
BASES = {
    "directory": "data/d/a=a; data/d/b=b; data/d/c=c; data/d/e=e; data/d/f=f; mvc add data/d",
    "many": f"files data/d {MANY}; mvc add data/d",
    "sharded": f"files data/d {SHARDED}; mvc add data/d",
    "file": "data/m=base; mvc add data/m",
    "model": "m=base; mvc add m; eval m 0.90",
    "directory model": "bert/a=a; bert/b=b; bert/c=c; bert/e=e; bert/f=f; mvc add bert; eval bert 0.90",
    "nothing": "",
}
"""How the common ancestors are made; the policy wants no report of what is in `data`."""


@dataclass(frozen=True)
class Expected:
    """What Git made of the files, and what the user makes of it."""

    files: Mapping[str, str]
    """By name: a spelled text; `ours`, `theirs` or `base` for a version as it was, `ours@n` for that of `n`; `gone`."""
    conflict: str = ""
    """The files in conflict."""
    codes: str = ""
    """The findings for which the hook refuses the merge commit."""
    then: str = ""
    """What is typed afterwards."""
    after: Mapping[str, str] = field(default_factory=dict)
    """The files after that, as `files`."""


@dataclass(frozen=True)
class History:
    """Two branches and how they are merged. Steps are separated by semicolons: see `steps.py`."""

    name: str
    base: str
    """A key of `BASES`, and perhaps more steps after a semicolon."""
    ours: str
    theirs: str
    driver: Expected
    """What comes of it with mvc's merge driver."""
    plain: Expected | None = None
    """The same without the driver, if it differs."""
    git: str = "git merge theirs"
    """A shell line that merges."""
    at: str = ""
    """Where the merge is then: a folder beside the repository, by what its name has more."""


Version = Callable[[str, str], bytes]
"""Returns a file as it is on the branch `base`, `ours` or `theirs`."""


def spelled(name: str, text: str, version: Version) -> bytes | None:
    """Return the bytes that `text` stands for: None for `gone`."""
    if text == "gone":
        return None
    who, _, elsewhere = text.partition("@")
    if who in ("ours", "theirs", "base"):
        return version(who, elsewhere or name)
    return b"".join(_line(name, line, version) for line in text.split("\n"))


_MARKS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


def _line(name: str, line: str, version: Version) -> bytes:
    if line.startswith(_MARKS):
        return f"{line}\n".encode()
    if line.startswith("@"):
        return version(line[1:], name)
    if name.endswith(".gitignore") and line.startswith("block"):
        return _block(line.split()[1:])
    if line.startswith("text "):
        return "".join(f"{word}\n" for word in line.split()[1:]).encode()
    if name.endswith(".mvc"):
        if line.startswith(("size: ", "files: ", "total: ", "labels: ", "mvc: ", "manifest:")):
            return f"{line}\n".encode()
        return b"".join(_large(*line.split(" ", 1)) if line.startswith(("many", "list", "hash")) else _parts(line))
    return f"{line}\n".encode()


def _block(names: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in (gitignore.BEGIN, *names, gitignore.END)).encode()


_HEADS = {"kind": b"", "dir": b"manifest:\n", "empty": b"manifest: []\n"}


def _parts(line: str) -> Iterator[bytes]:
    for word in shlex.split(line):
        name, separator, content = word.partition("=")
        if word in _HEADS:
            yield b'mvc: 1\nkind: "dir"\n' + _HEADS[word]
        elif word == "file":
            yield b'mvc: 1\nkind: "file"\n'
        elif word == "exec":
            yield b"exec: true\n"
        elif separator and not name:
            yield _after(Pointer("file", digest_of(content.encode())), b'kind: "file"\n')
        elif separator:
            listed = File(name.removeprefix("*"), digest_of(content.encode()), name.startswith("*"))
            yield _after(Pointer("dir", None, (listed,)), b"manifest:\n")
        else:
            yield (word.replace(":", ': "', 1) + '"\n').encode()


def _after(pointer: Pointer, head: bytes) -> bytes:
    return pointer.spelled().partition(head)[2]


def _large(count: str, changes: str = "") -> Iterator[bytes]:
    """Yield the pointer of a large directory: `many300 001=changed -002`.

    With `list300` it is without its kind, with `hash300` only both hashes.
    """
    files = numbered(int(count[4:]))
    for word in changes.split():
        name, separator, content = word.partition("=")
        if separator:
            files[name] = content.encode()
        else:
            del files[name.removeprefix("-")]
    pointer = _directory([File(name, digest_of(files[name])) for name in sorted(files)])
    listed = _after(pointer, b'kind: "dir"\n')
    parts = {"many": pointer.spelled(), "list": listed, "hash": listed[: listed.find(b"size: ")]}
    yield parts[count[:4]]


def _directory(files: list[File]) -> Pointer:
    if may_be_inline(files):
        return Pointer("dir", None, tuple(files))
    total = sum(file.digest.size for file in files)
    return Pointer("dir", digest_of(manifest_objects(files)[-1]), files=len(files), total=total)


def numbered(count: int) -> dict[str, bytes]:
    """Return the files of a large directory."""
    return {f"{number:04}": b"%d" % number for number in range(count)}
