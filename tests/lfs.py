"""A repository that the real git-lfs made, and clones of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness import LARGE, Repo, noise

LARGE_FILE = noise("lfs", LARGE)
CONTENT = {
    "big.bin": LARGE_FILE,
    "w[1] x,y.bin": b"comma and brackets",
    "models/run.bin": b"#!/bin/sh\n",
    "models/deep/weights.h5": b"weights\r\n",
    "models/deep/again.h5": LARGE_FILE,
}
"""What git-lfs tracks."""
PLAIN = "models/plain.bin"
"""A pattern undoes that of git-lfs here."""
ATTRIBUTES = {
    ".gitattributes": "# models\n*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt text\n*.none filter=lfs -text\n"
    "*.big filter=lfs diff=lfs linguist-generated merge=lfs -text lockable\n",
    "models/.gitattributes": "plain.bin -filter -diff -merge text\n",
    "models/deep/.gitattributes": "*.h5 filter=lfs diff=lfs merge=lfs -text\n",
}


def with_lfs(repo: Repo) -> None:
    """Let git-lfs track files, by attributes at three levels."""
    repo.git("lfs", "install", "--local")
    own = repo.read(".gitattributes").decode()
    for path, text in ATTRIBUTES.items():
        repo.write(path, text + own if path == ".gitattributes" else text)
    for path, content in CONTENT.items():
        repo.write(path, content)
    repo.path("models/run.bin").chmod(0o755)
    repo.write(PLAIN, "in Git")
    repo.git("add", "-A")
    repo.commit("by git-lfs")


def clone_without_content(repo: Repo, target: Path) -> Repo:
    """Return a clone in which git-lfs has fetched nothing."""
    repo.git("lfs", "install", "--skip-repo")
    done = repo.run("git", "clone", "-q", str(repo.root), str(target), env={"GIT_LFS_SKIP_SMUDGE": "1"})
    assert done.code == 0, done
    return Repo(target, repo.environ)


def store_of(repo: Repo) -> Path:
    """Return where git-lfs keeps content."""
    return Path(repo.git("rev-parse", "--path-format=absolute", "--git-common-dir")) / "lfs/objects"


def object_of(repo: Repo, path: str) -> Path:
    """Return the object of git-lfs of a file in HEAD."""
    oid = repo.git("cat-file", "-p", f"HEAD:{path}").split("sha256:")[1][:64]
    return store_of(repo) / oid[:2] / oid[2:4] / oid


def contents(repo: Repo) -> Mapping[str, bytes]:
    """Return what the workspace has where git-lfs had content."""
    return {path: repo.read(path) for path in CONTENT if os.path.lexists(repo.path(path))}
