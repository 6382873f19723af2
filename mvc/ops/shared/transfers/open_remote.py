"""Opening a remote, and fetching the manifests that list what directories need."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from blake3 import blake3

from mvc.objects.digest_table import DigestTable
from mvc.objects.pointer import Pointer
from mvc.ops.shared.remotes import find_remote
from mvc.project import Project
from mvc.retention.available import listing_objects
from mvc.store.buckets.open import open_bucket
from mvc.store.remote.roots import DamagedRoots
from mvc.store.remote.store import RemoteStore
from mvc.transfer.pool import Pool
from mvc.transfer.receive import fetch_objects
from mvc.transfer.tools import Moved, Tools


@contextmanager
def transferring(project: Project, remote: str | None, jobs: int) -> Iterator[Tools]:
    """Open a remote for moving objects; the default one when None.

    Raises:
        UsageError: there is no such remote, or it needs a newer mvc.
        RemoteError: it does not answer.
    """
    with opening(project, remote, jobs) as tools:
        tools.remote.check_format()
        yield tools


@contextmanager
def opening(project: Project, remote: str | None, jobs: int) -> Iterator[Tools]:
    """Do the same without sending a request, for callers that can continue without an answer.

    Raises:
        UsageError: there is no such remote.
    """
    settings = find_remote(project, remote)
    with Pool(jobs) as pool, project.staging() as staging:
        bucket = open_bucket(settings)
        folder = staging.name(project.root)
        try:
            store = RemoteStore(bucket, indexes_of(project.home, bucket.url), pool)
            yield Tools(project.cache, store, pool, project.around.progress, folder)
        except DamagedRoots as error:
            raise DamagedRoots(error.file, settings.name) from None
        finally:
            bucket.close()
            shutil.rmtree(folder, ignore_errors=True)


def indexes_of(home: str, url: str) -> str:
    """Return the directory with the fetched pack indexes of the remote at `url`."""
    return f"{home}/remotes/{blake3(url.encode()).hexdigest()[:16]}"


def bring_manifests(
    tools: Tools,
    pointers: Iterable[Pointer],
    fetch: Callable[[Tools, DigestTable], Moved] = fetch_objects,
) -> Moved:
    """Fetch the manifests of directories, and their shards, that the cache lacks."""
    lists = [pointer for pointer in pointers if pointer.kind == "dir" and pointer.manifest is None]
    done, tried = Moved(), set[str]()
    while True:
        wanted = {digest.blake3: digest for pointer in lists for digest in listing_objects(tools.cache, pointer)}
        missing = tools.cache.missing(wanted) - tried
        if not missing:
            return done
        tried |= missing
        done = done.then(fetch(tools, DigestTable(wanted[name] for name in sorted(missing))))
