"""The rows of `make bench-scale`. To add one: a `Row` with the step that makes its repository, beside its like."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

from benchmarks.hook_cases import HOOK
from benchmarks.prepare import Place
from benchmarks.scale.directories import (
    as_committed,
    cloned,
    cloned_with_s3,
    directory,
    emptied,
    ten_changed,
    ten_unsent,
    unknown,
    unsent,
)
from benchmarks.scale.registries import registry
from benchmarks.scale.repositories import (
    ADD_ALL,
    MODELS,
    OTHER_POLICY,
    SETUP,
    at,
    clones,
    history,
    pointers,
    quietly,
    reports,
    versions,
)
from benchmarks.scale.row import Row
from benchmarks.tools import Tool

Command = Callable[[Tool, Place], list[str]]


def _typed(line: str) -> Command:
    """Return what gives a command as typed in a shell."""
    return lambda tool, place: ["sh", "-c", line]  # noqa: ARG005


def _moved_back(tool: Tool, place: Place) -> None:
    del tool
    if (place.repository / "moved").exists():
        quietly(place, ("mvc", "mv", "moved", "models"))


def _forget(tool: Tool, place: Place) -> None:
    """Delete the catalog."""
    del tool
    for path in (place.repository / ".git/mvc").glob("catalog*"):
        path.unlink()


_HOOK = _typed(f"exec {shlex.join(HOOK)} pre-commit")
_MODELS = (1_000, 10_000, 50_000)
_edited = partial(reports, edited=True)
_COMMITS = (1_000, 10_000)
_VERSIONS = (20, 160)
_untagged, _tagged = partial(history, tags=0), partial(history, tags=100)
_OLDER = "exec mvc checkout --rev HEAD~1 d"
_PULL = "cd ../clone && exec mvc pull"
_FILES = (10_000, 100_000, 500_000)
_TAGS = (2_000, 20_000)
_LISTED = "exec git for-each-ref --format='%(refname)%(object)%(taggerdate)%(contents)'"
"""The floor: what a program takes that only reads the tags."""
_HISTORY = (
    f"{_LISTED.removeprefix('exec ')} && "
    "git log --branches --tags --raw --no-abbrev --format=%H -- '*.mvc' '*.eval.yaml' | "
    "awk '/^:/ { print $4 } /^[0-9a-f]/ { print $1 }' | git cat-file --batch --buffer"
)
"""The floor: what a program takes that also reads the commits, and the pointers and reports that they bring."""
_directory = versions(20_000, 10)

ROWS = (
    Row("status, n files", directory, _FILES, _typed("exec mvc status"), as_committed),
    Row("status, 10 of n files changed", directory, _FILES, _typed("exec mvc status"), ten_changed),
    Row("add, 10 of n files changed", directory, _FILES, _typed("exec mvc add d"), ten_changed),
    Row("checkout --rev, 10 of n files differ", directory, _FILES, _typed(_OLDER), as_committed),
    Row("checkout, n files", directory, _FILES, _typed("exec mvc checkout"), emptied),
    Row("verify, n files", directory, _FILES, _typed("exec mvc verify"), as_committed),
    Row("push, n files, directory", directory, _FILES, _typed("exec mvc push"), unsent),
    Row("push again, n files, directory", directory, _FILES, _typed("exec mvc push")),
    Row("push, 10 of n files changed, directory", directory, _FILES, _typed("exec mvc push"), ten_unsent),
    Row("gc, n files", directory, _FILES, _typed("exec mvc gc"), as_committed),
    Row("pull, n files, directory", directory, _FILES, _typed(_PULL), cloned),
    Row("pull, n files, S3", directory, _FILES, _typed(f"{_PULL} -r s3"), cloned_with_s3, server=True),
    Row("add, n files", directory, _FILES, _typed("exec mvc add d"), unknown),
    Row("status, n pointers", pointers, _MODELS, _typed("exec mvc status")),
    Row("add again, n pointers", pointers, _MODELS, _typed(ADD_ALL)),
    Row("eval check, n pointers", pointers, _MODELS, _typed("exec mvc eval check"), _forget),
    Row("gc, n pointers", pointers, _MODELS, _typed("exec mvc gc")),
    Row("mv, n pointers", pointers, _MODELS, _typed("exec mvc mv models moved"), _moved_back),
    Row("status, n reports", reports, _MODELS, _typed("exec mvc status")),
    Row("hook, nothing staged, n reports", reports, _MODELS, _HOOK, at(MODELS)),
    Row("hook, policy changed, n reports", reports, _MODELS, _HOOK, at(MODELS, OTHER_POLICY)),
    Row("hook, all staged, n reports", reports, _MODELS, _HOOK, at(SETUP)),
    Row("eval check, first, n reports", reports, _MODELS, _typed("exec mvc eval check"), _forget),
    Row("eval check, again, n reports", reports, _MODELS, _typed("exec mvc eval check")),
    Row("hook, policy changed, n edited reports", _edited, _MODELS, _HOOK, at(MODELS, OTHER_POLICY)),
    Row("hook, all staged, n edited reports, judged before", _edited, _MODELS, _HOOK, at(SETUP)),
    Row("gc --evict, n commits", _untagged, _COMMITS, _typed("exec mvc gc --evict --grace 0")),
    Row("gc --evict, n commits, 100 tags", _tagged, _COMMITS, _typed("exec mvc gc --evict --grace 0")),
    Row("gc, n versions of 20,000 files", _directory, _VERSIONS, _typed("exec mvc gc")),
    Row("push again, n versions of 20,000 files", _directory, _VERSIONS, _typed("exec mvc push --all-commits")),
    Row("git for-each-ref, n registry tags", registry, _TAGS, _typed(_LISTED)),
    Row("git for-each-ref, n registry tags, one model", registry, _TAGS, _typed(f"{_LISTED} 'refs/tags/model-07*'")),
    Row("models, n registry tags", registry, _TAGS, _typed("exec mvc models")),
    Row("which NAME STAGE, n registry tags", registry, _TAGS, _typed("exec mvc which model-07 prod")),
    Row("which --at, n registry tags", registry, _TAGS, _typed("exec mvc which model-07 prod --at 2023-11-15")),
    Row("history NAME, n registry tags", registry, _TAGS, _typed("exec mvc history model-07")),
    Row("git for-each-ref, log and cat-file, n registry tags", registry, _TAGS, _typed(_HISTORY)),
    Row("audit, n registry tags", registry, _TAGS, _typed("exec mvc audit")),
    Row("audit --model, n registry tags", registry, _TAGS, _typed("exec mvc audit --model model-07")),
    Row("compare NAME, n registry tags", registry, _TAGS, _typed("exec mvc compare model-07")),
    Row("verify --tags, n registry tags", registry, _TAGS, _typed("exec mvc verify --tags")),
    Row("gc -r, n clones of 100,000 names", clones, (4, 40), _typed("exec mvc gc -r bench")),
)
