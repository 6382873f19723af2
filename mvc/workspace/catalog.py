"""The catalog: a disposable SQLite file that remembers what was read, so that it is not read again.

Deleting it costs time, never data. Any error of it is survived by going on without it. It
stays in the repository's own Git directory even when the cache is shared: co-users must not
be able to say what is verified, and WAL does not work on network file systems.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Any, NamedTuple, TypeVar

from mvc.fs.files import on_network
from mvc.objects.digest import Digest

T = TypeVar("T")

VERSION = 1
FILE = f"catalog-{VERSION}.db"
BUSY_SECONDS = 2
BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""What the system calls itself from one start to the next: random(4)."""
_ON_DISK_AFTER = 600 * 10**9
"""Nanoseconds after which the system has written a file to disk, whether it was told to or not."""

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
    """What a tracked path's files looked like when they were read, and what they held.

    `names` joins the files' paths by NUL, in the order the directory yielded them; `stamps` has five
    signed 64-bit integers for each (see `fsutil.Stamp`), `digests` 48 bytes (blake3, xxh128).
    """

    recorded: int
    """When the stamps were taken, in ns since the epoch."""
    newest: int
    """The newest mtime or ctime among them, in ns."""
    names: bytes
    stamps: bytes
    digests: bytes
    kind: str
    digest: Digest
    """The digest of the whole: of the file, or of the directory's manifest."""


class Complete(NamedTuple):
    """Where all the files of a manifest were found: these packs and these loose objects."""

    packs: frozenset[str]
    loose: frozenset[str]


class Catalog:
    """The catalog of one worktree. Writes are kept until `flush`, which makes one transaction."""

    def __init__(self, path: str, worktree: str) -> None:
        """Open the catalog at `path`, on first use, for the worktree with this name."""
        self._path = path
        self._worktree = worktree
        self._db: sqlite3.Connection | None = None
        self._broken = False
        self._pending: list[tuple[str, tuple[object, ...]]] = []

    def snapshot(self, path: str) -> Snapshot | None:
        """Return what is remembered of the tracked path."""
        row = self._ask(
            "select recorded, newest, names, stamps, digests, kind, blake3, xxh128, size"
            " from snapshot where worktree = ? and path = ?",
            (self._worktree, path),
        )
        if row is None:
            return None
        recorded, newest, names, stamps, digests, kind, *whole = row
        return Snapshot(recorded, newest, names, stamps, digests, kind, Digest(*whole))

    def remember(self, path: str, snapshot: Snapshot) -> None:
        """Remember what was read of the tracked path."""
        self._pending.append((
            "insert or replace into snapshot values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._worktree, path, *snapshot[:6], *snapshot.digest),
        ))

    def synced(self, path: str) -> str:
        """Return the content that workspace and pointer last agreed on; empty when unknown."""
        row = self._ask("select content from synced where worktree = ? and path = ?", (self._worktree, path))
        return str(row[0]) if row else ""

    def set_synced(self, path: str, content: str) -> None:
        """Remember that workspace and pointer agree on `content`, the pointer's blake3."""
        self._pending.append(("insert or replace into synced values (?, ?, ?)", (self._worktree, path, content)))

    def copy(self, old: str, new: str) -> None:
        """Remember of `new` just what is remembered of `old`."""
        self.forget(new)
        for statement in _COPY:
            self._pending.append((statement, (new, self._worktree, old)))

    def forget(self, path: str) -> None:
        """Remember nothing of the path."""
        for statement in _FORGET:
            self._pending.append((statement, (self._worktree, path)))

    def complete(self, manifest: str) -> Complete | None:
        """Return where the files of the manifest object were all found."""
        row = self._ask("select packs, loose from complete where manifest = ?", (manifest,))
        return Complete(frozenset(row[0].split()), frozenset(row[1].split())) if row else None

    def set_complete(self, manifest: str, where: Complete) -> None:
        """Remember where all the files of the manifest object are."""
        row = (manifest, " ".join(sorted(where.packs)), " ".join(sorted(where.loose)))
        self._pending.append(("insert or replace into complete values (?, ?, ?)", row))

    def set_origin(self, path: str, names: Iterable[str]) -> None:
        """Remember that these objects were added as the tracked path, or as files in it."""
        self._pending += [("insert or replace into origin values (?, ?)", (name, path)) for name in names]

    def origin(self, name: str) -> str:
        """Return the tracked path that the object was last added as; empty when unknown."""
        row = self._ask("select path from origin where name = ?", (name,))
        return str(row[0]) if row else ""

    def verdicts(self) -> dict[str, tuple[str, str]]:
        """Return, by tracked path, what was judged and what was found."""
        query = "select path, judged, findings from verdict where worktree = ?"
        rows = self._try(lambda db: db.execute(query, (self._worktree,)).fetchall())
        return {path: (judged, findings) for path, judged, findings in rows or ()}

    def set_verdict(self, path: str, judged: str, findings: str) -> None:
        """Remember what was found: `judged` names all that it rests on."""
        row = (self._worktree, path, judged, findings)
        self._pending.append(("insert or replace into verdict values (?, ?, ?, ?)", row))

    def flush(self) -> None:
        """Write what was remembered, in one transaction."""
        pending, self._pending = self._pending, []
        if pending:
            self._try(lambda db: _write(db, pending))

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        if self._db is not None:
            self._db.close()
            self._db = None

    def _ask(self, query: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        return self._try(lambda db: db.execute(query, parameters).fetchone())

    def _try(self, use: Callable[[sqlite3.Connection], T]) -> T | None:
        """Use the database; None when it cannot be used, now and from then on."""
        if self._broken:
            return None
        try:
            if self._db is None:
                self._db = _open(self._path)
            return use(self._db)
        except (sqlite3.Error, OSError, UnicodeError) as error:  # the last: a worktree's name that is not UTF-8
            self._broken = True
            if type(error) is sqlite3.DatabaseError:  # not a database, or malformed: begin anew next time
                _discard(self._path)
            return None


def _write(db: sqlite3.Connection, pending: list[tuple[str, tuple[object, ...]]]) -> None:
    with db:
        for statement, parameters in pending:
            db.execute(statement, parameters)


def _open(path: str) -> sqlite3.Connection:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS)
    # WAL needs memory that all its users share, which a network does not have.
    db.execute(f"pragma journal_mode = {'truncate' if on_network(os.path.dirname(path)) else 'wal'}")
    db.execute("pragma synchronous = normal")
    db.executescript(_SCHEMA)
    _forget_the_young(db)
    return db


def _forget_the_young(db: sqlite3.Connection) -> None:
    """After a start of the system, forget files that were read soon after they were written.

    A power cut may leave such a file with its size and times, and other bytes.
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
    """Return why the catalog at `path` cannot be used; empty when it can, or is not there yet."""
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


def _discard(path: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            os.unlink(path + suffix)
