"""The lines in `.gitignore` for tracked paths: written, removed, restored."""

from __future__ import annotations

from harness import Repo

from mvc.ops.shared.pointers import ignore_files, keep_ignoring, stop_ignoring
from mvc.project import Project
from mvc.workspace.gitignore import BEGIN, END


def block(*names: str) -> str:
    """Return mvc's block with these names."""
    return "\n".join([BEGIN, *(f"/{name}" for name in names), END]) + "\n"


def test_each_directory_has_one_file_with_all_its_names(repo: Repo, project: Project) -> None:
    repo.write("d/.gitignore", "mine\n" + block("old"))
    files = {item.path: item for item in ignore_files(project.tree, add=["d/b", "d/a", "c"], remove=["d/old"])}
    assert {path: (item.new.decode(), item.old is None) for path, item in files.items()} == {
        ".gitignore": (block("c"), True),
        "d/.gitignore": ("mine\n" + block("a", "b"), False),
    }


def test_a_file_that_becomes_empty_is_deleted(repo: Repo, project: Project) -> None:
    repo.write(".gitignore", block("a"))
    repo.write("d/.gitignore", "mine\n" + block("b"))
    assert stop_ignoring(project, ["a", "d/b", "e/c"]) == [".gitignore", "d/.gitignore", "e/.gitignore"]
    assert not repo.path(".gitignore").exists()
    assert repo.path("d/.gitignore").read_text() == "mine\n"
    assert not repo.path("e").exists()


def test_a_lost_line_is_restored_only_where_git_would_see_the_content(repo: Repo, project: Project) -> None:
    repo.write("a", "x")
    repo.write("d/b", "x")
    repo.write(".git/info/exclude", "d/\n")
    keep_ignoring(project, ["a", "d/b"])
    assert repo.path(".gitignore").read_text() == block("a")
    assert not repo.path("d/.gitignore").exists()
    assert repo.git("diff", "--cached", "--name-only") == ".gitignore"


def test_a_gitignore_in_conflict_is_not_touched(repo: Repo, project: Project) -> None:
    repo.write("a", "x")
    repo.write(".gitignore", "1\n")
    repo.git("add", ".gitignore")
    oid = repo.git("hash-object", "-w", ".gitignore")
    repo.write("info", f"0 {'0' * 40}\t.gitignore\n" + "".join(f"100644 {oid} {n}\t.gitignore\n" for n in (1, 2, 3)))
    repo.shell("git update-index --index-info < info")
    keep_ignoring(project, ["a"])
    assert repo.path(".gitignore").read_text() == "1\n"
