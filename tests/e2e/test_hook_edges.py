"""Ways around the hook that were found once: each stays closed."""

from __future__ import annotations

import pytest
from harness import Repo


@pytest.fixture
def hooked(bare_git: Repo) -> Repo:
    """Return a repository in which mvc was set up with hooks; nothing of it is committed yet."""
    bare_git.ok("init")
    repo = bare_git.hooked()
    repo.write("models/m.bin", b"content")
    repo.ok("add", "models/m.bin")
    return repo


def refusal(repo: Repo, *args: str, cwd: str = ".") -> str:
    """Commit, which must be refused; what the hook says."""
    result = repo.run("git", "commit", "-qm", "x", *args, cwd=cwd)
    assert result.code == 1, result
    return result.err


def test_a_commit_of_the_models_alone_before_mvc_itself_is_committed(hooked: Repo) -> None:
    assert "MVC101 models/m.bin" in refusal(hooked, "--", "models")


def test_taking_mvc_out_of_git_opens_no_door(hooked: Repo) -> None:
    hooked.ok("eval", "record", "models/m.bin", "--tag", "v1.0.0", "--metric", "auc=1")
    hooked.commit()
    hooked.git("rm", "-rq", "--cached", ".mvc")
    hooked.commit("without")
    hooked.write("models/n.bin", b"another")
    hooked.ok("add", "models/n.bin")
    assert "MVC101 models/n.bin" in refusal(hooked)


def test_a_replaced_report_is_not_what_is_judged(hooked: Repo) -> None:
    hooked.ok("eval", "record", "models/m.bin", "--tag", "v1.0.0", "--metric", "auc=1")
    good = hooked.git("rev-parse", ":models/m.bin.eval.yaml")
    text = hooked.read("models/m.bin.eval.yaml").decode()
    hooked.write("models/m.bin.eval.yaml", text.replace('tag: "v1.0.0"\n', ""))
    hooked.git("add", "models")
    hooked.git("replace", hooked.git("rev-parse", ":models/m.bin.eval.yaml"), good)
    assert "MVC104 models/m.bin" in refusal(hooked)


def test_lines_are_for_the_directory_that_git_was_typed_in(hooked: Repo) -> None:
    told = refusal(hooked, cwd="models")
    assert "error: MVC101 m.bin: " in told
    line = next(line for line in told.splitlines() if "try: " in line).removeprefix("  try: ").replace("NUMBER", "1")
    assert hooked.shell(line.partition("  #")[0], cwd="models").code == 0
    assert hooked.run("git", "commit", "-qm", "x", cwd="models").code == 0
