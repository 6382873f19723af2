"""Large repositories, written as the product writes them, and put into Git as a whole."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from uuid import UUID

from benchmarks import material
from benchmarks.hook_cases import POLICY, REPORT
from benchmarks.material import History
from benchmarks.prepare import Place, Step, fresh
from benchmarks.tools import Tool
from mvc.objects.digest_table import NameTable
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import Notes, emit, file_pointer
from mvc.objects.pointer_reader import parse
from mvc.ops.shared.pointers import store_directory
from mvc.quality.reports import report
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import CacheWriter
from mvc.store.remote.roots import encode_roots, roots_key

WITHOUT_REPORTS = 'mvc-policy: 1\nrules:\n  - {match: "**", report: optional}\n'
ADD_ALL = "cd models && exec mvc add *.bin"
SETUP, MODELS = "refs/heads/main", "refs/heads/models"
"""The branches without and with the models."""


def quietly(place: Place, *commands: Iterable[str]) -> None:
    """Run steps that are not measured."""
    for command in commands:
        material.quietly([*command], place.repository, place.environ)


def pointers(count: int) -> Step:
    """Return how to make a repository of models of a few bytes, each with a pointer, added and committed."""

    def make(tool: Tool, place: Place) -> None:
        _set_up(tool, place, WITHOUT_REPORTS)
        _models(place, count)
        _commit(place)

    return make


def reports(count: int, *, edited: bool = False) -> Step:
    """Return how to make the same repository with a report for each model, as mvc writes it, or in another layout."""

    def make(tool: Tool, place: Place) -> None:
        _set_up(tool, place, POLICY)
        text = REPORT.format(**_PLACEHOLDERS, size=0)
        if not edited:
            text = report.emit(report.parse_report(text.encode(), "the report")).decode()
        for path in _models(place, count):
            digest = parse(path.with_name(f"{path.name}.mvc").read_bytes()).digest
            values = {"name": path.stem, "blake3": digest.blake3, "xxh128": digest.xxh128}
            own = text.replace("size: 0}", f"size: {digest.size}}}")
            for name, placeholder in _PLACEHOLDERS.items():
                own = own.replace(placeholder, values.get(name, placeholder))
            path.with_name(f"{path.name}.eval.yaml").write_text(own)
        _commit(place)

    return make


_PLACEHOLDERS = {"name": "NAME", "version": "0", "commit": "c" * 40, "blake3": "b" * 64, "xxh128": "a" * 32}


def _set_up(tool: Tool, place: Place, policy: str) -> None:
    fresh(tool, place)
    (place.repository / ".mvc/policy.yaml").write_text(policy)
    quietly(place, ("git", "add", "-A"), ("git", "commit", "-q", "-m", "set up"), ("git", "switch", "-qc", "models"))


def _models(place: Place, count: int) -> list[Path]:
    paths = [place.repository / f"models/{number:06}.bin" for number in range(count)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_text(path.name)
    quietly(place, ("sh", "-c", ADD_ALL))
    return paths


def _commit(place: Place) -> None:
    """Commit everything, and look twice: stat data settles."""
    quietly(place, ("git", "add", "-A"), ("git", "commit", "-q", "--no-verify", "-m", "models"))
    quietly(place, *[("mvc", "status")] * 2)


def at(commit: str, policy: str = "") -> Step:
    """Return the step that has HEAD at a commit, and all models in the index, with `policy` if it is given."""

    def move(tool: Tool, place: Place) -> None:
        del tool
        quietly(place, ("git", "read-tree", MODELS), ("git", "symbolic-ref", "HEAD", commit))
        quietly(place, ("git", "checkout", "-q", "--", ".mvc"))
        if policy:
            (place.repository / ".mvc/policy.yaml").write_text(policy)
            quietly(place, ("git", "add", ".mvc"))
        quietly(place, ("git", "status"))

    return move


OTHER_POLICY = POLICY.replace("0.5", "0.4")


# Histories.


def history(commits: int, tags: int) -> Step:
    """Return how to make a history of 100 pointers, one of them changed by each commit; all content is on a remote."""

    def make(tool: Tool, place: Place) -> None:
        fresh(tool, place)
        with CacheWriter(Cache(str(place.repository / ".git/mvc"))) as writer:
            import_commits(place, _changes(History(commits, 100), writer))
        names = (f"create refs/tags/v{number} main~{number * commits // tags}\n" for number in range(tags))
        subprocess.run(
            ["git", "update-ref", "--stdin"], cwd=place.repository, input="".join(names), text=True, check=True,
        )
        quietly(place, ("mvc", "remote", "add", "bench", "../remote"), ("mvc", "push", "--all-commits"))

    return make


def _changes(wanted: History, writer: CacheWriter) -> Iterator[list[tuple[str, bytes]]]:
    for commit in range(wanted.commits):
        numbers = range(wanted.pointers) if commit == 0 else [commit % wanted.pointers]
        digests = {number: writer.put_bytes(f"{commit} {number}".encode()) for number in numbers}
        yield [(f"m{number:02}.mvc", emit(file_pointer(digest))) for number, digest in digests.items()]


def versions(files: int, changed: int) -> Callable[[int], Step]:
    """Return how to make a history of a directory, which changes some of its files with each commit; it was pushed."""

    def of(count: int) -> Step:
        def make(tool: Tool, place: Place) -> None:
            fresh(tool, place)
            with CacheWriter(Cache(str(place.repository / ".git/mvc"))) as writer:
                import_commits(place, _directories(files, changed, count, writer))
            quietly(place, ("mvc", "remote", "add", "bench", "../remote"), ("mvc", "push", "--all-commits"))

        return make

    return of


def _directories(files: int, changed: int, count: int, writer: CacheWriter) -> Iterator[list[tuple[str, bytes]]]:
    entries = [_entry(writer, number, 0) for number in range(files)]
    for version in range(count):
        for place in range(changed if version else 0):
            number = (version * changed + place) * 7919 % files
            entries[number] = _entry(writer, number, version)
        yield [("d.mvc", emit(store_directory(writer, Manifest.holding(entries), Notes())))]


def _entry(writer: CacheWriter, number: int, version: int) -> Entry:
    return Entry(f"{number:06}", *writer.put_bytes(_content(number, version)))


def _content(number: int, version: int) -> bytes:
    return f"{number} {version}".encode()


def import_commits(place: Place, commits: Iterable[list[tuple[str, bytes]]]) -> None:
    """Put commits on top of HEAD, and check the last one out."""
    quietly(place, ("git", "add", "-A"), ("git", "commit", "-q", "-m", "set up"))
    command = ["git", "fast-import", "--quiet"]
    with subprocess.Popen(command, cwd=place.repository, stdin=subprocess.PIPE, env=dict(place.environ)) as process:
        process.stdin.writelines(_as_import(commits))  # type: ignore[union-attr]
    if process.returncode:
        raise RuntimeError("git fast-import failed")
    quietly(place, ("git", "reset", "-q", "--hard"))


def _as_import(commits: Iterable[list[tuple[str, bytes]]]) -> Iterator[bytes]:
    """Yield commits as `git fast-import` reads them."""
    yield b"reset refs/heads/main\nfrom refs/heads/main^0\n\n"
    for number, files in enumerate(commits):
        head = b"commit refs/heads/main\ncommitter Bench <bench@example.com> %d +0000\ndata 4\nwork\n"
        yield head % (1_700_000_000 + number)
        for path, raw in files:
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(raw), raw)


# Remotes.

NAMES = 100_000
"""Objects that each clone needs."""


def clones(count: int) -> Step:
    """Return how to make a remote that clones have announced their needs to; it has half of them."""

    def make(tool: Tool, place: Place) -> None:
        versions(NAMES // 2, 0)(1)(tool, place)
        shared = [hash_bytes(_content(number, 0)).blake3 for number in range(NAMES // 2)]
        for number in range(count):
            path = place.repository.parent / "remote" / roots_key(str(UUID(int=number)))
            path.parent.mkdir(parents=True)
            names = chain(shared, (os.urandom(32).hex() for _ in range(NAMES // 2)))
            path.write_bytes(encode_roots(f"host{number}:/clone", NameTable(names)))

    return make
