"""Objects from the other remotes, where the one that should have them lacks them, has damaged them, or is silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple, TypeAlias, TypeVar

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.objects.digest import Digest
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.project import Project
from mvc.store.buckets.bucket import RemoteError
from mvc.transfer.receive import fetch_objects
from mvc.transfer.tools import Lost, Moved, Tools

Move: TypeAlias = Callable[[Tools, Sequence[Digest]], Moved]
_WORTH_ASKING = (CorruptObject, MissingObject, RemoteError)
"""What went wrong with one remote only."""

T = TypeVar("T")


class Found(NamedTuple):
    """An object that another remote had."""

    remote: str
    error: MvcError
    """What was wrong on the remote that was asked first."""


class Others:
    """The other remotes: each is opened when it is first needed, and left alone once it cannot be reached."""

    def __init__(self, project: Project, names: Sequence[str], jobs: int) -> None:
        """Ask the remotes `names`, in this order."""
        self._project, self._names, self._jobs = project, names, jobs
        self._keep = ExitStack()
        self._opened: dict[str, Tools | None] = {}
        self.silent: RemoteError | None = None
        """Why the remote that should have all this gives no answer."""
        self.found: dict[str, Found] = {}
        """What came from them, or would, by the object's name."""

    def __enter__(self) -> Others:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the remotes that were opened."""
        self._keep.close()

    @property
    def asked(self) -> list[str]:
        """Those that were asked, and answered."""
        return [name for name, tools in self._opened.items() if tools]

    @property
    def requests(self) -> int:
        """What they were asked, in requests."""
        return sum(tools.remote.bucket.requests for tools in self._opened.values() if tools)

    def greet(self, first: Callable[[], object]) -> None:
        """Let the remote that should have all this answer; when it does not, the others are asked for everything.

        Raises:
            RemoteError: there is no answer, and nobody else to ask.

        """
        self._tried(first)

    def fetch(self, tools: Tools, digests: Sequence[Digest]) -> Moved:
        """Bring objects from the remote in `tools`, and from the others what it does not give."""
        return self.move(fetch_objects, tools, digests)

    def move(self, move: Move, tools: Tools, digests: Sequence[Digest]) -> Moved:
        """Do the same with `move`, which may only plan."""
        moved = self._first(move, tools, digests) if digests else Moved()
        for name in self._names:
            lost = {item.name: item.error for item in moved.failed}
            rest = [digest for digest in digests if isinstance(lost.get(digest.blake3), _WORTH_ASKING)]
            if not rest:
                break
            moved = moved.then(self._ask(name, move, rest, lost), rest)
        return moved

    def _first(self, move: Move, tools: Tools, digests: Sequence[Digest]) -> Moved:
        moved = None if self.silent else self._tried(lambda: move(tools, digests))
        if moved is None and self.silent:
            return Moved(0, 0, tuple(Lost(digest.blake3, self.silent) for digest in digests))
        return moved or Moved()

    def _tried(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except RemoteError as error:
            if not self._names:
                raise
            self.silent = error
            return None

    def _ask(self, name: str, move: Move, digests: Sequence[Digest], lost: Mapping[str, MvcError]) -> Moved:
        """Return what one remote had of the objects; the others are lost for the reason that they were before."""
        moved = self._move(name, move, digests)
        failed = {item.name: item.error for item in moved.failed}
        for digest in digests:
            if digest.blake3 not in failed:
                self.found[digest.blake3] = Found(name, lost[digest.blake3])
        told = tuple(Lost(item, _worse(lost[item], error)) for item, error in failed.items())
        return moved._replace(failed=told)

    def _move(self, name: str, move: Move, digests: Sequence[Digest]) -> Moved:
        try:
            if (tools := self._tools(name)) and tools.remote.check_format():
                return move(tools, digests)
        except (RemoteError, UsageError):
            self._opened[name] = None
        absent = MissingObject(f"the remote {name} was of no help")
        return Moved(0, 0, tuple(Lost(digest.blake3, absent) for digest in digests))

    def _tools(self, name: str) -> Tools | None:
        if name not in self._opened:
            self._opened[name] = None
            self._opened[name] = self._keep.enter_context(transferring(self._project, name, self._jobs))
        return self._opened[name]


def others(project: Project, remote: str) -> list[str]:
    """Return the remotes besides `remote`, in the order in which they are asked: the default one, then by name."""
    default = project.settings.value("remotes.default")
    return sorted(configured_remotes(project.settings).keys() - {remote}, key=lambda name: (name != default, name))


def _worse(first: MvcError, second: MvcError) -> MvcError:
    """Return which of two reasons to tell: damaged there is more than absent here."""
    return second if isinstance(first, MissingObject) and isinstance(second, CorruptObject) else first
