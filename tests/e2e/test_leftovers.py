"""What `git rm` and `git mv` of a pointer leave is said by `status`, and cleared by the hook; nothing is lost."""

from __future__ import annotations

import json

import pytest
from harness import MANY, Begin, Repo


def tracking(repo: Repo) -> None:
    """Track files and directories, without reports."""
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.write("models/a.bin", "a")
    repo.write("models/[b] c.bin", "b")
    repo.write("d/x", "x")
    repo.write_dir("many", MANY)
    repo.ok("add", "models/a.bin", "models/[[]b] c.bin", "d", "many")
    repo.git("add", ".mvc")
    repo.commit()


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return that repository, with hooks."""
    return begin(tracking).hooked()


def left(repo: Repo) -> dict[str, bool]:
    """Return what `status` says is left, and whether there is content."""
    return {item["path"]: item["there"] for item in repo.ok("status", "--json").json.get("left", [])}


def is_ignored(repo: Repo, path: str) -> bool:
    return repo.run("git", "check-ignore", "-q", path).code == 0


@pytest.mark.parametrize("path", ["models/a.bin", "models/[b] c.bin", "d", "many"])
def test_a_removed_pointer(repo: Repo, path: str) -> None:
    assert left(repo) == {}
    repo.git("--literal-pathspecs", "rm", "-q", f"{path}.mvc")
    assert left(repo) == {path: True}
    said = repo.ok("status").out
    assert f"left             {path}  (its pointer is gone)\n" in said
    assert "  # deletes it, if the cache has it, and its line in .gitignore\n" in said
    done = repo.run("git", "commit", "-qm", "rm")
    assert (done.code, done.err) == (0, "")
    assert left(repo) == {}
    assert not repo.path(path).exists()
    assert not is_ignored(repo, path)
    assert repo.git("status", "--porcelain") == ""  # the commit has the ignore file, too
    repo.ok("checkout", "--rev", "HEAD~1", path.replace("[", "[[]"))
    assert repo.path(path).exists()


@pytest.mark.parametrize(("old", "new"), [("models/a.bin", "models/z.bin"), ("d", "deep/e"), ("many", "d2")])
def test_a_moved_pointer(repo: Repo, old: str, new: str) -> None:
    held = repo.contents(old) if repo.path(old).is_dir() else repo.read(old)
    repo.path(new).parent.mkdir(exist_ok=True)
    repo.git("mv", f"{old}.mvc", f"{new}.mvc")
    assert left(repo) == {old: True}
    assert repo.states()[new] == "missing"
    assert repo.run("git", "commit", "-m", "mv").code == 0
    assert (repo.contents(new) if repo.path(new).is_dir() else repo.read(new)) == held
    assert (repo.path(old).exists(), is_ignored(repo, old), is_ignored(repo, new)) == (False, False, True)
    assert (left(repo), set(repo.states().values())) == ({}, {"clean"})
    assert repo.git("status", "--porcelain") == ""


def test_the_line_of_status_does_it_without_a_commit(repo: Repo) -> None:
    repo.git("rm", "-q", "d.mvc")
    line = repo.ok("status", "--json").json["left"][0]["fix"]
    assert line in repo.ok("status", cwd="models").out.replace("../", "")
    assert repo.shell(line).code == 0
    assert (left(repo), repo.path("d").exists(), is_ignored(repo, "d")) == ({}, False, False)
    assert "d is not tracked" in repo.fails(3, "checkout", "d").errors[0]


@pytest.mark.parametrize("how", ["changed", "more", "not in the cache", "never committed"])
def test_content_that_nothing_names_or_holds_is_kept(repo: Repo, how: str) -> None:
    path = "new.bin" if how == "never committed" else "d"
    if how == "never committed":
        repo.write(path, "new")
        repo.ok("add", path)
    repo.git("rm", "-q", "-f", f"{path}.mvc")
    if how == "changed":
        repo.write("d/x", "changed")
    if how == "more":
        repo.write("d/y", "more")
    if how == "not in the cache":
        for pack in (repo.store / "packs").iterdir():
            pack.unlink()
    before = repo.contents(path) if repo.path(path).is_dir() else repo.read(path)
    done = repo.run("git", "commit", "--allow-empty", "-m", "rm")
    assert ("warning: d is no longer tracked here" in done.err) == (how != "never committed")
    result = repo.fails(3, "checkout", path)
    assert "it was not deleted" in result.errors[0]
    assert (repo.contents(path) if repo.path(path).is_dir() else repo.read(path)) == before
    assert left(repo) == {path: True}
    assert is_ignored(repo, path)
    repo.ok("add", path)  # the line to type
    assert left(repo) == {}


def test_only_the_line_is_left(repo: Repo) -> None:
    repo.git("rm", "-q", "models/a.bin.mvc")
    repo.remove("models/a.bin")
    assert left(repo) == {"models/a.bin": False}
    assert "(only its line in .gitignore)" in repo.ok("status").out
    repo.ok("checkout", "models/a.bin")
    assert left(repo) == {}


@pytest.mark.parametrize("arguments", [("-a",), ("--", "d.mvc"), ("--no-verify",)])
def test_every_way_to_commit(repo: Repo, arguments: tuple[str, ...]) -> None:
    """A commit of some paths, or without hooks, clears nothing; status says it, and the line to type does it."""
    repo.remove("d.mvc")
    if "-a" not in arguments:
        repo.git("rm", "-q", "d.mvc")
    repo.write("models/.gitignore", repo.read("models/.gitignore") + b"own\n")
    repo.git("commit", "-m", "rm", *arguments)
    assert left(repo) == ({} if "-a" in arguments else {"d": True})
    repo.mvc("checkout", "d")
    assert left(repo) == {}
    assert b"own\n" in repo.read("models/.gitignore")


def test_other_commits_and_settings_clear_nothing(repo: Repo) -> None:
    repo.git("rm", "-q", "d.mvc")
    repo.ok("config", "set", "--local", "hooks.checkout", "false")
    repo.git("commit", "-m", "rm")
    assert left(repo) == {"d": True}
    repo.ok("config", "set", "--local", "hooks.checkout", "true")
    repo.write("other.txt", "text")
    repo.git("add", "other.txt")
    repo.git("commit", "-m", "other")
    assert left(repo) == {"d": True}


def test_what_git_or_another_pointer_holds_now_is_not_left(repo: Repo) -> None:
    repo.git("rm", "-q", "d.mvc", "models/a.bin.mvc", "models/[[]b] c.bin.mvc")
    repo.write("models/.gitignore", repo.read("models/.gitignore"))
    repo.git("add", "-f", "models/a.bin")
    assert repo.git("status", "--porcelain", "d") == ""
    (repo.path("d") / "x").rename(repo.path("d") / "y")
    repo.git("rm", "-q", "--cached", ".gitignore")
    repo.write(".gitignore", repo.read(".gitignore"))
    repo.ok("add", "d/y")
    repo.git("add", ".gitignore")
    assert left(repo) == {"models/[b] c.bin": True}


def test_a_refused_commit_clears_nothing(repo: Repo) -> None:
    repo.git("rm", "-q", "d.mvc")
    repo.write("raw.onnx", "x")
    repo.git("add", "raw.onnx")
    assert repo.run("git", "commit", "-m", "rm").code == 1
    assert repo.path("d/x").exists()


def test_a_framework_that_allows_no_hook_to_change_files(repo: Repo) -> None:
    repo.git("rm", "-q", "d.mvc")
    assert repo.run("mvc", "hook", "run", "pre-commit", env={"PRE_COMMIT": "1"}).code == 0
    assert left(repo) == {"d": True}


def test_the_document(repo: Repo) -> None:
    repo.git("rm", "-q", "d.mvc")
    (item,) = json.loads(repo.ok("status", "--json").out)["left"]
    assert item == {"path": "d", "there": True, "fix": "mvc checkout d"}
    assert "left" not in repo.ok("status", "many", "--json").json
