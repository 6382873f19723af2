"""The changed files that the files of a CI system include: GitLab's `include: local`, Azure's templates, and others.

A file counts as included if a CI file of either tree names it, directly or through others: the syntax of each system
is not parsed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from mvc.objects.parsing import patterns
from mvc.ops.judging.trees import Trees
from mvc.quality.judge.rules.policy_files import is_policy_file, is_workflow
from mvc.quality.pointer_files import stem
from mvc.scm.index_changes import Entry

_YAML = (".yml", ".yaml")
_NAMED = re.compile(rb"[^\s'\"\[\]{},()|<>]+\.ya?ml")
"""A path in a file of a CI system."""


def included_workflows(trees: Trees) -> set[str]:
    """Return the changed files that CI files include.

    Raises:
        MvcError: this clone lacks one.
    """
    changed = {path for path in trees.judged.changes if _may_be_included(path) and not is_policy_file(path)}
    if not changed:
        return set()
    files = [(path, entry) for tree in (trees.base, trees.judged.entries) for path, entry in tree.items()]
    left = [(path, entry) for path, entry in files if _may_be_included(path)]
    reached = [(path, entry) for path, entry in left if is_workflow(path)]
    found: set[str] = set()
    while reached:
        found.update(path for path, _ in reached)
        names = _names_in(trees, reached)
        reached = [(path, entry) for path, entry in left if path not in found and patterns.last(names, path)]
    return found & changed


def _may_be_included(path: str) -> bool:
    return path.endswith(_YAML) and not stem(path)


def _names_in(trees: Trees, files: Iterable[tuple[str, Entry]]) -> set[str]:
    files = list(files)
    trees.blobs.load_files(entry for _, entry in files)
    read = ((path, trees.blobs.file(entry)) for path, entry in files)
    return {name for path, file in read if file for name in included_by(path, file.raw)}


def included_by(path: str, raw: bytes) -> set[str]:
    """Return patterns of the files that the file `path` of a CI system names, relative to the top or to itself."""
    folder = path.rpartition("/")[0]
    names = {name.decode(errors="surrogateescape") for name in _NAMED.findall(raw)}
    paths = {posixpath.normpath(posixpath.join(top, name.lstrip("/"))) for name in names for top in ("", folder)}
    return {f"/{name}" for name in paths if not name.startswith("../") and not patterns.problem(f"/{name}")}
