"""The directory of a site, and the list of what `mvc site` wrote there: it removes nothing else."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import msgspec

from mvc.errors import UsageError
from mvc.fs.files import as_error, write_all
from mvc.fs.tree import Tree
from mvc.site.pages import Page
from mvc.site.summary import Summary

LEDGER = "mvc-site.json"
"""The name of the list."""
_MAX_BYTES = 256 << 20
_FORMAT = 1

Files = dict[str, str]
"""What each page was made from, by its path: `Page.made_from`."""


class ModelEntry(NamedTuple):
    """What a model's pages were made from, and what they are."""

    inputs: str
    """The digest of all that they depend on, without links."""
    links: str
    """The digest of their links to other models."""
    summary: Summary
    found: tuple[tuple[str, str, str], ...]
    """Its entries of the search index."""
    files: Files

    def is_of(self, inputs: str, now: float) -> bool:
        """Whether it was made from these inputs, and is still right at `now`, in seconds since the epoch."""
        return self.inputs == inputs and (self.summary.until is None or now < self.summary.until)


class Ledger(NamedTuple):
    """What the last build wrote."""

    format: int = _FORMAT
    models: dict[str, ModelEntry] = {}  # noqa: RUF012 - nobody changes it
    files: Files = {}  # noqa: RUF012 - as above
    """The pages that are not of one model."""

    def files_of(self, name: str, there: set[str]) -> Files:
        """Return the pages of a model, if there is one, that are `there`."""
        entry = self.models.get(name)
        return {path: made_from for path, made_from in entry.files.items() if path in there} if entry else {}

    @property
    def all_files(self) -> Files:
        """All pages."""
        return {path: made_from for files in (self.files, *(item.files for item in self.models.values()))
                for path, made_from in files.items()}


@contextmanager
def opened(path: str, shown: str) -> Iterator[tuple[Tree, Ledger]]:
    """Open or make the directory of a site; `shown` is its name for messages.

    Raises:
        UsageError: it has files, and `mvc site` did not write them.
        MvcError: it cannot be read or written.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with Tree(path) as tree:
            raw = tree.read(LEDGER, _MAX_BYTES)
            if raw is None and set(os.listdir(path)) - {".git"}:
                message = f"{shown} has files, and `mvc site` did not write them"
                raise UsageError(message, f"mvc site -o {shlex.quote(os.path.join(shown, 'site'))}")
            if raw is None:
                save(tree, Ledger())  # from now on it is ours, also if this build is interrupted
            yield tree, _parsed(raw)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{shown} cannot be a directory: a file is there", "mvc site -o site") from None
    except OSError as error:
        raise as_error(error, shown) from None


def _parsed(raw: bytes | None) -> Ledger:
    """Return the list; an empty one if it is of another format, so that all is written again, or leads elsewhere."""
    try:
        found = msgspec.json.decode(raw, type=Ledger) if raw else Ledger()
    except msgspec.MsgspecError:
        return Ledger()
    is_inside = all({"", ".", ".."}.isdisjoint(path.split("/")) for path in found.all_files)
    return found if is_inside else Ledger()


def save(tree: Tree, ledger: Ledger) -> None:
    """Write the list."""
    write(tree, Page.of(LEDGER, msgspec.json.encode(ledger)))


def publish(tree: Tree, pages: Iterable[Page], before: Files) -> tuple[Files, int]:
    """Write the pages that are not as `before`; return what all are, and how many were written."""
    files: Files = {}
    count = 0
    for page in pages:
        files[page.path] = page.made_from
        if before.get(page.path) != page.made_from:
            write(tree, page)
            count += 1
    return files, count


def write(tree: Tree, page: Page) -> None:
    """Write a page: readers see the old one or the new one."""
    fd, name = tree.parent(page.path, make=True)
    temporary = f".mvc-site-{os.getpid()}"
    opened_fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666, dir_fd=fd)
    try:
        write_all(opened_fd, page.content())
    finally:
        os.close(opened_fd)
    os.replace(temporary, name, src_dir_fd=fd, dst_dir_fd=fd)


def present(root: str) -> set[str]:
    """Return the paths of all files below the directory."""
    start = len(root) + 1
    return {f"{folder}/{name}"[start:] for folder, _, names in os.walk(root) for name in names}


def remove(tree: Tree, paths: Iterable[str]) -> int:
    """Remove pages, and directories that are empty then; return how many pages."""
    count = 0
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            fd, name = tree.parent(path)
            os.unlink(name, dir_fd=fd)
            count += 1
        tree.forget()
        _remove_empty(tree, path.rpartition("/")[0])
    return count


def _remove_empty(tree: Tree, folder: str) -> None:
    while folder:
        try:
            fd, name = tree.parent(folder)
            os.rmdir(name, dir_fd=fd)
        except OSError:  # it has other files
            return
        folder = folder.rpartition("/")[0]
