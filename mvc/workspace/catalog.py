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

T = TypeVar("T")

VERSION = 1
FILE = f"catalog-{VERSION}.db"
BUSY_SECONDS = 2
BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""The id of the current boot: random(4)."""
_ON_DISK_AFTER = 600 * 10**9
"""Nanoseconds after which the system has written a file to disk, even without fsync."""

_SCHEMA = """
create table if not exists snapshot (
  worktree text not null, path text not null,
  recorded integer not null, newest integer not null, names blob not null, stamps blob not null,
  digests blob not null, kind text not null, blake3 text not null, xxh128 text not null, size integer not null,
  primary key (worktree, path)
);
create table if not exists synced (
  worktree text not null, path text not null, content text not null, primary key (worktree, path)
);
create table if not exists complete (
  manifest text primary key, packs text not null, loose text not null
);
create table if not exists origin (name text primary key, path text not null);
create table if not exists verdict (
  worktree text not null, path text not null, judged text not null, findings text not null, primary key (worktree, path)
);
create table if not exists system (boot text not null);
"""

STAT_BYTES = 40
"""Bytes of a file's stat data in a snapshot."""

_COPY = (
    """insert into snapshot select worktree, ?, recorded, newest, names, stamps, digests, kind, blake3, xxh128, size
    from snapshot where worktree = ? and path = ?""",
    "insert into synced select worktree, ?, content from synced where worktree = ? and path = ?",
)
_FORGET = (
    "delete from snapshot where worktree = ? and path = ?",
    "delete from synced where worktree = ? and path = ?",
)


class Snapshot(NamedTuple):
    """Stat data and digests of a tracked path's files, as they were when they were read.

    `names` joins the files' paths by NUL, in the order in which the directory yielded them;
    `stat_data` has five signed 64-bit integers for each (see `StatData`), `digests` 48 bytes
    (blake3, xxh128).
    """

    recorded: int
    """When the stat data was taken, in ns since the epoch."""
    newest: int
    """The time from which all of the stat data can be trusted, in ns since the epoch."""
    names: bytes
    stat_data: bytes
    digests: bytes
    kind: str
    digest: Digest
    """The digest of the whole: of the file, or of the directory's manifest."""


class Complete(NamedTuple):
    """The packs and loose objects with all the files of a manifest."""

    packs: frozenset[str]
    loose: frozenset[str]


class Catalog:
    """The catalog of one worktree. Writes are kept until `flush`, which makes one transaction."""

    def __init__(self, path: str, worktree: str) -> None:
        """Use the file `path`, opened on first use, for the worktree with this name."""
        self._path = path
        self._worktree = worktree
        self._db: sqlite3.Connection | None = None
        self._broken = False
        self._pending: list[tuple[str, tuple[object, ...]]] = []

    def snapshot(self, path: str) -> Snapshot | None:
        """Return the snapshot of the tracked path."""
        row = self._ask(
            "select recorded, newest, names, stamps, digests, kind, blake3, xxh128, size"
            " from snapshot where worktree = ? and path = ?",
            (self._worktree, path),
        )
        return None if row is None else _snapshot(row)

    def recent(self, most: int, files: int) -> dict[str, Snapshot]:
        """Return the snapshots that were written last, at most `most`, of paths with at most so many files."""
        query = (
            "select path, recorded, newest, names, stamps, digests, kind, blake3, xxh128, size"
            " from snapshot not indexed where worktree = ? and length(stamps) <= ? order by rowid desc limit ?"
        )
        bound = (self._worktree, files * STAT_BYTES, most)
        rows = self._try(lambda db: db.execute(query, bound).fetchall())
        return {path: _snapshot(row) for path, *row in rows or ()}

    def remember(self, path: str, snapshot: Snapshot) -> None:
        """Record the snapshot of the tracked path."""
        *fields, digest = snapshot
        self._pending.append((
            "insert or replace into snapshot values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._worktree, path, *fields, *digest),
        ))

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
        for statement in _FORGET:
            self._pending.append((statement, (self._worktree, path)))

    def complete(self, manifest: str) -> Complete | None:
        """Return the recorded location of all files of the manifest object."""
        row = self._ask("select packs, loose from complete where manifest = ?", (manifest,))
        return Complete(frozenset(row[0].split()), frozenset(row[1].split())) if row else None

    def set_complete(self, manifest: str, where: Complete) -> None:
        """Record the location of all files of the manifest object."""
        row = (manifest, " ".join(sorted(where.packs)), " ".join(sorted(where.loose)))
        self._pending.append(("insert or replace into complete values (?, ?, ?)", row))

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


def _snapshot(row: Sequence[Any]) -> Snapshot:
    recorded, newest, names, stat_data, digests, kind, *whole = row
    return Snapshot(recorded, newest, names, stat_data, digests, kind, Digest(*whole))


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

