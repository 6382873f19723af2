"""Git is killed in the middle of an answer, as when memory runs out: what it did not say is no answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import LARGE, Repo, noise

_SHIM = """\
#!/bin/bash
# The real Git, but for one question: that one is answered up to some byte.
if [ "$*" = "{question}" ]; then
    "{git}" "$@" | head -c {count}
    kill -KILL $$
fi
exec "{git}" "$@"
"""


def dying(repo: Repo, folder: Path, question: str, count: int) -> dict[str, str]:
    """Return an environment in which Git dies after `count` bytes of its answer to `question`."""
    folder.mkdir()
    shim = folder / "git"
    shim.write_text(_SHIM.format(question=question, git=shutil.which("git"), count=count))
    shim.chmod(0o755)
    return {"PATH": f"{folder}:{repo.environ['PATH']}"}


@pytest.mark.parametrize("count", [0, 60, 300, 500])
def test_gc_frees_nothing_that_a_killed_git_did_not_name(repo: Repo, tmp_path: Path, count: int) -> None:
    for version in range(4):
        repo.added("m.bin", noise(version, LARGE))
    environ = dying(repo, tmp_path / "bin", "cat-file --buffer --batch", count)
    result = repo.mvc("gc", "--yes", "--grace", "0", "--unpushed", env=environ)
    assert result.code == 3, result
    assert len(result.errors) == 1
    for version in range(4):
        repo.ok("checkout", "--rev", f"HEAD~{3 - version}")
        assert repo.read("m.bin") == noise(version, LARGE)
