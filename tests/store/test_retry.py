"""When a bucket is asked again, how soon, and how many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mvc.store.buckets.bucket import Item, RemoteError, SlowDown, Transient
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.buckets.retry import TOTAL, TRIES, Clock, ConcurrencyLimit, Retrying

ITEM = Item("key", 1)


class Time:
    """Time that passes only in waiting."""

    def __init__(self, chance: float = 1) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.clock = Clock(lambda: self.now, lambda: chance, self.wait)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return stop.is_set()


class Failing(DirectoryBucket):
    """Fails as it is told before it does anything."""

    def __init__(self, root: str, errors: Iterator[Exception | None]) -> None:
        super().__init__(root)
        self.errors = errors
        self.asked = 0

    def head(self, key: str) -> Item | None:
        self.asked += 1
        if error := next(self.errors, None):
            raise error
        return Item(key, 0)


def failing(folder: Path, *errors: Exception) -> Failing:
    """Return a bucket that fails with `errors`, one after the other, and then no more."""
    return Failing(str(folder), iter(errors))


def for_ever(folder: Path, make: Callable[[], Exception]) -> Failing:
    """Return a bucket that never does anything else."""
    return Failing(str(folder), iter(make, None))


def test_pauses_grow_and_are_by_chance(tmp_path: Path) -> None:
    time = Time()
    with pytest.raises(Transient):
        Retrying(for_ever(tmp_path, lambda: Transient("no")), time.clock).head("key")
    assert time.waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, *[20] * 7]
    half = Time(chance=0.5)
    with pytest.raises(Transient):
        Retrying(for_ever(tmp_path, lambda: Transient("no")), half.clock).head("key")
    assert half.waits[: len(time.waits)] == [wait / 2 for wait in time.waits]
    assert TOTAL > sum(half.waits) > TOTAL - 20


def test_what_will_not_go_away_is_asked_once(tmp_path: Path) -> None:
    time = Time()
    bucket = failing(tmp_path, RemoteError("no"))
    with pytest.raises(RemoteError):
        Retrying(bucket, time.clock).head("key")
    assert (bucket.asked, time.waits) == (1, [])


def test_no_try_is_begun_after_the_time_is_over(tmp_path: Path) -> None:
    time = Time()

    def stall() -> Exception:
        time.now += 60
        return Transient("no answer")

    bucket = for_ever(tmp_path, stall)
    with pytest.raises(Transient):
        Retrying(bucket, time.clock).head("key")
    assert bucket.asked == 3
    assert time.now <= TOTAL + 60


def test_once_given_up_nothing_waits_again_until_something_succeeds(tmp_path: Path) -> None:
    errors = [Transient("no")] * (TRIES + 2)
    bucket = failing(tmp_path, *errors)
    retrying = Retrying(bucket, Time(chance=0.1).clock)
    for asked in (TRIES, TRIES + 1, TRIES + 2):
        with pytest.raises(Transient):
            retrying.head("key")
        assert bucket.asked == asked
    assert retrying.head("key")
    bucket.errors = iter(errors[:3])
    assert retrying.head("key")


def test_stopping_ends_a_pause(tmp_path: Path) -> None:
    waiting = threading.Event()

    def wait(stop: threading.Event, _: float) -> bool:
        waiting.set()
        return stop.wait(60)

    retrying = Retrying(for_ever(tmp_path, lambda: Transient("no")), Clock(wait=wait))
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(retrying.head, "key")
        assert waiting.wait(60)
        retrying.close()
        with pytest.raises(RemoteError, match="stopped"):
            asking.result(60)


def test_a_listing_that_cannot_go_on_fails_instead_of_ending(tmp_path: Path) -> None:
    class Cut(DirectoryBucket):
        def list(self, prefix: str) -> Iterator[Item]:
            yield ITEM
            raise Transient("cut")

    items = Retrying(Cut(str(tmp_path)), Time().clock).list("")
    assert next(items) == ITEM
    with pytest.raises(Transient):
        next(items)


def test_slow_down_halves_what_is_at_once_and_success_widens_it(tmp_path: Path) -> None:
    time = Time()
    retrying = Retrying(failing(tmp_path, SlowDown("slower")), time.clock)
    assert retrying._limit.width == 64
    retrying.head("key")  # it was alone
    assert retrying._limit.width == 1 + 1
    for _ in range(2):
        retrying.head("key")
    assert retrying._limit.width == 2
    retrying.head("key")
    assert retrying._limit.width == 3


def test_no_more_are_inside_than_the_gate_is_wide() -> None:
    gate, inside, most = ConcurrencyLimit(3), 0, 0
    lock = threading.Lock()

    def turn(_: int) -> None:
        nonlocal inside, most
        with gate.entered():
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(turn, range(500)))
    assert 1 <= most <= 3
    gate.narrow()
    assert gate.width == 1
