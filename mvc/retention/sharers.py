"""The objects that all repositories on a cache need."""

from __future__ import annotations

import shlex

from mvc.errors import MvcError
from mvc.objects.digest_table import NameTable
from mvc.retention.roots import PointerReader, current_roots, repository_roots
from mvc.scm.plumbing import Git
from mvc.scm.reachable import check_trusted
from mvc.store.cache.cache import Cache
from mvc.store.cache.registrations import Registration, registered


def needed_on_cache(git: Git, common_dir: str, top: str, cache: Cache, *, history: bool = True) -> NameTable:
    """Return every object that this repository (with the worktree `top`) or another one on the cache needs.

    Without `history`, only what HEAD, index and workspace of this repository's worktrees need, and all of the others'.

    Raises:
        MvcError: a root cannot be read.
    """
    reader = PointerReader(cache)
    roots = repository_roots if history else current_roots
    names = NameTable(roots(git, common_dir, [top], reader))
    for entry in registered(cache.root):
        if entry.common_dir != common_dir:
            try:
                check_trusted(git, entry.common_dir)
                names.update(repository_roots(git, entry.common_dir, [], reader))
            except (MvcError, OSError) as error:
                raise _unreadable(cache.root, entry, error) from None
    return names


def _unreadable(cache: str, entry: Registration, error: MvcError | OSError) -> MvcError:
    reason, fix = (error.message, error.fix) if isinstance(error, MvcError) else (error.strerror, "")
    unregister = f"  # or, if it was deleted: rm {shlex.quote(entry.path_of_file)}"
    return MvcError(
        f"cannot read the repository {entry.common_dir}, which also uses this cache: {reason}",
        f"{fix or f'ls -ld {entry.common_dir}'}{'' if entry.path_of_file == cache else unregister}",
    )
