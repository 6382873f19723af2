"""Files that `.mvcignore` excludes from a tracked directory are Git's own: for every command, hook and gate alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo, noise

LARGE = noise("weights", 600_000)
CARD = "# A model\n"


@pytest.fixture
def hf(repo: Repo) -> Repo:
    """Return a repository with a model of a hub: weights by mvc, texts by Git."""
    repo.write(".mvcignore", "*.json\nREADME.md\ndocs/\n*.log\n")
    repo.write("models/hf/model.bin", LARGE)
    repo.write("models/hf/deep/part.bin", "part")
    repo.write("models/hf/config.json", '{"layers": 1}\n')
    repo.write("models/hf/deep/index.json", "{}\n")
    repo.write("models/hf/docs/usage.txt", "usage\n")
    repo.write("models/hf/README.md", CARD)
    repo.write("models/hf/train.log", "log\n")
    repo.write(".gitignore", "*.log\n")
    repo.ok("add", "models/hf")
    return repo


OWN = ["README.md", "config.json", "deep/index.json", "docs/usage.txt"]


def own_files(repo: Repo) -> list[str]:
    """Return the files that Git has in the directory."""
    return [name.removeprefix("models/hf/") for name in repo.git("ls-files", "models/hf").splitlines()]


def test_git_sees_what_mvc_leaves_out_and_nothing_else(hf: Repo) -> None:
    assert [item["path"] for item in hf.ok("ls", "-R", "models/hf", "--json").json["items"]] == [
        "models/hf/deep/part.bin", "models/hf/model.bin",
    ]
    others = hf.git("ls-files", "--others", "--exclude-standard", "models/hf").splitlines()
    assert others == [f"models/hf/{name}" for name in OWN]
    hf.write("models/hf/new.bin", "new")
    hf.write("models/hf/deep/new.bin", "new")
    hf.git("add", "models/hf")
    assert own_files(hf) == OWN
    for name in ("new.bin", "deep/new.bin"):
        hf.remove(f"models/hf/{name}")
    hf.git("add", "-A")
    hf.commit()
    assert hf.git("status", "--porcelain") == ""
    assert hf.states() == {"models/hf": "clean"}
    assert "models/hf" not in hf.ok("doctor").out
    assert "MVC308" not in hf.mvc("eval", "check").err


def test_a_clone_gets_both(hf: Repo, tmp_path: Path) -> None:
    hf.git("add", "-A")
    hf.ok("remote", "add", "nas", str(tmp_path / "nas"))
    hf.commit()
    hf.ok("push")
    clone = hf.clone(tmp_path / "clone")
    clone.ok("init")
    assert clone.states() == {"models/hf": "not-in-cache"}
    assert clone.fails(3, "add", "models/hf").errors == ["models/hf is tracked but missing"]
    clone.ok("pull")
    assert clone.states() == {"models/hf": "clean"}
    assert clone.contents("models/hf") == {
        name: body for name, body in hf.contents("models/hf").items() if name != "train.log"
    }
    for name in ("model.bin", "deep/part.bin"):
        clone.remove(f"models/hf/{name}")
    assert clone.states() == {"models/hf": "missing"}
    clone.ok("checkout")
    assert clone.git("status", "--porcelain") == ""


def test_a_change_of_a_file_of_git_is_git_s(hf: Repo) -> None:
    hf.git("add", "-A")
    hf.commit()
    hf.write("models/hf/config.json", '{"layers": 2}\n')
    assert hf.states() == {"models/hf": "clean"}
    hf.ok("checkout", "-f", "models/hf")
    assert hf.read("models/hf/config.json") == b'{"layers": 2}\n'
    assert hf.git("diff", "--name-only") == "models/hf/config.json"
    pointer = hf.read("models/hf.mvc")
    hf.ok("add", "models/hf")
    assert hf.read("models/hf.mvc") == pointer
    hf.git("commit", "-qam", "config")


def test_rm_leaves_them_and_mv_takes_them_along(hf: Repo) -> None:
    hf.git("add", "-A")
    hf.commit()
    hf.ok("mv", "models/hf", "models/new")
    hf.commit("moved")
    assert hf.git("status", "--porcelain") == ""
    assert hf.git("ls-files", "models/new").splitlines() == [f"models/new/{name}" for name in OWN]
    assert own_files(hf) == []
    assert hf.states() == {"models/new": "clean"}
    hf.ok("rm", "models/new")
    assert sorted(hf.contents("models/new")) == sorted([*OWN, "train.log"])
    hf.git("commit", "-qm", "removed")
    assert hf.git("ls-files", "models/new").splitlines() == [f"models/new/{name}" for name in OWN]


def test_switching_to_a_commit_without_the_pointer_deletes_the_content_and_leaves_git_s(hf: Repo) -> None:
    hf.ok("hook", "install")
    hf.git("add", "models/hf", ".gitignore", ".mvcignore")
    hf.git("reset", "-q", "models/hf.mvc")
    hf.git("commit", "-qm", "texts alone", "--no-verify")
    hf.git("add", "-A")
    hf.git("commit", "-qm", "the model", "--no-verify")
    hf.git("switch", "-q", "-d", "HEAD~1")
    assert sorted(hf.contents("models/hf")) == sorted([*OWN, "train.log"])


def test_the_user_s_own_ignore_lines_count(hf: Repo) -> None:
    block = hf.path("models/.gitignore").read_text()
    assert "train.log" not in block
    hf.write(".git/info/exclude", "README.md\n")
    hf.write("models/hf/more.bin", "more")
    hf.ok("add", "models/hf")
    assert "README.md" not in hf.path("models/.gitignore").read_text()
    hf.write(".mvcignore", "")
    hf.remove("models/hf")
    hf.write("models/hf/model.bin", LARGE)
    hf.ok("add", "models/hf")
    assert "\n/hf\n" in hf.path("models/.gitignore").read_text()


def test_content_that_was_forced_into_git_is_refused_by_its_name(hf: Repo) -> None:
    hf.git("add", "-A")
    hf.git("add", "-f", "models/hf/model.bin")
    result = hf.fails(2, "add", "models/hf")
    assert "tracked by Git" in result.errors[0]
    assert result.fixes == ["git rm -r --cached -- models/hf/model.bin && mvc add models/hf"]
    assert "MVC308" in hf.mvc("eval", "check").err + hf.mvc("eval", "check").out
    assert "MVC308" in hf.mvc("hook", "run", "pre-commit").err
    hf.git("rm", "-q", "--cached", "models/hf/model.bin")
    assert "MVC308" not in hf.mvc("eval", "check").err + hf.mvc("eval", "check").out
    assert "MVC308" not in hf.mvc("hook", "run", "pre-commit").err


def test_a_raw_model_that_mvcignore_excludes_is_still_a_raw_model(hf: Repo) -> None:
    hf.write(".mvcignore", "*.json\nREADME.md\n*.safetensors\n")
    hf.write("models/hf/raw.safetensors", "raw")
    hf.ok("add", "models/hf")
    hf.git("add", "-A")
    assert "raw.safetensors" in hf.mvc("hook", "run", "pre-commit").err
