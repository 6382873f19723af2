"""`mvc remote test`: tries every operation that a remote needs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Literal, NamedTuple, TypeAlias
from uuid import uuid4

from mvc.errors import MvcError
from mvc.fs.shared_folders import is_shared
from mvc.ops.shared.remotes import find_remote
from mvc.project import Project
from mvc.store.buckets.address import RemoteSettings
from mvc.store.buckets.bucket import Bucket, Item
from mvc.store.buckets.open import MARKER, connect
from mvc.store.cache.sharing import group_of, user_name
from mvc.store.remote.marker import read_marker

Works: TypeAlias = Literal["yes", "no", "untried"]
SKEW = 15 * 60
"""Seconds that clocks may differ: S3 refuses requests beyond that."""
_DATA = b"written by `mvc remote test`, which removes it: you may do so, too\n"


class Check(NamedTuple):
    """Whether one operation works."""

    name: str
    works: Works
    message: str = ""
    """The problem."""
    fix: str = ""


class Tested(NamedTuple):
    """The result of testing a remote."""

    remote: str
    url: str
    checks: tuple[Check, ...]
    clock: float | None
    """Seconds that the remote's clock is ahead of this machine's; None if unknown."""
    identity: str
    """The identity that the remote sees; empty if unknown."""

    @property
    def can_pull(self) -> bool:
        """Whether content can be read."""
        return all(check.works != "no" for check in self.checks if check.name in {"reach", "read", "list"})

    @property
    def works(self) -> bool:
        """Whether no operation failed."""
        return all(check.works != "no" for check in self.checks)


def try_out(project: Project, name: str | None = None, now: Callable[[], float] = time.time) -> Tested:
    """Write an object to a remote (by default the default one), read it, list it and delete it.

    Raises:
        UsageError: there is no such remote, or its settings are invalid.
    """
    settings = find_remote(project, name)
    with _left_as_it_was(settings), closing(connect(settings)) as bucket:
        trip = _Trip(bucket, now)
        checks = tuple(trip.run())
        return Tested(settings.name, bucket.url, checks, trip.clock, _identity(project, settings, bucket))


def _identity(project: Project, settings: RemoteSettings, bucket: Bucket) -> str:
    """Return the identity that the remote sees; empty if the bucket does not know it."""
    if settings.url.startswith("/"):
        return _user_of(settings.url)
    told = ""
    with suppress(MvcError):
        told = str(getattr(bucket, "identity", str)())
    key = project.settings.remotes()[settings.name].get("access_key_id")
    return f"{told} ({key.origin} config)" if key and told.endswith("access_key_id") else told


def _user_of(path: str) -> str:
    """Return the user of a directory, and the group that shares it."""
    user = user_name(os.geteuid())
    with suppress(OSError):  # the checks report it
        if is_shared(path):
            inside = os.stat(path).st_gid in {os.getegid(), *os.getgroups()} or os.geteuid() == 0
            rest = "" if inside else ", and you are not in it"
            return f"{user}; the directory is shared with the group {group_of(path)}{rest}"
    return user


@contextmanager
def _left_as_it_was(settings: RemoteSettings) -> Iterator[None]:
    """Remove the directories that the first write creates, if they are empty and did not exist before."""
    places = [settings.url, f"{settings.url}/tmp"] if settings.url.startswith("/") else []
    made = [path for path in places if not os.path.isdir(path)]
    try:
        yield
    finally:
        for path in reversed(made):
            with suppress(OSError):
                os.rmdir(path)


class _Trip:
    """The operations, in order. Each returns its problem or an empty text; None if it was not tried."""

    def __init__(self, bucket: Bucket, now: Callable[[], float]) -> None:
        self._bucket = bucket
        self._now = now
        self._key = f"mvc-test-{uuid4().hex}"
        self._other = f"{self._key}-new"
        self._item: Item | None = None
        """The written object."""
        self.clock: float | None = None

    def run(self) -> Iterator[Check]:
        """Yield the checks; remove the written objects at the end."""
        steps: list[tuple[str, Callable[[], str | None]]] = [
            ("reach", self._reach),
            ("write", self._write),
            ("read", self._read),
            ("list", self._list),
            ("conditional", self._write_new),
            ("delete", self._delete),
            ("clock", self._compare_clocks),
        ]
        try:
            for name, step in steps:
                yield (check := _tried(name, step))
                if name == "reach" and check.works == "no":
                    yield from (Check(rest, "untried") for rest, _ in steps[1:])
                    return
        finally:
            with suppress(MvcError):
                self._bucket.delete([self._key, self._other])

    def _reach(self) -> str:
        read_marker(self._bucket)
        return ""

    def _write(self) -> str:
        before = self._now()
        self._bucket.write(self._key, _DATA)
        after = self._now()
        self._item = self._bucket.head(self._key)
        if self._item is None:
            return "the written object does not exist"
        if self._item.modified:
            self.clock = _ahead(self._item.modified, before, after)
        return ""

    def _read(self) -> str | None:
        if self._item is None:
            return "" if read_marker(self._bucket) else None
        same = self._bucket.read(self._item, 0, self._item.size) == _DATA
        return "" if same else "the content that was read differs from what was written"

    def _list(self) -> str:
        found = [item.key for item in self._bucket.list(self._key if self._item else MARKER)]
        return "" if self._key in found or not self._item else "the written object is not listed"

    def _write_new(self) -> str | None:
        if self._item is None:
            return None
        if self._bucket.write(self._key, b"", new=True) or not self._bucket.write(self._other, _DATA, new=True):
            return "conditional writes do not work: two pushes at the same time may overwrite each other's files"
        return ""

    def _delete(self) -> str | None:
        if self._item is None:
            return None
        self._bucket.delete([self._key, self._other])
        return "the deleted object still exists" if self._bucket.head(self._key) else ""

    def _compare_clocks(self) -> str | None:
        if self.clock is None:
            return None
        return "" if abs(self.clock) < SKEW else f"its clock is off by {abs(self.clock) / 60:.0f} minutes"


def _tried(name: str, step: Callable[[], str | None]) -> Check:
    try:
        wrong = step()
    except MvcError as error:
        here = error.fix.startswith("mvc remote test")
        return Check(name, "no", error.message, "mvc help remotes" if here else error.fix)
    if wrong is None:
        return Check(name, "untried")
    return Check(name, "no", wrong, _FIXES.get(name, "")) if wrong else Check(name, "yes")


_FIXES = {"clock": "timedatectl set-ntp true", "conditional": "mvc help remotes"}


def _ahead(modified: float, before: float, after: float) -> float:
    """Return how many seconds the clock is ahead that set `modified` between `before` and `after`."""
    if before - 1 <= modified <= after:  # it may be in whole seconds
        return 0
    return round(modified - after if modified > after else modified - before, 1)
