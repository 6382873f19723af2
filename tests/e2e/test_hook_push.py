"""The hook `pre-push`: content is on mvc's remote before Git pushes its pointers, or nothing is pushed."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise


@pytest.fixture
def hub(repo: Repo, tmp_path: Path) -> Repo:
    """Return the Git remote `origin` of the repository: bare, and empty."""
    repo.git("init", "-q", "--bare", str(tmp_path / "hub"))
    repo.git("remote", "add", "origin", str(tmp_path / "hub"))
    return Repo(tmp_path / "hub", repo.environ)


@pytest.fixture
def pushing(repo: Repo, hub: Repo, tmp_path: Path) -> Repo:
    """Return the repository with hooks and a remote of mvc's; nothing is pushed yet."""
    repo.ok("remote", "add", "store", str(tmp_path / "store"))
    repo.commit("remote")
    assert hub.git("for-each-ref") == ""
    return no_judge(repo.hooked())


def no_judge(repo: Repo) -> Repo:
    """Take away the hooks that judge: reports are not what is tested here."""
    for name in ("pre-commit", "pre-merge-commit"):
        repo.path(f".git/hooks/{name}").unlink()
    return repo


def there(tmp_path: Path) -> set[str]:
    """Return the large objects that the remote has."""
    return {path.name for path in (tmp_path / "store/objects").glob("*/*")}


def add(repo: Repo, seed: object, path: str = "models/m.bin") -> str:
    """Commit a large file; its digest."""
    repo.added(path, noise(seed, LARGE))
    return repo.digest(path)


def push(repo: Repo, *args: str, code: int = 0, env: dict[str, str] | None = None) -> str:
    """Run `git push ARGS`; what is said on stderr."""
    result = repo.run("git", "push", *args, env=env)
    assert result.code == code, result
    return result.err


def test_content_arrives_before_the_refs(pushing: Repo, hub: Repo, tmp_path: Path) -> None:
    digest = add(pushing, 1)
    checking = hub.write("hooks/pre-receive", f"#!/bin/sh\ntest -f {tmp_path}/store/objects/{digest[:2]}/{digest}\n")
    checking.chmod(0o755)
    assert "sent to store" in push(pushing, "origin", "main")
    assert hub.git("rev-parse", "main") == pushing.git("rev-parse", "main")


def test_a_clone_pulls_what_was_pushed(pushing: Repo, hub: Repo, tmp_path: Path) -> None:
    files = pushing.write_dir("data", MANY)
    pushing.ok("add", "data")
    pushing.commit()
    push(pushing, "origin", "main")
    clone = hub.clone(tmp_path / "clone")
    clone.ok("pull")
    assert clone.contents("data") == files


def test_every_version_that_is_pushed_is_sent_and_none_twice(pushing: Repo, tmp_path: Path) -> None:
    first = add(pushing, 1)
    push(pushing, "origin", "main")
    second, third = add(pushing, 2), add(pushing, 3)
    (tmp_path / "store/objects" / first[:2] / first).unlink()
    assert "2 objects" in push(pushing, "origin", "main")
    assert there(tmp_path) == {second, third}


def test_a_branch_that_brings_nothing_new_asks_nothing(pushing: Repo, tmp_path: Path) -> None:
    add(pushing, 1)
    push(pushing, "origin", "main")
    (tmp_path / "store").rename(tmp_path / "away")
    pushing.write("readme", "text")
    pushing.git("add", "readme")
    pushing.commit()
    assert "sent" not in push(pushing, "origin", "main", "main:side", "HEAD~1:refs/heads/older")
    assert "sent" not in push(pushing, "origin", ":side")
    assert "sent" not in push(pushing, "origin", "main")


def test_tags_branches_and_forced_pushes_bring_their_content(pushing: Repo, hub: Repo, tmp_path: Path) -> None:
    add(pushing, 1)
    push(pushing, "origin", "main")
    pushing.git("switch", "-q", "-c", "side")
    wanted = {add(pushing, 2)}
    pushing.git("tag", "-a", "v1", "-m", "annotated")
    push(pushing, "origin", "v1")
    assert wanted <= there(tmp_path)
    pushing.git("switch", "-q", "main")
    pushing.git("reset", "-q", "--hard", "HEAD~1")
    wanted.add(add(pushing, 3))
    push(pushing, "--force", "origin", "main")
    assert wanted <= there(tmp_path)
    pushing.git("switch", "-q", "--detach")
    wanted.add(add(pushing, 4))
    push(pushing, "origin", "HEAD:refs/heads/from-nowhere", "side")
    assert wanted <= there(tmp_path)
    assert hub.git("rev-parse", "from-nowhere") == pushing.git("rev-parse", "HEAD")


def test_a_tag_of_no_commit_and_a_forced_push_over_unknown_commits_pass(pushing: Repo, hub: Repo) -> None:
    pushing.git("tag", "blob", pushing.git("rev-parse", "HEAD:.mvc/config.yaml"))
    push(pushing, "origin", "main", "blob")
    tree = hub.git("rev-parse", "main^{tree}")
    hub.git("update-ref", "refs/heads/main", hub.git("commit-tree", "-m", "another's", tree))
    add(pushing, 1)
    assert "sent to store" in push(pushing, "--force", "origin", "main")


def test_content_of_a_merge_that_the_other_side_has_is_not_sent_again(pushing: Repo, tmp_path: Path) -> None:
    push(pushing, "origin", "main")
    pushing.git("switch", "-q", "-c", "side")
    add(pushing, 1, "a.bin")
    push(pushing, "origin", "side")
    (tmp_path / "store/objects").rename(tmp_path / "away")
    pushing.git("switch", "-q", "main")
    mine = add(pushing, 2, "b.bin")
    pushing.git("merge", "-q", "-X", "ours", "-m", "merge", "side")
    assert "1 object" in push(pushing, "origin", "main")
    assert there(tmp_path) == {mine}


def test_a_git_remote_by_its_url_and_a_second_one_work(pushing: Repo, hub: Repo, tmp_path: Path) -> None:
    digest = add(pushing, 1)
    push(pushing, str(hub.root), "main")
    assert there(tmp_path) == {digest}
    pushing.git("init", "-q", "--bare", str(tmp_path / "second"))
    pushing.git("remote", "add", "second", str(tmp_path / "second"))
    push(pushing, "second", "main")


def test_a_pointer_s_own_remote_gets_its_content(pushing: Repo, tmp_path: Path) -> None:
    pushing.ok("remote", "add", "other", str(tmp_path / "other"))
    pushing.ok("remote", "default", "store")
    digest = add(pushing, 1)
    pointer = pushing.path("models/m.bin.mvc")
    pointer.write_text(pointer.read_text() + 'remote: "other"\n')
    pushing.git("commit", "-qam", "elsewhere")
    push(pushing, "origin", "main")
    assert (tmp_path / "other/objects" / digest[:2] / digest).exists()


# What stops a push.


def test_without_a_remote_of_mvc_s_nothing_is_pushed(repo: Repo, hub: Repo, tmp_path: Path) -> None:
    hooked = no_judge(repo.hooked())
    push(hooked, "origin", "main")
    digest = add(hooked, 1)
    refused = hooked.run("git", "push", "origin", "main")
    assert refused.code == 1
    assert "no remote is set up" in refused.errors[0]
    assert hub.git("rev-parse", "main") == hooked.git("rev-parse", "main~1")
    line = refused.fixes[0].replace("NAME URL", f"store {tmp_path}/store")
    assert hooked.shell(line).code == 0
    push(hooked, "origin", "main")
    assert there(tmp_path) == {digest}


def test_content_that_is_nowhere_stops_the_push_until_it_is_skipped(pushing: Repo, hub: Repo) -> None:
    digest = add(pushing, 1)
    path = pushing.loose(digest)
    path.parent.chmod(0o755)
    path.unlink()
    said = push(pushing, "origin", "main", code=1)
    assert digest in said
    assert "MVC_SKIP_PUSH=1 git push" in said
    assert hub.git("for-each-ref") == ""
    push(pushing, "origin", "main", env={"MVC_SKIP_PUSH": "1"})
    assert hub.git("rev-parse", "main") == pushing.git("rev-parse", "main")


def test_a_remote_that_cannot_be_reached_stops_the_push(pushing: Repo, hub: Repo, tmp_path: Path) -> None:
    add(pushing, 1)
    (tmp_path / "store").write_text("no directory")
    assert "error: " in push(pushing, "origin", "main", code=1)
    assert hub.git("for-each-ref") == ""


def test_above_the_limit_it_says_what_to_type_first(pushing: Repo, hub: Repo, tmp_path: Path) -> None:
    pushing.ok("config", "set", "hooks.push_limit", "1MB")
    first = add(pushing, 1)
    push(pushing, "origin", "main")
    second = add(pushing, 2, "a.bin")
    third = add(pushing, 3, "b.bin")
    refused = pushing.run("git", "push", "origin", "main")
    assert refused.code == 1
    assert "the push needs 1.2 MB of content to be sent first, more than hooks.push_limit (1MB)" in refused.errors[0]
    assert there(tmp_path) == {first}
    assert refused.fixes == ["mvc push --rev main && git push"]
    pushing.git("branch", "-q", "--set-upstream-to=origin/main")
    assert pushing.shell(refused.fixes[0]).code == 0
    assert there(tmp_path) == {first, second, third}
    assert hub.git("rev-parse", "main") == pushing.git("rev-parse", "main")


def test_a_small_limit_is_told_in_its_own_words(pushing: Repo) -> None:
    pushing.ok("config", "set", "hooks.push_limit", "1kB")
    pushing.added("m.bin", noise(1, 2000))
    assert "the push needs 2.0 kB of content" in push(pushing, "origin", "main", code=1)


ZERO = "0" * 40


@pytest.mark.parametrize("text", [
    "garbage\\n", "a b\\n", f"refs/heads/main x refs/heads/main {ZERO}\\n", f"x {ZERO} {ZERO}\\n",
    f"x {ZERO} y {ZERO}0\\n",
    f"refs/heads/main {ZERO} refs/heads/main {ZERO}\\nand more\\n",
])
def test_what_git_would_not_say_stops_the_push(pushing: Repo, text: str) -> None:
    result = pushing.shell(f"printf '{text}' | mvc hook run pre-push origin x")
    assert result.code == 1
    assert "expected 'REF OID REMOTE-REF REMOTE-OID'" in result.errors[0]
    assert result.fixes


def test_what_git_says_with_spaces_and_of_any_branch_is_read(pushing: Repo, tmp_path: Path) -> None:
    first = add(pushing, 1)
    push(pushing, "origin", "HEAD^{/add models}:refs/heads/then")
    assert there(tmp_path) == {first}
    pushing.git("switch", "-qc", "a\u2028b")
    second = add(pushing, 2)
    push(pushing, "origin", "HEAD")
    assert there(tmp_path) == {first, second}


def test_the_line_above_the_limit_sends_versions_in_between_too(pushing: Repo, tmp_path: Path) -> None:
    pushing.ok("config", "set", "hooks.push_limit", "1MB")
    wanted = {add(pushing, 1), add(pushing, 2)}
    refused = pushing.run("git", "push", "--set-upstream", "origin", "main")
    assert refused.code == 1
    assert pushing.shell(refused.fixes[0].replace("git push", "git push origin main")).code == 0
    assert there(tmp_path) == wanted


def test_what_the_remote_has_does_not_count_against_the_limit(pushing: Repo) -> None:
    add(pushing, 1)
    pushing.ok("push")
    pushing.ok("config", "set", "hooks.push_limit", "1B")
    push(pushing, "origin", "main")


@pytest.mark.parametrize("value", ["1", "1XB", "-1GB", "1.5GB", "GB", ""])
def test_a_limit_that_is_no_size_is_refused(repo: Repo, value: str) -> None:
    assert "invalid size" in repo.fails(2, "config", "set", "hooks.push_limit", "--", value).errors[0]


def test_switched_off_nothing_is_sent(pushing: Repo, tmp_path: Path) -> None:
    pushing.ok("config", "set", "hooks.push", "false")
    add(pushing, 1)
    push(pushing, "origin", "main")
    assert not (tmp_path / "store").exists()


def test_a_push_from_a_branch_without_mvc_says_where_to_go(pushing: Repo, hub: Repo) -> None:
    add(pushing, 1)
    pushing.git("switch", "-q", "--orphan", "pages")
    refused = pushing.run("git", "push", "origin", "main")
    assert refused.code == 1
    assert "git switch" in refused.fixes[0]
    assert hub.git("for-each-ref") == ""


def test_a_pushed_pointer_that_cannot_be_read_is_not_this_hook_s_matter(pushing: Repo) -> None:
    pushing.write("odd.bin.mvc", "<<<<<<< no pointer\n")
    pushing.git("add", "odd.bin.mvc")
    pushing.commit()
    push(pushing, "origin", "main")
