"""`mvc rm`: pointer, report, ignore line, content and index entry go together, if the cache has the content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness import LARGE, MVC, Begin, Repo, make_home, noise, some

CALLS = {
    "rename": "rename,renameat,renameat2",
    "unlink": "unlink,unlinkat,rmdir",
    "fsync": "fsync,fdatasync",
    "write": "write,pwrite64",
}


def fill(repo: Repo) -> None:
    """Track a file with a report and a directory in `models`, beside a file tracked by Git."""
    repo.write("models/m.bin", noise("m", LARGE))
    repo.write("models/bert/a", b"a")
    repo.write("models/bert/sub/b", b"b")
    repo.write("models/m.bin.eval.yaml", "mvc-eval: 1\n")
    repo.write("models/m.bin.eval.yaml.sig", "signature\n")
    repo.write("README", "text")
    repo.ok("add", "models/m.bin", "models/bert")
    repo.git("add", ".")
    repo.commit()


@pytest.fixture
def models(begin: Begin) -> Repo:
    """Return a repository with something tracked."""
    return begin(fill)


def files(repo: Repo) -> set[str]:
    """Return the files of the worktree, without those of Git and mvc."""
    return {name for name in repo.contents(".") if not name.startswith((".git/", ".mvc/"))} - {".gitattributes"}


def test_all_that_belongs_to_it_is_gone(models: Repo) -> None:
    said = models.ok("rm", "models/m.bin").out
    assert "removed models/m.bin (1 file" in said
    assert "until mvc gc" in said
    assert files(models) == {"README", "models/.gitignore", "models/bert.mvc", "models/bert/a", "models/bert/sub/b"}
    assert models.git("status", "--porcelain").splitlines() == [
        "M  models/.gitignore",
        "D  models/m.bin.eval.yaml",
        "D  models/m.bin.eval.yaml.sig",
        "D  models/m.bin.mvc",
    ]
    assert models.states() == {"models/bert": "clean"}
    models.ok("verify")


def test_the_last_one_takes_its_empty_directories_and_gitignore_along(models: Repo) -> None:
    models.ok("rm", "models")
    assert files(models) == {"README"}
    assert not models.path("models").exists()
    models.commit()
    assert models.git("ls-files").splitlines() == [".gitattributes", ".mvc/config.yaml", ".mvc/policy.yaml", "README"]


def test_the_user_s_lines_of_gitignore_stay(models: Repo) -> None:
    models.write("models/.gitignore", b"*.log\n" + models.read("models/.gitignore"))
    models.ok("rm", "models")
    assert models.read("models/.gitignore") == b"*.log\n"


@pytest.mark.parametrize("path", ["models/m.bin", "models/bert", "models"])
def test_the_line_to_undo_it_brings_all_back(models: Repo, path: str) -> None:
    before = {name: models.read(name) for name in files(models)}
    said = models.ok("rm", path).out
    (undo,) = [line.removeprefix("Undo: ") for line in said.splitlines() if line.startswith("Undo: ")]
    assert models.shell(undo).code == 0
    assert {name: models.read(name) for name in files(models)} == before
    assert models.git("status", "--porcelain") == ""
    assert set(models.states().values()) == {"clean"}


def test_pointer_and_checkout_are_enough_to_undo_it(models: Repo) -> None:
    models.ok("rm", "models/bert")
    models.git("checkout", "HEAD", "--", "models/bert.mvc")
    models.ok("checkout", "models/bert")
    assert models.contents("models/bert") == {"a": b"a", "sub/b": b"b"}
    assert models.git("check-ignore", "models/bert") == "models/bert"
    assert models.git("status", "--porcelain") == ""


def test_undone_after_keep_it_is_ignored_again(models: Repo) -> None:
    models.ok("rm", "--keep", "models/bert")
    models.git("checkout", "HEAD", "--", "models/bert.mvc")
    models.ok("checkout", "models/bert")
    assert models.git("status", "--porcelain") == ""
    assert models.states() == {"models/bert": "clean", "models/m.bin": "clean"}


def test_a_gitignore_that_cannot_be_read_stops_no_other_path(repo: Repo, tmp_path: Path) -> None:
    repo.added("a/m.bin", b"1")
    repo.added("b/n.bin", b"2")
    repo.write("a/.gitignore", b"")
    repo.remove("a/.gitignore")
    repo.path("a/.gitignore").symlink_to(tmp_path / "outside")
    for name in ("a/m.bin", "b/n.bin", "b/.gitignore"):
        repo.remove(name)
    repo.ok("checkout")
    assert set(repo.states().values()) == {"clean"}
    assert repo.git("check-ignore", "b/n.bin") == "b/n.bin"
    assert not (tmp_path / "outside").exists()


def test_a_gitignore_in_conflict_stays_in_conflict(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    for branch, line in (("side", b"theirs\n"), ("main", b"ours\n")):
        repo.git("switch", "-q", *(["-c"] if branch == "side" else []), branch)
        repo.write(".gitignore", line)
        repo.git("commit", "-qam", branch)
    repo.git("merge", "side", code=1)
    repo.remove("m.bin")
    repo.ok("checkout")
    assert repo.git("ls-files", "--unmerged").count(".gitignore") == 3


def test_after_a_commit_the_past_comes_back_with_rev(models: Repo) -> None:
    old = models.git("rev-parse", "HEAD")
    models.ok("rm", "models")
    models.commit()
    models.ok("checkout", "--rev", old)
    assert models.read("models/m.bin") == noise("m", LARGE)
    assert models.read("models/m.bin.eval.yaml") == b"mvc-eval: 1\n"
    assert set(models.states().values()) == {"clean"}


def test_keep_leaves_the_content_for_git_to_see(models: Repo) -> None:
    said = models.ok("rm", "--keep", "models/m.bin", "models/bert").out
    assert "left in the workspace, visible to Git" in said
    assert models.read("models/m.bin") == noise("m", LARGE)
    assert models.contents("models/bert") == {"a": b"a", "sub/b": b"b"}
    seen = models.git("ls-files", "--others", "--exclude-standard").splitlines()
    assert seen == ["models/bert/a", "models/bert/sub/b", "models/m.bin"]
    assert models.states() == {}
    models.ok("add", "models/m.bin")
    assert models.states() == {"models/m.bin": "clean"}


def test_what_was_never_committed_can_go(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin")
    said = repo.ok("rm", "--keep", "m.bin").out
    assert "Undo" not in said
    assert repo.git("status", "--porcelain").splitlines() == ["?? m.bin"]
    repo.ok("add", "m.bin")
    assert "No commit has the pointer" in repo.ok("rm", "m.bin").out
    assert repo.git("status", "--porcelain") == ""


def test_globs_and_directories_above_mean_what_they_mean_to_status(repo: Repo) -> None:
    for name in ("a/x.bin", "a/y.bin", "b/z.bin", "b/z.txt", "c/w.txt"):
        repo.added(name, name)
    repo.ok("rm", "*.bin")
    assert set(repo.states()) == {"b/z.txt", "c/w.txt"}
    repo.ok("rm", "b", "c/w.txt.mvc")
    assert repo.states() == {}


@pytest.mark.parametrize("name", ["a b.bin", "数据.bin", "-dash", "[a]", ":(top)x", "#x"])
def test_odd_names(repo: Repo, name: str) -> None:
    repo.write(name, b"1")
    repo.ok("add", "--", name)
    repo.commit()
    said = repo.ok("rm", "--", name).out
    assert not repo.path(name).exists()
    (undo,) = [line.removeprefix("Undo: ") for line in said.splitlines() if line.startswith("Undo: ")]
    if not name.startswith(":("):  # Git would read it as pathspec magic
        assert repo.shell(undo).code == 0
        assert repo.states() == {name: "clean"}
        assert repo.git("status", "--porcelain") == ""


def test_from_a_subdirectory_which_stays(models: Repo) -> None:
    models.ok("rm", "m.bin", "bert", cwd="models")
    assert models.path("models").is_dir()
    assert files(models) == {"README"}


# States.


@pytest.mark.parametrize("name", ["m.bin", "data"])
@pytest.mark.parametrize("state", ["modified", "not-in-cache"])
def test_what_the_cache_lacks_is_refused_and_the_line_to_type_works(repo: Repo, name: str, state: str) -> None:
    file = name if name == "m.bin" else "data/sub/part"
    repo.write(file, noise("old", LARGE))
    repo.added(name)
    repo.added("other.bin", b"1")
    if state == "modified":
        repo.write(file, b"precious")
    else:
        shutil.rmtree(repo.store / "objects")
    content = repo.read(file)
    result = repo.fails(3, "rm", name, "other.bin")
    assert f"{file}: not in the cache" in result.errors[0]
    assert repo.read(file) == content
    assert repo.states() == {name: state}  # the other one was removed
    assert repo.shell(result.fixes[0]).code == 0
    repo.ok("rm", name)
    assert repo.states() == {}


def test_an_untracked_file_in_a_tracked_directory_is_not_deleted(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.added("data")
    repo.write("data/new", b"precious")
    result = repo.fails(3, "rm", "data")
    assert "data/new" in result.errors[0]
    assert len(repo.contents("data")) == 4
    repo.ok("rm", "--keep", "data")
    assert len(repo.contents("data")) == 4


def test_a_damaged_object_is_no_proof(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    loose = repo.loose(repo.digest("m.bin"))
    loose.chmod(0o644)
    loose.write_bytes(b"x" + loose.read_bytes()[1:])
    repo.fails(3, "rm", "m.bin")
    assert repo.read("m.bin") == noise("m", LARGE)


@pytest.mark.parametrize("name", ["m.bin", "data"])
def test_missing_and_behind_can_go(repo: Repo, name: str) -> None:
    file = name if name == "m.bin" else "data/part"
    repo.write(file, b"old")
    old = repo.added(name)
    repo.write(file, b"new")
    repo.added(name)
    repo.git("reset", "-q", "--hard", old)
    assert repo.state(name) == "behind"
    repo.ok("rm", name)
    assert not repo.path(name).exists()
    repo.git("reset", "-q", "--hard")
    assert repo.state(name) == "missing"
    repo.ok("rm", name)
    assert repo.states() == {}


def test_a_changed_mode_alone_is_no_content(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.path("m.bin").chmod(0o755)
    repo.ok("rm", "m.bin")


@pytest.mark.parametrize("kind", ["invalid", "conflict"])
def test_pointers_that_cannot_be_used_go_with_keep_only(models: Repo, kind: str) -> None:
    if kind == "invalid":
        models.write("models/m.bin.mvc", "garbage")
    else:
        models.git("switch", "-q", "-c", "side")
        models.added("models/m.bin", b"theirs")
        models.git("switch", "-q", "main")
        models.ok("checkout")
        models.added("models/m.bin", b"ours")
        models.git("merge", "side", code=1)
    content = models.read("models/m.bin")
    result = models.fails(3, "rm", "models/m.bin")
    assert models.states()["models/m.bin"] == kind
    assert models.shell(result.fixes[0]).code == 0
    assert models.states() == {"models/bert": "clean"}
    assert models.read("models/m.bin") == content
    assert models.git("ls-files", "--unmerged") == ""
    assert "models/m.bin.mvc" not in models.git("ls-files")


def test_a_report_that_git_does_not_have_is_not_deleted(models: Repo) -> None:
    models.write("models/m.bin.eval.yaml", "mvc-eval: 1\n# precious\n")
    result = models.fails(3, "rm", "models")
    assert "models/m.bin.eval.yaml" in result.errors[0]
    assert models.states() == {"models/m.bin": "clean"}
    assert models.read("models/m.bin") == noise("m", LARGE)
    line = result.fixes[0].replace("git commit", "git commit -qm x")
    assert models.shell(line).code == 0
    models.ok("rm", "models")
    assert files(models) == {"README"}


def test_what_mvcignore_leaves_out_stays_and_is_named(repo: Repo) -> None:
    repo.write(".mvcignore", "*.log\n")
    repo.write("data/a", b"a")
    repo.write("data/run.log", b"log")
    repo.added("data")
    said = repo.ok("rm", "data").out
    assert "Files that were never tracked left in the workspace, visible to Git: data" in said
    assert repo.contents("data") == {"run.log": b"log"}


def test_empty_directories_go_with_it(repo: Repo) -> None:
    repo.write("data/a", b"a")
    repo.path("data/empty/deep").mkdir(parents=True)
    repo.added("data")
    repo.ok("rm", "data")
    assert not repo.path("data").exists()


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_links_go_and_the_cache_keeps_the_object(repo: Repo, link: str) -> None:
    repo.ok("config", "set", "cache.link", link)
    repo.added("m.bin", noise("m", LARGE))
    repo.remove("m.bin")
    repo.ok("checkout")
    digest = repo.digest("m.bin")
    repo.ok("rm", "m.bin")
    assert not os.path.lexists(repo.path("m.bin"))
    assert repo.loose(digest).read_bytes() == noise("m", LARGE)


# Refusals.


def test_a_part_of_a_directory_is_refused_and_the_line_to_type_works(models: Repo) -> None:
    result = models.fails(2, "rm", "models/bert/sub")
    assert "tracked as a whole" in result.errors[0]
    assert models.shell(result.fixes[0]).code == 0
    assert models.contents("models/bert") == {"a": b"a"}
    assert set(models.states().values()) == {"clean"}


@pytest.mark.parametrize(
    ("path", "line"), [("README", "git rm -r --cached -- README"), ("untracked", "mvc ls"), ("nothing", "mvc ls")],
)
def test_what_is_not_tracked(models: Repo, path: str, line: str) -> None:
    models.write("untracked", "1")
    result = models.fails(3, "rm", path)
    assert line in result.fixes[0]
    assert models.path("README").exists()
    assert models.path("untracked").exists()


def test_what_a_sparse_checkout_leaves_out_is_refused(models: Repo) -> None:
    models.added("there/x.bin", b"x")
    models.git("sparse-checkout", "set", "models")
    assert "sparse" in models.fails(3, "rm", "there/x.bin").errors[0]


def test_through_a_symlink_nothing_is_deleted(repo: Repo, tmp_path: Path) -> None:
    repo.added("data/m.bin", b"1")
    repo.path("data").rename(tmp_path / "outside")
    repo.path("data").symlink_to(tmp_path / "outside")
    repo.mvc("rm", "data/m.bin")
    assert (tmp_path / "outside/m.bin").read_bytes() == b"1"


def test_a_symlink_to_elsewhere_in_a_directory_is_refused(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"1")
    repo.write("data/a", b"a")
    repo.added("data")
    repo.path("data/link").symlink_to(tmp_path / "outside")
    repo.fails(2, "rm", "data")
    assert repo.path("data/a").exists()
    assert repo.path("data/link").is_symlink()


# Killed on the way.


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with something tracked."""
    top = tmp_path_factory.mktemp("prepared")
    shutil.copytree(template, top / "repo", symlinks=True)
    repo = Repo(top / "repo", make_home(top / "home"))
    fill(repo)
    return repo.root


@pytest.mark.sampled
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("keep", [False, True])
def test_killed_the_same_line_goes_on_and_all_can_be_brought_back(
    prepared: Path, environ: dict[str, str], tmp_path: Path, kind: str, keep: bool,
) -> None:
    died = 0
    line = ["rm", "--keep", "models"] if keep else ["rm", "models"]
    for point in some((1, 2, 3, 5, 7, 9, 11, 14), 3):
        repo = Repo(tmp_path / f"at-{point}", environ)
        shutil.copytree(prepared, repo.root, symlinks=True)
        calls = ["-e", f"trace={CALLS[kind]}", "-e", f"inject={CALLS[kind]}:signal=KILL:when={point}"]
        died += repo.run("strace", "-f", "-qq", "-o", "/dev/null", *calls, MVC, *line).code != 0
        repo.path(".git/index.lock").unlink(missing_ok=True)
        again = repo.mvc(*line)
        assert again.code == 0 or "tracked" in again.errors[0], again
        assert repo.states() == {}
        left = {"models/m.bin", "models/bert/a", "models/bert/sub/b"} if keep else set()
        assert files(repo) == {"README"} | left
        assert repo.git("diff", "--name-only") == ""
        repo.git("reset", "-q", "--hard")
        repo.ok("checkout")
        assert repo.read("models/m.bin") == noise("m", LARGE)
        assert repo.contents("models/bert") == {"a": b"a", "sub/b": b"b"}
        assert set(repo.states().values()) == {"clean"}
        shutil.rmtree(repo.root)
    assert died


def test_a_pointer_that_was_deleted_by_hand_can_be_removed_all_the_same(models: Repo) -> None:
    models.remove("models/m.bin.mvc")
    models.ok("rm", "models/m.bin")
    assert not models.path("models/m.bin").exists()
    assert "/m.bin" not in models.read("models/.gitignore").decode()
    assert "models/m.bin.mvc" not in models.git("ls-files")


def test_a_locked_index_is_named_and_the_same_line_goes_on(models: Repo) -> None:
    lock = models.write(".git/index.lock", "")
    os.utime(lock, (0, 0))
    assert "index.lock" in models.fails(3, "rm", "models/m.bin").err
    lock.unlink()
    models.ok("rm", "models/m.bin")
    assert "models/m.bin.mvc" not in models.git("ls-files")


def test_json(models: Repo) -> None:
    models.write("models/bert/a", b"changed")
    result = models.mvc("rm", "models", "--json")
    assert result.code == 3
    assert result.json["removed"] == [
        {
            "path": "models/m.bin",
            "pointer": "models/m.bin.mvc",
            "files": 1,
            "size": LARGE,
            "kept": False,
            "reports": ["models/m.bin.eval.yaml", "models/m.bin.eval.yaml.sig"],
        }
    ]
    assert [failure["path"] for failure in result.json["failed"]] == ["models/bert"]
    assert result.err == ""
