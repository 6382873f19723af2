"""What Git did not say, because it was killed in the middle of an answer or could not read, is no answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, noise

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
    return shimmed(repo, folder, _SHIM.format(question=question, git=shutil.which("git"), count=count))


def shimmed(repo: Repo, folder: Path, script: str) -> dict[str, str]:
    """Return an environment in which the script stands for Git."""
    folder.mkdir()
    shim = folder / "git"
    shim.write_text(script)
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


# It calls missing what it cannot open, with exit code 0 and without a word.


def held(repo: Repo, root: str) -> str:
    """Let a root of its own alone lead to a version; the object of Git's that it names."""
    repo.added("m.bin", noise(root, LARGE))
    name = {"a tag of a tree": "HEAD^{tree}", "a tag of a blob": "HEAD:m.bin.mvc", "a reflog": "HEAD"}[root]
    oid = repo.git("rev-parse", name)
    repo.git("reset", "-q", "--hard", "HEAD~1")
    if root != "a reflog":
        repo.git("tag", "held", oid)
        repo.git("reflog", "expire", "--expire=now", "--all")
        repo.path(".git/ORIG_HEAD").unlink()
    return oid


def in_a_pack_of_its_own(repo: Repo, oid: str) -> Path:
    """Move an object into a pack; its index."""
    name = repo.run("bash", "-c", f"echo {oid} | git pack-objects -q .git/objects/pack/pack").out.strip()
    repo.git("prune-packed")
    return repo.path(f".git/objects/pack/pack-{name}.idx")


@pytest.mark.parametrize("error", ["EMFILE", "EACCES", "EIO"])
@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
@pytest.mark.parametrize("root", ["a tag of a tree", "a tag of a blob", "a reflog"])
def test_what_git_cannot_open_is_not_missing(repo: Repo, root: str, packed: bool, error: str) -> None:
    repo.added("m.bin", noise("first", LARGE))
    oid = held(repo, root)
    path = in_a_pack_of_its_own(repo, oid) if packed else repo.path(f".git/objects/{oid[:2]}/{oid[2:]}")
    fault = ("-e", "trace=openat", "-e", f"inject=openat:error={error}", "-P", str(path))
    result = repo.run("strace", "-f", "-qq", "-o", "/dev/null", *fault, MVC, "gc", "--yes", "--grace", "0")
    assert (result.code, len(result.errors), len(result.fixes)) == (3, 1, 1), result
    repo.ok("gc", "--yes", "--grace", "0", "--unpushed")
    check_back(repo, oid, root)


def check_back(repo: Repo, oid: str, root: str) -> None:
    """Bring the version back that the object leads to."""
    pointer = repo.git("cat-file", "blob", oid if root == "a tag of a blob" else f"{oid}:m.bin.mvc")
    repo.write("m.bin.mvc", pointer + "\n")
    repo.remove("m.bin")
    repo.ok("checkout")
    assert repo.read("m.bin") == noise(root, LARGE)


_BLINKS = """\
#!/bin/bash
# The real Git, but when it is first asked for the types of objects, one of them is out of its sight.
if [ "$*" = "cat-file --batch-check=%(objectname) %(objecttype)" ] && mkdir "{folder}/asked" 2>/dev/null; then
    mv "{path}" "{folder}/away"
    "{git}" "$@"
    mv "{folder}/away" "{path}"
    exit
fi
exec "{git}" "$@"
"""


@pytest.mark.parametrize("root", ["a tag of a tree", "a tag of a blob", "a reflog"])
def test_what_git_could_not_open_for_a_moment_is_kept(repo: Repo, tmp_path: Path, root: str) -> None:
    repo.added("m.bin", noise("first", LARGE))
    oid = held(repo, root)
    folder, path = tmp_path / "bin", repo.path(f".git/objects/{oid[:2]}/{oid[2:]}")
    script = _BLINKS.format(folder=folder, path=path, git=shutil.which("git"))
    repo.ok("gc", "--yes", "--grace", "0", "--unpushed", env=shimmed(repo, folder, script))
    assert (folder / "asked").exists()
    check_back(repo, oid, root)
