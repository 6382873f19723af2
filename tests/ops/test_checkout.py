"""The use case `checkout`: what it writes, what it refuses, and that a path that fails does not stop the others."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from harness import LARGE, Repo, noise

from mvc.errors import UsageError
from mvc.ops.shared.checkout import CheckoutOptions, CheckoutResult
from mvc.ops.workspace.checkout import checkout
from mvc.project import Project
from mvc.scm.plumbing import Git


def test_nothing_to_do(project: Project) -> None:
    assert checkout(project) == CheckoutResult(done=(), failed=())


def test_what_is_missing_is_written(repo: Repo, project: Project) -> None:
    repo.remove("m.bin")
    repo.remove("data/sub")
    result = checkout(project)
    assert {item.path: (item.written, item.size) for item in result.done} == {"m.bin": (1, LARGE), "data": (1, 1)}
    assert repo.read("m.bin") == noise("new", LARGE)
    assert repo.contents("data") == {"a": b"a", "sub/b": b"b"}


def test_what_is_in_no_cache_is_not_overwritten(repo: Repo, project: Project) -> None:
    repo.write("m.bin", b"precious")
    repo.remove("data/a")
    result = checkout(project)
    assert [item.path for item in result.done] == ["data"]
    assert [failure.path for failure in result.failed] == ["m.bin"]
    assert repo.read("m.bin") == b"precious"
    assert checkout(project, options=CheckoutOptions(force=True)).failed == ()
    assert repo.read("m.bin") == noise("new", LARGE)


def test_content_that_the_cache_lacks_fails_for_that_path_alone(repo: Repo, project: Project) -> None:
    shutil.rmtree(repo.store / "objects")  # data is in a pack
    repo.remove("m.bin")
    repo.remove("data")
    result = checkout(project)
    assert [item.path for item in result.done] == ["data"]
    assert [failure.path for failure in result.failed] == ["m.bin"]
    assert repo.contents("data") == {"a": b"a", "sub/b": b"b"}


def test_a_revision_brings_back_pointer_and_content(repo: Repo, project: Project) -> None:
    result = checkout(project, ["m.bin"], rev="old")
    assert [item.path for item in result.done] == ["m.bin"]
    assert repo.read("m.bin") == noise("old", LARGE)
    assert repo.git("diff", "--cached", "--name-only", "old") == ""


def test_history_is_read_only_for_content_that_nothing_near_names(
    repo: Repo, project: Project, monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    attempt = Git.attempt

    def recording(self: Git, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        asked.append(args[0])
        return attempt(self, *args, stdin=stdin)

    monkeypatch.setattr(Git, "attempt", recording)
    checkout(project)
    repo.remove("data/a")
    checkout(project)
    assert not {"diff-index", "log"} & set(asked)  # clean, or nothing is overwritten
    repo.git("checkout", "-q", "old")
    checkout(project)
    assert repo.read("m.bin") == noise("old", LARGE)
    assert "log" not in asked  # it was HEAD's before the switch


def test_no_such_revision(project: Project) -> None:
    with pytest.raises(UsageError):
        checkout(project, rev="nowhere")
