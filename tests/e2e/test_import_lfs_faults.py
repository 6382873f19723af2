"""`mvc import lfs`, killed at any point."""

from __future__ import annotations

import shutil

import pytest
from faults.strace import CALLS, broken
from harness import Begin, Repo, some
from lfs import CONTENT, contents, with_lfs

POINTS = [
    *(("link", point) for point in range(1, 3)), *(("rename", point) for point in range(1, 20)),
    *(("fsync", point) for point in range(1, 24)), *(("unlink", point) for point in range(1, 16)),
    *(("write", point) for point in range(1, 60, 3)),
]
STUB = "models/run.bin"


def with_twin(repo: Repo) -> None:
    """Let git-lfs track files, one of them not fetched; beside is what Git's index has once they are imported."""
    with_lfs(repo)
    repo.write(STUB, repo.git("cat-file", "-p", f"HEAD:{STUB}") + "\n")
    twin = Repo(repo.root.parent / "twin", repo.environ)
    shutil.copytree(repo.root, twin.root, symlinks=True)
    twin.ok("import", "lfs")
    repo.write("../expected", twin.git("ls-files", "-s"))
    shutil.rmtree(twin.root)


@pytest.mark.parametrize(("kind", "point"), some(POINTS, 10))
def test_a_killed_import_goes_on(begin: Begin, kind: str, point: int) -> None:
    repo = begin(with_twin)
    broken(repo, f"{CALLS[kind]}:signal=KILL:when={point}", "import", "lfs")
    rest = {path: content for path, content in CONTENT.items() if path != STUB}
    assert {path: content for path, content in contents(repo).items() if path != STUB} == rest
    repo.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
    repo.ok("verify")
    repo.ok("import", "lfs")
    assert repo.git("ls-files", "-s") == repo.read("../expected").decode().rstrip("\n")
    assert repo.states() == dict.fromkeys(CONTENT, "clean")
    assert contents(repo) == CONTENT
    assert not repo.debris()
