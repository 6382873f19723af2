"""`mvc log --lost`: content of the cache that no pointer names, and the paths that it had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mvc.ops.shared.object_users import Garbage, Use, with_users
from mvc.project import Project
from mvc.retention.available import stored_manifest
from mvc.retention.sharers import needed_on_cache
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects


class LostContent(NamedTuple):
    """A file, or a directory with its manifest, that no pointer names; `size` in bytes of content."""

    blake3: str
    kind: str
    size: int
    stored: str
    """When it was stored: ISO 8601, UTC."""
    users: tuple[Use, ...]
    """The versions that it belonged to, as far as Git and the catalog know."""


def lost(project: Project, path: str = "") -> tuple[LostContent, ...]:
    """Return what the cache has and no pointer names, at the former `path` (empty: everywhere), newest first.

    The files of such a directory are not listed themselves.

    Raises:
        MvcError: something that names content cannot be read.
    """
    with project.locks.store():
        needed = needed_on_cache(project.git, project.layout.common_dir, project.root, project.cache)
        entries = {item.name: item for item in all_objects(project.cache) if item.name not in needed}
        directories, inside = _directories(project.cache, entries)
        found = with_users(project, [item for name, item in entries.items() if name not in inside])
    shown = (item for item in found if not path or any(_is_at(use.path, path) for use in item.users))
    return tuple(_content(item, directories) for item in sorted(shown, key=lambda item: item.stored, reverse=True))


def _directories(cache: Cache, names: Iterable[str]) -> tuple[dict[str, int], set[str]]:
    """Return the bytes of content of each manifest among `names`, and the objects that they list."""
    sizes: dict[str, int] = {}
    inside: set[str] = set()
    for name in names:
        if found := stored_manifest(cache, name):
            sizes[name] = found.total
            inside |= {shard.digest.blake3 for shard in found.shards if found.is_sharded}
            inside |= {entry.blake3 for entry in found.entries}
    return sizes, inside


def _is_at(user: str, path: str) -> bool:
    return f"{user}/".startswith(f"{path}/") or path.startswith(f"{user}/")


def _content(item: Garbage, directories: dict[str, int]) -> LostContent:
    kind = "dir" if item.blake3 in directories else "file"
    return LostContent(item.blake3, kind, directories.get(item.blake3, item.size), item.stored, item.users)
