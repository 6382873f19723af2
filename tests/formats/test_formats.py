"""`mvc add` writes what docs/formats.md describes: an implementation of that page reads it."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from blake3 import blake3
from formats.second_implementation import (
    Digest,
    File,
    Pointer,
    Store,
    contents,
    digest_of,
    manifest_objects,
    may_be_inline,
    read_manifest,
    read_pointer,
)
from harness import PROJECT, Repo, noise

FORMATS = (PROJECT / "docs/formats.md").read_text()
NAMES = ["a b.bin", "für.bin", "模型.bin", "tab.😀.bin", 'quote".bin', "ﬀ.bin", "x.🫠", "deep/er/🙂 é.txt"]


def tracked(repo: Repo, path: str) -> tuple[Pointer, Store]:
    return read_pointer(repo.read(path + ".mvc")), Store(repo.store)


def in_workspace(repo: Repo, path: str) -> dict[str, tuple[bytes, bool]]:
    top = repo.path(path)
    found = [top] if top.is_file() else [file for file in top.rglob("*") if file.is_file()]
    return {
        "" if file == top else str(file.relative_to(top)): (file.read_bytes(), bool(file.stat().st_mode & 0o100))
        for file in found
    }


def rewritten(files: dict[str, tuple[bytes, bool]]) -> list[File]:
    return [File(path, digest_of(data), executable) for path, (data, executable) in files.items()]


def dir_pointer(files: list[File], notes: dict[str, object] | None = None) -> Pointer:
    """Return the pointer of a directory, made from its files only."""
    ordered = tuple(sorted(files, key=lambda file: file.path.encode()))
    if may_be_inline(files):
        return Pointer("dir", None, ordered, notes=notes or {})
    total = sum(file.digest.size for file in files)
    return Pointer("dir", digest_of(manifest_objects(files)[-1]), files=len(files), total=total, notes=notes or {})


@pytest.mark.parametrize("size", [1, 524_287, 524_288, 3_000_000], ids=str)
@pytest.mark.parametrize("executable", [False, True], ids=["plain", "executable"])
def test_a_file(repo: Repo, size: int, executable: bool) -> None:
    data = noise("file", size)
    repo.write("model.bin", data).chmod(0o755 if executable else 0o644)
    repo.ok("add", "model.bin")
    pointer, store = tracked(repo, "model.bin")
    assert contents(store, pointer) == {"": (data, executable)}
    assert Pointer("file", digest_of(data), executable=executable).spelled() == repo.read("model.bin.mvc")
    assert repo.loose(digest_of(data).blake3).exists() == (size >= 512 << 10)


@pytest.mark.parametrize("count", [0, 1, 256, 257, 300, 4096, 4097, 6000])
def test_a_directory(repo: Repo, count: int) -> None:
    (repo.root / "data").mkdir()
    for number in range(count):
        (repo.root / f"data/part-{number:04}").write_bytes(noise(number, number % 7))
    repo.ok("add", "data")
    pointer, store = tracked(repo, "data")
    files = contents(store, pointer)
    assert files == in_workspace(repo, "data")
    assert dir_pointer(rewritten(files)).spelled() == repo.read("data.mvc")


def test_long_names_make_a_directory_too_large_for_its_pointer(repo: Repo) -> None:
    for number in range(250):
        repo.write(f"data/{'n' * 200}{number:03}", str(number))
    repo.ok("add", "data")
    pointer, store = tracked(repo, "data")
    assert pointer.listed is None
    assert contents(store, pointer) == in_workspace(repo, "data")


def test_names_of_all_scripts(repo: Repo) -> None:
    for number, name in enumerate(NAMES):
        repo.write(f"data/{name}", noise(name, 700_000 if number == 1 else 10)).chmod(0o755 if number % 2 else 0o644)
    repo.ok("add", "data")
    pointer, store = tracked(repo, "data")
    files = contents(store, pointer)
    assert files == in_workspace(repo, "data")
    assert sorted(files) == sorted(NAMES)
    assert dir_pointer(rewritten(files)).spelled() == repo.read("data.mvc")


TEXTS = ["plain", 'a "quoted" \\ word', "lines\nand\ttabs", "é 模型 \u00a0\u2028\ufeff\U0001f600", "\u0378\u20bf\u1e9e"]


@pytest.mark.parametrize("text", TEXTS)
def test_notes(repo: Repo, text: str) -> None:
    repo.write("model.bin", "weights")
    repo.ok("add", "model.bin", "-m", text, "--name", "team/ranker")
    pointer, _ = tracked(repo, "model.bin")
    assert pointer.notes == {"name": "team/ranker", "desc": text}
    assert Pointer("file", digest_of(b"weights"), notes=pointer.notes).spelled() == repo.read("model.bin.mvc")


def test_mvc_reads_what_the_second_implementation_writes(repo: Repo) -> None:
    repo.write("data/one", "1")
    repo.write("data/two", "2")
    repo.ok("add", "data")
    notes = {"desc": "é\u2029", "labels": {"team": "search", "stage": "a, b: {c}"}, "remote": "prod"}
    files = [File("two", digest_of(b"2"), executable=True), File("one", digest_of(b"1"))]
    repo.write("data.mvc", dir_pointer(files, notes).spelled())
    assert repo.state("data") == "behind"
    repo.ok("checkout", "data")
    assert in_workspace(repo, "data") == {"one": (b"1", False), "two": (b"2", True)}
    assert repo.state("data") == "clean"


def test_one_changed_file_rewrites_one_shard_and_the_index(repo: Repo) -> None:
    files = [File(f"part-{number:05}.bin", digest_of(b"")) for number in range(20_000)]
    before = manifest_objects(files)
    files[9000] = File(files[9000].path, digest_of(b"changed"))
    after = manifest_objects(files)
    assert len(before) > 3
    assert len(set(after) - set(before)) == 2


def test_packs_are_named_by_their_bytes_and_covered_by_their_index(repo: Repo) -> None:
    repo.write_dir("data", 300)
    repo.ok("add", "data")
    (index,) = (repo.store / "packs").glob("*.idx")
    pack = index.with_suffix(".pack").read_bytes()
    records = [index.read_bytes()[1080 + 80 * n :][:80] for n in range(301)]
    assert blake3(pack).hexdigest() == index.stem == index.read_bytes()[1048:1080].hex()
    spans = sorted(struct.unpack_from("<QQ", record, 48) for record in records)
    end = 8
    for offset, size in spans:
        assert offset == end
        end += size
    assert end == len(pack)


def test_store_file_and_gitignore_are_as_documented(repo: Repo) -> None:
    repo.write("m/ranker.onnx", "1")
    repo.write("m/bert/weights", "2")
    repo.ok("add", "m/ranker.onnx", "m/bert")
    assert repo.read("m/.gitignore").decode() in FORMATS
    assert (repo.store / "store.yaml").read_text() in FORMATS


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", FORMATS, re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


def test_the_examples_of_the_page_are_in_their_one_spelling(tmp_path: Path) -> None:
    pointers = [block for block in blocks("yaml") if block.startswith("mvc: 1") and "…" not in block]
    assert len(pointers) == 2
    for block in pointers:
        read_pointer(block.encode())
    (manifest,) = (block.encode() for block in blocks("") if block.startswith("mvc-manifest 1") and "run.sh" in block)
    name = blake3(manifest).hexdigest()
    assert name in FORMATS
    assert f"{len(manifest)} bytes" in FORMATS
    (tmp_path / f"objects/{name[:2]}").mkdir(parents=True)
    (tmp_path / f"objects/{name[:2]}/{name}").write_bytes(manifest)
    assert tuple(read_manifest(Store(tmp_path), name)) == read_pointer(pointers[1].encode()).listed
    for data in (b"", b"hello\n"):
        digest: Digest = digest_of(data)
        assert f"| `{digest.blake3}` | `{digest.xxh128}` | {digest.size} |" in FORMATS


def test_the_line_that_rescues_a_directory(repo: Repo) -> None:
    repo.write_dir("data", 300)
    repo.ok("add", "data")
    pointer, store = tracked(repo, "data")
    assert pointer.digest
    repo.write("manifest", store.object(pointer.digest.blake3))
    (line,) = (block.strip() for block in blocks("sh"))
    listed = repo.shell(line.replace("MANIFEST", "manifest").removesuffix("| b3sum -c"))
    assert listed.code == 0
    rows = dict(reversed(row.split("  ", 1)) for row in listed.out.splitlines())
    assert rows == {path: blake3(data).hexdigest() for path, (data, _) in contents(store, pointer).items()}
