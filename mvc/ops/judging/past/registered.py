"""The versions of each model that Git tags `NAME@VERSION` register."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache, partial

from mvc.objects.names import fold, registered_name
from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.trees import BlobPair, Trees, names_of, paths_of, pointers_of
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.pointer_files import is_other
from mvc.scm.commits import CommitPath, blobs_at, tree_of
from mvc.scm.index_changes import Entry
from mvc.scm.merging.landing import list_tree
from mvc.scm.refs import VersionTag, version_tags


def registered_versions(trees: Trees, pasts: Mapping[str, Past]) -> dict[str, tuple[ModelVersion, ...]]:
    """Return the registered versions by tracked path."""
    names = {path: _registered_names(trees, path, past) for path, past in pasts.items()}
    tags = version_tags(trees.merge.git, trees.merge.base) if names else {}
    tags_of = {path: sorted(tag for name in names[path] for tag in tags.get(name, ())) for path in pasts}
    if not any(tags_of.values()):
        return {}
    paths = {path: paths_of(path, past) for path, past in pasts.items()}
    oids = blobs_at(trees.merge.git, {
        CommitPath(tag.commit, former + suffix)
        for path in pasts for tag in tags_of[path] for former in paths[path] for suffix in (SUFFIX, REPORT)
    })
    if trees.view:
        oids |= {
            CommitPath(tag.commit, path): entry.oid for tag in {tag for path in pasts for tag in tags_of[path]}
            for path, entry in _tree_at(trees, tag.commit).items() if is_other(entry.oid)
        }
    trees.blobs.load(oids.values())
    elsewhere = cache(partial(_elsewhere, trees))
    return {
        path: tuple(
            version for tag in tags_of[path] for version in _at(trees, tag, paths[path], oids) or elsewhere(tag)
        )
        for path in pasts
    }


def _registered_names(trees: Trees, path: str, past: Past) -> set[str]:
    """Return the names under which a model may be registered: those in its pointers, and its file names."""
    before = past.before.path if past.before and past.before.pointer else path
    return names_of(trees, path, past) | {registered_name(path), registered_name(before)}


def _at(
    trees: Trees, tag: VersionTag, paths: Collection[str], oids: Mapping[CommitPath, str],
) -> tuple[ModelVersion, ...]:
    """Return the version at the first of the paths where the tag's commit has a pointer."""
    for path in paths:
        if pointer := oids.get(CommitPath(tag.commit, path + SUFFIX)):
            report = oids.get(CommitPath(tag.commit, path + REPORT), "")
            return (_version(trees, tag, path, BlobPair(pointer, report)),)
    return ()


def _elsewhere(trees: Trees, tag: VersionTag) -> tuple[ModelVersion, ...]:
    """Return the versions at other paths: pointers with the tag's name, else files with that name.

    A pointer without a name at a path of the target branch belongs to the model there.
    """
    entries = _tree_at(trees, tag.commit)
    pointers = pointers_of(entries)
    trees.blobs.load_names(pointers.values())
    found = []
    for path, pointer in sorted(pointers.items()):
        unnamed = "" if path + SUFFIX in trees.base else registered_name(path)
        if fold(tag.name) == (fold(trees.blobs.name(pointer.oid)) or unnamed):
            found.append(path)
    trees.blobs.load_files(
        entry for path in found for suffix in (SUFFIX, REPORT) if (entry := entries.get(path + suffix))
    )
    return tuple(_version(trees, tag, path, BlobPair.of(entries, path)) for path in found)


def _tree_at(trees: Trees, commit: str) -> dict[str, Entry]:
    entries = list_tree(trees.merge.git, tree_of(trees.merge.git, commit))
    return trees.view.tree(entries) if trees.view else entries


def _version(trees: Trees, tag: VersionTag, path: str, pair: BlobPair) -> ModelVersion:
    pointer, report = trees.blobs.regular(pair.pointer), trees.blobs.regular(pair.report)
    return ModelVersion(path, pointer, report, tag.commit, tag.tag, tag.merged)
