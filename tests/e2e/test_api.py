"""The Python API: `mvc.Project`, and what it returns."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import LARGE, Repo

import mvc


def test_find_add_status_checkout_diff(repo: Repo) -> None:
    repo.write("models/m.bin", b"old")
    with mvc.Project.find(repo.root / "models") as project:
        assert project.root == str(repo.root)
        added = project.add("m.bin", desc="first", name="ranker")
        assert [(item.path, item.kind, item.size, item.changed) for item in added.added] == [
            ("models/m.bin", "file", 3, True)
        ]
        assert added.failed == ()
        assert project.status().clean
        old = repo.commit()
        repo.write("models/m.bin", b"newer")
        assert [(item.path, item.state) for item in project.status("m.bin").items] == [("models/m.bin", "modified")]
        assert [(change.change, change.path) for change in project.diff().changes] == [("modified", "models/m.bin")]
        project.add("m.bin")
        repo.commit()
        assert project.diff(old, "HEAD", paths=["m.bin"]).changes[0].new.size == 5
        done = project.checkout("m.bin", rev=old)
        assert [(item.path, item.written) for item in done.done] == [("models/m.bin", 1)]
    assert repo.read("models/m.bin") == b"old"


def test_every_word_of_add_and_checkout(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"outside")
    repo.path("m.bin").symlink_to(tmp_path / "outside")
    with mvc.Project.find(repo.root) as project:
        assert project.add("m.bin").failed[0].path == "m.bin"
        assert project.add("m.bin", follow_symlinks=True, stage=False).added
        assert repo.git("diff", "--cached", "--name-only") == ""
        repo.remove("m.bin")
        repo.write("m.bin", b"changed")
        assert project.checkout().failed
        assert project.checkout(force=True).done
        assert project.checkout(relink=True).done
    assert repo.read("m.bin") == b"outside"


def test_mv_unprotect_rm(repo: Repo) -> None:
    repo.ok("config", "set", "cache.link", "symlink")
    repo.added("models/m.bin", bytes(LARGE))
    repo.remove("models/m.bin")
    repo.ok("checkout")
    with mvc.Project.find(repo.root / "models") as project:
        assert [(item.old_path, item.path) for item in project.mv("m.bin", "../archive/").moved] == [
            ("models/m.bin", "archive/m.bin")
        ]
        assert [item.files for item in project.unprotect("../archive").unprotected] == [1]
        assert [item.kept for item in project.rm("../archive/m.bin", keep=True).removed] == [True]
        assert project.status().items == ()
        project.add("../archive/m.bin")
        assert [item.size for item in project.rm("../archive/m.bin").removed] == [LARGE]
    assert not repo.path("archive").exists()


def test_errors_say_what_to_type(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(mvc.MvcError, match="not in a Git repository") as caught:
        mvc.Project.find(tmp_path)
    assert caught.value.fix
    with mvc.Project.find(repo.root) as project, pytest.raises(mvc.MvcError, match="not tracked"):
        project.status("nothing")


def test_find_takes_the_current_directory(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root)
    with mvc.Project.find() as project:
        assert project.status().items == ()


def test_the_package_is_typed_and_names_what_is_public() -> None:
    assert (Path(mvc.__file__).parent / "py.typed").exists()
    assert {"Project", "MvcError", "__version__"} <= set(dir(mvc))
    with pytest.raises(AttributeError, match="no_such_name"):
        mvc.no_such_name  # noqa: B018
