"""`mvc import lfs`, of repositories that the real git-lfs made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Begin, InProcess, Repo
from lfs import ATTRIBUTES, CONTENT, LARGE_FILE, PLAIN, clone_without_content, contents, object_of, store_of, with_lfs

CLEAN = dict.fromkeys(CONTENT, "clean")


@pytest.fixture
def old(begin: Begin) -> Repo:
    """Return a repository of git-lfs, in which mvc is set up."""
    return begin(with_lfs)


def files_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return inode, mtime and content of all files."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path): (status.st_ino, status.st_mtime_ns, path.read_bytes()) for path, status in found.items()}


def check_imported(repo: Repo) -> None:
    """Check every byte by mvc alone, and that Git and git-lfs have nothing of it any more."""
    assert repo.states() == CLEAN
    assert contents(repo) == CONTENT
    assert set(CONTENT).isdisjoint(repo.git("ls-files", "-z").split("\0"))
    for path in CONTENT:
        repo.remove(path)
    shutil.rmtree(store_of(repo))
    repo.ok("checkout")
    assert contents(repo) == CONTENT
    assert os.access(repo.path("models/run.bin"), os.X_OK)


def test_every_byte_is_imported_and_nothing_of_git_lfs_is_touched(old: Repo) -> None:
    hooks, store = files_of(old.path(".git/hooks")), files_of(store_of(old))
    workspace = {path: old.path(path).stat() for path in CONTENT}
    head = old.git("rev-parse", "HEAD")
    old.ok("import", "lfs")
    assert (files_of(old.path(".git/hooks")), files_of(store_of(old))) == (hooks, store)
    inodes = {inode for inode, _, _ in store.values()}
    assert not inodes & {inode for inode, _, _ in files_of(old.store).values()}
    assert {path: old.path(path).stat().st_mtime_ns for path in CONTENT} == {
        path: status.st_mtime_ns for path, status in workspace.items()
    }
    assert old.git("rev-parse", "HEAD") == head
    assert old.git("status", "--short").splitlines() == [
        "M  .gitattributes", "A  .gitignore", "D  big.bin", "A  big.bin.mvc", "A  models/.gitignore",
        "D  models/deep/.gitattributes", "A  models/deep/.gitignore", "D  models/deep/again.h5",
        "A  models/deep/again.h5.mvc", "D  models/deep/weights.h5", "A  models/deep/weights.h5.mvc",
        "D  models/run.bin", "A  models/run.bin.mvc", 'D  "w[1] x,y.bin"', 'A  "w[1] x,y.bin.mvc"',
    ]
    check_imported(old)


def test_only_what_the_lines_say_about_git_lfs_is_removed(old: Repo) -> None:
    own = old.read(".gitattributes").decode().removeprefix(ATTRIBUTES[".gitattributes"])
    old.ok("import", "lfs")
    assert old.read(".gitattributes").decode() == f"# models\n*.txt text\n*.big linguist-generated -text\n{own}"
    assert old.read("models/.gitattributes").decode() == ATTRIBUTES["models/.gitattributes"]
    assert not old.path("models/deep/.gitattributes").exists()
    assert old.read(PLAIN) == b"in Git"


def test_a_second_import_does_nothing(old: Repo) -> None:
    old.ok("import", "lfs")
    before = old.git("write-tree"), files_of(old.store / "objects")
    for _ in range(2):
        assert "imported already" in old.ok("import", "lfs").out
        assert (old.git("write-tree"), files_of(old.store / "objects")) == before
        old.git("commit", "-qm", "imported", "--allow-empty")


def test_the_way_back_is_a_revert(old: Repo) -> None:
    old.ok("import", "lfs")
    old.commit("imported")
    old.git("revert", "--no-edit", "HEAD")
    assert contents(old) == CONTENT
    assert old.git("status", "--short") == ""
    assert len(old.git("lfs", "ls-files").splitlines()) == len(CONTENT)


def test_the_way_back_before_the_commit(old: Repo) -> None:
    old.ok("import", "lfs")
    old.ok("rm", "--keep", *CONTENT)
    assert old.shell("git reset -q && git restore ':(top)*.gitattributes'").code == 0
    assert old.git("status", "--short") == ""
    assert contents(old) == CONTENT


def test_hooks_and_gate_accept_the_commit(old: Repo) -> None:
    old.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    old.git("commit", "-qam", "policy")
    base, hooked = old.git("rev-parse", "HEAD"), old.hooked()
    hooked.ok("import", "lfs")
    assert "pre-push" in os.listdir(old.path(".git/hooks"))
    hooked.commit("imported")
    hooked.ok("gate", "--base", base)


# Where content comes from.


def elsewhere(repo: Repo) -> None:
    shutil.move(repo.path(".git/lfs"), repo.root.parent / "storage")
    repo.git("config", "lfs.storage", str(repo.root.parent / "storage"))


def unsmudged(repo: Repo) -> None:
    for path in CONTENT:
        repo.path(path).write_text(repo.git("cat-file", "-p", f"HEAD:{path}") + "\n")


@pytest.mark.parametrize("steps", [
    (lambda repo: shutil.rmtree(store_of(repo)),), (unsmudged,), (elsewhere, unsmudged),
], ids=["workspace", "store", "elsewhere"])
def test_content_is_found_wherever_it_is(
    old: Repo, in_process: InProcess, steps: tuple[Callable[[Repo], None], ...],
) -> None:
    for step in steps:
        step(old)
    result = in_process(old.root, "import", "lfs")
    assert result.code == 0, result
    assert contents(old) == CONTENT
    assert old.states() == CLEAN


def test_a_clone_without_content_fetches_it(old: Repo, tmp_path: Path) -> None:
    clone = clone_without_content(old, tmp_path / "clone")
    assert b"git-lfs" in clone.read("big.bin")
    clone.ok("import", "lfs", "models")
    assert [path.name for path in store_of(clone).rglob("*") if path.is_file()] != []
    assert clone.states() == {path: "clean" for path in CONTENT if path.startswith("models/")}
    assert b"git-lfs" in clone.read("w[1] x,y.bin")
    clone.ok("import", "lfs")
    check_imported(clone)


def test_a_worktree_takes_the_objects_of_all(old: Repo, tmp_path: Path) -> None:
    done = old.run("git", "worktree", "add", "-q", str(tmp_path / "tree"), env={"GIT_LFS_SKIP_SMUDGE": "1"})
    assert done.code == 0, done
    tree = Repo(tmp_path / "tree", old.environ)
    assert b"git-lfs" in tree.read("big.bin")
    tree.ok("import", "lfs")
    check_imported(tree)
    assert old.states() == {}


def test_what_is_missing_is_named_in_one_line_and_the_rest_goes_on(old: Repo, tmp_path: Path) -> None:
    clone = clone_without_content(old, tmp_path / "clone")
    lost = object_of(old, "big.bin")
    lost.rename(tmp_path / "lost")
    result = clone.fails(3, "import", "lfs")
    assert len(result.errors) == 1
    assert "git lfs fetch does not bring" in result.errors[0]
    assert result.errors[0].endswith(": big.bin, models/deep/again.h5")
    assert result.fixes == ["git lfs fetch --all && mvc import lfs"]
    assert set(clone.states()) == set(CONTENT) - {"big.bin", "models/deep/again.h5"}
    assert set(CONTENT).intersection(clone.git("ls-files").splitlines()) == {"big.bin", "models/deep/again.h5"}
    assert clone.read(".gitattributes").startswith(b"# models\n*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt")
    assert clone.read("models/deep/.gitattributes").decode() == ATTRIBUTES["models/deep/.gitattributes"]
    (tmp_path / "lost").rename(lost)
    assert clone.shell(result.fixes[0]).code == 0
    check_imported(clone)


def test_git_lfs_need_not_be_installed(old: Repo, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("git", "env", "python3"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or "")
    without = {"PATH": str(tmp_path / "bin")}
    old.remove("big.bin")
    object_of(old, "big.bin").unlink()
    old.write("models/deep/again.h5", "changed")
    result = old.fails(3, "import", "lfs", env=without)
    assert "(git-lfs is not installed): big.bin, models/deep/again.h5" in result.errors[0]
    assert set(old.states()) == set(CONTENT) - {"big.bin", "models/deep/again.h5"}


@pytest.mark.parametrize("path", ["big.bin", "models/run.bin"], ids=["large", "small"])
def test_a_damaged_object_is_refused(old: Repo, path: str) -> None:
    target = object_of(old, path)
    target.chmod(0o644)
    target.write_bytes(CONTENT[path][:-1] + b"?")
    old.remove(path)
    for other in CONTENT:
        if CONTENT[other] == CONTENT[path] and other != path:
            old.remove(other)
    result = old.fails(1, "import", "lfs")
    assert "has other content than sha256 " in result.errors[0]
    assert path not in old.states()
    assert path in old.git("lfs", "ls-files", "-n").splitlines()


# What stays.


def test_what_was_changed_in_the_workspace_stays_a_change(old: Repo) -> None:
    old.write("big.bin", LARGE_FILE[:-1] + b"?")
    old.write("models/run.bin", "longer than before")
    old.remove("models/deep/weights.h5")
    old.ok("import", "lfs")
    states = old.states()
    assert states == CLEAN | {"big.bin": "modified", "models/run.bin": "modified", "models/deep/weights.h5": "missing"}
    assert (old.read("big.bin"), old.read("models/run.bin")) == (LARGE_FILE[:-1] + b"?", b"longer than before")
    old.ok("checkout", "-f")
    assert contents(old) == CONTENT


def test_a_file_that_git_has_is_named_and_keeps_its_pattern(old: Repo) -> None:
    old.write("raw.bin", "never converted")
    old.git("-c", "filter.lfs.process=", "-c", "filter.lfs.required=false", "add", "raw.bin")
    old.commit("raw")
    result = old.ok("import", "lfs")
    assert "note: raw.bin was committed without git-lfs: Git has its content\n" in result.err
    assert "*.bin filter=lfs" in old.read(".gitattributes").decode()
    assert old.git("ls-files", "raw.bin") == "raw.bin"
    line = result.err.splitlines()[-1].removeprefix("  try: ")
    assert old.shell(line).code == 0
    old.ok("import", "lfs")
    assert "filter" not in old.read(".gitattributes").decode()
    assert old.states() == CLEAN | {"raw.bin": "clean"}


def with_a_folder_of_lfs(repo: Repo) -> None:
    with_lfs(repo)
    repo.write("all/.gitattributes", "** filter=lfs diff=lfs merge=lfs -text\n")
    for name in ("a", "b"):
        repo.write(f"all/{name}", name)
    repo.git("add", "-A")
    repo.commit("everything in a directory")


def test_a_pattern_that_stays_does_not_take_the_pointers(begin: Begin) -> None:
    repo = begin(with_a_folder_of_lfs)
    repo.ok("import", "lfs", "all/a")
    assert repo.states() == {"all/a": "clean"}
    for path in ("all/a.mvc", "all/.gitignore"):
        assert repo.git("show", f":{path}").encode() + b"\n" == repo.read(path)
    repo.git("commit", "-qm", "a")
    repo.git("add", "--renormalize", ".")
    assert repo.git("status", "--short") == ""
    assert repo.git("lfs", "ls-files", "-n").splitlines() == ["all/b", *sorted(CONTENT, key=str.encode)]
    repo.ok("import", "lfs")
    assert repo.states() == CLEAN | {"all/a": "clean", "all/b": "clean"}


@pytest.mark.parametrize(("patterns", "imported"), [
    (["*.h5"], {"models/deep/weights.h5", "models/deep/again.h5"}), (["big.bin"], {"big.bin"}),
    (["models/*.bin", "big.bin"], {"models/run.bin", "big.bin"}), (["."], set(CONTENT)),
])
def test_patterns_narrow_the_import(old: Repo, in_process: InProcess, patterns: list[str], imported: set[str]) -> None:
    result = in_process(old.root, "import", "lfs", *patterns)
    assert result.code == 0, result
    assert old.states() == dict.fromkeys(imported, "clean")
    lines = old.read(".gitattributes").decode()
    assert ("*.bin filter=lfs" in lines) == (not imported >= {path for path in CONTENT if path.endswith(".bin")})
    assert old.path("models/deep/.gitattributes").exists() == (not imported >= {"models/deep/weights.h5"})


def test_a_macro_is_a_pattern_as_well(old: Repo) -> None:
    old.write(".gitattributes", "[attr]model filter=lfs diff=lfs merge=lfs -text\n*.bin model\n*.h5 text\n")
    old.git("commit", "-qam", "a macro")
    old.ok("import", "lfs")
    assert old.read(".gitattributes") == b"[attr]model filter=lfs diff=lfs merge=lfs -text\n*.h5 text\n"
    assert old.states() == CLEAN


# Interruptions.


def killed_before_the_index_changed(repo: Repo) -> None:
    """The pointers are written, and the index is as before."""
    repo.git("restore", "--staged", ".")
    restored_attributes(repo)


def killed_before_the_files_left_the_index(repo: Repo) -> None:
    repo.git("restore", "--staged", *CONTENT)
    restored_attributes(repo)


def restored_attributes(repo: Repo) -> None:
    repo.git("restore", "--staged", "--worktree", "--source=HEAD", "--", ":(top)*.gitattributes")


@pytest.mark.parametrize("state", [
    killed_before_the_index_changed, killed_before_the_files_left_the_index, restored_attributes,
])
def test_a_killed_import_goes_on(old: Repo, in_process: InProcess, state: Callable[[Repo], None]) -> None:
    old.ok("import", "lfs")
    tree = old.git("write-tree")
    state(old)
    assert old.git("write-tree") != tree
    result = in_process(old.root, "import", "lfs")
    assert result.code == 0, result
    assert old.git("write-tree") == tree
    check_imported(old)


# What stops a file, or the command.


def test_what_cannot_be_imported_is_named_and_the_rest_goes_on(old: Repo) -> None:
    pointer = old.git("cat-file", "-p", "HEAD:big.bin")
    extended = pointer.replace("oid", f"ext-0-zip sha256:{'0' * 64}\noid", 1) + "\n"
    old.write("extended", extended)
    blob = old.git("hash-object", "-w", "--no-filters", "extended")
    old.write("own/y", "y")
    old.ok("add", "own")
    for path in ("con.bin", "ext.bin", "own/x.bin"):
        what = old.git("rev-parse", "HEAD:big.bin") if path != "ext.bin" else blob
        old.git("update-index", "--add", "--cacheinfo", f"100644,{what},{path}")
    result = old.fails(2, "import", "lfs")
    for reason in ("Windows device", "ext-0-zip", "own/x.bin is tracked by git-lfs, and own by mvc"):
        assert any(reason in error for error in result.errors), (reason, result.errors)
    assert old.states() == CLEAN | {"own": "clean"}


def test_a_symlink_in_the_place_of_a_file_stays(old: Repo) -> None:
    old.remove("models/run.bin")
    old.path("models/run.bin").symlink_to("/etc/passwd")
    old.ok("import", "lfs")
    assert old.path("models/run.bin").is_symlink()
    assert old.states().keys() == CONTENT.keys()
    assert old.states()["models/run.bin"] != "clean"


def test_a_pointer_that_is_not_canonical_is_named(old: Repo) -> None:
    old.write("text", old.git("cat-file", "-p", "HEAD:big.bin"))  # without its last line end
    blob = old.git("hash-object", "-w", "--no-filters", "text")
    old.git("update-index", "--cacheinfo", f"100644,{blob},big.bin")
    result = old.fails(2, "import", "lfs")
    assert result.fixes == ["git add --renormalize -- big.bin"]
    assert old.shell(result.fixes[0]).code == 0
    old.ok("import", "lfs")
    assert old.states() == CLEAN


def test_a_conflict_is_left_alone(old: Repo) -> None:
    old.git("switch", "-qc", "side")
    old.write("big.bin", "theirs")
    old.git("commit", "-qam", "theirs")
    old.git("switch", "-q", "main")
    old.write("big.bin", "ours")
    old.git("commit", "-qam", "ours")
    old.run("git", "merge", "-q", "side")
    result = old.fails(3, "import", "lfs")
    assert result.errors == ["big.bin is in conflict"]
    assert old.states() == {path: "clean" for path in CONTENT if path != "big.bin"}
    assert old.git("ls-files", "--unmerged").count("big.bin") == 3


def test_a_sparse_checkout_is_named(old: Repo) -> None:
    old.git("status")  # a copied index does not know its files
    old.git("sparse-checkout", "set", "--no-cone", "/*", "!/models/deep/")
    result = old.fails(3, "import", "lfs")
    assert "models/deep/again.h5 is left out by a sparse checkout" in result.errors
    assert result.fixes[0] == "git sparse-checkout disable"
    assert old.shell(result.fixes[0]).code == 0
    old.ok("import", "lfs")
    check_imported(old)


def test_a_pattern_without_a_file_of_git_lfs_is_an_error(old: Repo) -> None:
    result = old.fails(2, "import", "lfs", "nowhere", PLAIN)
    assert result.errors == [f"git-lfs tracks nothing at nowhere, {PLAIN}"]


def test_no_command_of_the_repository_runs(begin: Begin, tmp_path: Path) -> None:
    old = begin(with_a_folder_of_lfs)
    trap = tmp_path / "trap"
    trap.write_text(f'#!/bin/sh\ntouch "{tmp_path}/ran-$1"\n')
    trap.chmod(0o755)
    for name in ("clean", "smudge", "process"):
        old.git("config", f"filter.lfs.{name}", f"{trap} {name}")
    object_of(old, "big.bin").unlink()
    old.write("big.bin", "changed")
    old.write(".lfsconfig", f"""\
[lfs]
    standalonetransferagent = trap
    storage = {tmp_path}/storage
    url = {old.root}
[lfs "customtransfer.trap"]
    path = {trap}
    args = transfer
[filter "lfs"]
    clean = {trap} config
""")
    for patterns in (["all/a"], []):
        assert old.mvc("import", "lfs", *patterns).code in (0, 3)
        assert not list(tmp_path.glob("ran-*"))
