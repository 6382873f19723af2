"""Which objects `mvc gc` frees: those that are not needed, not young, and on a remote."""

from __future__ import annotations

import pytest
from harness import Repo

from mvc.errors import UsageError
from mvc.ops.storage.gc import GcOptions, Grace, gc, parse_grace, sort_unneeded
from mvc.ops.storage.on_remotes import objects_on_remotes
from mvc.project import Project
from mvc.store.cache.inventory import CacheEntry, all_objects

ENTRIES = [CacheEntry(name, 1, since) for name, since in (("young", 95), ("pushed", 0), ("own", 0))]


def names(entries: list[CacheEntry]) -> list[str]:
    """Return the names of objects."""
    return [item.name for item in entries]


def test_unneeded_objects_are_sorted_by_what_happens_to_them() -> None:
    found = sort_unneeded(ENTRIES, {"pushed"}, Grace(10, 100))
    assert (names(found.free), names(found.young), names(found.unpushed)) == (["pushed"], ["young"], ["own"])


def test_without_remotes_and_grace_everything_unneeded_is_freed() -> None:
    found = sort_unneeded(ENTRIES, None, Grace(0, 100))
    assert names(found.free) == ["young", "pushed", "own"]


def test_an_object_is_kept_until_the_grace_is_over() -> None:
    item = CacheEntry("a", 1, 90)
    assert [Grace(10, now).keeps(item) for now in (99.9, 100)] == [True, False]


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("30s", 30), ("2m", 120), ("36h", 129_600), ("2w", 1_209_600)])
def test_a_span(text: str, seconds: int) -> None:
    assert parse_grace(text) == seconds


@pytest.mark.parametrize("text", ["", "14", "d", "-1d", "1.5d", "1y", "1d "])
def test_what_is_not_a_span(text: str) -> None:
    with pytest.raises(UsageError, match="expected a span"):
        parse_grace(text)


def test_the_remotes_are_asked_in_turn_and_one_that_fails_is_named(repo: Repo, project: Project) -> None:
    for name in ("b", "a"):
        repo.ok("remote", "add", name, f"../{name}")
    digest = repo.digest("m.bin")
    repo.ok("push", "-r", "a", "m.bin")
    with project.with_settings(None) as configured:
        sizes = {digest: len(repo.read("m.bin")), "0" * 64: 1}
        assert objects_on_remotes(configured, sizes, None, None).held == {digest}
        assert objects_on_remotes(configured, sizes, "b", None).held == set()
        repo.path("../a").rename(repo.path("../moved"))
        repo.path("../a").write_text("not a directory")
        found = objects_on_remotes(configured, sizes, None, None)
        assert (found.held, [item.remote for item in found.failed]) == (set(), ["a"])


def test_a_plan_frees_nothing(repo: Repo, project: Project) -> None:
    repo.write("n.bin", b"n" * 5000)
    repo.ok("add", "n.bin")
    repo.git("rm", "-qf", "n.bin.mvc")
    before = [*all_objects(project.cache)]
    plan = gc(project, GcOptions(grace=0, unpushed=True))
    assert [use.path for item in plan.garbage for use in item.users] == ["n.bin"]
    assert (plan.done, [*all_objects(project.cache)]) == (False, before)
    gc(project, GcOptions(yes=True, grace=0, unpushed=True))
    assert not gc(project, GcOptions(grace=0, unpushed=True)).garbage
