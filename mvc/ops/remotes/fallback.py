"""Fetching from other remotes what the primary one lacks, has damaged, or does not answer for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple, TypeAlias, TypeVar

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.objects.digest_table import DigestTable
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.project import Project
from mvc.store.buckets.bucket import RemoteError
from mvc.transfer.receive import fetch_objects
from mvc.transfer.tools import Lost, Moved, Tools

FetchObjects: TypeAlias = Callable[[Tools, DigestTable], Moved]
_OF_ONE_REMOTE = (CorruptObject, MissingObject, RemoteError)
"""Errors of one remote: another may have the object."""

T = TypeVar("T")


class Supplied(NamedTuple):
    """An object that came from another remote than the primary one."""

    remote: str
    primary_error: MvcError


class Fallback:
    """The remotes besides the primary one, each opened when first needed, and skipped once it does not answer."""

    def __init__(self, project: Project, names: Sequence[str], jobs: int) -> None:
        self._project, self._names, self._jobs = project, names, jobs
        self._close = ExitStack()
        self._opened: dict[str, Tools | None] = {}
        self.primary_error: RemoteError | None = None
        """Why the primary remote does not answer."""
        self.supplied: dict[str, Supplied] = {}
        """By object name; also filled by a dry run."""

    def __enter__(self) -> Fallback:
        return self

    def __exit__(self, *_: object) -> None:
        self._close.close()

    @property
    def answered(self) -> list[str]:
        """The remotes that answered."""
        return [name for name, tools in self._opened.items() if tools]

    @property
    def requests(self) -> int:
        """The number of requests sent to them."""
        return sum(tools.remote.bucket.requests for tools in self._opened.values() if tools)

    def probe(self, primary: Callable[[], object]) -> None:
        """Call `primary`, which asks the primary remote; if it does not answer, only the others are used.

        Raises:
            RemoteError: it does not answer, and there is no other remote.
        """
        self._ask_primary(primary)

    def fetch(self, tools: Tools, digests: DigestTable) -> Moved:
        """Fetch objects from the primary remote (`tools`), and those that it lacks from the others."""
        return self.fetch_with(fetch_objects, tools, digests)

    def fetch_with(self, fetch: FetchObjects, tools: Tools, digests: DigestTable) -> Moved:
        """Do the same with `fetch`, which may only plan."""
        moved = self._from_primary(fetch, tools, digests) if digests else Moved()
        for name in self._names:
            lost = {item.name: item.error for item in moved.failed if isinstance(item.error, _OF_ONE_REMOTE)}
            if not lost:
                break
            rest = DigestTable(map(digests.__getitem__, lost))
            moved = moved.then(self._from_other(name, fetch, rest, lost), rest)
        return moved

    def _from_primary(self, fetch: FetchObjects, tools: Tools, digests: DigestTable) -> Moved:
        moved = None if self.primary_error else self._ask_primary(lambda: fetch(tools, digests))
        if moved is None and self.primary_error:
            return _all_lost(digests, self.primary_error)
        return moved or Moved()

    def _ask_primary(self, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except RemoteError as error:
            if not self._names:
                raise
            self.primary_error = error
            return None

    def _from_other(
        self, name: str, fetch: FetchObjects, digests: DigestTable, earlier: Mapping[str, MvcError],
    ) -> Moved:
        """Fetch objects from one remote; those that it lacks stay lost for the `earlier` reason."""
        moved = self._fetch_from(name, fetch, digests)
        failed = {item.name: item.error for item in moved.failed}
        for found in digests:
            if found not in failed:
                self.supplied[found] = Supplied(name, earlier[found])
        lost = (Lost(item, _more_serious(earlier[item], error)) for item, error in failed.items())
        return moved._replace(failed=tuple(lost))

    def _fetch_from(self, name: str, fetch: FetchObjects, digests: DigestTable) -> Moved:
        try:
            if (tools := self._open(name)) and tools.remote.check_format():
                return fetch(tools, digests)
        except (RemoteError, UsageError):
            self._opened[name] = None
        return _all_lost(digests, MissingObject(f"the remote {name} could not help"))

    def _open(self, name: str) -> Tools | None:
        if name not in self._opened:
            self._opened[name] = None  # stays so if opening fails
            self._opened[name] = self._close.enter_context(transferring(self._project, name, self._jobs))
        return self._opened[name]


def _all_lost(names: Iterable[str], error: MvcError) -> Moved:
    return Moved(failed=tuple(Lost(name, error) for name in names))


def _more_serious(first: MvcError, second: MvcError) -> MvcError:
    """Return the error to report: an object damaged on one remote is worse than one that is not on another."""
    return second if isinstance(first, MissingObject) and isinstance(second, CorruptObject) else first


def fallback_remotes(project: Project, primary: str) -> list[str]:
    """Return the other remotes in the order in which they are asked: the default one, then by name."""
    default = project.settings.value("remotes.default")
    return sorted(configured_remotes(project.settings).keys() - {primary}, key=lambda name: (name != default, name))
