"""`mvc push --repair`: replaces objects that are damaged on a remote."""

from __future__ import annotations

from mvc.objects.digest_table import DigestTable
from mvc.store.cache.scrub import ScrubScope
from mvc.store.remote.location import FileVersion, ObjectsByFile, object_key, pack_key
from mvc.store.remote.scrub import rebuild_index, scrub_remote
from mvc.store.remote.sending import drop_objects
from mvc.transfer.tools import Moved, Tools


def find_damaged(tools: Tools, objects: DigestTable) -> ObjectsByFile:
    """Return the objects that are damaged on the remote and intact in the cache; rebuild damaged pack indexes."""
    found = scrub_remote(tools.remote, ScrubScope(frozenset(objects)), tools.progress)
    damaged: dict[FileVersion, set[str]] = {}
    for item in found.damage:
        if item.name == item.pack:
            rebuild_index(tools.remote, item.pack)
            tools.remote.forget({pack_key(item.pack)})
        elif tools.cache.intact(objects[item.name]):
            key = pack_key(item.pack) if item.pack else object_key(item.name)
            if (file := tools.remote.bucket.head(key)) is not None:
                damaged.setdefault(FileVersion.of(file), set()).add(item.name)
    tools.remote.forget()
    return damaged


def drop_damaged(tools: Tools, damaged: ObjectsByFile, sent: Moved) -> None:
    """Remove damaged objects from packs, now that they were sent again; loose ones were replaced."""
    failed = {item.name for item in sent.failed}
    for version, names in damaged.items():
        file = tools.remote.bucket.head(version.key)
        in_pack = version.key.startswith("packs/")
        if in_pack and file is not None and FileVersion.of(file) in damaged and names - failed:
            drop_objects(tools.remote, file, names - failed)
