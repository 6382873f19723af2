"""Models that DVC or git-lfs keeps, in a commit."""

from __future__ import annotations

from typing import NamedTuple

from mvc.objects.pointer import SUFFIX, Pointer
from mvc.ops.shared.other_pointers.view import PointerView
from mvc.project import Project
from mvc.quality.files import POLICY, FileAt
from mvc.quality.pointer_files import is_other, name_of, pointer_in_file, raw_of
from mvc.quality.policy.parsed_policy import read_policy
from mvc.scm.commits import committed_file, tree_of
from mvc.scm.merging.landing import list_tree


class OtherModel(NamedTuple):
    """A model whose pointer can be read."""

    path: str
    pointer: Pointer
    file: FileAt

    @property
    def pointer_path(self) -> str:
        """The file in Git that has the pointer."""
        return name_of(self.path, self.file)


def others_at(project: Project, commit: str) -> dict[str, OtherModel]:
    """Return the models of a commit that DVC or git-lfs keeps, if its policy has them judged.

    Raises:
        MvcError: Git cannot read them.
    """
    raw = committed_file(project.git, commit, POLICY)
    if raw is None or b"pointers" not in raw:
        return {}
    policy = read_policy(FileAt("100644", raw)).policy
    if not policy.has_other_pointers:
        return {}
    entries = PointerView(project.git, policy.pointers).tree(list_tree(project.git, tree_of(project.git, commit)))
    files = {
        path.removesuffix(SUFFIX): FileAt(entry.mode, raw_of(entry.oid), entry.oid)
        for path, entry in entries.items() if is_other(entry.oid)
    }
    return {path: OtherModel(path, found, file) for path, file in files.items() if (found := pointer_in_file(file))}
