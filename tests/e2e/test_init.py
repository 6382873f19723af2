"""`mvc init`: in a new repository, again, and in a clone."""

from __future__ import annotations

from pathlib import Path

from harness import Repo


def test_init_writes_and_stages_just_its_own_files(bare_git: Repo) -> None:
    result = bare_git.ok("init")
    assert bare_git.git("status", "--porcelain").splitlines() == [
        "A  .gitattributes", "A  .mvc/config.yaml", "A  .mvc/policy.yaml",
    ]
    assert bare_git.read(".gitattributes").decode().splitlines() == [
        "*.mvc text eol=lf merge=mvc", "*.eval.yaml text eol=lf merge=mvc", ".gitignore merge=mvc",
    ]
    assert "Next: mvc add PATH" in result.out
    assert (bare_git.store / "store.yaml").read_text() == "mvc-store: 1\nfeatures: {read: [], write: []}\n"


def test_init_says_how_to_save_space_where_blocks_cannot_be_shared(bare_git: Repo) -> None:
    said = bare_git.ok("init").out
    lines = [line.partition("mvc config ") for line in said.splitlines() if "mvc config " in line]
    for _, command, arguments in lines:
        assert bare_git.shell(command + arguments).code == 0
    assert ("cannot share blocks" in said) == bool(lines)


def test_init_again_changes_nothing(repo: Repo) -> None:
    assert "already" in repo.ok("init").out
    assert repo.git("status", "--porcelain") == ""


def test_init_keeps_the_attributes_that_were_there(bare_git: Repo) -> None:
    bare_git.write(".gitattributes", "*.png binary")
    bare_git.ok("init")
    assert bare_git.read(".gitattributes").decode().splitlines() == [
        "*.png binary",
        "*.mvc text eol=lf merge=mvc",
        "*.eval.yaml text eol=lf merge=mvc",
        ".gitignore merge=mvc",
    ]


def test_init_in_a_clone_changes_no_committed_file(repo: Repo, tmp_path: Path) -> None:
    repo.added("m.bin", b"weights")
    clone = repo.clone(tmp_path / "clone")
    clone.ok("init")
    assert clone.git("status", "--porcelain") == ""
    assert clone.state("m.bin") == "not-in-cache"
    clone.write("other.bin", b"more")
    clone.ok("add", "other.bin")


def test_a_clone_works_without_init(repo: Repo, tmp_path: Path) -> None:
    clone = repo.clone(tmp_path / "clone")
    clone.added("m.bin", b"weights")
    assert clone.states() == {"m.bin": "clean"}


def test_init_with_a_cache_elsewhere_keeps_objects_there_and_the_catalog_here(bare_git: Repo, tmp_path: Path) -> None:
    bare_git.ok("init", "--cache", str(tmp_path / "shared"))
    bare_git.added("m.bin", b"weights")
    assert list((tmp_path / "shared/packs").iterdir())
    assert not (bare_git.store / "packs").exists()
    assert list(bare_git.store.glob("catalog-*.db"))


def test_init_refuses_a_cache_inside_the_worktree(bare_git: Repo) -> None:
    result = bare_git.fails(2, "init", "--cache", "here")
    assert "inside the worktree" in result.errors[0]
    assert not bare_git.path(".mvc").exists()


def test_init_from_a_subdirectory_sets_the_whole_repository_up(bare_git: Repo) -> None:
    bare_git.path("sub").mkdir()
    bare_git.ok("init", cwd="sub")
    assert bare_git.path(".mvc/config.yaml").exists()


def test_init_outside_of_git_says_what_to_type(tmp_path: Path, environ: dict[str, str]) -> None:
    nowhere = Repo(tmp_path / "nowhere", environ)
    nowhere.root.mkdir()
    result = nowhere.fails(2, "init")
    assert nowhere.shell(result.fixes[0]).code == 0
    nowhere.ok("status")


def test_every_command_without_init_says_mvc_init(bare_git: Repo) -> None:
    for command in (
        ["add", "x"],
        ["status"],
        ["diff"],
        ["checkout"],
        ["ls"],
        ["log", "x"],
        ["verify"],
        ["config", "list"],
    ):
        assert bare_git.fails(2, *command).fixes == ["mvc init"]


def test_a_bare_repository_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    bare = Repo(tmp_path / "bare.git", environ)
    bare.root.mkdir()
    bare.git("init", "-q", "--bare")
    for command in ("init", "status"):
        assert "bare repository" in bare.fails(2, command).errors[0]
