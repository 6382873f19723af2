"""Registries with many tags, written as mvc writes them, and put into Git as a whole."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from hashlib import sha1
from itertools import count as counting
from typing import NamedTuple

from benchmarks.hook_cases import REPORT
from benchmarks.prepare import Place, Step, fresh
from benchmarks.scale.repositories import import_commits
from benchmarks.tools import Tool
from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import Notes, emit, file_pointer
from mvc.registry.event import Trailers, message_of
from mvc.registry.grammar import TagName, spell_tag

MODELS = 20
_START = 1_700_000_000
"""The time of the first tag, in seconds since the epoch."""


class _Version(NamedTuple):
    """A version of a model in one commit."""

    model: str
    name: str
    pointer: bytes
    report: bytes


def registry(tags: int) -> Step:
    """Return how to make a repository of 20 models with `tags` tags: half of them versions, half promotions."""
    versions = [_version(number % MODELS, number // MODELS) for number in range(tags // 2)]

    def make(tool: Tool, place: Place) -> None:
        fresh(tool, place)
        import_commits(place, map(_files, versions))
        listed = ["git", "rev-list", "--reverse", f"--max-count={len(versions)}", "HEAD"]
        done = subprocess.run(listed, cwd=place.repository, check=True, capture_output=True, text=True)
        commits = done.stdout.split()
        text = b"".join(_tags(versions, commits))
        subprocess.run(["git", "fast-import", "--quiet"], cwd=place.repository, input=text, check=True)
        subprocess.run(["git", "pack-refs", "--all"], cwd=place.repository, check=True)

    return make


def _version(model: int, number: int) -> _Version:
    name, digest = f"model-{model:02}", hash_bytes(f"{model} {number}".encode())
    report = REPORT.format(name=name, version=number, commit="c" * 40, size=digest.size, blake3=digest.blake3,
                           xxh128=digest.xxh128)
    return _Version(name, f"v1.{number}.0", emit(file_pointer(digest, notes=Notes(name=name))), report.encode())


def _files(version: _Version) -> list[tuple[str, bytes]]:
    return [(f"{version.model}.bin.mvc", version.pointer), (f"{version.model}.bin.eval.yaml", version.report)]


def _tags(versions: list[_Version], commits: list[str]) -> Iterator[bytes]:
    """Yield two tags of each version as `git fast-import` reads them: each names the one before."""
    numbers, last = counting(), dict.fromkeys((item.model for item in versions), "")
    for item, commit in zip(versions, commits, strict=True):
        blake3 = hash_bytes(item.report).blake3
        digest = item.pointer.split(b'blake3: "')[1][:64].decode()
        for name in (TagName(item.model, "register", item.name), TagName(item.model, "promote", "", "prod")):
            number = next(numbers)
            tag = spell_tag(name._replace(number=number if name.stage else 0))
            trailers = Trailers(digest, blake3, f"{item.model}.bin.mvc", last[item.model])
            tagger = f"tagger Bench <bench@example.com> {_START + number} +0000\n"
            message = message_of(f"{name.action} {item.name}", "", trailers)
            body = f"object {commit}\ntype commit\ntag {tag}\n{tagger}\n{message}".encode()
            last[item.model] = sha1(b"tag %d\0%s" % (len(body), body)).hexdigest()
            yield f"tag {tag}\nfrom {commit}\n{tagger}data {len(message)}\n{message}".encode()
