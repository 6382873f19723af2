"""Models of the workspace that DVC or git-lfs keeps: their pointers, and the digests that these have."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.fs.files import UnsafePath, check_unchanged, open_regular
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.dvc.digest import ListedFile, Md5, digest_of_list, parse_digest
from mvc.objects.dvc.names import is_of_data
from mvc.objects.hashing import hash_stream
from mvc.objects.pointer import SUFFIX, Pointer
from mvc.ops.shared.other_pointers.view import MAX_DVC, PointerView
from mvc.ops.shared.reports import file_in
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.quality.files import POLICY, REGULAR, FileAt
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.pointer_files import is_other, lock_of, pointer_in_file, raw_of
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.report import Model
from mvc.quality.reports.report_document import parse_report
from mvc.scm.index import IndexEntry, list_files
from mvc.scm.index_changes import Entry

_TEXT = "dos2unix-"


def pointers_here(project: Project) -> dict[str, FileAt]:
    """Return the pointers of DVC and git-lfs in the workspace by tracked path, if its policy has them judged.

    Those of git-lfs are the index's: the workspace has the content.

    Raises:
        MvcError: Git cannot read the index, or a file cannot be read.
    """
    policy = file_in(project.tree, POLICY)
    if policy is None or b"pointers" not in policy.raw:
        return {}
    found = read_policy(policy).policy
    if not found.has_other_pointers:
        return {}
    kinds = found.pointers
    files = list_files(project.git, f"*{SUFFIX}", *PointerView(project.git, kinds).patterns)
    raws = dict(_of_dvc(project.tree, files)) if "dvc" in kinds else {}
    entries = {path: Entry(REGULAR[0], path) for path in raws}
    entries |= {file.path: Entry(file.mode, file.oid) for file in files if file.oid and file.path not in raws}
    seen = PointerView(project.git, kinds, raws).tree(entries)
    return {
        path.removesuffix(SUFFIX): FileAt(entry.mode, raw_of(entry.oid), entry.oid)
        for path, entry in seen.items() if is_other(entry.oid)
    }


def _of_dvc(tree: Tree, files: Iterable[IndexEntry]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of DVC in the workspace."""
    for path in dict.fromkeys(file.path for file in files if is_of_data(file.path) or lock_of(file.path)):
        try:
            raw = tree.read(path, MAX_DVC + 1)
        except UnsafePath:
            continue
        if raw is not None:
            yield path, raw if len(raw) <= MAX_DVC else b""


# Digests.


class OtherDigests(NamedTuple):
    """The digests of content by which a pointer of another program names it, as a report has them."""

    blake3: str
    md5: str = ""
    sha256: str = ""


def other_digests(project: Project, path: str, pointer: Pointer) -> OtherDigests:
    """Read the content at `path`, and return the digest that is of the kind of `pointer`.

    Raises:
        MvcError: it changed while it was read, or cannot be read.
    """
    if pointer.other.startswith("sha256:"):
        digest, found = _hashed(project.tree, path, hashlib.sha256())
        return OtherDigests(digest.blake3, sha256=found.hexdigest())
    name = pointer.other.removeprefix("md5:")
    old = name.startswith(_TEXT)
    expected = parse_digest(name.removeprefix(_TEXT), old=old)
    if not expected.is_dir:
        digest, way = _hashed(project.tree, path, Md5(expected))
        if way.fits():
            return OtherDigests(digest.blake3, name)
        return OtherDigests(digest.blake3, _md5(project.tree, path))
    observed = observe_path(project, path)
    if observed.digest is None:
        raise MvcError(f"{path} vanished while it was read", "run the command again")
    names = [entry.path for entry in observed.entries()]
    listed = [ListedFile(name, parse_digest(_md5(project.tree, f"{path}/{name}"), old=False)) for name in names]
    return OtherDigests(observed.digest.blake3, digest_of_list(listed, old=False).name)


def _md5(tree: Tree, path: str) -> str:
    _, found = _hashed(tree, path, hashlib.md5(usedforsecurity=False))
    return str(found.hexdigest())


def _hashed(tree: Tree, path: str, other: Any) -> tuple[Digest, Any]:
    folder, name = tree.parent(path)
    fd, status = open_regular(name, folder, path)
    try:
        digest = hash_stream(fd, status.st_size, also=[other.update])
        check_unchanged(fd, status, path)
    finally:
        os.close(fd)
    return digest, other


# What the judge may compare.


def with_content(project: Project, models: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """Return the models; those of DVC and git-lfs with the blake3 of their content, if the workspace has it.

    It is read only if it is not what the report is of.
    """
    return tuple(model._replace(content=_content(project, model)) if _is_other(model) else model for model in models)


def _is_other(model: ModelFacts) -> bool:
    return model.pointer is not None and is_other(model.pointer.oid) and model.report is not None


def _content(project: Project, model: ModelFacts) -> str:
    pointer = pointer_in_file(model.pointer)
    try:
        of = parse_report(model.report.raw, "").model if model.report else Model("")
        if pointer is None or pointer.kind == "dir":
            return ""
        there = observe_path(project, model.path).digest
        if there is None or there.blake3 == of.blake3:
            return ""
        found = other_digests(project, model.path, pointer)
    except (InvalidFormat, MvcError, OSError):
        return ""
    names = (f"md5:{found.md5}", f"sha256:{found.sha256}")
    return found.blake3 if pointer.other in names else ""
