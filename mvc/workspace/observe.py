"""The content of a tracked path: taken from the catalog, or read."""

from __future__ import annotations

import shlex
import time
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from mvc.errors import UsageError
from mvc.fs.files import StatData
from mvc.fs.progress import Share
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.names import check_paths
from mvc.workspace.links import Links
from mvc.workspace.read_files import FileReader, hashing, read_files
from mvc.workspace.scan import Scan, refusal, scan
from mvc.workspace.stat_index import (
    PACKED,
    RACY_NS,
    UNREAD,
    Files,
    Group,
    Known,
    Snapshot,
    group_files,
    manifest_of,
    now,
    pack,
    packed_name,
)

WORTH_WAITING = 32 << 20
"""From this many bytes on, waiting until stat data can be trusted is cheaper than a second read."""
SYMLINK = "a symlink: --follow-symlinks stores what it points at"


class Observed(NamedTuple):
    """The workspace at a tracked path."""

    scan: Scan
    groups: tuple[Group, ...] = ()
    """The files with their digests; a refused file may be `UNREAD`."""
    is_new: bool = False
    """Whether anything differs from the known snapshot."""

    @property
    def snapshot(self) -> Snapshot | None:
        """What is to be recorded; None if nothing is there, or something that cannot be stored."""
        return Snapshot(self.scan.kind, self.groups) if self.groups and not self.scan.refused else None

    @property
    def digest(self) -> Digest | None:
        """The digest of the whole content; None without content."""
        return snapshot.digest if (snapshot := self.snapshot) else None

    @property
    def executable(self) -> bool:
        """Whether a tracked file is executable."""
        return self.scan.kind == "file" and any(files.executable[0] for files in self.scan.groups)

    @property
    def manifest(self) -> Manifest:
        """The files of a directory; their names are not checked."""
        return manifest_of(self.groups)

    def entries(self) -> Iterator[Entry]:
        """Return every file that was read, sorted; the path of a tracked file itself is empty."""
        entries = chain.from_iterable(group.entries for group in self.groups)
        refused = self.scan.refused
        return (entry for entry in entries if entry.path not in refused) if refused else entries


Lacking: TypeAlias = Callable[[Iterable[str]], Collection[str]]


class ObserveOptions(NamedTuple):
    """The known state of a tracked path, and how to read the rest."""

    known: Snapshot | None
    reader: FileReader
    lacking: Lacking | None = None
    """Returns which objects must be stored; a file with such an object is read, even if its digest is known."""
    is_stored: Callable[[Group], bool] = lambda _: True
    """Whether all objects of an unchanged group are stored."""
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
    known = Known(options.known.groups if options.known and options.known.kind == found.kind else ())
    if options.covers is not None:
        found = _covered(found, known, options.covers)
    parts = [_look_up(known, files, options) for files in found.groups]
    total = sum(part.files.stat(position).size for part in parts for position in part.unread)
    options.reader.progress.expect(total)
    with Share(options.reader.progress, total) as progress:
        options = options._replace(reader=options.reader._replace(progress=progress))
        groups = tuple(_read(tree, path, found, part, options, recorded) for part in parts)
    is_new = options.known is None or groups != options.known.groups
    return Observed(found._replace(groups=tuple(group.files for group in groups)), groups, is_new)


class _Part(NamedTuple):
    """A group of files, and which of them must be read."""

    files: Files
    digests: bytearray
    """`PACKED` bytes for each file, where they are known."""
    unread: Sequence[int] = ()
    same: Group | None = None
    """What is known of the whole group, if nothing changed."""


def _look_up(known: Known, files: Files, options: ObserveOptions) -> _Part:
    if known.is_empty:
        return _Part(files, bytearray(PACKED * files.length), range(files.length))
    group = known.with_files(files)
    if group and group.is_settled and options.is_stored(group):
        return _Part(group.files, bytearray(), same=group)
    found = group.trusted if group else [known.digest(name, files.stat(at)) for at, name in enumerate(files.paths)]
    lost = options.lacking({packed_name(packed) for packed in found if packed}) if options.lacking else set()
    usable = [packed if packed and packed_name(packed) not in lost else UNREAD for packed in found]
    unread = array("I", (at for at, packed in enumerate(usable) if packed is UNREAD))
    return _Part(files, bytearray(b"".join(usable)), unread)


def _covered(found: Scan, known: Known, covers: Callable[[str], bool]) -> Scan:
    """Return the scan without the files that are neither known nor selected."""
    names: list[str] = []
    stat_data, executable = array("q"), bytearray()
    for files in found.groups:
        for position, name in enumerate(files.paths):
            if covers(name) or known.digest(name, files.stat(position)):
                names.append(name)
                stat_data.extend(files.stat(position))
                executable.append(files.executable[position])
    refused = {name: reason for name, reason in found.refused.items() if covers(name)}
    return found._replace(groups=tuple(group_files(names, stat_data, executable)), refused=refused)


def settled(tree: Tree, path: str, links: Links, snapshot: Snapshot) -> Snapshot:
    """Return `snapshot` recorded late enough that its stat data can be trusted.

    The next command would read recently written files again. If these are large, waiting some milliseconds until their
    stat data can be trusted is faster.
    """
    racy = [group for group in snapshot.groups if not group.is_settled]
    if sum(map(_racy_bytes, racy)) < WORTH_WAITING:
        return snapshot
    time.sleep(max(0, min(RACY_NS, max(group.newest for group in racy) - now())) / 1e9)
    recorded = now()
    found = scan(tree, path, links)
    if found.refused or found.groups != tuple(group.files for group in snapshot.groups):
        return snapshot
    return snapshot._replace(groups=tuple(group._replace(recorded=recorded) for group in snapshot.groups))


def _racy_bytes(group: Group) -> int:
    return sum(map(group.files.sizes.__getitem__, group.racy))


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
        check_paths(lambda: found.names)


def _check_no_repository(path: str, found: Scan, show: Callable[[str], str]) -> None:
    if inner := next((name for name in found.names if "/.git/" in f"/{name}/"), ""):
        folder = f"{path}/{inner}".partition("/.git")[0]
        raise UsageError(
            f"{folder} is a Git repository of its own: mvc does not store .git",
            f"echo .git >> {shlex.quote(show(f'{path}/.mvcignore'))}  # stores the rest of it",
        )


def _read(tree: Tree, path: str, found: Scan, part: _Part, options: ObserveOptions, recorded: int) -> Group:
    """Return the group with its unread files read; symlinks into the cache are only hashed."""
    if part.same is not None:
        return part.same
    names, moved = part.files.paths, {}
    for positions, reader, follow in _batches(names, part.unread, found, options):
        full = (f"{path}/{name}" if (name := names[at]) else path for at in positions)
        for number, file in read_files(tree, full, reader, follow=follow):
            at = positions[number]
            part.digests[at * PACKED : (at + 1) * PACKED] = pack(file.digest)
            if part.files.stat(at).ctime_ns != file.status.st_ctime_ns:
                moved[at] = StatData.of(file.status)
    files = part.files.with_stat_data(moved) if moved else part.files
    make = Group.of_file if found.kind == "file" else Group.of_files
    return make(files, bytes(part.digests), recorded)


def _batches(
    names: Sequence[str], unread: Sequence[int], found: Scan, options: ObserveOptions,
) -> Iterator[tuple[Sequence[int], FileReader, bool]]:
    """Yield positions of files, how to read them, and whether symlinks are followed."""
    if not found.links:
        yield unread, options.reader, False
        return
    linked = {at for at in unread if names[at] in found.links}
    objects = sorted(at for at in linked if found.links[names[at]])
    others = sorted(linked.difference(objects))
    yield objects, hashing(options.reader.progress), True
    if options.follow:
        yield others, options.reader, True
    else:
        found.refused.update((names[at], SYMLINK) for at in others)
    yield [at for at in unread if at not in linked], options.reader, False
