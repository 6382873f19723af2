"""Writing to Git: files to the index, and many blobs to the object database at once."""

from __future__ import annotations

import os
from collections.abc import Iterable

from mvc.errors import MvcError
from mvc.scm.plumbing import Git, why_failed

MANY_BLOBS = 100
"""From this many on, blobs are written as one pack: `update-index` takes a millisecond for each that it writes."""


def stage(git: Git, paths: Iterable[str]) -> None:
    """Put the files at `paths`, as they are in the workspace, into the index.

    Raises:
        MvcError: another process holds the index, or left its lock behind.
    """
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not names:
        return
    options = ("--add", "--remove", "-z", "--stdin")
    try:
        done = git.attempt("-c", "core.safecrlf=false", "update-index", *options, stdin=names)
    except MvcError as error:
        raise _not_staged(error.message) from None
    if done.returncode:
        raise _not_staged(why_failed(done))


def _not_staged(reason: str) -> MvcError:
    if "index.lock" not in reason:
        return MvcError(f"everything is written, but not staged: {reason}", "run the command again")
    lock = reason.partition("'")[2].partition("'")[0]
    return MvcError(
        f"everything is written, but not staged: another Git process is running, or left {lock} behind",
        f"wait for it, or rm {lock}; then run the command again",
    )


def write_blobs(git: Git, contents: list[bytes]) -> None:
    """Put many small files into Git's object database at once, so that `stage` finds them there.

    It only saves time: `stage` writes missing blobs.
    """
    if len(contents) < MANY_BLOBS:
        return
    stream = b"".join(b"blob\ndata %d\n%s\n" % (len(content), content) for content in contents)
    git.run("fast-import", "--quiet", stdin=stream)
