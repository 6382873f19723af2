"""What docs/threat-model.md promises and no other test attacks."""

from __future__ import annotations

from pathlib import Path

from harness import Repo


def test_the_catalog_is_never_in_the_directory_of_the_cache(repo: Repo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    repo.ok("init", "--cache", str(cache))
    repo.added("model.bin", "1")
    repo.ok("status")
    repo.ok("verify")
    assert list(cache.rglob("*.pack"))
    assert not list(cache.rglob("catalog*"))
    assert list(repo.store.glob("catalog-*.db"))
