"""The digests of DVC: ours are those of the real package."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc import python_of_dvc
from harness import rounds

from mvc.errors import InvalidFormat
from mvc.objects.dvc.digest import DvcDigest, ListedFile, Md5, digest_of_list, parse_listing
from mvc.objects.foreign import is_content

MIB = 1 << 20
RANDOM = rounds("MVC_DVC_TEXTS", 150, 3000)
BY_THE_PACKAGE = """\
import hashlib, json, sys
from pathlib import Path
from dvc_data.hashfile.hash import dos2unix, file_md5
from dvc_data.hashfile.istextfile import istextfile
from dvc_objects.fs import localfs

def of_before_2022(path):
    md5, is_text = hashlib.md5(), istextfile(str(path), localfs)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            md5.update(dos2unix(chunk) if is_text else chunk)
    return md5.hexdigest()

paths = sorted(Path(sys.argv[1]).iterdir())
print(json.dumps({
    path.name: [file_md5(str(path)), file_md5(str(path), name="md5-dos2unix"), of_before_2022(path)] for path in paths
}))
"""
LISTED_BY_THE_PACKAGE = """\
import json, sys
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.tree import Tree

tree = Tree()
for path, md5 in json.loads(sys.argv[1]):
    tree.add(tuple(path.split("/")), Meta(), HashInfo("md5", md5))
tree.digest()
print(json.dumps([tree.hash_info.value, tree.as_bytes().decode()]))
"""


def texts() -> Iterator[bytes]:
    """Yield content at the edges of DVC's guess, and random mixtures of lines, bytes and chunks."""
    line = b"a line\r\n"
    yield from (b"", b"\r", b"\r\n", b"\r\n" * 300, b"\0\r\n", "ä\r\n".encode(), "ä\r\n".encode() * 300)
    yield from (line * 64 + unusual + b"\r\n" for unusual in (b"", b"\0", b"\xff" * 512))  # after 512 bytes
    for unusual in (153, 154):  # of 512: 29.9 %, and 30.1 %
        yield b"\x80" * unusual + b"x" * (512 - unusual) + b"\r\n"
    yield from (b"\x80" * few + b"a" * many + b"\r\n" for few, many in ((3, 5), (3, 6), (30, 68), (31, 68)))
    yield b"x" * (MIB - 1) + b"\r\n" + line  # the end of a chunk divides the line's end
    yield from (first * (MIB // 2) + then * 9 for first in (b"x\n", b"\0\n") for then in (line, b"\0" + line))
    made = random.Random(21)
    for _ in range(RANDOM):
        unusual = made.choice((b"\0", b"\x80\xff", b"\x1b\x07", b""))
        pieces = [made.choice((line, b"\n", b"word ", unusual)) for _ in range(made.choice((3, 60, 900)))]
        yield b"".join(pieces) * made.choice((1, 1, 1, 3000 // len(pieces)))


def test_ours_are_those_of_the_package(tmp_path: Path) -> None:
    contents = dict(enumerate(texts()))
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, content in contents.items():
        (folder / str(number)).write_bytes(content)
    theirs = json.loads(python_of_dvc(BY_THE_PACKAGE, str(folder)))
    differing = 0
    for number, content in contents.items():
        plain, now, before = theirs[str(number)]
        assert is_content(content, DvcDigest(plain))
        assert is_content(content, DvcDigest(now, text=True))
        assert is_content(content, DvcDigest(before, text=True))
        assert is_content(content, DvcDigest(plain, text=True)) == (plain in (now, before))
        differing += plain != now
    assert len(contents) > differing > len(contents) / 4


@pytest.mark.parametrize("step", [1 << 10, MIB - 1, MIB, 3 * MIB])
def test_the_size_of_the_parts_does_not_matter(step: int) -> None:
    content = (b"x" * (MIB - 1) + b"\r\n" + b"\0" * 5 + b"\r\n" * 9) * 2
    md5 = Md5(DvcDigest("", text=True))
    for start in range(0, len(content), step):
        md5.update(memoryview(content)[start : start + step])
    whole = Md5(DvcDigest("", text=True))
    whole.update(memoryview(content))
    assert [way.hexdigest() for way in md5._ways] == [way.hexdigest() for way in whole._ways]


def test_the_list_of_a_directory_is_that_of_the_package() -> None:
    names = ["b", "a/b", "a.b", "a b", "ä/é", "\u2028", "\U0001d4b3", 'quoted"\\', "a/b/c"]
    files = [ListedFile(name, DvcDigest(f"{number:032x}")) for number, name in enumerate(names)]
    theirs, listing = json.loads(python_of_dvc(
        LISTED_BY_THE_PACKAGE, json.dumps([(file.path, file.digest.md5) for file in files]),
    ))
    assert digest_of_list(files, old=False).name == theirs
    assert sorted(parse_listing(listing.encode(), "d", old=False)) == sorted(files)


@pytest.mark.parametrize(("raw", "reason"), [
    (b"", "not JSON"), (b"\xff", "not JSON"), (b"[" * 100_000, "not JSON"), (b"1" * 5000, "not JSON"),
    (b'{"md5": 1}', "not a list"), (b"[1]", "a file without a path"), (b'[{"relpath": 1}]', "a file without a path"),
    (b'[{"relpath": "a", "md5": 1}]', "expected 32 hex digits"),
    (b'[{"relpath": "a", "md5": "../../../../../../../etc/passwd.."}]', "expected 32 hex digits"),
    (b'[{"relpath": "a", "md5": "%032d.dir"}]' % 0, "a directory in the list"),
    (b'[{"relpath": "a", "md5": "%032d"}, {"relpath": "a", "md5": "%032d"}]' % (0, 1), "lists a path twice"),
])
def test_a_list_of_another_form_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidFormat, match=reason):
        parse_listing(raw, "d", old=False)
