"""`mvc gc`: every root keeps what it alone leads to; what goes is named, and is first moved, then deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from harness import LARGE, MANY, Repo, noise

CONTENT = noise("wanted", LARGE)
ALL = ("gc", "--yes", "--grace", "0", "--unpushed")

Act = Callable[[Repo], object]


def forget_reflogs(repo: Repo) -> None:
    """Let refs alone keep commits."""
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    for name in ("ORIG_HEAD", "FETCH_HEAD"):
        Path(repo.git("rev-parse", "--path-format=absolute", "--git-path", name)).unlink(missing_ok=True)


def back_to_start(repo: Repo) -> None:
    """Leave `wanted` to whatever else holds it: HEAD, index and workspace are as before it came."""
    repo.git("reset", "-q", "--hard", "start")
    forget_reflogs(repo)


class Root(NamedTuple):
    """How the wanted content, committed at HEAD, comes to hang on one root alone, and how that lets go."""

    hold: Act
    let_go: Act


def on_a_branch(repo: Repo) -> None:
    repo.git("branch", "side")
    back_to_start(repo)


def by_tag(*options: str, of: str = "HEAD") -> Act:
    def hold(repo: Repo) -> None:
        repo.git("tag", *options, "held", of)
        back_to_start(repo)

    return hold


def in_the_reflog(repo: Repo) -> None:
    repo.git("reset", "-q", "--hard", "start")
    Path(repo.root / ".git/ORIG_HEAD").unlink()


def as_orig_head(repo: Repo) -> None:
    repo.git("reset", "-q", "--hard", "start")
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")


def in_a_stash(repo: Repo) -> None:
    repo.git("reset", "-q", "--soft", "start")
    forget_reflogs(repo)
    repo.git("stash")


def in_the_index(repo: Repo) -> None:
    repo.git("reset", "-q", "--soft", "start")
    repo.remove("wanted.bin.mvc")
    forget_reflogs(repo)


def in_the_workspace(repo: Repo) -> None:
    repo.git("reset", "-q", "--mixed", "start")
    forget_reflogs(repo)


def ignored_in_the_workspace(repo: Repo) -> None:
    raw = repo.read("wanted.bin.mvc")
    back_to_start(repo)
    repo.write(".git/info/exclude", "hidden/\n")
    repo.write("hidden/x.mvc", raw)


def second(repo: Repo) -> Repo:
    return Repo(repo.root.parent / "second", repo.environ)


def in_another_worktree(then: Callable[[Repo], object]) -> Act:
    def hold(repo: Repo) -> None:
        repo.git("worktree", "add", "-q", "--detach", "../second")
        repo.git("reset", "-q", "--hard", "start")
        then(second(repo))
        forget_reflogs(repo)

    return hold


def let_worktree_go(repo: Repo) -> None:
    repo.git("worktree", "remove", "--force", "../second")


def merging(repo: Repo) -> None:
    """The other side of a merge that stopped: nothing but MERGE_HEAD names it."""
    repo.git("branch", "side")
    repo.git("reset", "-q", "--hard", "start")
    repo.write("README", "here")
    repo.git("add", "README")
    repo.commit("here")
    repo.git("merge", "-q", "--no-commit", "--no-ff", "side")
    repo.git("rm", "-q", "--cached", "wanted.bin.mvc")
    repo.remove("wanted.bin.mvc")
    repo.git("branch", "-q", "-D", "side")
    forget_reflogs(repo)


def picking(repo: Repo) -> None:
    """A cherry-pick that stopped: nothing but CHERRY_PICK_HEAD names the commit."""
    repo.git("branch", "side")
    repo.git("reset", "-q", "--hard", "start")
    repo.git("cherry-pick", "--no-commit", "side")
    repo.write(".git/CHERRY_PICK_HEAD", repo.git("rev-parse", "side") + "\n")
    repo.git("rm", "-q", "--cached", "wanted.bin.mvc")
    repo.remove("wanted.bin.mvc")
    repo.git("branch", "-q", "-D", "side")
    forget_reflogs(repo)


def autostashed(repo: Repo) -> None:
    """A rebase that stopped put the staged pointer aside: only a file of the rebase names that commit."""
    repo.git("reset", "-q", "--soft", "start")
    repo.git("stash")
    stash = repo.git("rev-parse", "stash@{0}")
    repo.git("stash", "drop", "-q")
    for number in range(2):
        repo.write("README", str(number))
        repo.git("add", "README")
        repo.commit(str(number))
    repo.git("-c", "sequence.editor=sed -i 1s/^pick/edit/", "rebase", "-q", "-i", "HEAD~1")
    repo.write(".git/rebase-merge/autostash", stash + "\n")
    forget_reflogs(repo)


def abort_rebase(repo: Repo) -> None:
    repo.remove(".git/rebase-merge")
    forget_reflogs(repo)


def settled(repo: Repo) -> None:
    """A conflict that was settled for the other side: the index still remembers how to undo that."""
    ours = noise("ours", LARGE)
    repo.git("branch", "side")
    repo.git("reset", "-q", "--hard", "start")
    repo.added("wanted.bin", ours)
    repo.git("merge", "-q", "side", code=1)
    repo.git("checkout", "-q", "--ours", "wanted.bin.mvc")
    repo.git("add", "wanted.bin.mvc")
    repo.commit("merged")
    repo.git("reset", "-q", "--soft", "HEAD~1")
    repo.git("branch", "-q", "-D", "side")
    forget_reflogs(repo)


def replaced(repo: Repo) -> None:
    repo.git("replace", "start^{commit}", "HEAD")
    repo.git("update-ref", "refs/heads/main", "start")
    repo.git("--no-replace-objects", "read-tree", "start")
    repo.remove("wanted.bin.mvc")
    forget_reflogs(repo)


def delete(*args: str) -> Act:
    return lambda repo: repo.git(*args)


ROOTS = {
    "HEAD": Root(lambda _: None, back_to_start),
    "a detached HEAD": Root(
        lambda repo: (repo.git("checkout", "-q", "--detach"), repo.git("branch", "-qf", "main", "start")),
        lambda repo: (repo.git("checkout", "-q", "main"), forget_reflogs(repo)),
    ),
    "a branch": Root(on_a_branch, delete("branch", "-q", "-D", "side")),
    "a tag": Root(by_tag(), delete("tag", "-d", "held")),
    "an annotated tag": Root(by_tag("-m", "x"), delete("tag", "-d", "held")),
    "a tag of a tree": Root(by_tag(of="HEAD^{tree}"), delete("tag", "-d", "held")),
    "an annotated tag of a tree": Root(by_tag("-m", "x", of="HEAD^{tree}"), delete("tag", "-d", "held")),
    "a tag of the pointer itself": Root(by_tag(of="HEAD:wanted.bin.mvc"), delete("tag", "-d", "held")),
    "another kind of ref": Root(
        lambda repo: (repo.git("update-ref", "refs/pull/1/head", "HEAD"), back_to_start(repo)),
        delete("update-ref", "-d", "refs/pull/1/head"),
    ),
    "the reflog": Root(in_the_reflog, forget_reflogs),
    "ORIG_HEAD": Root(as_orig_head, forget_reflogs),
    "a stash": Root(in_a_stash, delete("stash", "clear")),
    "an older stash": Root(
        lambda repo: (in_a_stash(repo), repo.write("README", "x"), repo.git("add", "README"), repo.git("stash")),
        delete("stash", "clear"),
    ),
    "the index": Root(in_the_index, delete("reset", "-q")),
    "a pointer in the workspace": Root(in_the_workspace, lambda repo: repo.remove("wanted.bin.mvc")),
    "an ignored pointer": Root(ignored_in_the_workspace, lambda repo: repo.remove("hidden")),
    "HEAD of another worktree": Root(in_another_worktree(lambda _: None), let_worktree_go),
    "the index of another worktree": Root(in_another_worktree(in_the_index), let_worktree_go),
    "a pointer in another worktree": Root(in_another_worktree(in_the_workspace), let_worktree_go),
    "MERGE_HEAD": Root(merging, lambda repo: (repo.git("merge", "--abort"), forget_reflogs(repo))),
    "CHERRY_PICK_HEAD": Root(picking, lambda repo: repo.git("cherry-pick", "--quit")),
    "an autostash": Root(autostashed, abort_rebase),
    "a settled conflict": Root(settled, lambda repo: (repo.git("read-tree", "HEAD"), forget_reflogs(repo))),
    "a replacement": Root(replaced, lambda repo: repo.git("replace", "-d", repo.git("rev-parse", "start"))),
}


@pytest.mark.parametrize("name", ROOTS)
def test_every_root_keeps_what_it_alone_leads_to(repo: Repo, name: str) -> None:
    repo.git("tag", "start")
    repo.added("wanted.bin", CONTENT)
    loose = repo.loose(repo.digest("wanted.bin"))
    ROOTS[name].hold(repo)
    repo.ok(*ALL)
    assert loose.read_bytes() == CONTENT
    ROOTS[name].let_go(repo)
    repo.ok(*ALL)
    assert not loose.exists()


@pytest.mark.parametrize("files", [3, MANY], ids=["listed in the pointer", "with a manifest"])
def test_a_directory_keeps_all_its_files(repo: Repo, files: int) -> None:
    contents = repo.write_dir("data", files)
    repo.added("data")
    repo.ok(*ALL)
    repo.remove("data")
    repo.ok("checkout", "data")
    assert repo.contents("data") == contents


# Plan and act.


def lose(repo: Repo, name: str, content: bytes) -> str:
    """Add and commit content, then let nothing lead to it; its object's name."""
    start = repo.git("rev-parse", "HEAD")
    repo.added(name, content)
    digest = repo.digest(name)
    repo.git("reset", "-q", "--hard", start)
    forget_reflogs(repo)
    return digest


def old(repo: Repo, digest: str, days: float) -> None:
    """Let a loose object have been stored days ago."""
    stamp = time.time() - days * 86_400
    os.utime(repo.loose(digest), (stamp, stamp))


def test_a_plan_changes_nothing(repo: Repo) -> None:
    digest = lose(repo, "m.bin", CONTENT)
    before = sorted(repo.store.rglob("*"))
    result = repo.ok("gc", "--grace", "0", "--unpushed")
    assert "Unneeded: 1 object, 614.4 kB." in result.out
    assert "Nothing was changed. --yes frees it" in result.out
    assert sorted(repo.store.rglob("*")) == before
    assert repo.loose(digest).exists()


def test_what_is_on_no_remote_is_kept_unless_told(repo: Repo) -> None:
    digest = lose(repo, "m.bin", CONTENT)
    result = repo.ok("gc", "--yes", "--grace", "0")
    assert "kept: 1 object, 614.4 kB (on no remote)" in result.out
    assert "mvc gc --unpushed --grace 0" in result.out
    assert repo.loose(digest).exists()


def test_the_grace_counts_from_storing_and_then_from_the_trash(repo: Repo) -> None:
    digest = lose(repo, "m.bin", CONTENT)
    old(repo, digest, 13)
    assert "kept: 1 object, 614.4 kB (stored less than 14d ago)" in repo.ok("gc", "--yes", "--unpushed").out
    old(repo, digest, 15)
    moved = repo.ok("gc", "--yes", "--unpushed", "--json").json
    assert (moved["done"], len(moved["garbage"]), moved["trash"]["objects"]) == (True, 1, 1)
    assert not repo.loose(digest).exists()
    (trashed,) = (repo.store / "trash").iterdir()
    assert trashed.read_bytes() == CONTENT
    assert repo.ok("gc", "--yes", "--json").json["purged"]["objects"] == 0
    assert repo.ok("gc", "--yes", "--grace", "0", "--json").json["purged"] == {"objects": 1, "bytes": LARGE}
    assert not trashed.exists()


def test_adding_content_again_starts_its_grace_anew(repo: Repo) -> None:
    digest = lose(repo, "m.bin", CONTENT)
    old(repo, digest, 100)
    assert lose(repo, "m.bin", CONTENT) == digest
    repo.ok("gc", "--yes", "--unpushed")
    assert repo.loose(digest).exists()


@pytest.mark.parametrize("span", ["", "d", "1", "-1d", "1.5d", "14 d", "x", "1y", "9999999d", "\u0661d"])
def test_a_grace_that_is_no_span(repo: Repo, span: str) -> None:
    repo.fails(2, "gc", f"--grace={span}")


# Remotes.


@pytest.fixture
def pushed(repo: Repo, tmp_path: Path) -> Repo:
    """Return a repository with a remote, to which nothing was pushed yet."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.commit("remote")
    return repo


def test_what_is_on_the_remote_is_freed_without_more_ado(pushed: Repo) -> None:
    start = pushed.git("rev-parse", "HEAD")
    pushed.added("m.bin", CONTENT)
    pushed.write_dir("data", 3)
    pushed.added("data")
    pushed.ok("push")
    loose = pushed.loose(pushed.digest("m.bin"))
    pushed.added("n.bin", noise("never pushed", LARGE))
    kept = pushed.loose(pushed.digest("n.bin"))
    pushed.git("reset", "-q", "--hard", start)
    forget_reflogs(pushed)
    result = pushed.ok("gc", "--yes", "--grace", "0", "--json").json
    assert (len(result["garbage"]), result["unpushed"]["objects"]) == (4, 1)
    assert (loose.exists(), kept.exists()) == (False, True)


def test_any_remote_will_do_and_one_that_is_away_is_named(pushed: Repo, tmp_path: Path) -> None:
    pushed.ok("remote", "add", "old", str(tmp_path / "old"))
    pushed.ok("remote", "add", "away", str(tmp_path / "away"))
    start = pushed.commit("more remotes")
    for seed, remote in (("a", "nas"), ("b", "old"), ("c", "away")):
        pushed.added("m.bin", noise(seed, LARGE))
        pushed.ok("push", "-r", remote)
    (tmp_path / "away").rename(tmp_path / "gone")
    (tmp_path / "away").write_text("no directory")
    pushed.git("reset", "-q", "--hard", start)
    forget_reflogs(pushed)
    result = pushed.mvc("gc", "--grace", "0", "--json").json
    assert (len(result["garbage"]), result["unpushed"]["objects"]) == (2, 1)
    assert [silent["remote"] for silent in result["silent"]] == ["away"]
    assert "warning: the remote away did not answer: " in pushed.mvc("gc", "--grace", "0").err


def test_evicting_frees_history_that_the_remote_holds(pushed: Repo) -> None:
    for seed in "old", "unpushed", "new":
        pushed.added("m.bin", noise(seed, LARGE))
        if seed != "unpushed":
            pushed.ok("push")
    plan = pushed.ok("gc", "--evict", "--grace", "0")
    assert "m.bin, from " in plan.out
    assert "Next: mvc gc --yes --evict --grace 0" in plan.out
    pushed.ok("gc", "--evict", "--yes", "--grace", "0")
    assert len(list((pushed.store / "objects").glob("*/*"))) == 2
    pushed.ok("fetch", "--rev", "HEAD~2")
    pushed.ok("checkout", "--rev", "HEAD~2", "m.bin")
    assert pushed.read("m.bin") == noise("old", LARGE)


def test_evicting_asks_the_remote_every_time(pushed: Repo, tmp_path: Path) -> None:
    for seed in "old", "new":
        pushed.added("m.bin", noise(seed, LARGE))
        pushed.ok("push")
    for path in (tmp_path / "nas/objects").glob("*/*"):
        path.unlink()
    pushed.ok("gc", "--evict", "--yes", "--grace", "0")
    assert len(list((pushed.store / "objects").glob("*/*"))) == 2
    (tmp_path / "nas").rename(tmp_path / "gone")
    (tmp_path / "nas").write_text("no directory")
    pushed.fails(3, "gc", "--evict", "--yes", "--grace", "0")


def flip(path: Path, at: int) -> None:
    """Flip a bit of a file on a remote, whose size and mtime stay."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def spoil_body(nas: Path) -> None:
    (item,) = (nas / "objects").glob("*/*")
    flip(item, LARGE // 2)


def spoil_loose_size(nas: Path) -> None:
    (item,) = (nas / "objects").glob("*/*")
    os.truncate(item, LARGE // 2)


def spoil_packed(nas: Path) -> None:
    (pack,) = (nas / "packs").glob("*.pack")
    flip(pack, 100)


def spoil_pack_size(nas: Path) -> None:
    (pack,) = (nas / "packs").glob("*.pack")
    os.truncate(pack, 50)


def spoil_index(nas: Path) -> None:
    (index,) = (nas / "packs").glob("*.idx")
    flip(index, 1200)


DAMAGES = {  # how, and what is damaged then
    "a byte of a large object": (spoil_body, {"m.bin"}),
    "a large object is cut short": (spoil_loose_size, {"m.bin"}),
    "a byte in a pack": (spoil_packed, {"one"}),
    "a pack is cut short": (spoil_pack_size, {"one", "two", "three"}),
    "an index of a pack": (spoil_index, {"one", "two", "three"}),
}


@pytest.fixture
def evictable(pushed: Repo) -> Repo:
    """Return the same with four objects on the remote that history alone needs."""
    pushed.write("m.bin", CONTENT)
    for name in "one", "two", "three":
        pushed.write(name, noise(name, 5000))
    pushed.ok("add", "m.bin", "one", "two", "three")
    pushed.commit()
    pushed.ok("push")
    pushed.ok("status", "--pushed")  # it keeps the index
    pushed.ok("rm", "m.bin", "one", "two", "three")
    pushed.commit()
    return pushed


@pytest.mark.parametrize("how", DAMAGES)
def test_what_is_damaged_on_the_remote_is_not_evicted_and_the_line_mends_it(
    evictable: Repo, tmp_path: Path, how: str,
) -> None:
    spoil, damaged = DAMAGES[how]
    spoil(tmp_path / "nas")
    assert "first reads and checks the objects" in evictable.ok("gc", "--evict", "--grace", "0").out
    done = evictable.mvc("gc", "--evict", "--yes", "--grace", "0", "--json")
    assert (done.code, len(done.json["damaged"]), len(done.json["garbage"])) == (1, len(damaged), 4 - len(damaged))
    assert {use["path"] for item in done.json["garbage"] for use in item["users"]}.isdisjoint(damaged)
    said = evictable.mvc("gc", "--evict", "--yes", "--grace", "0")
    assert (said.code, ": it is damaged on nas: " in said.err) == (1, True)
    assert said.fixes == ["mvc push --repair --all-commits -r nas"]
    assert evictable.shell(said.fixes[0]).code == 0
    evictable.ok("verify", "-r", "nas")
    evictable.ok("gc", "--evict", "--yes", "--grace", "0")
    assert evictable.ok("fetch", "--all-commits", "--json").json["transferred"] == 4


def test_what_another_remote_has_whole_is_evicted(evictable: Repo, tmp_path: Path) -> None:
    evictable.ok("remote", "add", "old", str(tmp_path / "old"))
    evictable.ok("push", "--all-commits", "-r", "old")
    spoil_body(tmp_path / "nas")
    result = evictable.ok("gc", "--evict", "--yes", "--grace", "0", "--json").json
    assert (len(result["garbage"]), result["damaged"]) == (4, [])


def test_garbage_that_is_cut_short_on_the_remote_is_on_none(pushed: Repo, tmp_path: Path) -> None:
    start = pushed.git("rev-parse", "HEAD")
    pushed.write_dir("data", 3)
    pushed.added("data")
    pushed.ok("push")
    spoil_pack_size(tmp_path / "nas")
    pushed.git("reset", "-q", "--hard", start)
    forget_reflogs(pushed)
    result = pushed.ok("gc", "--yes", "--grace", "0", "--json").json
    assert (len(result["garbage"]), result["unpushed"]["objects"]) == (0, 3)


def test_evicting_without_a_remote(repo: Repo) -> None:
    assert "no remote is configured" in repo.fails(2, "gc", "--evict").errors[0]


def test_packs_keep_what_is_needed_and_are_merged(repo: Repo) -> None:
    kept = {f"k{number}.bin": noise(number, 500) for number in range(3)}
    for number, (name, content) in enumerate(kept.items()):
        repo.write("drop.bin", noise(("drop", number), 500))
        repo.write(name, content)
        repo.ok("add", name, "drop.bin")
    repo.ok("rm", "drop.bin")
    repo.commit()
    assert len(list((repo.store / "packs").glob("*.pack"))) == 3
    assert len(repo.ok("gc", "--yes", "--grace", "0", "--unpushed", "--json").json["garbage"]) == 3
    assert len(list((repo.store / "packs").glob("*.pack"))) == 1
    assert repo.ok("verify", "--json").json["objects"] == 3
    for name, content in kept.items():
        repo.remove(name)
        repo.ok("checkout", name)
        assert repo.read(name) == content


@pytest.mark.parametrize("left", ["pack", "idx"])
def test_half_a_pack_goes_once_it_is_old(repo: Repo, left: str) -> None:
    """Who wrote it, or retired it, was killed between its two files."""
    packs = repo.store / "packs"
    repo.added("m.bin", b"small")
    half = packs / f"{'a' * 64}.{left}"
    half.write_bytes(next(packs.glob(f"*.{left}")).read_bytes())
    repo.ok("gc", "--yes")
    assert half.exists()
    os.utime(half, (0, 0))
    repo.ok("gc")
    assert half.exists()
    repo.ok("gc", "--yes")
    assert not half.exists()
    assert [path.suffix for path in (repo.store / "trash").iterdir()] != []
    repo.ok(*ALL)
    assert list((repo.store / "trash").iterdir()) == []
    assert repo.ok("verify", "--json").json["objects"] == 1


def test_nothing_to_do(repo: Repo) -> None:
    assert repo.ok("gc").out == "Nothing to free.\n"
    repo.added("m.bin", CONTENT)
    repo.ok(*ALL)
    assert repo.ok(*ALL).out == "Nothing to free.\n"


# What garbage belonged to.


def users(repo: Repo) -> dict[str, list[tuple[str, str]]]:
    """Return path and subject for each object that would be freed."""
    found = repo.ok("gc", "--grace", "0", "--unpushed", "--json").json["garbage"]
    return {item["blake3"]: [(use["path"], use["subject"]) for use in item["users"]] for item in found}


def test_garbage_is_named_by_the_commits_that_brought_it(repo: Repo) -> None:
    digest = lose(repo, "models/ranker.bin", CONTENT)
    assert users(repo) == {digest: [("models/ranker.bin", "add models/ranker.bin")]}
    out = repo.ok("gc", "--grace", "0", "--unpushed").out
    assert f"614.4 kB  {digest[:12]}  models/ranker.bin, from " in out
    assert "Ada: add models/ranker.bin" in out


@pytest.mark.parametrize("files", [3, MANY])
def test_garbage_of_a_directory_is_named_by_its_files(repo: Repo, files: int) -> None:
    start = repo.git("rev-parse", "HEAD")
    repo.write_dir("data", files)
    repo.added("data")
    repo.git("reset", "-q", "--hard", start)
    forget_reflogs(repo)
    named = users(repo)
    assert len(named) == files + (files == MANY)
    assert {path for uses in named.values() for path, _ in uses} >= {f"data/part-{n:04}.bin" for n in range(files)}


@pytest.mark.parametrize("files", [0, 3, MANY])
def test_garbage_that_never_was_committed_is_named_by_its_path(repo: Repo, files: int) -> None:
    for seed in "before", "after":
        if files:
            repo.write_dir("data", files, seed)
        else:
            repo.write("data", noise(seed, LARGE))
        repo.ok("add", "data")
    named = users(repo)
    assert len(named) == max(files, 1) + (files == MANY)
    listed = {f"data/part-{number:04}.bin" for number in range(files)} if files < MANY else set()
    assert {path for uses in named.values() for path, _ in uses} == (listed or {"data"})
    assert f"{min(listed, default='data')}, never committed" in repo.ok("-v", "gc", "--grace", "0", "--unpushed").out


def test_a_damaged_manifest_that_nothing_needs_is_no_obstacle(repo: Repo) -> None:
    for seed in "before", "after":
        repo.write_dir("data", MANY, seed)
        repo.ok("add", "data")
    _, last = sorted((repo.store / "packs").glob("*.pack"), key=lambda path: path.stat().st_mtime_ns)
    (first,) = set((repo.store / "packs").glob("*.pack")) - {last}
    first.chmod(0o644)
    first.write_bytes(first.read_bytes().replace(b"mvc-manifest 1", b"mvc-manifest 2"))
    result = repo.ok("gc", "--grace", "0", "--unpushed", "--json").json
    assert len(result["garbage"]) == MANY + 1


# What cannot be read.


def broken_ref(repo: Repo) -> None:
    repo.write(".git/refs/heads/broken", "not an object name\n")


def ref_passed_over(repo: Repo) -> None:
    """Git says nothing of one that it cannot even look at."""
    (repo.root / ".git/refs/tags/loop").symlink_to("loop")


def reflog_passed_over(repo: Repo) -> None:
    log = repo.root / ".git/logs/refs/heads/main"
    log.unlink()
    log.symlink_to("main")


def worktree_gone(repo: Repo) -> None:
    repo.git("worktree", "add", "-q", "--detach", "../second")
    second(repo).root.rename(repo.root.parent / "elsewhere")


def commit_gone(repo: Repo) -> None:
    repo.write(".git/MERGE_HEAD", "1" * 40 + "\n")


def pointer_gone(repo: Repo) -> None:
    oid = repo.git("rev-parse", "HEAD:data.mvc")
    (repo.root / ".git/objects" / oid[:2] / oid[2:]).unlink()


def manifest_damaged(repo: Repo) -> None:
    (pack,) = (repo.store / "packs").glob("*.pack")
    pack.chmod(0o644)
    data = pack.read_bytes()
    pack.write_bytes(data.replace(b"mvc-manifest 1", b"mvc-manifest 2"))


def manifest_in_quarantine(repo: Repo) -> None:
    manifest_damaged(repo)
    repo.path("data/part-0001.bin").write_text("changed: no repair from here")
    assert repo.mvc("verify").code == 1


def from_the_future(repo: Repo) -> None:
    repo.write("new.mvc", 'mvc: 2\nkind: "tensor"\n')
    repo.git("add", "new.mvc")
    repo.commit()


UNREADABLE = {
    "a ref": (broken_ref, "a Git ref cannot be read"),
    "a ref that Git passes over": (ref_passed_over, "a Git ref cannot be read"),
    "a reflog that Git passes over": (reflog_passed_over, "logs/refs/heads/main: Too many levels of symbolic links"),
    "a worktree": (worktree_gone, "second does not exist"),
    "a commit": (commit_gone, "which is missing in this clone"),
    "a pointer": (pointer_gone, "is not in this clone"),
    "a damaged manifest": (manifest_damaged, "is damaged, so the files it lists are not known"),
    "a manifest in quarantine": (manifest_in_quarantine, "is in quarantine, so the files it lists are not known"),
    "a newer pointer": (from_the_future, "was written by a newer mvc"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_stops_it_before_anything_is_freed(repo: Repo, name: str) -> None:
    repo.write_dir("data", MANY)
    repo.added("data")
    digest = lose(repo, "m.bin", CONTENT)
    damage, message = UNREADABLE[name]
    damage(repo)
    result = repo.fails(3, *ALL)
    assert message in result.errors[0]
    assert result.fixes
    assert repo.loose(digest).exists()


def test_a_file_that_only_looks_like_a_pointer_is_no_obstacle(repo: Repo) -> None:
    repo.write("big.mvc", noise("big", 2 << 20))
    repo.write("broken.mvc", 'mvc: 1\nkind: "file"\n')
    repo.git("add", "-f", "big.mvc", "broken.mvc")
    repo.commit()
    repo.git("rm", "-q", "big.mvc", "broken.mvc")
    repo.commit()
    digest = lose(repo, "m.bin", CONTENT)
    repo.ok(*ALL)
    assert not repo.loose(digest).exists()


def test_both_sides_of_a_conflict_in_a_pointer_count(repo: Repo) -> None:
    repo.added("m.bin", noise("base", LARGE))
    repo.git("checkout", "-q", "-b", "side")
    repo.added("m.bin", noise("theirs", LARGE))
    repo.git("checkout", "-q", "main")
    repo.ok("checkout")
    repo.added("m.bin", noise("ours", LARGE))
    repo.git("merge", "-q", "side", code=1)
    marked = repo.read("m.bin.mvc")
    repo.git("merge", "--abort")
    repo.git("checkout", "-q", "--orphan", "fresh")
    repo.git("rm", "-qrf", "--cached", ".")
    repo.git("branch", "-q", "-D", "main", "side")
    forget_reflogs(repo)
    repo.write("m.bin.mvc", marked)
    repo.ok(*ALL)
    assert len(list((repo.store / "objects").glob("*/*"))) == 2
    repo.remove("m.bin.mvc")
    repo.ok(*ALL)
    assert not list((repo.store / "objects").glob("*/*"))


# Other repositories on the same cache.


@pytest.fixture
def sharing(repo: Repo, tmp_path: Path) -> Repo:
    """Return a second repository that uses the same cache as `repo`."""
    for folder in ("one", "two"):
        Repo(tmp_path, repo.environ).git("clone", "-q", str(repo.root), folder)
        Repo(tmp_path / folder, repo.environ).ok("init", "--cache", str(tmp_path / "cache"))
    return Repo(tmp_path / "two", repo.environ)


@pytest.mark.parametrize(
    "hold", [lambda _: None, in_the_index, in_the_workspace], ids=["history", "index", "workspace"],
)
def test_what_another_repository_needs_stays(sharing: Repo, tmp_path: Path, hold: Act) -> None:
    one = Repo(tmp_path / "one", sharing.environ)
    sharing.git("tag", "start")
    sharing.added("wanted.bin", CONTENT)
    digest = sharing.digest("wanted.bin")
    hold(sharing)
    one.ok(*ALL)
    assert (tmp_path / "cache/objects" / digest[:2] / digest).read_bytes() == CONTENT
    sharing.path("wanted.bin.mvc").unlink(missing_ok=True)
    back_to_start(sharing)
    one.ok(*ALL)
    assert not (tmp_path / "cache/objects" / digest[:2] / digest).exists()


def test_a_repository_that_is_gone_stops_it_until_it_is_struck_off(sharing: Repo, tmp_path: Path) -> None:
    one = Repo(tmp_path / "one", sharing.environ)
    sharing.added("wanted.bin", CONTENT)
    sharing.root.rename(tmp_path / "moved")
    result = one.fails(3, *ALL)
    assert "which also uses this cache" in result.errors[0]
    assert list((tmp_path / "cache/objects").glob("*/*"))
    one.shell(result.fixes[0].partition("was deleted: ")[2])
    one.ok(*ALL)
    assert not list((tmp_path / "cache/objects").glob("*/*"))


# Quarantine.


def damage(path: Path) -> None:
    """Flip the last bit of a file of the cache."""
    raw = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))


def aside(repo: Repo) -> set[str]:
    """Return how the names of what is in quarantine end, and whose they are."""
    return {path.name for path in (repo.store / "quarantine").iterdir()}


def test_what_is_damaged_goes_once_a_sound_copy_is_there(repo: Repo) -> None:
    repo.added("m.bin", CONTENT)
    repo.remove("m.bin")
    damage(repo.loose(repo.digest("m.bin")))
    repo.fails(1, "verify")
    (file,) = aside(repo)
    for options in (["--grace", "0"], ["--yes", "--grace", "0"]):
        result = repo.ok("gc", *options, "--json").json
        assert (result["dispensable"]["objects"], result["quarantine"]) == (0, {"objects": 1, "bytes": LARGE})
    assert "In quarantine: 1 file, 614.4 kB" in repo.ok("gc").out
    assert aside(repo) == {file}
    repo.write("m.bin", CONTENT)
    repo.ok("add", "m.bin")
    assert repo.ok("gc", "--yes", "--json").json["quarantine"]["objects"] == 1  # it is young
    assert aside(repo) == {file}
    plan = repo.ok("gc", "--grace", "0")
    assert "Will be moved from quarantine to the trash: 1 file" in plan.out
    assert aside(repo) == {file}
    result = repo.ok("gc", "--yes", "--grace", "0", "--json").json
    assert (result["dispensable"], result["quarantine"]["objects"]) == ({"objects": 1, "bytes": LARGE}, 0)
    assert result["purged"]["objects"] == 1
    assert aside(repo) == set()
    repo.ok("verify")


def test_a_damaged_copy_beside_a_damaged_one_stays(repo: Repo) -> None:
    repo.added("m.bin", CONTENT)
    damage(repo.loose(repo.digest("m.bin")))
    assert "repaired from m.bin" in repo.fails(1, "verify").err
    damage(repo.loose(repo.digest("m.bin")))
    (file,) = aside(repo)
    assert repo.ok("gc", "--yes", "--grace", "0", "--json").json["quarantine"]["objects"] == 1
    assert aside(repo) == {file}


def test_a_damaged_pack_goes_once_all_that_it_held_is_there(repo: Repo) -> None:
    repo.write_dir("data", MANY)
    repo.added("data")
    bodies = {path: repo.read(path) for path in ("data/part-0100.bin", "data/part-0101.bin")}
    (pack,) = (repo.store / "packs").glob("*.pack")
    raw = bytearray(pack.read_bytes())
    for path, body in bodies.items():
        raw[raw.index(body)] ^= 1
        repo.remove(path)
    pack.chmod(0o644)
    pack.write_bytes(raw)
    repo.fails(1, "verify")
    held = aside(repo)
    assert len(held) == 4  # the pack, its index, and both bodies
    for left, (path, body) in zip((3, 0), bodies.items(), strict=True):
        assert repo.ok("gc", "--yes", "--grace", "0", "--json").json["quarantine"]["objects"] == (4 if left else 3)
        repo.write("copy.bin", body)
        repo.ok("add", "copy.bin")
        repo.ok("gc", "--yes", "--grace", "0")
        assert len(aside(repo)) == left, path
