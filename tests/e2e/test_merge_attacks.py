"""Merges with what an attacker or an accident left in the other branch, or while other commands run."""

from __future__ import annotations

import pytest
from harness import Begin, Repo

DIGEST = f'size: 1, blake3: "{"0" * 64}", xxh128: "{"0" * 32}"'
LISTED = 'mvc: 1\nkind: "dir"\nmanifest:\n'
HOSTILE = {
    "deep": b"mvc: 1\nkind: " + b"[" * 100_000,
    "outside": f'{LISTED}  - {{path: "../../outside", {DIGEST}}}\n'.encode(),
    "git": f'{LISTED}  - {{path: ".git/hooks/pre-commit", {DIGEST}}}\n'.encode(),
    "markers": b"<<<<<<< ours\nmvc: 1\n=======\nmvc: 1\n>>>>>>> theirs\n",
    "binary": b"mvc: 1\n\0\xff\xfe\n",
    "aliases": b"mvc: 1\nkind: &a [1, 2]\nmanifest: [*a, *a]\n",
    "escapes": f'{LISTED}  - {{path: "\x1b[2Ja\u202e", {DIGEST}}}\n'.encode(),
    "huge": b"mvc: 1\n" + b"# x\n" * (3 << 20),
    "empty": b"",
}


def with_directory(repo: Repo) -> None:
    """Track a directory; the branch ours has another version."""
    repo.write("data/d/a", "base")
    repo.ok("add", "data/d")
    repo.commit("base")
    repo.git("switch", "-qc", "ours")
    repo.write("data/d/a", "ours")
    repo.ok("add", "data/d")
    repo.commit("ours")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pointer(begin: Begin, name: str) -> None:
    repo = begin(with_directory)
    repo.git("switch", "-q", "main")
    repo.write("data/d.mvc", HOSTILE[name])
    repo.git("add", "data/d.mvc")
    repo.commit("theirs")
    repo.git("switch", "-q", "ours")
    merged = repo.run("git", "merge", "main")
    assert merged.code == 1, merged
    assert "Traceback" not in merged.err
    assert "\x1b" not in merged.err
    assert repo.git("ls-files", "--unmerged"), merged
    before = repo.git("ls-files", "--stage"), repo.contents("data/d")
    repo.mvc("status")
    repo.fails(3, "resolve", "data/d", "--theirs")
    assert (repo.git("ls-files", "--stage"), repo.contents("data/d")) == before
    repo.ok("resolve", "data/d", "--ours")
    assert (repo.states(), repo.read("data/d/a")) == ({"data/d": "clean"}, b"ours")
    assert not repo.root.with_name("outside").exists()
    repo.commit("merged")
