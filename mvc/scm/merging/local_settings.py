"""The settings of Git in a clone, which are not committed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from mvc.errors import MvcError
from mvc.fs.scratch import Scratch
from mvc.fs.tree import write_durable
from mvc.scm.plumbing import Git, split_nul, why_failed
from mvc.scm.staging import locked


def local_settings(git: Git, pattern: str) -> dict[str, str]:
    """Return the settings of this clone whose names match the regular expression `pattern`."""
    rows = split_nul(git.attempt("config", "--local", "-z", "--get-regexp", pattern).stdout)
    return dict(row.split("\n", 1) for row in rows if "\n" in row)


def set_locally(git: Git, common_dir: str, scratch: Scratch, settings: Mapping[str, str]) -> None:
    """Set all of these settings in this clone, or none; `common_dir` is its Git directory.

    `git config` makes nothing durable: after a power cut, the file could be empty, and Git could read no repository.

    Raises:
        MvcError: another program is writing the file, or a setting cannot be written.
    """
    path = os.path.realpath(f"{common_dir}/config")
    with open(path, "rb") as file:
        old, mode = file.read(), os.stat(file.fileno()).st_mode & 0o777
    new = _edited(git, f"{scratch.path}/config", old, settings)
    lock = f"{path}.lock"  # Git's own
    try:
        write_durable(lock, new, mode)
    except FileExistsError:
        raise locked("Git's settings cannot be written", lock, git.cwd) from None
    try:
        with open(path, "rb") as file:
            if file.read() != old:
                raise MvcError(f"{path} was changed by another program meanwhile", "run the command again")
        os.rename(lock, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(lock)


def _edited(git: Git, copy: str, text: bytes, settings: Mapping[str, str]) -> bytes:
    with open(copy, "xb") as file:
        file.write(text)
    for name, value in settings.items():
        done = git.attempt("config", "--file", copy, name, value)
        if done.returncode:
            raise MvcError(f"git config failed: {why_failed(done)}", "git config --list")
    with open(copy, "rb") as file:
        return file.read()
