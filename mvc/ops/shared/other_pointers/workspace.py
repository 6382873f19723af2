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
from mvc.objects.dvc.digest import DvcDigest, ListedFile, Md5, digest_of_list, parse_digest
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
from mvc.workspace.observe import Observed
from mvc.workspace.stat_index import Group, manifest_of

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

    content: Digest
    """Of a directory without executable bits, which DVC does not keep."""
    md5: str = ""
    sha256: str = ""


def other_digests(project: Project, path: str, pointer: Pointer) -> OtherDigests:
    """Read the content at `path`, and return the digest that is of the kind of `pointer`.

    Raises:
        MvcError: it changed while it was read, or cannot be read.
    """
    if pointer.other.startswith("sha256:"):
        content, sha256 = _hashed(project.tree, path, hashlib.sha256())
        return OtherDigests(content, sha256=sha256.hexdigest())
    name = pointer.other.removeprefix("md5:")
    old = name.startswith(_TEXT)
    expected = parse_digest(name.removeprefix(_TEXT), old=old)
    read = _of_directory if expected.is_dir else _of_file
    content, names = read(project, path, expected)
    if expected.name in names:
        return OtherDigests(content, name)
    content, names = read(project, path, expected._replace(text=False)) if old else (content, names)
    return OtherDigests(content, names[0])


def _of_file(project: Project, path: str, expected: DvcDigest) -> tuple[Digest, list[str]]:
    """Return the digest of a file, and its names in DVC: those of the versions that wrote such as `expected`."""
    content, md5 = _hashed(project.tree, path, Md5(expected))
    return content, md5.hexdigests()


def _of_directory(project: Project, path: str, expected: DvcDigest) -> tuple[Digest, list[str]]:
    """Return the same of a directory."""
    observed = observe_path(project, path)
    if observed.digest is None:
        raise MvcError(f"{path} vanished while it was read", "run the command again")
    rows: list[list[ListedFile]] = []
    for entry in observed.entries():
        content, md5 = _hashed(project.tree, f"{path}/{entry.path}", Md5(expected))
        if content != entry.digest:
            raise changed(path)
        rows.append([ListedFile(entry.path, DvcDigest(text)) for text in md5.hexdigests()])
    return _without_modes(observed), [digest_of_list(files, old=False).name for files in zip(*rows, strict=True)]


def changed(path: str) -> MvcError:
    """Return the error for content that is no longer what was read."""
    return MvcError(f"{path} was changed while it was read", "run the command again")


def _without_modes(observed: Observed) -> Digest:
    """Return the digest of a directory as if no file were executable."""
    plain = ((group, group.files._replace(executable=bytes(len(group.files.executable)))) for group in observed.groups)
    return manifest_of(Group.of_files(files, group.digests, group.recorded) for group, files in plain).digest


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
        if pointer is None or (seen := observe_path(project, model.path)).digest is None:
            return ""
        there = _without_modes(seen) if pointer.kind == "dir" else seen.digest
        if there.blake3 == of.blake3:
            return ""
        found = other_digests(project, model.path, pointer)
    except (InvalidFormat, MvcError, OSError):
        return ""
    names = (f"md5:{found.md5}", f"sha256:{found.sha256}")
    return found.content.blake3 if pointer.other in names else ""
