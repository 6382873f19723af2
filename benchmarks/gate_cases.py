"""Cases about the gate: a pull request in a repository of many models that has a history.

Beside it stand what Git itself takes to compare the two trees, and Python that does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks import material
from benchmarks.case import Case
from benchmarks.hook_cases import POLICY, REPORT
from benchmarks.prepare import Place, fresh, nothing
from benchmarks.tools import FLOOR, Tool

MODELS = 10_000
CHANGED = 100
COMMITS = 300
"""On the target branch, each with another model evaluated anew."""
_FOLDER = 100
"""Models of one directory."""


def _requested(tool: Tool, place: Place) -> None:
    """Make a repository with a branch that changes some of its models, while the target branch moved on."""
    fresh(tool, place)
    command = ["git", "fast-import", "--quiet"]
    with subprocess.Popen(command, cwd=place.repository, stdin=subprocess.PIPE, env=dict(place.environ)) as process:
        process.stdin.writelines(_history())  # type: ignore[union-attr]
    if process.returncode:
        raise RuntimeError("git fast-import failed")
    material.quietly(("git", "repack", "-adq"), place.repository, place.environ)
    material.quietly(("git", "update-ref", "--no-deref", "HEAD", "change"), place.repository, place.environ)


def _history() -> Iterator[bytes]:
    yield _commit("main", 0, [(number, 0) for number in range(MODELS)], policy=True)
    for count in range(1, COMMITS):
        yield _commit("main", count, [(count, 1)])
        if count == COMMITS // 2:
            yield b"reset refs/heads/change\nfrom refs/heads/main\n\n"
    yield _commit("change", COMMITS, [(MODELS - number, 2) for number in range(1, CHANGED + 1)])


def _commit(branch: str, count: int, models: list[tuple[int, int]], *, policy: bool = False) -> bytes:
    """Return a commit as `git fast-import` reads it, with models and their versions."""
    files = [file for number, version in models for file in _files(number, version)]
    files += [(".mvc/policy.yaml", POLICY)] if policy else []
    rows = b"".join(
        b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(text.encode()), text.encode())
        for name, text in files
    )
    head = b"commit refs/heads/%s\ncommitter Bench <bench@example.com> %d +0000\ndata 4\nwork\n"
    return head % (branch.encode(), 1_700_000_000 + count) + rows


def _files(number: int, version: int) -> list[tuple[str, str]]:
    path = f"models/{number // _FOLDER:03}/{number:05}.bin"
    digits = os.urandom(48).hex()
    blake3, xxh128 = digits[:64], digits[64:]
    pointer = f'mvc: 1\nkind: "file"\nblake3: "{blake3}"\nxxh128: "{xxh128}"\nsize: 12345\n'
    said = {"blake3": blake3, "xxh128": xxh128, "size": 12345, "version": version, "commit": "c" * 40}
    report = REPORT.format(name=f"{number:05}", **said).replace(f'"data/holdout.csv", blake3: "{blake3}"', _DATA)
    return [(f"{path}.mvc", pointer), (f"{path}.eval.yaml", report)]


_DATA = f'"data/holdout.csv", blake3: "{"d" * 64}"'


def _judge(tool: Tool, place: Place) -> list[str]:
    del place
    others = {
        "git": ["git", "diff-tree", "-r", "--raw", "main", "change"],
        FLOOR.name: [sys.executable, "-c", "pass"],
    }
    return others.get(tool.name) or [tool.program, "gate", "--base", "main", "--head", "change"]


def _audit(tool: Tool, place: Place) -> list[str]:
    del place
    return [tool.program, "gate", "--all", "--head", "change"]


GATES = (
    Case(
        f"gate, {CHANGED} of {MODELS:,} models changed", ("git", FLOOR.name), _requested, nothing, _judge, 2,
        memory=200,
    ),
    Case(f"gate --all, {MODELS:,} models", (), _requested, nothing, _audit),
)
