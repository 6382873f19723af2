"""Questions to a real Git, in repositories of every odd shape."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from mvc.errors import MvcError, UsageError
from mvc.scm import blobs, presence
from mvc.scm.commits import committed_file, head, is_revision, resolve
from mvc.scm.index import IndexPaths, files_ending, ignored_files, index_paths, list_files, staged_file
from mvc.scm.plumbing import NO_LAZY_FETCH, Git, find_layout, reason_of, scrubbed, split_nul
from mvc.scm.staging import PATIENCE, NotStaged, stage

STRANGE = [
    "plain",
    "with space",
    "naïve 数据",
    "-dash",
    "new\nline",
    'quo"te',
    "tab\there",
    ":(top)magic",
    "*star",
    "\udcff",
]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Return an empty repository."""
    environ = scrubbed(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
        }
    )
    folder = tmp_path / "repository"
    folder.mkdir()
    found = Git(str(folder), environ)
    found.run("init", "-q", "-b", "main")
    return found


def write(git: Git, path: str, data: bytes = b"x") -> None:
    """Write a workspace file."""
    target = os.path.join(git.cwd, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(data)


def commit(git: Git, message: str, **files: bytes | None) -> str:
    """Commit files (None: deleted) and return the commit."""
    for path, data in files.items():
        if data is None:
            os.unlink(os.path.join(git.cwd, path))
        else:
            write(git, path, data)
    git.run("add", "-A")
    git.run("commit", "-q", "--allow-empty", "-m", message)
    return git.run("rev-parse", "HEAD").decode().strip()


# Where Git runs.


def test_variables_that_name_a_repository_are_dropped_and_the_identity_stays() -> None:
    found = scrubbed(
        {
            "GIT_DIR": "/x",
            "GIT_INDEX_FILE": "/x",
            "GIT_WORK_TREE": "/x",
            "GIT_OBJECT_DIRECTORY": "/x",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_PARAMETERS": "'a.b'='c'",
            "GIT_TRACE": "1",
            "HOME": "/home",
            "LC_ALL": "de_DE.UTF-8",
        }
    )
    assert found.pop("GIT_CONFIG_PARAMETERS").startswith("'a.b'='c' 'advice.")
    assert found == {
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_CONFIG_COUNT": "1",
        "HOME": "/home",
        "LC_ALL": "C",
        **NO_LAZY_FETCH,
        "GIT_TRACE2": "0",
        "GIT_TRACE2_EVENT": "0",
        "GIT_TRACE2_PERF": "0",
    }


def test_an_environment_may_be_cleaned_twice() -> None:
    once = scrubbed({"GIT_CONFIG_PARAMETERS": "'a.b'='c'"})
    assert scrubbed(once) == once


def test_every_variable_that_git_calls_local_but_configuration_is_dropped(git: Git) -> None:
    local = set(git.run("rev-parse", "--local-env-vars").decode().split())
    kept = {name for name in local if name.startswith("GIT_CONFIG")}
    assert scrubbed(dict.fromkeys(local, "x")).keys() - scrubbed({}).keys() == kept - {"GIT_CONFIG_PARAMETERS"}


def test_a_leaked_git_dir_does_not_lead_to_another_repository(git: Git, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "other")], check=True)
    leaked = Git(git.cwd, scrubbed({**git.environ, "GIT_DIR": str(tmp_path / "other" / ".git")}))
    assert find_layout(leaked).root == git.cwd


def test_an_error_is_git_s_own_first_line(git: Git) -> None:
    with pytest.raises(MvcError, match=r"^git cat-file failed: Not a valid object name nothing$"):
        git.run("cat-file", "-p", "nothing")


def test_hints_are_not_the_error() -> None:
    assert reason_of(b"hint: try y\nfatal: bad\n") == "bad"
    assert reason_of(b"hint: try y\n") == ""


def test_without_git_it_says_so(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MvcError, match="git is not installed"):
        Git(git.cwd, {"PATH": "/nowhere"}).run("version")


def test_a_directory_that_is_gone(git: Git, tmp_path: Path) -> None:
    with pytest.raises(MvcError, match="gone does not exist any more"):
        git.at(f"{tmp_path}/gone").run("version")


# Layout.


def test_a_repository_of_another_user_comes_with_git_s_own_line(git: Git, tmp_path: Path) -> None:
    other = git.with_environ(GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    with pytest.raises(UsageError, match="is in a repository of another user, so Git does not read it") as caught:
        find_layout(other)
    told = other.attempt("status").stderr.decode()
    assert f"\t{caught.value.fix.partition('  #')[0]}\n" in told
    subprocess.run(["bash", "-c", caught.value.fix], env=git.environ, check=True)
    assert find_layout(other).root == git.cwd


def test_the_layout_is_found_from_below(git: Git) -> None:
    write(git, "a/b/c")
    found = find_layout(git._replace(cwd=f"{git.cwd}/a/b"))
    assert found == (git.cwd, f"{git.cwd}/.git", f"{git.cwd}/.git")


def test_worktrees_share_the_common_directory(git: Git, tmp_path: Path) -> None:
    commit(git, "one")
    git.run("worktree", "add", "-q", str(tmp_path / "second"))
    found = find_layout(git._replace(cwd=str(tmp_path / "second")))
    assert found == (str(tmp_path / "second"), f"{git.cwd}/.git/worktrees/second", f"{git.cwd}/.git")


def test_outside_of_a_repository_it_says_what_to_type(tmp_path: Path, git: Git) -> None:
    environ = {**git.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    (tmp_path / "outside").mkdir()
    with pytest.raises(UsageError, match="is not in a Git repository") as caught:
        find_layout(Git(str(tmp_path / "outside"), environ))
    assert caught.value.fix == "git init && mvc init"


def test_a_bare_repository_is_refused(git: Git, tmp_path: Path) -> None:
    git.run("init", "-q", "--bare", str(tmp_path / "bare.git"))
    with pytest.raises(UsageError, match="is in a bare repository"):
        find_layout(git._replace(cwd=str(tmp_path / "bare.git")))


@pytest.mark.parametrize("name", ["with space", "naïve", "\udcff", "quo'te"])
def test_a_repository_may_have_any_name_but_one_with_a_line_break(git: Git, tmp_path: Path, name: str) -> None:
    folder = f"{tmp_path}/{name}"
    os.mkdir(folder)
    here = git._replace(cwd=folder)
    here.run("init", "-q")
    assert find_layout(here).root == folder


def test_a_repository_with_a_line_break_in_its_path_is_refused(git: Git, tmp_path: Path) -> None:
    folder = f"{tmp_path}/new\nline"
    os.mkdir(folder)
    here = git._replace(cwd=folder)
    here.run("init", "-q")
    with pytest.raises(UsageError, match="line break"):
        find_layout(here)


# The index.


def listed(git: Git) -> dict[str, str]:
    """Return path and object of everything in the index, as Git itself lists it."""
    rows = split_nul(git.run("ls-files", "-z", "--stage"))
    return {row.partition("\t")[2]: row.split(" ")[1] for row in rows}


def test_strange_names_are_staged_and_listed_as_they_are(git: Git) -> None:
    for name in STRANGE:
        write(git, name, name.encode("utf-8", "surrogateescape"))
    stage(git, STRANGE[:-1])
    assert set(listed(git)) == set(STRANGE[:-1])
    found = {entry.path: entry.state for entry in list_files(git)}
    assert found == {**dict.fromkeys(STRANGE[:-1], "tracked"), STRANGE[-1]: "untracked"}
    assert index_paths(git).paths == sorted(STRANGE[:-1])


def test_staging_takes_content_mode_and_deletion_from_the_workspace(git: Git) -> None:
    commit(git, "one", kept=b"1", gone=b"2", changed=b"3")
    write(git, "changed", b"new")
    os.chmod(f"{git.cwd}/changed", 0o755)
    os.unlink(f"{git.cwd}/gone")
    stage(git, ["changed", "gone"])
    assert git.run("diff", "--cached", "--name-status", "-z").split(b"\0")[:-1] == [b"M", b"changed", b"D", b"gone"]
    assert git.run("show", ":changed") == b"new"
    assert b"100755" in git.run("ls-files", "--stage", "changed")


def test_staging_nothing_runs_nothing(git: Git) -> None:
    stage(git._replace(environ={"PATH": "/nowhere"}), [])


@pytest.mark.parametrize(
    "setup",
    [["update-index", "--index-version", "4"], ["update-index", "--split-index"], ["config", "core.autocrlf", "true"]],
)
def test_staging_works_on_every_kind_of_index(git: Git, setup: list[str]) -> None:
    commit(git, "one", a=b"1")
    git.run(*setup)
    write(git, ".gitattributes", b"*.mvc text eol=lf\n")
    write(git, "m.mvc", b"mvc: 1\n")
    stage(git, ["m.mvc", ".gitattributes"])
    assert git.run("show", ":m.mvc") == b"mvc: 1\n"
    assert set(listed(git)) == {"a", "m.mvc", ".gitattributes"}


def lock_of(git: Git, *, age: float = 0) -> str:
    """Lock the index, since `age` seconds."""
    lock = f"{git.cwd}/.git/index.lock"
    Path(lock).touch()
    os.utime(lock, (time.time() - age,) * 2)
    return lock


def test_a_lock_for_a_moment_is_waited_for(git: Git) -> None:
    write(git, "a")
    lock = lock_of(git)
    stage(git, ["a"], pause=lambda _: os.unlink(lock))
    assert set(listed(git)) == {"a"}


def test_a_lock_that_another_takes_in_between_is_waited_for_again(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    write(git, "a")
    lock = lock_of(git)
    releases = iter([True, True, False])

    def release(held: str, _: object) -> bool:
        assert held == lock
        return next(releases)

    monkeypatch.setattr("mvc.scm.staging.await_release", release)
    with pytest.raises(NotStaged):
        stage(git, ["a"])
    assert list(releases) == []


def test_a_lock_that_was_left_behind_is_named_at_once_with_the_line_that_stages(git: Git) -> None:
    write(git, "a")
    write(git, "b b")
    lock = lock_of(git, age=PATIENCE + 1)
    with pytest.raises(NotStaged, match="written, but not staged") as caught:
        stage(git, ["a", "b b"], pause=pytest.fail)
    assert lock in caught.value.message
    subprocess.run(["bash", "-c", caught.value.fix], cwd="/", env=git.environ, check=True)
    assert set(listed(git)) == {"a", "b b"}


def test_the_git_that_holds_the_index_is_named(git: Git) -> None:
    write(git, "a")
    lock_of(git, age=PATIENCE + 1)
    line = ["git", "cat-file", "--batch"]
    with subprocess.Popen(line, cwd=git.cwd, env=git.environ, stdin=subprocess.PIPE) as process:
        told = rf"is held by git cat-file --batch \(process {process.pid}\)"
        with pytest.raises(NotStaged, match=told) as caught:
            stage(git, ["a"], pause=pytest.fail)
    assert caught.value.fix.endswith("update-index --add --remove -- a  # when that has ended")


def test_an_index_that_cannot_be_locked_is_not_waited_for(git: Git) -> None:
    write(git, "a")
    with pytest.raises(NotStaged, match="not staged: Unable to create") as caught:
        stage(git.with_environ(GIT_INDEX_FILE="/nowhere/index"), ["a"], pause=pytest.fail)
    assert caught.value.fix == "run the command again"


def test_listing_leaves_out_what_is_ignored_and_honours_patterns(git: Git) -> None:
    write(git, ".gitignore", b"/ignored.mvc\n")
    for name in ("a.mvc", "sub/b.mvc", "other.txt", "ignored.mvc"):
        write(git, name)
    assert {entry.path for entry in list_files(git, "*.mvc")} == {"a.mvc", "sub/b.mvc"}


def test_conflicts_and_sparse_files_are_told_apart(git: Git) -> None:
    commit(git, "base", a=b"0", sparse=b"s")
    git.run("checkout", "-q", "-b", "other")
    commit(git, "theirs", a=b"1")
    git.run("checkout", "-q", "main")
    commit(git, "ours", a=b"2")
    assert git.attempt("merge", "-q", "other").returncode == 1
    git.run("update-index", "--skip-worktree", "sparse")
    found = [(entry.path, entry.stage, entry.state) for entry in list_files(git)]
    assert sorted(found) == [
        ("a", 1, "tracked"),
        ("a", 2, "tracked"),
        ("a", 3, "tracked"),
        ("sparse", 0, "skip-worktree"),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", ["a"]),
        ("d", ["d/x", "d/y/z"]),
        ("d/y", ["d/y/z"]),
        ("d-x", ["d-x"]),
        ("d0", ["d0"]),
        ("none", []),
        ("d/y/z/deeper", []),
    ],
)
def test_index_paths_at_or_below(path: str, expected: list[str]) -> None:
    assert IndexPaths(sorted(["a", "d-x", "d/x", "d/y/z", "d0", "dd/x"])).at_or_below(path) == expected


# Commits.


def test_a_revision_is_resolved_and_anything_else_refused(git: Git) -> None:
    assert head(git) is None
    first = commit(git, "one", a=b"1")
    git.run("tag", "-a", "v1", "-m", "v1")
    for name in ("HEAD", "main", "v1", first, first[:10]):
        assert resolve(git, name) == first
        assert is_revision(git, name)
    for name in ("none", "", "HEAD:a", "--all", "-h", "HEAD^{tree}", "..", "a b", "\n"):
        assert not is_revision(git, name)
        with pytest.raises(UsageError, match="is not a revision"):
            resolve(git, name)
    assert head(git) == first


def test_blobs_of_a_commit_by_suffix_without_symlinks_and_submodules(git: Git) -> None:
    for name in ("a.mvc", "d/naïve\n.mvc", "other"):
        write(git, name, name.encode())
    os.symlink("a.mvc", f"{git.cwd}/link.mvc")
    first = commit(git, "one")
    git.run("update-index", "--add", "--cacheinfo", f"160000,{first},module.mvc")
    git.run("commit", "-qm", "two")
    found = blobs.list_blobs(git, "HEAD", ".mvc")
    assert [blob.path for blob in found] == ["a.mvc", "d/naïve\n.mvc"]
    assert list(blobs.read_blobs(git, [blob.oid for blob in found])) == [b"a.mvc", "d/naïve\n.mvc".encode()]


def test_blobs_with_any_bytes_come_in_order_and_twice_when_asked_twice(git: Git) -> None:
    bodies = [b"", b"\n", b"a\n\nb", bytes(range(256)), b"x" * 200_000]
    oids = [git.run("hash-object", "-w", "--stdin", stdin=body).decode().strip() for body in bodies]
    assert list(blobs.read_blobs(git, [*oids, *reversed(oids)])) == [*bodies, *reversed(bodies)]
    assert list(blobs.read_blobs(git, [])) == []


def test_a_blob_that_is_not_in_this_clone_is_named(git: Git) -> None:
    oid = "1" * 40
    with pytest.raises(MvcError, match=f"Git object {oid} is not in this clone") as caught:
        list(blobs.read_blobs(git, [oid]))
    assert caught.value.exit_code == 3


def hidden(git: Git, oid: str) -> None:
    """Take an object away: Git says of it what it says of one that it cannot open."""
    os.unlink(f"{git.cwd}/.git/objects/{oid[:2]}/{oid[2:]}")


@pytest.mark.parametrize("name", ["a", "d/naïve", "*star", ":(top)magic"])
def test_a_file_that_git_cannot_read_is_not_a_file_that_is_not_there(git: Git, name: str) -> None:
    write(git, name, b"content")
    git.run("--literal-pathspecs", "add", name)
    git.run("commit", "-qm", "one")
    assert staged_file(git, name) == committed_file(git, "HEAD", name) == b"content"
    assert staged_file(git, "none") is committed_file(git, "HEAD", "none") is None
    assert committed_file(git, "HEAD", "d") is None
    hidden(git, git.run("rev-parse", f"HEAD:{name}").decode().strip())
    with pytest.raises(MvcError, match="from Git's index failed: "):
        staged_file(git, name)
    with pytest.raises(MvcError, match="of HEAD failed: "):
        committed_file(git, "HEAD", name)


def test_the_kinds_of_objects(git: Git) -> None:
    commit(git, "one", a=b"a")
    names = git.run("rev-parse", "HEAD", "HEAD^{tree}", "HEAD:a").decode().split()
    wanted = dict(zip(names, ("commit", "tree", "blob"), strict=True))
    assert presence.kinds(git, [*names, "1" * 40]) == wanted
    git.run("gc", "-q")
    assert presence.kinds(git, [*names, "1" * 40]) == wanted
    assert presence.kinds(git, []) == {}


@pytest.mark.parametrize("borrowed", [False, True])
def test_an_object_that_is_there_and_cannot_be_read_is_not_missing(git: Git, tmp_path: Path, borrowed: bool) -> None:
    commit(git, "one", a=b"a")
    oid = git.run("rev-parse", "HEAD:a").decode().strip()
    path = f"{git.cwd}/.git/objects/{oid[:2]}/{oid[2:]}"
    if borrowed:
        git.with_environ(GIT_ALLOW_PROTOCOL="file").run("clone", "-q", "--shared", git.cwd, str(tmp_path / "clone"))
        git = Git(str(tmp_path / "clone"), git.environ)
    os.unlink(path)
    assert presence.kinds(git, [oid]) == {}
    Path(path).write_bytes(b"damaged")
    with pytest.raises(MvcError, match="Git cannot read its object"):
        presence.kinds(git, [oid])


def test_files_with_an_ending_are_those_that_git_lists(git: Git) -> None:
    for name in ("a.mvc", "d/b.mvc", "d/other", "[x]*/c.mvc", "ignored/d.mvc", "cut/f.mvc", "-e.mvc", "bin", "x.mvc.y"):
        write(git, name)
    git.run("add", "--", "a.mvc", "d/other", "x.mvc.y")
    git.run("add", "-f", "ignored/d.mvc")
    write(git, "ignored/late.mvc")
    write(git, "[x]*/.gitignore", b"late*\n")
    write(git, "[x]*/late.mvc")
    write(git, "x/late.mvc")
    write(git, ".gitignore", b"/ignored\n/cut/*\n!/cut/kept*\n")
    write(git, "cut/kept.mvc")
    assert sorted(files_ending(git, ".mvc")) == sorted(list_files(git, "*.mvc"))
    for number in range(200):
        write(git, f"many{number:03}/m.mvc")
    assert sorted(files_ending(git, ".mvc")) == sorted(list_files(git, "*.mvc"))
    below = git.at(f"{git.cwd}/many000")
    assert files_ending(below, ".mvc") == list_files(below, "*.mvc")


def test_a_file_in_the_index_is_not_ignored_nor_a_directory_above_it(git: Git) -> None:
    for name in ("d/in", "d/out", "e/out", "f"):
        write(git, name)
    write(git, ".gitignore", b"/d\n/e\n/f\n")
    git.run("add", "-f", "d/in", "f")
    assert ignored_files(git, ["d", "d/in", "d/out", "e", "f", "other"]) == {"d/out", "e"}
