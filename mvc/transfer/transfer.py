"""Objects on their way between cache and remote: what is missing is asked first, then moved, verified.

Small objects travel in packs, medium ones several at a time, large ones one after the other in
parts. All parts in flight share one budget of bytes.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.fs.copying import Reader, copying
from mvc.fs.file_systems import reflink
from mvc.fs.files import as_error, write_all
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes, hash_reader, hash_stream, quick_reader
from mvc.store.buckets.bucket import PART, Bucket, Changed, Item
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs.pack import STEP
from mvc.store.remote.store import Place, RemoteStore, Span, spans, version
from mvc.workspace.progress import Progress

BUDGET = 64 << 20
"""Bytes that all parts in flight may hold."""
JOBS = 8
"""Requests at once."""

_MOVED = (MissingObject, Changed)
"""What reading fails with when others pack anew, collect garbage or repair on the remote meanwhile."""

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """Calls functions in threads, so many at once as jobs and the budget of bytes allow; see `Run`."""

    def __init__(self, jobs: int = JOBS, budget: int = BUDGET) -> None:
        """Use up to `jobs` threads, which start when they are needed, and `budget` bytes."""
        self._jobs, self._budget = jobs, budget
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="mvc-transfer")

    def __enter__(self) -> Pool:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let what runs end; what waits is dropped."""
        self._threads.shutdown(cancel_futures=True)

    def __call__(self, function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
        """See `Run`."""
        return list(self.in_order(function, items, size))

    def in_order(self, function: Callable[[T], R], items: Iterable[T], size: int) -> Iterator[R]:
        """Yield the results in order while later ones are in the making; `size` as in `Run`."""
        window = max(1, min(self._jobs, self._budget // max(size, 1)))
        running: deque[Future[R]] = deque()
        try:
            for item in items:
                running.append(self._threads.submit(function, item))
                if len(running) >= window:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


class Lost(NamedTuple):
    """An object that did not arrive."""

    name: str
    error: MvcError


class Moved(NamedTuple):
    """What was moved: objects, their bytes, and what failed."""

    objects: int
    bytes: int
    failed: tuple[Lost, ...] = ()

    def then(self, other: Moved, tried: Iterable[Digest] = ()) -> Moved:
        """Return both together; `other` tried once more what failed of `tried`."""
        names = {digest.blake3 for digest in tried}
        failed = tuple(item for item in self.failed if item.name not in names)
        return Moved(self.objects + other.objects, self.bytes + other.bytes, failed + other.failed)


class Tools(NamedTuple):
    """What a transfer works with."""

    cache: Cache
    remote: RemoteStore
    pool: Pool
    progress: Progress
    folder: str
    """A local directory for temporary files; it exists."""


# To the remote.


def missing_there(remote: RemoteStore, digests: Iterable[Digest]) -> list[Digest]:
    """Return those objects that the remote does not hold now; one that is cut short is none."""
    wanted = {digest.blake3: digest for digest in digests}
    return not_whole(wanted, remote.locate(wanted))


def not_whole(wanted: Mapping[str, Digest], there: Mapping[str, Place]) -> list[Digest]:
    """Return those of the objects `wanted` that are not `there`, or cut short."""
    return [digest for name, digest in wanted.items() if name not in there or not there[name].is_whole(digest.size)]


def push_objects(tools: Tools, digests: Sequence[Digest]) -> Moved:
    """Send objects, which the remote is known not to hold; large ones first, so that manifests come last."""
    tools.remote.prepare()
    tools.progress.expect(sum(digest.size for digest in digests))
    lost: list[Lost] = []
    loose = [digest for digest in digests if tools.cache.is_loose(digest.blake3)]
    medium = [digest for digest in loose if digest.size <= PART]
    for error, digest in zip(tools.pool(partial(_send_safely, tools), medium, _largest(medium)), medium, strict=True):
        lost += [Lost(digest.blake3, error)] if error else []
    for digest in loose:
        if digest.size > PART and (error := _send_safely(tools, digest)):
            lost.append(Lost(digest.blake3, error))
    alone = {digest.blake3 for digest in loose}
    sent = _send_packed(tools, [digest for digest in digests if digest.blake3 not in alone], lost)
    failed = {item.name for item in lost}
    arrived = [digest for digest in digests if digest.blake3 not in failed]
    large = sum(digest.size for digest in arrived if digest.blake3 in alone)
    return Moved(len(arrived), sent + large, tuple(lost))


def _largest(digests: Iterable[Digest]) -> int:
    return max((digest.size for digest in digests), default=0)


def _send_packed(tools: Tools, digests: Sequence[Digest], lost: list[Lost]) -> int:
    """Send small objects as packs; the bytes sent. A pack that fails takes no other along."""
    total = 0
    if not digests:
        return total
    left = {digest.blake3 for digest in digests}
    try:
        for sent in tools.remote.send_packs(_bodies(tools, digests, lost), tools.folder):
            left -= sent.pack.objects
            lost += [Lost(name, sent.error) for name in sorted(sent.pack.objects) if sent.error]
            tools.progress.advance(sent.pack.size)
            total += sent.bytes
    except (MvcError, OSError) as error:  # no more can be shaped here
        left -= {item.name for item in lost}
        told = as_error(error, tools.folder) if isinstance(error, OSError) else error
        lost += [Lost(name, told) for name in sorted(left)]
    return total


def _send_safely(tools: Tools, digest: Digest) -> MvcError | None:
    try:
        _send(tools, digest)
    except MvcError as error:
        return error
    except OSError as error:
        return as_error(error, f"object {digest.blake3}")
    return None


def _send(tools: Tools, digest: Digest) -> None:
    def check(read: Reader) -> None:
        if quick_reader(read) != digest[1:]:
            raise CorruptObject(f"object {digest.blake3} is damaged in the cache", "mvc verify")

    with tools.cache.open(digest.blake3) as file:
        tools.remote.bucket.upload(tools.remote.key(digest.blake3), file.fileno(), digest.size, tools.pool, check)
    tools.progress.advance(digest.size)


def _bodies(tools: Tools, digests: Iterable[Digest], lost: list[Lost]) -> Iterator[tuple[Digest, bytes]]:
    for digest in digests:
        try:
            body = tools.cache.read(digest)
        except MvcError as error:
            lost.append(Lost(digest.blake3, error))
            continue
        yield digest, body


# From the remote.


def fetch_objects(tools: Tools, digests: Sequence[Digest]) -> Moved:
    """Bring objects, which the cache is known not to hold; each is published only when its bytes are proven.

    What was moved or replaced on the remote meanwhile is looked for once more. So is what does not match in a pack:
    it may be the index, kept from an earlier day, that is wrong. Then other packs that have it are tried.
    """
    places = tools.remote.locate(digest.blake3 for digest in digests)
    moved = _fetch_from(tools, digests, places)
    lost = _errors(moved)
    again = [digest for digest in digests if _is_worth_a_look(lost.get(digest.blake3), places.get(digest.blake3))]
    if not again:
        return moved
    tools.remote.forget({places[digest.blake3].item.key for digest in again})
    places = tools.remote.locate(digest.blake3 for digest in again)
    moved = moved.then(_fetch_from(tools, again, places, last=True), again)
    before = tools.remote.doomed
    try:
        return _fetch_copies(tools, again, moved, places)
    finally:
        tools.remote.doomed = before


def _fetch_copies(tools: Tools, digests: Sequence[Digest], moved: Moved, places: Mapping[str, Place]) -> Moved:
    """Bring what was damaged at `places` from where else it lies, as long as there is another place."""
    while True:
        lost = _errors(moved)
        wrong = [item for item in digests if item.blake3 in places and isinstance(lost.get(item.blake3), CorruptObject)]
        avoided = {file: set(names) for file, names in tools.remote.doomed.items()}
        for digest in wrong:
            avoided.setdefault(version(places[digest.blake3].item), set()).add(digest.blake3)
        tools.remote.doomed = avoided
        places = tools.remote.locate(digest.blake3 for digest in wrong)
        digests = [digest for digest in wrong if digest.blake3 in places]
        if not digests:
            return moved
        moved = moved.then(_fetch_from(tools, digests, places, last=True), digests)


def _errors(moved: Moved) -> dict[str, MvcError]:
    return {item.name: item.error for item in moved.failed}


def _is_worth_a_look(error: MvcError | None, place: Place | None) -> bool:
    """Whether an object that failed with `error` may be found when it is looked for anew."""
    if error is None or place is None:
        return False
    return isinstance(error, _MOVED) or (isinstance(error, CorruptObject) and place.record is not None)


def _fetch_from(
    tools: Tools, digests: Sequence[Digest], places: Mapping[str, Place], *, last: bool = False,
) -> Moved:
    """Bring objects from where they lie; what is wrong in a pack is put aside only when this is the `last` try."""
    tools.progress.expect(sum(place.size for place in places.values()))
    lost = [_absent(tools, digest) for digest in digests if digest.blake3 not in places]
    found = [digest for digest in digests if digest.blake3 in places]
    there = [digest for digest in found if places[digest.blake3].is_whole(digest.size)]
    lost += [Lost(digest.blake3, _wrong(tools, digest)) for digest in sorted({*found}.difference(there))]
    with CacheWriter(tools.cache, step=STEP) as writer:
        packed = [digest for digest in there if places[digest.blake3].record]
        lost += _receive_packed(tools, writer, packed, places, last=last)
        loose = [(digest, places[digest.blake3].item) for digest in there if not places[digest.blake3].record]
        medium = [pair for pair in loose if pair[0].size <= PART]
        receive = partial(_receive_safely, tools, writer)
        size = _largest(digest for digest, _ in medium)
        for error, (digest, _) in zip(tools.pool(receive, medium, size), medium, strict=True):
            lost += [Lost(digest.blake3, error)] if error else []
        for digest, item in loose:
            if digest.size > PART and (error := receive((digest, item))):
                lost.append(Lost(digest.blake3, error))
    failed = {item.name for item in lost}
    arrived = [digest for digest in there if digest.blake3 not in failed]
    return Moved(len(arrived), sum(digest.size for digest in arrived), tuple(lost))


def _absent(tools: Tools, digest: Digest) -> Lost:
    return Lost(digest.blake3, MissingObject(f"object {digest.blake3} is not on {tools.remote.bucket.url}"))


def _receive_packed(
    tools: Tools, writer: CacheWriter, digests: Iterable[Digest], places: Mapping[str, Place], *, last: bool,
) -> list[Lost]:
    """Bring objects out of packs; those that are lost.

    One thread stores them, so that Ctrl-C, of which only the main one knows, leaves no object half in a pack.
    """
    packed = {digest.blake3: digest for digest in digests}
    stretches = spans((name, places[name]) for name in packed)
    store = partial(_store_span, tools, writer, packed, last=last)
    lost: list[Lost] = []
    storing: Future[list[Lost]] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-write") as thread:
        for span, data in tools.pool.in_order(partial(_read_span, tools.remote.bucket), stretches, PART):
            lost += storing.result() if storing else []
            storing = thread.submit(store, span, data)
        lost += storing.result() if storing else []
    return lost


def _read_span(bucket: Bucket, span: Span) -> tuple[Span, bytes | MvcError]:
    try:
        return span, bucket.read(span.item, span.start, span.end)
    except MvcError as error:
        return span, error


def _store_span(
    tools: Tools, writer: CacheWriter, digests: Mapping[str, Digest], span: Span, data: bytes | MvcError, *, last: bool,
) -> list[Lost]:
    """Store the objects of a span that was read; those that are lost. What does not match, `last` puts aside."""
    if isinstance(data, MvcError):
        return [Lost(name, data) for name, _ in span.objects]
    lost = []
    for name, place in span.objects:
        body, digest = span.body(data, place), digests[name]
        if hash_bytes(body) == digest:
            writer.put_bytes(body, digest)
        else:
            lost.append(Lost(name, _wrong(tools, digest)))
            if last:
                writer.put_aside(digest, body)
        tools.progress.advance(place.size)
    return lost


def _wrong(tools: Tools, digest: Digest) -> CorruptObject:
    where = tools.remote.bucket.url
    return CorruptObject(f"object {digest.blake3} is damaged on {where}: its bytes do not match its name")


def _receive_safely(tools: Tools, writer: CacheWriter, pair: tuple[Digest, Item]) -> MvcError | None:
    digest, item = pair
    try:
        if item.size != digest.size:
            raise _wrong(tools, digest)
        writer.put_filled(digest, partial(_fill, tools, item), resume=item.size > PART)
    except CorruptObject:
        return _wrong(tools, digest)
    except MvcError as error:
        return error
    except OSError as error:
        return as_error(error, f"object {digest.blake3}")
    return None


def _fill(tools: Tools, item: Item, fd: int) -> Digest:
    """Write what lies under `item` to the file `fd`, which may have a part of it; the digest of all it holds then."""
    source = tools.remote.bucket.open_local(item)
    if source is not None:
        return _fill_from_file(tools, source, fd, item.size)
    if item.size <= PART:  # in a thread of the pool already
        write_all(fd, tools.remote.bucket.read(item, 0, item.size))
        os.lseek(fd, 0, os.SEEK_SET)
        tools.progress.advance(item.size)
        return hash_stream(fd, item.size)
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-write") as writer:
        return hash_reader(_Arriving(tools, item, fd, writer).read, item.size)


def _fill_from_file(tools: Tools, source: int, fd: int, size: int) -> Digest:
    try:
        if (have := os.fstat(fd).st_size) > size:
            os.ftruncate(fd, have := 0)
        if reflink(source, fd):
            return hash_stream(fd, size)
        with copying(source, fd, size, have) as rest:
            return hash_reader(_then(fd, have, rest), size)
    finally:
        os.close(source)
        tools.progress.advance(size)


def _then(fd: int, have: int, rest: Reader) -> Reader:
    """Return what reads the first `have` bytes of the file `fd`, then the `rest`."""
    position = 0

    def read(buffer: memoryview) -> int:
        nonlocal position
        if position >= have:
            return rest(buffer)
        position += (count := os.preadv(fd, [buffer[: have - position]], position))
        return count

    return read


class _Arriving:
    """A large object as its parts arrive, in order: first what the file has of it, then what is still to come.

    What comes is handed on while `writer`, a single thread, appends it to the file; at the end all is written.
    """

    def __init__(self, tools: Tools, item: Item, fd: int, writer: Executor) -> None:
        have = os.fstat(fd).st_size
        if have > item.size:
            os.ftruncate(fd, have := 0)
        bucket, size = tools.remote.bucket, item.size
        starts = range(have, size, PART)
        self._parts = tools.pool.in_order(lambda at: bucket.read(item, at, min(at + PART, size)), starts, PART)
        self._fd, self._have, self._position = fd, have, 0
        self._waiting = memoryview(b"")
        self._writer = writer
        self._writing: Future[None] | None = None
        self._progress = tools.progress
        self._progress.advance(have)

    def read(self, buffer: memoryview) -> int:
        if self._position < self._have:
            count = os.preadv(self._fd, [buffer[: self._have - self._position]], self._position)
            self._position += count
            return count
        if not self._waiting:
            self._take(next(self._parts, b""))
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _take(self, part: bytes) -> None:
        if self._writing:
            self._writing.result()  # one part at most is not yet written
        self._writing = self._writer.submit(self._append, part) if part else None
        self._waiting = memoryview(part)

    def _append(self, part: bytes) -> None:
        end = os.lseek(self._fd, 0, os.SEEK_END)
        write_all(self._fd, part)
        os.posix_fadvise(self._fd, end, len(part), os.POSIX_FADV_DONTNEED)
        self._progress.advance(len(part))
