"""One directory with very many small files, and the states in which commands find it."""

from __future__ import annotations

import random
import shutil

from benchmarks import server
from benchmarks.prepare import Place, Step, fresh
from benchmarks.scale.repositories import WITHOUT_REPORTS, quietly
from benchmarks.tools import Tool

SIZE = 200
"""Bytes of a file."""
_FOLDER = 1000
"""Files of a folder."""
_CHANGED = 10
_ADDED = (("mvc", "add", "d"), ("git", "add", "-A"), ("git", "commit", "-q", "--no-verify", "-m", "files"))


def directory(count: int) -> Step:
    """Return how to make a repository with a directory of `count` files, and two versions that differ in ten."""

    def make(tool: Tool, place: Place) -> None:
        fresh(tool, place)
        (place.repository / ".mvc/policy.yaml").write_text(WITHOUT_REPORTS)
        content = random.Random(count)
        for number in range(count):
            path = place.repository / f"d/{number // _FOLDER:04}/{number:07}"
            if number % _FOLDER == 0:
                path.parent.mkdir(parents=True)
            path.write_bytes(content.randbytes(SIZE))
        quietly(place, *_ADDED)
        change_ten(tool, place)
        quietly(place, ("mvc", "remote", "add", "bench", "../remote"), *_ADDED, *[("mvc", "status")] * 2)

    return make


def change_ten(tool: Tool, place: Place) -> None:
    """Change ten files in ten places."""
    del tool
    paths = sorted((place.repository / "d").iterdir())
    for folder in paths[:: max(1, len(paths) // _CHANGED)][:_CHANGED]:
        min(folder.iterdir()).write_bytes(random.randbytes(SIZE))


def as_committed(tool: Tool, place: Place) -> None:
    """Bring the directory back to what HEAD has."""
    del tool
    quietly(place, ("git", "checkout", "-q", "HEAD", "--", "."), ("mvc", "checkout", "-f"), ("mvc", "status"))


def ten_changed(tool: Tool, place: Place) -> None:
    """Change ten files of what HEAD has."""
    as_committed(tool, place)
    change_ten(tool, place)


def emptied(tool: Tool, place: Place) -> None:
    """Delete the directory from the workspace."""
    as_committed(tool, place)
    shutil.rmtree(place.repository / "d")


def unknown(tool: Tool, place: Place) -> None:
    """Delete the pointer, the cache and the catalog; the files stay."""
    as_committed(tool, place)
    quietly(place, ("git", "rm", "-q", "--cached", "d.mvc"))
    (place.repository / "d.mvc").unlink()
    for path in (place.repository / ".git/mvc").iterdir():
        if path.name in ("objects", "packs"):
            shutil.rmtree(path)
        elif path.name.startswith("catalog"):
            path.unlink()


def unsent(tool: Tool, place: Place) -> None:
    """Delete the remote, and what is known of it."""
    as_committed(tool, place)
    for folder in (place.repository.parent / "remote", place.repository / ".git/mvc/remotes"):
        shutil.rmtree(folder, ignore_errors=True)


def ten_unsent(tool: Tool, place: Place) -> None:
    """Add and commit ten changed files to what was pushed."""
    quietly(place, ("mvc", "push"))
    change_ten(tool, place)
    quietly(place, *_ADDED)


def cloned(tool: Tool, place: Place) -> None:
    """Make a new clone beside the repository, which has pushed everything."""
    _clone(tool, place, "bench")


def cloned_with_s3(tool: Tool, place: Place) -> None:
    """Do the same with a bucket."""
    place = place._replace(environ={**place.environ, "BUCKET": "scale"})
    server.empty(place.environ)
    url = ("s3://scale/store", "-o", f"endpoint_url={place.environ['AWS_ENDPOINT_URL']}")
    quietly(place, ("mvc", "remote", "add", "s3", *url), ("git", "commit", "-q", "--no-verify", "-am", "s3"))
    _clone(tool, place, "s3")


def _clone(tool: Tool, place: Place, remote: str) -> None:
    as_committed(tool, place)
    clone = place.repository.parent / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    quietly(place, ("mvc", "push", "-r", remote), ("git", "clone", "-q", ".", "../clone"))
