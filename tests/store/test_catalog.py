"""The catalog: remembers across processes, and whatever happens to it costs time only."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mvc.objects.hashing import hash_bytes
from mvc.workspace import catalog as catalog_module
from mvc.workspace.catalog import Catalog, Complete
from mvc.workspace.stat_index import Files, Group, Snapshot

GROUP = Group(Files(b"a\0b", b"stat data", b"\0\1"), b"digests", 10, 5, hash_bytes(b"manifest"))
NEXT = GROUP._replace(files=GROUP.files._replace(names=b"c\0d"))
SNAPSHOT = Snapshot("dir", (GROUP, NEXT))
WHERE = Complete(frozenset({"p1", "p2"}), frozenset({"l1"}))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a catalog may lie; nobody waits for a locked one."""
    monkeypatch.setattr(catalog_module, "BUSY_SECONDS", 0)
    return tmp_path / "mvc" / "catalog-2.db"


def filled(path: Path, worktree: str = ".") -> None:
    """Write a catalog that remembers one thing of each kind."""
    catalog = Catalog(str(path), worktree)
    catalog.remember("models/a", SNAPSHOT)
    catalog.set_synced("models/a", "file:abc")
    catalog.set_complete("m" * 64, WHERE)
    catalog.close()


def remembered(catalog: Catalog) -> tuple[Snapshot | None, str, Complete | None]:
    """Return what the catalog has of what `filled` wrote."""
    return catalog.snapshot("models/a"), catalog.synced("models/a"), catalog.complete("m" * 64)


EVERYTHING = (SNAPSHOT, "file:abc", WHERE)
NOTHING = (None, "", None)


def check_it_goes_on(path: Path) -> None:
    """Use a catalog that may be broken in every way that commands do."""
    catalog = Catalog(str(path), ".")
    for found, true, unknown in zip(remembered(catalog), EVERYTHING, NOTHING, strict=True):
        assert found in (true, unknown)
    filled(path)
    catalog.flush()
    catalog.close()


def test_what_is_remembered_comes_back(path: Path) -> None:
    filled(path)
    assert remembered(Catalog(str(path), ".")) == EVERYTHING


def test_what_is_new_replaces_what_is_old(path: Path) -> None:
    filled(path)
    catalog = Catalog(str(path), ".")
    catalog.remember("models/a", Snapshot("dir", (NEXT,)))
    catalog.set_synced("models/a", "file:def")
    catalog.set_complete("m" * 64, Complete(frozenset(), frozenset()))
    catalog.close()
    again = remembered(Catalog(str(path), "."))
    assert again == (Snapshot("dir", (NEXT,)), "file:def", Complete(frozenset(), frozenset()))


def test_an_empty_catalog_remembers_nothing_and_asking_is_no_error(path: Path) -> None:
    assert remembered(Catalog(str(path), ".")) == NOTHING


def test_nothing_is_written_before_a_flush(path: Path) -> None:
    catalog = Catalog(str(path), ".")
    catalog.set_synced("a", "x")
    assert Catalog(str(path), ".").synced("a") == ""
    catalog.flush()
    assert Catalog(str(path), ".").synced("a") == "x"
    catalog.close()


def test_worktrees_do_not_see_each_other_s_files(path: Path) -> None:
    filled(path, ".")
    other = Catalog(str(path), "worktrees/two")
    assert (other.snapshot("models/a"), other.synced("models/a")) == (None, "")
    assert other.complete("m" * 64) == WHERE  # of the cache, which worktrees share


def test_numbers_of_64_bits_and_any_name_come_back(path: Path) -> None:
    catalog = Catalog(str(path), ".")
    group = GROUP._replace(recorded=(1 << 63) - 1, newest=-(1 << 63), files=Files(bytes(range(256)), b"", b""))
    extreme = Snapshot("file", (group,))
    catalog.remember("modèle/数据\u2028", extreme)
    catalog.close()
    assert Catalog(str(path), ".").snapshot("modèle/数据\u2028") == extreme


def test_of_a_large_directory_only_the_groups_that_changed_are_written(path: Path) -> None:
    filled(path, ".")
    catalog = Catalog(str(path), ".")
    known = catalog.snapshot("models/a")
    assert known is not None
    catalog.remember("models/a", known._replace(groups=(GROUP, NEXT._replace(recorded=11))))
    counted = sqlite3.connect(path)
    counted.execute("create table log (first blob)")
    counted.execute("create trigger t after insert on snapshot begin insert into log values (new.first); end")
    counted.commit()
    catalog.flush()
    assert counted.execute("select first from log").fetchall() == [(b"c",)]
    counted.close()
    assert catalog.snapshot("models/a") == known._replace(groups=(GROUP, NEXT._replace(recorded=11)))
    catalog.remember("models/a", known._replace(groups=(NEXT,)))
    catalog.close()
    assert Catalog(str(path), ".").snapshot("models/a") == known._replace(groups=(NEXT,))


# Broken ones.


def overwrite(path: Path, data: bytes, at: int = 0) -> None:
    """Write bytes into the database file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


BREAKAGE: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(os.urandom(8192)),
    "header overwritten": lambda path: overwrite(path, b"\0" * 100),
    "pages overwritten": lambda path: overwrite(path, b"\xff" * (path.stat().st_size - 100), 100),
    "cut short": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "a table less": lambda path: sqlite3.connect(path).execute("drop table snapshot").connection.close(),
    "other columns": lambda path: (
        sqlite3.connect(path).executescript("drop table synced; create table synced (x);").connection.close()
    ),
    "another program's": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\x10\0" + b"\1" * 5000),
}


@pytest.mark.parametrize("destroy", BREAKAGE.values(), ids=BREAKAGE)
def test_a_broken_catalog_is_gone_on_without(path: Path, destroy: Callable[[Path], object]) -> None:
    filled(path)
    destroy(path)
    check_it_goes_on(path)


@pytest.mark.parametrize(
    "how", ["garbage", "empty", "deleted", "header overwritten", "pages overwritten", "cut short", "a table less"]
)
def test_the_command_after_next_has_a_sound_catalog_again(path: Path, how: str) -> None:
    filled(path)
    BREAKAGE[how](path)
    check_it_goes_on(path)
    filled(path)
    assert remembered(Catalog(str(path), ".")) == EVERYTHING


def test_a_directory_that_cannot_be_made_is_gone_on_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    check_it_goes_on(tmp_path / "file" / "catalog.db")
    assert (tmp_path / "file").read_bytes() == b""


def test_a_worktree_whose_name_is_not_utf_8_is_gone_on_without(path: Path) -> None:
    catalog = Catalog(str(path), "worktrees/\udcff")
    catalog.set_synced("a", "x")
    catalog.close()
    assert catalog.synced("a") == ""


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma locking_mode = exclusive")
db.execute("begin exclusive")
db.execute("insert or replace into synced values ('.', 'models/a', 'theirs')")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locked(path: Path) -> Iterator[Path]:
    """Yield a catalog that another process holds alone."""
    filled(path)
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield path
        process.communicate()


def test_a_locked_catalog_is_gone_on_without_and_keeps_what_it_has(locked: Path) -> None:
    check_it_goes_on(locked)
    assert locked.exists()


READ_ONLY = """
import sys
from mvc.workspace import catalog
catalog.BUSY_SECONDS = 0
one = catalog.Catalog(sys.argv[1], ".")
print(one.synced("models/a") in ("", "file:abc"))
one.set_synced("models/a", "changed")
one.close()
"""


def test_a_read_only_file_system_is_gone_on_without(path: Path, tmp_path: Path) -> None:
    filled(path)
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$1" -c "$2" "$3"'
    namespace = ["unshare", *(["-Ur"] if os.getuid() else []), "-m"]
    command = [*namespace, "sh", "-c", script, str(path.parent), sys.executable, READ_ONLY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert Catalog(str(path), ".").synced("models/a") == "file:abc"


def test_verdicts_are_remembered_for_each_worktree(path: Path) -> None:
    catalog = Catalog(str(path), ".")
    assert catalog.verdicts() == {}
    catalog.set_verdict("models/a", "of these files", "[]")
    catalog.set_verdict("models/a", "of others", "")
    catalog.close()
    assert Catalog(str(path), ".").verdicts() == {"models/a": ("of others", "")}
    assert Catalog(str(path), "worktrees/x").verdicts() == {}
    path.write_bytes(b"no database")
    assert Catalog(str(path), ".").verdicts() == {}
