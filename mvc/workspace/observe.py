"""What a tracked path holds now: the scan, what is known of it, and a read of the rest."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.files import Stamp
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.manifest import Encoded, Entry, Manifest, encode
from mvc.objects.names import check_paths
from mvc.workspace.catalog import Snapshot
from mvc.workspace.content import Reader, hashing, read_files
from mvc.workspace.links import Links
from mvc.workspace.scan import STAMP_FIELDS, Scan, refusal, scan
from mvc.workspace.stat_index import (
    RACY_NS,
    Content,
    Known,
    now,
    pack,
    packed_digests,
    snapshot_of,
    trusted_from,
    unchanged,
)

WORTH_WAITING = 32 << 20
"""Bytes whose second read would cost more than waiting for their stamps."""
SYMLINK = "a symlink: --follow-symlinks stores what it points at"


class Observed(NamedTuple):
    """The workspace at a tracked path.

    `content` is None when one comparison showed that all is as `snapshot` has it; `snapshot` is
    None when nothing is there, or something that can't be stored.
    """

    scan: Scan
    content: Content | None = None
    snapshot: Snapshot | None = None
    manifest: Manifest | None = None
    """A directory's files, when the list had to be made; their names were not checked."""
    encoded: Encoded | None = None
    """The manifest as objects."""

    @property
    def digest(self) -> Digest | None:
        """What identifies the content as a whole; None when there is none."""
        return self.snapshot.digest if self.snapshot else None

    @property
    def executable(self) -> bool:
        """Whether a tracked file may be executed."""
        return self.scan.kind == "file" and "" in self.scan.executables

    def entries(self) -> Sequence[Entry]:
        """Return every file that was found; the path of a tracked file's own is empty."""
        if self.manifest is not None:
            return self.manifest.entries
        if self.content is not None:
            return content_entries(self.content)
        return content_entries(_content_of(self.scan, self.snapshot)) if self.snapshot else []


class Look(NamedTuple):
    """How to look at a tracked path: what is remembered of it, and who reads the rest."""

    known: Snapshot | None
    reader: Reader
    usable: Callable[[bytes], bool] | None = None
    """Whether a remembered digest will do; storing wants the object to be in the cache, too."""
    follow: bool = False
    """Whether symlinks stand for what they point at."""
    covers: Callable[[str], bool] | None = None
    """Which names matter; others are left out unless they are known."""
    check: Callable[[Scan], object] | None = None
    """Sees what there is before any of it is read, and may refuse it."""


def observe(tree: Tree, path: str, links: Links, look: Look) -> Observed:
    """Return what lies at `path`, reading only what is not known.

    Raises:
        MvcError: something there changed while it was read, or can't be reached safely.
        OSError: something there can't be read.

    """
    recorded = now()
    found = scan(tree, path, links)
    if found.kind not in ("file", "dir"):
        return Observed(found)
    if look.check is not None:
        look.check(found)
    if unchanged(found, look.known) and look.known is not None and _all_usable(look):
        return Observed(found, None, look.known)
    content = _read_unknown(tree, path, found, look, recorded)
    if content.scan.refused:
        return Observed(content.scan, content)
    if found.kind == "file":
        return Observed(content.scan, content, snapshot_of(content, content.digest(0)))
    manifest = Manifest(tuple(sorted(content_entries(content))))
    encoded = encode(manifest)
    return Observed(content.scan, content, snapshot_of(content, encoded.digest), manifest, encoded)


def _all_usable(look: Look) -> bool:
    digests = look.known.digests if look.known else b""
    return look.usable is None or all(map(look.usable, packed_digests(digests)))


def settled(tree: Tree, path: str, links: Links, snapshot: Snapshot) -> Snapshot:
    """Return `snapshot` with its stamps taken late enough to be trusted.

    Files that were written a moment ago would be read once more by the next command. Where that
    is much, waiting some milliseconds for the stamps to become trustworthy is quicker.
    """
    if snapshot.newest <= snapshot.recorded or _racy_bytes(snapshot) < WORTH_WAITING:
        return snapshot
    time.sleep(max(0, min(RACY_NS, snapshot.newest - now())) / 1e9)
    recorded = now()
    same = unchanged(scan(tree, path, links), snapshot._replace(recorded=recorded))
    return snapshot._replace(recorded=recorded) if same else snapshot


def _racy_bytes(snapshot: Snapshot) -> int:
    entries = Known(snapshot).entries().values()
    return sum(stamp.size for stamp, _ in entries if trusted_from(stamp) > snapshot.recorded)


def check_storable(path: str, found: Scan) -> None:
    """Make sure that all that lies at `path` can be stored, before any of it is read.

    Raises:
        InvalidName: a name is refused.
        MvcError: something is a symlink to nothing, or special.

    """
    if error := refusal(path, found):
        raise error
    if found.kind == "dir":
        _check_no_repository(path, found)
        check_paths(found.names)


def _check_no_repository(path: str, found: Scan) -> None:
    if inner := next((name for name in found.names if "/.git/" in f"/{name}/"), ""):
        place = f"{path}/{inner}".partition("/.git")[0]
        raise UsageError(
            f"{place} is a Git repository of its own, whose .git mvc does not store",
            f"list .git in {path}/.mvcignore, or remove {place}/.git",
        )


def content_entries(content: Content) -> list[Entry]:
    """Return the files of `content`, in the order of its scan."""
    found, executables = content.scan, content.scan.executables
    sizes = found.stamps[2::STAMP_FIELDS]
    rows = zip(found.names, content.digests, sizes, strict=True)
    return [Entry(name, packed[:32].hex(), packed[32:].hex(), size, name in executables) for name, packed, size in rows]


def encode_directory(content: Content) -> Encoded:
    """Return the manifest objects of a directory's content."""
    return encode(Manifest(tuple(sorted(content_entries(content)))))


def _content_of(found: Scan, snapshot: Snapshot) -> Content:
    return Content(found, packed_digests(snapshot.digests), snapshot.recorded)


def _read_unknown(tree: Tree, path: str, found: Scan, look: Look, recorded: int) -> Content:
    known = Known(look.known)
    digests: list[bytes] = []
    for position, name in enumerate(found.names):
        packed = known.digest(name, found.stamp(position)) if len(known) else None
        digests.append(packed if packed and (look.usable is None or look.usable(packed)) else b"")
    if look.covers is not None:
        found, digests = _drop(found, digests, look.covers)
    unread = [position for position, packed in enumerate(digests) if not packed]
    _read(tree, path, found, digests, unread, look)
    return Content(found, digests, recorded)


def _drop(found: Scan, digests: list[bytes], covers: Callable[[str], bool]) -> tuple[Scan, list[bytes]]:
    """Leave out the files that are neither known nor meant."""
    keep = [position for position, name in enumerate(found.names) if digests[position] or covers(name)]
    stamps = array("q")
    for position in keep:
        stamps.extend(found.stamp(position))
    refused = {name: reason for name, reason in found.refused.items() if covers(name)}
    found = found._replace(names=[found.names[position] for position in keep], stamps=stamps, refused=refused)
    return found, [digests[position] for position in keep]


def _read(tree: Tree, path: str, found: Scan, digests: list[bytes], unread: list[int], look: Look) -> None:
    look.reader.progress.expect(sum(found.stamps[position * STAMP_FIELDS + 2] for position in unread))
    linked = [position for position in unread if found.names[position] in found.links]
    if linked:
        unread = [position for position in unread if found.names[position] not in found.links]
        objects = [position for position in linked if found.links[found.names[position]]]
        others = [position for position in linked if not found.links[found.names[position]]]
        _take(tree, path, found, digests, objects, look._replace(reader=hashing(look.reader.progress), follow=True))
        if look.follow:
            _take(tree, path, found, digests, others, look)
        else:
            found.refused.update((found.names[position], SYMLINK) for position in others)
    _take(tree, path, found, digests, unread, look._replace(follow=False))


def _take(tree: Tree, path: str, found: Scan, digests: list[bytes], positions: list[int], look: Look) -> None:
    """Read files; the stamps become those that the files had while they were read."""
    full = (f"{path}/{name}" if (name := found.names[position]) else path for position in positions)
    for number, file in read_files(tree, full, look.reader, follow=look.follow):
        position = positions[number]
        digests[position] = pack(file.digest)
        if found.stamps[position * STAMP_FIELDS + 4] != file.status.st_ctime_ns:
            found.stamps[position * STAMP_FIELDS : (position + 1) * STAMP_FIELDS] = array("q", Stamp.of(file.status))
