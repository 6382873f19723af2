"""The catalog: a disposable SQLite file that records read files, so that they are not read again.

Deleting it costs time, never data. On any error mvc continues without it. It stays in the
repository's own Git directory even if the cache is shared: other users of the cache must not
decide what is verified, and WAL does not work on network file systems.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, NamedTuple, TypeVar

from mvc.fs.file_systems import on_network
from mvc.objects.digest import Digest
from mvc.workspace.stat_index import Files, Group, Snapshot

T = TypeVar("T")

VERSION = 2
FILE = f"catalog-{VERSION}.db"
BUSY_SECONDS = 2
BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""The id of the current boot: random(4)."""
_ON_DISK_AFTER = 600 * 10**9
"""Nanoseconds after which the system has written a file to disk, even without fsync."""

_SCHEMA = """
create table if not exists snapshot (
  worktree text not null, path text not null, first blob not null, kind text not null,
  names blob not null, stamps blob not null, executable blob not null, digests blob not null,
  recorded integer not null, newest integer not null, blake3 text not null, xxh128 text not null, size integer not null,
  primary key (worktree, path, first)
);
create table if not exists synced (
  worktree text not null, path text not null, content text not null, primary key (worktree, path)
);
create table if not exists complete (
  manifest text primary key, packs text not null, loose text not null
);
create table if not exists pushed (
  remote text primary key, files text not null, parts text not null
);
create table if not exists origin (name text primary key, path text not null);
create table if not exists verdict (
  worktree text not null, path text not null, judged text not null, findings text not null, primary key (worktree, path)
);
create table if not exists report (name text primary key, json blob not null);
create table if not exists imported (
  old text primary key, blake3 text not null, xxh128 text not null, size integer not null
);
create table if not exists system (boot text not null);
"""

_COPY = (
    """insert into snapshot select worktree, ?, first, kind, names, stamps, executable, digests, recorded, newest,
    blake3, xxh128, size from snapshot where worktree = ? and path = ?""",
    "insert into synced select worktree, ?, content from synced where worktree = ? and path = ?",
)
_REMEMBER = "insert or replace into snapshot values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET_GROUP = "delete from snapshot where worktree = ? and path = ? and first = ?"
_FORGET = (
    "delete from snapshot where worktree = ? and path = ?",
    "delete from synced where worktree = ? and path = ?",
)


class Complete(NamedTuple):
    """The packs and loose objects with all the files of a manifest."""

    packs: frozenset[str]
    loose: frozenset[str]


class Pushed(NamedTuple):
    """Manifests and shards that a remote has, as long as it has these versions of files."""

    files: frozenset[str]
    parts: Mapping[str, int]
    """With the number of their objects."""


class Catalog:
    """The catalog of one worktree. Writes are kept until `flush`, which makes one transaction."""

    def __init__(self, path: str, worktree: str) -> None:
        """Use the file `path`, opened on first use, for the worktree with this name."""
        self._path = path
        self._worktree = worktree
        self._db: sqlite3.Connection | None = None
        self._broken = False
        self._pending: list[tuple[str, tuple[object, ...]]] = []
        self._written: dict[str, dict[bytes, tuple[object, ...]]] = {}
        """By path: the groups that are recorded, or will be."""
        self._complete: dict[str, Complete] = {}
        """By manifest: what this process recorded, or will."""

    def snapshot(self, path: str) -> Snapshot | None:
        """Return the snapshot of the tracked path."""
        query = (
            "select kind, names, stamps, executable, digests, recorded, newest, blake3, xxh128, size"
            " from snapshot where worktree = ? and path = ? order by first"
        )
        rows = self._try(lambda db: db.execute(query, (self._worktree, path)).fetchall())
        if not rows:
            return None
        groups = tuple(_group(row) for _, *row in rows)
        self._written[path] = {_first(group): _version(group) for group in groups}
        return Snapshot(rows[0][0], groups)

    def recent(self, most: int, files: int) -> list[tuple[str, str, Files]]:
        """Return path, kind and files of the snapshots written last, at most `most`, of at most so many files each."""
        query = (
            "select path, kind, names, stamps, executable"
            " from snapshot not indexed where worktree = ? and length(executable) <= ? order by rowid desc limit ?"
        )
        rows = self._try(lambda db: db.execute(query, (self._worktree, files, most)).fetchall())
        found = ((path, kind, Files(*columns)) for path, kind, *columns in rows or ())
        return [row for row in found if row[1] == "file" or not self._has_more(row[0])]

    def _has_more(self, path: str) -> bool:
        """Whether a directory has several groups."""
        query = "select count(*) from snapshot where worktree = ? and path = ?"
        return self._ask(query, (self._worktree, path)) != (1,)

    def remember(self, path: str, snapshot: Snapshot) -> None:
        """Record the snapshot of the tracked path; groups that are recorded already are not written again."""
        before = self._written.get(path)
        if before is None:
            self._pending.append((_FORGET[0], (self._worktree, path)))
        now = {_first(group): _version(group) for group in snapshot.groups}
        for gone in (before or {}).keys() - now.keys():
            self._pending.append((_FORGET_GROUP, (self._worktree, path, gone)))
        for group in snapshot.groups:
            first = _first(group)
            if before is None or before.get(first) != now[first]:
                row = (self._worktree, path, first, snapshot.kind, *group.files, *group[1:4], *group.digest)
                self._pending.append((_REMEMBER, row))
        self._written[path] = now

    def synced(self, path: str) -> str:
        """Return the id of the content that workspace and pointer last agreed on; empty if unknown."""
        row = self._ask("select content from synced where worktree = ? and path = ?", (self._worktree, path))
        return str(row[0]) if row else ""

    def set_synced(self, path: str, content: str) -> None:
        """Record that workspace and pointer agree on the content with this id."""
        self._pending.append(("insert or replace into synced values (?, ?, ?)", (self._worktree, path, content)))

    def copy(self, old: str, new: str) -> None:
        """Copy all records of `old` to `new`."""
        self.forget(new)
        for statement in _COPY:
            self._pending.append((statement, (new, self._worktree, old)))

    def forget(self, path: str) -> None:
        """Delete all records of the path."""
        self._written.pop(path, None)
        for statement in _FORGET:
            self._pending.append((statement, (self._worktree, path)))

    def complete(self, manifest: str) -> Complete | None:
        """Return the recorded location of all files of the manifest object."""
        if found := self._complete.get(manifest):
            return found
        row = self._ask("select packs, loose from complete where manifest = ?", (manifest,))
        return Complete(frozenset(row[0].split()), frozenset(row[1].split())) if row else None

    def set_complete(self, manifest: str, where: Complete) -> None:
        """Record the location of all files of the manifest object."""
        self._complete[manifest] = where
        row = (manifest, " ".join(sorted(where.packs)), " ".join(sorted(where.loose)))
        self._pending.append(("insert or replace into complete values (?, ?, ?)", row))

    def pushed(self, remote: str) -> Pushed | None:
        """Return what is recorded of the remote at this address."""
        row = self._ask("select files, parts from pushed where remote = ?", (remote,))
        if row is None:
            return None
        words = row[1].split()
        with suppress(ValueError):  # a damaged row
            return Pushed(frozenset(row[0].splitlines()), dict(zip(words[::2], map(int, words[1::2]), strict=True)))
        return None

    def set_pushed(self, remote: str, pushed: Pushed) -> None:
        """Record it."""
        parts = " ".join(f"{name} {count}" for name, count in sorted(pushed.parts.items()))
        row = (remote, "\n".join(sorted(pushed.files)), parts)
        self._pending.append(("insert or replace into pushed values (?, ?, ?)", row))

    def set_origins(self, paths: Mapping[str, str]) -> None:
        """Record the path that each of these objects had when it was stored."""
        self._pending += [("insert or replace into origin values (?, ?)", row) for row in paths.items()]

    def origin(self, name: str) -> str:
        """Return the path that the object had when it was last stored; empty when unknown."""
        row = self._ask("select path from origin where name = ?", (name,))
        return str(row[0]) if row else ""

    def verdicts(self) -> dict[str, tuple[str, str]]:
        """Return, by tracked path, the id of the judged state and its findings."""
        query = "select path, judged, findings from verdict where worktree = ?"
        rows = self._try(lambda db: db.execute(query, (self._worktree,)).fetchall())
        return {path: (judged, findings) for path, judged, findings in rows or ()}

    def set_verdict(self, path: str, judged: str, findings: str) -> None:
        """Record the findings; `judged` identifies everything that they depend on."""
        row = (self._worktree, path, judged, findings)
        self._pending.append(("insert or replace into verdict values (?, ?, ?, ?)", row))

    def report(self, name: str) -> bytes:
        """Return the recorded report with this name, as JSON; empty if unknown."""
        row = self._ask("select json from report where name = ?", (name,))
        return bytes(row[0]) if row else b""

    def set_report(self, name: str, json: bytes) -> None:
        """Record a parsed report; `name` identifies everything that it depends on."""
        self._pending.append(("insert or replace into report values (?, ?)", (name, json)))

    def imported(self) -> dict[str, Digest]:
        """Return the digest of each file that an import has verified, by its name in another program."""
        rows = self._try(lambda db: db.execute("select old, blake3, xxh128, size from imported").fetchall())
        return {old: Digest(*digest) for old, *digest in rows or ()}

    def set_imported(self, old: str, digest: Digest) -> None:
        """Record that `old` is the name in another program of the content with this digest."""
        self._pending.append(("insert or replace into imported values (?, ?, ?, ?)", (old, *digest)))

    def flush(self) -> None:
        """Write pending changes, in one transaction."""
        pending, self._pending = self._pending, []
        if pending:
            self._try(lambda db: _write(db, pending))

    def close(self) -> None:
        self.flush()
        if self._db is not None:
            self._db.close()
            self._db = None

    def _ask(self, query: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        return self._try(lambda db: db.execute(query, parameters).fetchone())

    def _try(self, use: Callable[[sqlite3.Connection], T]) -> T | None:
        """Use the database; on an error return None, and do not use it again."""
        if self._broken:
            return None
        try:
            if self._db is None:
                self._db = _open(self._path)
            return use(self._db)
        except (sqlite3.Error, OSError, UnicodeError) as error:  # UnicodeError: a worktree's name is not UTF-8
            self._broken = True
            if type(error) is sqlite3.DatabaseError:  # not a database, or malformed: the next command starts a new one
                for suffix in ("", "-wal", "-shm"):
                    with suppress(OSError):
                        os.unlink(self._path + suffix)
            return None


def _first(group: Group) -> bytes:
    return group.files.names.partition(b"\0")[0]


def _version(group: Group) -> tuple[object, ...]:
    """Return what identifies a row: of one path, two groups with the same first name were not recorded at one time."""
    return group.recorded, group.newest, group.digest


def _group(row: Sequence[Any]) -> Group:
    names, stamps, executable, digests, recorded, newest, *digest = row
    return Group(Files(names, stamps, executable), digests, recorded, newest, Digest(*digest))


def _write(db: sqlite3.Connection, pending: list[tuple[str, tuple[object, ...]]]) -> None:
    with db:
        for statement, parameters in pending:
            db.execute(statement, parameters)


def _open(path: str) -> sqlite3.Connection:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS)
    # WAL needs shared memory, which a network file system does not have.
    db.execute(f"pragma journal_mode = {'truncate' if on_network(os.path.dirname(path)) else 'wal'}")
    db.execute("pragma synchronous = normal")
    db.executescript(_SCHEMA)
    _forget_recently_written(db)
    return db


def _forget_recently_written(db: sqlite3.Connection) -> None:
    """After a boot, drop the records of files that were read soon after they were written.

    A power failure may leave such a file with the same size and times but other content.
    """
    boot = _boot()
    if db.execute("select boot from system").fetchone() == (boot,):
        return
    with db:
        db.execute("delete from snapshot where recorded - newest < ?", (_ON_DISK_AFTER,))
        db.execute("delete from system")
        db.execute("insert into system values (?)", (boot,))


def _boot() -> str:
    try:
        with open(BOOT_ID, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def trouble(path: str) -> str:
    """Return why the catalog at `path` is unusable; empty if it is usable, or missing."""
    if not os.path.lexists(path):
        return ""
    try:
        with closing(_open(path)) as db:
            db.execute("select count(*) from snapshot")
            db.execute("begin immediate")
            db.rollback()
    except (sqlite3.Error, OSError) as error:
        return "" if "locked" in str(error) else str(error)  # in use right now
    return ""


def sqlite_version() -> str:
    """Return the version of SQLite."""
    return sqlite3.sqlite_version

