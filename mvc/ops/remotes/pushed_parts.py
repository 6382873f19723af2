"""What earlier pushes left on a remote: the next push does not look it up again.

A push that ended well has announced its objects, and has seen each small one in a pack there, or sent it in one. That
holds as long as the packs and the roots of this clone are the same files, and no gc has listed garbage.
"""

from __future__ import annotations

from collections.abc import Mapping

from mvc.ops.shared.remote_roots import clone_id
from mvc.project import Project
from mvc.store.buckets.bucket import Item
from mvc.store.remote.roots import roots_key
from mvc.store.remote.store import RemoteStore
from mvc.workspace.catalog import Pushed

_NOTHING = Pushed(frozenset(), {})


def pushed_parts(project: Project, remote: RemoteStore) -> Mapping[str, int]:
    """Return the manifests that are announced to a remote, and the shards whose files are all in its packs.

    With the number of their objects.
    """
    known = project.catalog.pushed(remote.bucket.url) or _NOTHING
    return known.parts if known.parts and known.files <= _files(project, remote) else {}


def record_pushed(project: Project, remote: RemoteStore, parts: Mapping[str, int]) -> None:
    """Record, at the end of a push, what `pushed_parts` returns from now on."""
    remote.forget()
    if files := _files(project, remote):
        project.catalog.set_pushed(remote.bucket.url, Pushed(files, parts))
        project.catalog.flush()


def _files(project: Project, remote: RemoteStore) -> frozenset[str]:
    """Return the versions of this clone's roots and of all packs; nothing while a gc lists garbage."""
    roots = remote.bucket.head(roots_key(clone_id(project.home)))
    if roots is None or next(iter(remote.bucket.list("gc/")), None) is not None:
        return frozenset()
    packs = (item for files in remote.pack_files().values() for item in files)
    return frozenset({remote.check_format(), *map(_version, (roots, *packs))})


def _version(item: Item) -> str:
    return f"{item.key} {item.size} {item.modified!r} {item.etag}"
