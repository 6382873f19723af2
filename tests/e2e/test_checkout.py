"""`mvc checkout`: versions change back and forth; content that is not in the cache is not overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise


def test_rev_goes_back_and_forth_with_pointer_content_and_index(repo: Repo) -> None:
    old = repo.added("m.bin", b"old")
    new = repo.added("m.bin", b"new")
    repo.ok("checkout", "--rev", old, "m.bin")
    assert repo.read("m.bin") == b"old"
    assert repo.git("diff", "--cached", "--name-only") == "m.bin.mvc"
    assert repo.states() == {"m.bin": "clean"}
    repo.ok("checkout", "--rev", new, "m.bin")
    assert repo.read("m.bin") == b"new"
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("count", [4, MANY])
def test_rev_of_a_directory_writes_and_deletes_just_what_differs(repo: Repo, count: int) -> None:
    first = repo.write_dir("data", count)
    old = repo.added("data")
    repo.write("data/part-0001.bin", b"second")
    repo.remove("data/part-0002.bin")
    repo.write("data/new/deep.bin", b"new")
    repo.added("data")
    before = repo.path("data/part-0000.bin").stat()
    repo.ok("checkout", "--rev", old)
    assert repo.contents("data") == first
    assert not repo.path("data/new").exists()
    assert repo.path("data/part-0000.bin").stat() == before
    repo.ok("checkout", "--rev", "HEAD")
    assert repo.read("data/new/deep.bin") == b"new"
    assert repo.states() == {"data": "clean"}


def test_rev_brings_a_deleted_path_and_its_report_back(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin")
    repo.write("m.bin.eval.yaml", "mvc-eval: 1\n")
    repo.git("add", "m.bin.eval.yaml")
    old = repo.commit()
    repo.git("rm", "-q", "m.bin.mvc", "m.bin.eval.yaml")
    repo.commit()
    repo.remove("m.bin")
    repo.ok("checkout", "--rev", old, "m.bin")
    assert (repo.read("m.bin"), repo.read("m.bin.eval.yaml")) == (b"1", b"mvc-eval: 1\n")
    assert set(repo.git("diff", "--cached", "--name-only").splitlines()) == {"m.bin.mvc", "m.bin.eval.yaml"}


def test_rev_of_a_part_changes_just_that_part(repo: Repo) -> None:
    first = repo.write_dir("data", 4)
    old = repo.added("data")
    second = repo.write_dir("data", 4, "second")
    repo.added("data")
    repo.ok("checkout", "--rev", old, "data/part-0001.bin")
    assert repo.contents("data") == {**second, "part-0001.bin": first["part-0001.bin"]}
    assert repo.states() == {"data": "clean"}


def test_rev_that_does_not_exist_and_path_that_was_not_there(repo: Repo) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.added("m.bin", b"1")
    assert "not a revision" in repo.fails(2, "checkout", "--rev", "nothing").errors[0]
    assert "not tracked" in repo.fails(3, "checkout", "--rev", first, "m.bin").errors[0]
    assert "not a revision" in repo.fails(2, "checkout", "--rev=--output=x").errors[0]


@pytest.mark.parametrize("size", [10, LARGE])
def test_what_is_not_in_the_cache_is_not_overwritten_and_the_line_to_type_works(repo: Repo, size: int) -> None:
    old = repo.added("m.bin", noise("old", size))
    repo.added("m.bin", noise("new", size))
    mine = noise("mine", size)
    repo.write("m.bin", mine)
    for arguments in (["checkout"], ["checkout", "--rev", old]):
        result = repo.fails(3, *arguments)
        assert "m.bin" in result.errors[0]
        assert repo.read("m.bin") == mine
        assert repo.git("status", "--porcelain") == ""
    repo.ok("checkout", "-f")
    assert repo.read("m.bin") == noise("new", size)
    repo.write("m.bin", mine)
    repo.fails(3, "checkout")  # -f saved it before, but no pointer names it


def test_force_saves_what_it_overwrites(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.write("m.bin", b"unsaved")
    repo.ok("checkout", "-f")
    assert repo.read("m.bin") == b"1"
    packs = b"".join(path.read_bytes() for path in (repo.store / "packs").glob("*.pack"))
    assert b"unsaved" in packs


def test_a_new_file_in_a_directory_is_not_deleted_without_force(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.added("data")
    repo.write("data/precious.bin", b"precious")
    repo.remove("data/part-0000.bin")
    assert "precious.bin" in repo.fails(3, "checkout").errors[0]
    assert repo.read("data/precious.bin") == b"precious"
    repo.ok("checkout", "data/part-0000.bin")
    assert repo.read("data/precious.bin") == b"precious"
    repo.ok("checkout", "-f")
    assert not repo.path("data/precious.bin").exists()
    assert repo.states() == {"data": "clean"}


def test_one_missing_object_does_not_stop_the_rest(repo: Repo) -> None:
    files = repo.write_dir("data", 3)
    repo.write("data/large.bin", noise("l", LARGE))
    repo.added("data")
    repo.added("m.bin", b"1")
    lost = next(item for item in repo.ok("ls", "-R", "data", "--json").json["items"] if item["size"] == LARGE)
    os.unlink(repo.loose(lost["blake3"]))
    repo.remove("data")
    repo.remove("m.bin")
    result = repo.fails(3, "checkout")
    assert "data/large.bin" in result.errors[0]
    assert repo.contents("data") == files
    assert repo.read("m.bin") == b"1"
    document = repo.mvc("checkout", "--json").json
    assert [failure["path"] for failure in document["failed"]] == ["data/large.bin"]
    assert repo.state("data") == "not-in-cache"


def test_sub_paths(repo: Repo) -> None:
    held = repo.write_dir("data", 4)
    repo.added("data")
    repo.remove("data")
    repo.ok("checkout", "data/part-0001.bin")
    assert repo.contents("data") == {"part-0001.bin": held["part-0001.bin"]}
    repo.ok("checkout", "data/*2.bin")
    assert sorted(repo.contents("data")) == ["part-0001.bin", "part-0002.bin"]
    repo.ok("checkout", "data")
    assert repo.contents("data") == held


def test_relinking_hard_links_again_changes_nothing(repo: Repo) -> None:
    repo.ok("config", "set", "cache.link", "hardlink")
    for name in ("m.bin", "data/a", "data/b"):
        repo.write(name, noise("same", LARGE))
    repo.ok("add", "m.bin", "data")
    repo.ok("checkout", "--relink")
    inodes = {repo.path(name).stat().st_ino for name in ("m.bin", "data/a", "data/b")}
    repo.ok("checkout", "--relink")
    assert {repo.path(name).stat().st_ino for name in ("m.bin", "data/a", "data/b")} == inodes
    assert len(inodes) == 1
    assert repo.states() == {"m.bin": "clean", "data": "clean"}
    assert repo.debris() == []


def test_relink_follows_the_setting(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    loose = repo.loose(repo.digest("m.bin"))
    assert not os.path.samefile(repo.path("m.bin"), loose)
    repo.ok("config", "set", "cache.link", "hardlink")
    repo.ok("checkout", "--relink")
    assert os.path.samefile(repo.path("m.bin"), loose)
    assert repo.path("m.bin").stat().st_mode & 0o222 == 0
    repo.ok("config", "set", "cache.link", "symlink")
    repo.ok("checkout", "--relink")
    assert repo.path("m.bin").is_symlink()
    assert repo.states() == {"m.bin": "clean"}
    repo.ok("config", "set", "cache.link", "copy")
    repo.ok("checkout", "--relink")
    assert not repo.path("m.bin").is_symlink()
    assert repo.path("m.bin").stat().st_mode & 0o200
    assert repo.states() == {"m.bin": "clean"}


@pytest.mark.parametrize("link", ["hardlink", "symlink", "copy", "reflink,copy"])
def test_every_link_type_adds_replaces_and_checks_out(repo: Repo, link: str) -> None:
    repo.ok("config", "set", "cache.link", link)
    old = repo.added("m.bin", noise("old", LARGE))
    repo.remove("m.bin")
    repo.added("m.bin", noise("new", LARGE))
    repo.ok("checkout", "--rev", old)
    assert repo.read("m.bin") == noise("old", LARGE)
    repo.ok("checkout", "--rev", "HEAD")
    assert repo.read("m.bin") == noise("new", LARGE)
    assert repo.states() == {"m.bin": "clean"}
    repo.ok("verify")


def test_hard_link_mode_does_not_touch_a_file_with_another_name(repo: Repo, tmp_path: Path) -> None:
    repo.ok("config", "set", "cache.link", "hardlink")
    repo.write("m.bin", noise("m", LARGE)).chmod(0o640)
    os.link(repo.path("m.bin"), tmp_path / "other-name")
    repo.ok("add", "m.bin")
    with (tmp_path / "other-name").open("r+b") as other:
        other.write(b"overwritten elsewhere")
    repo.ok("verify")
    assert repo.state("m.bin") == "modified"


def test_a_damaged_object_is_never_handed_on(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    loose = repo.loose(repo.digest("m.bin"))
    loose.chmod(0o644)
    loose.write_bytes(b"x" + loose.read_bytes()[1:])
    repo.remove("m.bin")
    result = repo.fails(1, "checkout")
    assert "damaged" in result.errors[0]
    assert not repo.path("m.bin").exists()
    assert "mvc verify" in result.fixes[0]
    assert repo.debris() == []


def test_nothing_to_do_says_so(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert "already" in repo.ok("checkout").out
    assert repo.ok("checkout", "--json").json == {"done": [], "failed": [], "saved": []}


def test_files_that_others_hold_open_keep_their_bytes(repo: Repo) -> None:
    old = repo.added("m.bin", b"old")
    repo.added("m.bin", b"new")
    with repo.path("m.bin").open("rb") as reader:
        repo.ok("checkout", "--rev", old)
        assert reader.read() == b"new"


def test_rev_settles_a_conflict(repo: Repo) -> None:
    """Git could not merge the pointer; bringing one side back needs no other step."""
    repo.added("m.bin", b"one")
    repo.git("branch", "side")
    here = repo.added("m.bin", b"here")
    repo.git("checkout", "-q", "side")
    repo.ok("checkout")
    repo.added("m.bin", b"side")
    repo.git("merge", here, code=1)
    assert repo.states() == {"m.bin": "conflict"}
    repo.ok("checkout", "--rev", here, "m.bin")
    assert repo.states() == {"m.bin": "clean"}
    assert repo.read("m.bin") == b"here"


# REV PATH, as in Git.


@pytest.mark.parametrize("words", [["REV", "m.bin"], ["REV", "--", "m.bin"], ["--rev", "REV", "--", "m.bin"], ["REV"]])
def test_a_revision_before_the_paths(repo: Repo, words: list[str]) -> None:
    old = repo.added("m.bin", b"old")
    repo.added("m.bin", b"new")
    result = repo.ok("checkout", *(old if word == "REV" else word for word in words))
    assert repo.read("m.bin") == b"old"
    assert repo.git("diff", "--cached", "--name-only") == "m.bin.mvc"
    assert "are staged" in result.out


def test_dashes_decide_what_a_word_is(repo: Repo) -> None:
    repo.added("m.bin", b"old")
    repo.git("branch", "both")
    repo.added("m.bin", b"new")
    repo.added("both", b"both")
    repo.remove("both")
    repo.ok("checkout", "both")
    assert repo.read("both") == b"both"
    result = repo.fails(2, "checkout", "both", "m.bin")
    assert "both a revision and a path" in result.errors[0]
    repo.remove("both")
    repo.ok("checkout", "--", "both", "m.bin")
    assert repo.read("both") == b"both"
    assert repo.read("m.bin") == b"new"
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.read("m.bin") == b"old"


def test_what_precedes_the_dashes_is_one_revision(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert "not a revision" in repo.fails(2, "checkout", "m.bin", "--", "m.bin").errors[0]
    assert "not a revision" in repo.fails(2, "checkout", "--rev", "").errors[0]
    assert "not a revision" in repo.fails(2, "checkout", "", "--", "m.bin").errors[0]
    assert "2 words before --" in repo.fails(2, "checkout", "HEAD", "HEAD", "--", "m.bin").errors[0]


# Reports that no commit has.


REPORT = "m.bin.eval.yaml"


def evaluated(repo: Repo, tag: str, content: bytes) -> str:
    """Add and commit the model with a report; return the commit."""
    repo.write("m.bin", content)
    repo.ok("eval", "record", "m.bin", "--add", "--tag", tag, "--metric", "auc=0.9")
    return repo.commit(tag)


@pytest.mark.parametrize("words", [["--no-stage"], []])
def test_an_uncommitted_report_is_not_overwritten(repo: Repo, words: list[str]) -> None:
    old = evaluated(repo, "v1.0.0", b"old")
    evaluated(repo, "v1.1.0", b"new")
    repo.ok("eval", "record", "m.bin", "--tag", "v1.2.0", "--metric", "auc=0.95", *words)
    mine = repo.read(REPORT)
    result = repo.fails(3, "checkout", old, "m.bin")
    assert REPORT in result.errors[0]
    assert (repo.read("m.bin"), repo.read(REPORT)) == (b"new", mine)
    done = repo.shell(result.fixes[0])
    assert done.code == 0
    assert b"v1.0.0" in repo.read(REPORT)
    assert f"saved {REPORT}" in done.out
    (saved,) = [line for line in done.out.splitlines() if line.startswith("To bring it back")]
    assert repo.shell(saved.partition(": ")[2].replace("OUT", "OUT.yaml")).code == 0
    assert repo.read("OUT.yaml") == mine
    assert REPORT in repo.ok("log", "--lost").out


def test_a_report_that_some_commit_has_is_overwritten(repo: Repo) -> None:
    old = evaluated(repo, "v1.0.0", b"old")
    middle = evaluated(repo, "v1.1.0", b"middle")
    evaluated(repo, "v1.2.0", b"new")
    for rev, content in ((old, b"old"), (middle, b"middle"), ("HEAD", b"new"), (old, b"old")):
        repo.ok("checkout", rev, "m.bin")
        assert repo.read("m.bin") == content
    repo.git("reset", "-q", "--hard", middle)  # only the reflog has the last report
    repo.ok("checkout", "ORIG_HEAD", "m.bin")
    repo.ok("checkout", old, "m.bin")


def test_an_uncommitted_signature_is_not_overwritten(repo: Repo) -> None:
    evaluated(repo, "v1.0.0", b"old")
    repo.write(f"{REPORT}.sig", "signed once")
    repo.git("add", f"{REPORT}.sig")
    old = repo.commit("signed")
    repo.write(f"{REPORT}.sig", "signed again")
    assert f"{REPORT}.sig" in repo.fails(3, "checkout", old).errors[0]
    assert repo.read(f"{REPORT}.sig") == b"signed again"
    repo.git("add", f"{REPORT}.sig")
    repo.commit("signed again")
    repo.ok("checkout", old)


def test_a_report_that_stays_does_not_stop_the_others(repo: Repo) -> None:
    repo.added("n.bin", b"old")
    old = evaluated(repo, "v1.0.0", b"old")
    repo.added("n.bin", b"new")
    repo.ok("eval", "record", "m.bin", "--tag", "v1.2.0", "--metric", "auc=0.95")
    repo.fails(3, "checkout", old)
    assert repo.read("n.bin") == b"old"
    assert b"v1.2.0" in repo.read(REPORT)
