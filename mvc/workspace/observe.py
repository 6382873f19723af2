"""The content of a tracked path: taken from the catalog, or read."""

from __future__ import annotations

import shlex
import time
from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.files import StatData
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.manifest import Encoded, Entry, Manifest, encode
from mvc.objects.names import check_paths
from mvc.workspace.catalog import Snapshot
from mvc.workspace.links import Links
from mvc.workspace.read_files import FileReader, hashing, read_files
from mvc.workspace.scan import CTIME, STAT_FIELDS, Scan, refusal, scan
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
"""From this many bytes on, waiting until stat data can be trusted is cheaper than a second read."""
SYMLINK = "a symlink: --follow-symlinks stores what it points at"


class Observed(NamedTuple):
    """The workspace at a tracked path.

    `content` is None if one comparison showed that all is as in `snapshot`; `snapshot` is None if
    nothing is there, or something that cannot be stored.
    """

    scan: Scan
    content: Content | None = None
    snapshot: Snapshot | None = None
    manifest: Manifest | None = None
    """A directory's files, if they had to be listed; their names are not checked."""
    encoded: Encoded | None = None
    """The manifest as objects."""

    @property
    def digest(self) -> Digest | None:
        """The digest of the whole content; None without content."""
        return self.snapshot.digest if self.snapshot else None

    @property
    def executable(self) -> bool:
        """Whether a tracked file is executable."""
        return self.scan.kind == "file" and "" in self.scan.executables

    def entries(self) -> Sequence[Entry]:
        """Return every file; the path of a tracked file itself is empty."""
        if self.manifest is not None:
            return self.manifest.entries
        if self.content is not None:
            return self.content.entries()
        if self.snapshot is None:
            return []
        return Content(self.scan, packed_digests(self.snapshot.digests), self.snapshot.recorded).entries()


class ObserveOptions(NamedTuple):
    """The known state of a tracked path, and how to read the rest."""

    known: Snapshot | None
    reader: FileReader
    usable: Callable[[bytes], bool] | None = None
    """Whether a known packed digest is enough; to store, the object must be in the cache as well."""
    follow: bool = False
    """Whether symlinks are followed."""
    covers: Callable[[str], bool] | None = None
    """Selects names; other files are left out unless they are known."""
    check: Callable[[Scan], object] | None = None
    """Called before anything is read; may raise to refuse the files found."""


def observe(tree: Tree, path: str, links: Links, options: ObserveOptions) -> Observed:
    """Return the content of `path`, reading only unknown files.

    Raises:
        MvcError: a file changed while it was read, or cannot be reached safely.
        OSError: a file cannot be read.
    """
    recorded = now()
    found = scan(tree, path, links)
    if found.kind not in ("file", "dir"):
        return Observed(found)
    if options.check is not None:
        options.check(found)
    known, usable = options.known, options.usable
    if known and unchanged(found, known) and (usable is None or all(map(usable, packed_digests(known.digests)))):
        return Observed(found, None, known)
    content = _read_unknown(tree, path, found, options, recorded)
    if content.scan.refused:
        return Observed(content.scan, content)
    if found.kind == "file":
        return Observed(content.scan, content, snapshot_of(content, content.digest(0)))
    manifest = Manifest(tuple(sorted(content.entries())))
    encoded = encode(manifest)
    return Observed(content.scan, content, snapshot_of(content, encoded.digest), manifest, encoded)


def settled(tree: Tree, path: str, links: Links, snapshot: Snapshot) -> Snapshot:
    """Return `snapshot` recorded late enough that its stat data can be trusted.

    The next command would read recently written files again. If these are large, waiting some milliseconds until their
    stat data can be trusted is faster.
    """
    if snapshot.newest <= snapshot.recorded or _racy_bytes(snapshot) < WORTH_WAITING:
        return snapshot
    time.sleep(max(0, min(RACY_NS, snapshot.newest - now())) / 1e9)
    recorded = now()
    same = unchanged(scan(tree, path, links), snapshot._replace(recorded=recorded))
    return snapshot._replace(recorded=recorded) if same else snapshot


def _racy_bytes(snapshot: Snapshot) -> int:
    entries = Known(snapshot).entries().values()
    return sum(stat_data.size for stat_data, _ in entries if trusted_from(stat_data) > snapshot.recorded)


def check_storable(path: str, found: Scan, show: Callable[[str], str] = str) -> None:
    """Check before reading that everything at `path` can be stored; `show` formats a path for the user.

    Raises:
        InvalidName: a name is refused.
        MvcError: a file is a dangling symlink, special, or a Git repository.
    """
    if error := refusal(path, found, show):
        raise error
    if found.kind == "dir":
        _check_no_repository(path, found, show)
        check_paths(found.names)


def _check_no_repository(path: str, found: Scan, show: Callable[[str], str]) -> None:
    if inner := next((name for name in found.names if "/.git/" in f"/{name}/"), ""):
        folder = f"{path}/{inner}".partition("/.git")[0]
        raise UsageError(
            f"{folder} is a Git repository of its own: mvc does not store .git",
            f"echo .git >> {shlex.quote(show(f'{path}/.mvcignore'))}  # stores the rest of it",
        )


def encode_directory(content: Content) -> Encoded:
    """Return the manifest objects of a directory's content."""
    return encode(Manifest(tuple(sorted(content.entries()))))


def _read_unknown(tree: Tree, path: str, found: Scan, options: ObserveOptions, recorded: int) -> Content:
    known = Known(options.known)
    digests: list[bytes] = []
    for position, name in enumerate(found.names):
        packed = known.digest(name, found.stat(position)) if len(known) else None
        digests.append(packed if packed and (options.usable is None or options.usable(packed)) else b"")
    if options.covers is not None:
        found, digests = _drop(found, digests, options.covers)
    unread = [position for position, packed in enumerate(digests) if not packed]
    _read(tree, path, found, digests, unread, options)
    return Content(found, digests, recorded)


def _drop(found: Scan, digests: list[bytes], covers: Callable[[str], bool]) -> tuple[Scan, list[bytes]]:
    """Drop the files that are neither known nor selected."""
    remaining = [position for position, name in enumerate(found.names) if digests[position] or covers(name)]
    stat_data = array("q")
    for position in remaining:
        stat_data.extend(found.stat(position))
    refused = {name: reason for name, reason in found.refused.items() if covers(name)}
    names = [found.names[position] for position in remaining]
    found = found._replace(names=names, stat_data=stat_data, refused=refused)
    return found, [digests[position] for position in remaining]


def _read(
    tree: Tree, path: str, found: Scan, digests: list[bytes], unread: list[int], options: ObserveOptions,
) -> None:
    """Read the files at the positions `unread`; symlinks into the cache are only hashed."""
    progress = options.reader.progress
    progress.expect(sum(found.stat(position).size for position in unread))
    linked = [position for position in unread if found.names[position] in found.links]
    if linked:
        unread = [position for position in unread if found.names[position] not in found.links]
        objects = [position for position in linked if found.links[found.names[position]]]
        others = [position for position in linked if not found.links[found.names[position]]]
        _take(tree, path, found, digests, objects, options._replace(reader=hashing(progress), follow=True))
        if options.follow:
            _take(tree, path, found, digests, others, options)
        else:
            found.refused.update((found.names[position], SYMLINK) for position in others)
    _take(tree, path, found, digests, unread, options._replace(follow=False))


def _take(
    tree: Tree, path: str, found: Scan, digests: list[bytes], positions: list[int], options: ObserveOptions,
) -> None:
    """Read files, and update their stat data to that of the read."""
    full = (f"{path}/{name}" if (name := found.names[position]) else path for position in positions)
    for number, file in read_files(tree, full, options.reader, follow=options.follow):
        position = positions[number]
        digests[position] = pack(file.digest)
        start = position * STAT_FIELDS
        if found.stat_data[start + CTIME] != file.status.st_ctime_ns:
            found.stat_data[start : start + STAT_FIELDS] = array("q", StatData.of(file.status))
