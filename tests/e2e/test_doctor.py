"""`mvc doctor`: each problem is made, seen, mended by the line that is told, and gone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from e2e.test_faults import UNPRIVILEGED, Mount, mount  # noqa: F401 - a fixture
from harness import LARGE, MVC, Begin, Repo, Result, noise

from mvc.ops.doctor.examination import examine
from mvc.surroundings import surroundings

DAY_NS = 86_400 * 10**9


def problems(repo: Repo, *prefix: str) -> dict[str, dict[str, str]]:
    """Return what `mvc doctor` finds, by name; text, JSON and exit code agree."""
    def mvc(*args: str) -> Result:
        return repo.run(*prefix, MVC, *args) if prefix else repo.mvc(*args)

    result = mvc("doctor", "--json")
    found = result.json["problems"]
    assert result.code == (1 if found else 0), result
    text = mvc("doctor")
    assert "Traceback" not in text.err, text
    assert text.code == result.code
    assert text.errors == [problem["message"] for problem in found]
    assert text.fixes == [problem["fix"] for problem in found]
    assert ("No problems found." in text.out) == (not found)
    return {problem["name"]: problem for problem in found}


def only_problem(repo: Repo, name: str, *prefix: str) -> dict[str, str]:
    """Return the one problem that there is, which must have this name."""
    found = problems(repo, *prefix)
    assert list(found) == [name]
    return found[name]


def mended(repo: Repo, problem: dict[str, str], *prefix: str) -> None:
    """Type the line that a problem comes with, after which nothing is wrong."""
    done = repo.run(*prefix, "bash", "-c", problem["fix"])
    assert done.code == 0, done
    assert problems(repo, *prefix) == {}


# What there is.


def test_a_sound_repository(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    report = repo.ok("doctor", "--json").json
    assert report["problems"] == report["locks"] == []
    assert report["repository"] == {
        "root": str(repo.root),
        "set_up": True,
        "cache": str(repo.store),
        "group": "",
        "catalog": str(next(repo.store.glob("catalog-*.db"))),
    }
    assert f"git version {report['versions']['git']}" == repo.git("--version")
    assert f"mvc {report['versions']['mvc']}" == repo.ok("--version").out.strip()
    assert report["disks"][0]["free"] > 0
    assert repo.git("status", "--porcelain") == ""
    assert repo.debris() == []


@pytest.mark.parametrize("setting", ["reflink,copy", "hardlink", "symlink,copy", "copy"])
def test_the_link_type_that_is_told_is_the_one_that_checkout_uses(repo: Repo, setting: str) -> None:
    repo.ok("config", "set", "cache.link", setting)
    repo.added("m.bin", noise("m", LARGE))
    repo.path("m.bin").unlink()
    repo.ok("checkout")
    links = repo.ok("doctor", "--json").json["links"]
    assert links["setting"] == setting
    assert links["chosen"] in links["working"]
    path = repo.path("m.bin")
    assert (links["chosen"] == "symlink") == path.is_symlink()
    assert (links["chosen"] == "hardlink") == (path.stat().st_nlink == 2 and not path.is_symlink())


def test_links_between_two_file_systems(repo: Repo, mount: Mount) -> None:  # noqa: F811
    cache = mount("cache", "-t", "tmpfs", "tmpfs")
    repo.ok("init", "--cache", str(cache))
    repo.ok("config", "set", "cache.link", "hardlink")
    report = repo.ok("doctor", "--json").json
    assert report["links"] == {"working": ["copy", "symlink"], "setting": "hardlink", "chosen": "copy"}
    assert {disk["path"] for disk in report["disks"]} == {str(repo.root), str(cache)}


def test_a_workspace_on_another_file_system_than_its_git_directory(repo: Repo, mount: Mount) -> None:  # noqa: F811
    top = mount("disk", "-t", "tmpfs", "tmpfs")
    repo.git("worktree", "add", "-q", str(top / "side"))
    side = Repo(top / "side", repo.environ)
    assert side.ok("doctor", "--json").json["links"]["working"] == ["copy", "symlink"]
    assert side.git("status", "--porcelain") == ""
    assert side.debris() == []


@pytest.mark.parametrize("kind", ["worktree-main", "store"])
def test_who_holds_a_lock_is_named(repo: Repo, kind: str) -> None:
    repo.added("m.bin", b"1")
    path = repo.store / "locks" / kind
    with path.open("w") as lock:
        lock.write("mvc add other (process 42)")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = repo.ok("doctor", "--json").json["locks"]
        assert found == [{"path": str(path), "holder": "mvc add other (process 42)"}]
        assert "process 42" in repo.ok("doctor").out
    assert repo.ok("doctor", "--json").json["locks"] == []


def test_who_shares_a_lock_is_not_named(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    with (repo.store / "locks/store").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        (held,) = repo.ok("doctor", "--json").json["locks"]
    assert held["holder"] == "another mvc"


def test_outside_of_a_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    nowhere = Repo(tmp_path / "nowhere", environ)
    nowhere.root.mkdir()
    report = nowhere.ok("doctor", "--json").json
    assert (report["repository"], report["links"], report["problems"]) == (None, None, [])
    assert "repository  none" in nowhere.ok("doctor").out


def test_before_mvc_is_set_up(bare_git: Repo) -> None:
    assert bare_git.ok("doctor", "--json").json["repository"]["set_up"] is False
    assert "mvc init" in bare_git.ok("doctor").out
    assert not bare_git.store.exists()


def test_in_a_fresh_clone(repo: Repo, tmp_path: Path) -> None:
    repo.added("m.bin", b"1")
    clone = repo.clone(tmp_path / "clone")
    found = problems(clone)
    assert list(found) == ["merge-driver", "content-missing"]
    problem = found["content-missing"]
    assert "content of m.bin, and no remote is configured" in problem["message"]
    assert clone.shell(problem["fix"]).code == 0
    clone.ok("remote", "add", "nas", "../nas")
    assert "content-missing" not in problems(clone)
    assert not (clone.store / "objects").exists()


def test_a_repository_that_cannot_be_used(tmp_path: Path, environ: dict[str, str]) -> None:
    bare = Repo(tmp_path / "bare.git", environ)
    bare.root.mkdir()
    bare.git("init", "-q", "--bare")
    assert "bare" in only_problem(bare, "repository-unusable")["message"]


def test_from_a_subdirectory_the_lines_work_as_well(repo: Repo) -> None:
    repo.write("sub/m.bin", b"1")
    repo.ok("add", "sub/m.bin")
    repo.remove("sub/.gitignore")
    result = repo.mvc("doctor", cwd="sub")
    assert repo.shell(result.fixes[0], cwd="sub").code == 0
    assert problems(repo) == {}


def test_names_cannot_drive_the_terminal(repo: Repo) -> None:
    repo.write("\x1b[31m.mvc", "no pointer")
    result = repo.mvc("doctor")
    assert "\x1b" not in result.out + result.err
    assert r"\x1b[31m" in result.err


# What can be wrong. Each makes one problem in a repository that tracks m.bin, data/ and big.bin.


def fake_git(repo: Repo, version: str) -> Path:
    """Return a directory with a Git that says it has another version."""
    folder = repo.root.parent / "old-git"
    folder.mkdir()
    answer = f'[ "$1" = --version ] && echo "git version {version}" && exit'
    (folder / "git").write_text(f'#!/bin/sh\n{answer}\nexec {shutil.which("git")} "$@"\n')
    (folder / "git").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("version", "name"),
    [("2.30.9", "git-too-old"), ("1.8.3.1", "git-too-old"), ("2.31.0", ""), ("2.39.5 (Apple Git-154)", ""), ("3", "")],
)
def test_git_that_is_too_old(repo: Repo, version: str, name: str) -> None:
    path = f"PATH={fake_git(repo, version)}:{repo.environ['PATH']}"
    found = problems(repo, "env", path)
    assert list(found) == [name] if name else not found
    assert all(problem["fix"] for problem in found.values())
    assert problems(repo) == {}


def test_git_that_is_not_there(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "not installed" in only_problem(repo, "git-missing", "env", f"PATH={tmp_path / 'empty'}")["message"]


@dataclass(frozen=True)
class Case:
    """A problem: how it comes about, and its name."""

    name: str
    make: Callable[[Repo], object]


def shared(repo: Repo) -> Path:
    """Give the repository a shared cache."""
    cache = repo.root.parent / "shared cache"
    repo.ok("init", "--cache", str(cache), "--shared", "group")
    repo.ok("add", "m.bin", "data", "big.bin")
    return cache


def close_directory(repo: Repo) -> None:
    cache = shared(repo)
    (cache / "packs").chmod(0o755)
    next((cache / "objects").iterdir()).chmod(0o2700)


def make_writable(repo: Repo) -> None:
    for path in (*repo.store.glob("objects/*/*"), *repo.store.glob("packs/*.idx")):
        path.chmod(0o644)


def remove_attributes(repo: Repo) -> None:
    repo.write(".gitattributes", "*.png binary\n*.mvc text eol=lf")


def override_attributes(repo: Repo) -> None:
    repo.write(".gitattributes", repo.read(".gitattributes") + b"*.yaml -text\n")


def put_in_index(repo: Repo) -> None:
    repo.git("add", "-f", "m.bin", "data")


def break_pointer(repo: Repo) -> None:
    repo.write("m.bin.mvc", "mvc: 1\n")


def make_conflict(repo: Repo) -> None:
    repo.git("switch", "-qc", "side")
    repo.added("m.bin", b"theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.added("m.bin", b"ours")
    repo.git("merge", "-q", "side", code=1)


def put_in_quarantine(repo: Repo) -> None:
    for path in (*repo.store.glob("objects/*/*"), *repo.store.glob("packs/*.pack")):
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(bytes([data[0] ^ 1]) * len(data))
        path.chmod(0o444)
    aside = repo.root.parent / "aside"
    aside.mkdir()
    names = ("m.bin", "data", "big.bin")
    for name in names:  # verify would take what it can from there
        repo.path(name).rename(aside / name)
    assert repo.mvc("verify").code == 1
    for name in names:
        (aside / name).rename(repo.path(name))


def lose_repository(repo: Repo) -> None:
    cache = shared(repo)
    other = repo.clone(repo.root.parent / "other")
    other.ok("init", "--cache", str(cache))
    shutil.rmtree(other.root)


def spoil_registration(repo: Repo) -> None:
    cache = shared(repo)
    (cache / "repos" / ("0" * 64)).write_text("mvc-repo 1\n/nowhere\n")


def break_catalog(repo: Repo) -> None:
    (path,) = repo.store.glob("catalog-*.db")
    path.write_bytes(b"no database, but long enough to be looked at" * 100)


def set_what_is_ignored(repo: Repo) -> None:
    repo.write(".mvc/config.yaml", 'mvc-config: 1\ncache:\n  dir: "/elsewhere"\n')


def leave_temporary(repo: Repo) -> None:
    for folder in (".mvc-tmp/0123", "data/sub/.mvc-tmp/4567"):
        repo.path(folder).mkdir(parents=True)
        repo.write(f"{folder}/1", "half")


def set_times_ahead(repo: Repo) -> None:
    later = time.time_ns() + 3600 * 10**9
    for name in ("m.bin", "data/b c"):
        os.utime(repo.path(name), ns=(later, later))


def lose_cache(repo: Repo) -> None:
    shutil.rmtree(shared(repo))


def point_elsewhere(repo: Repo) -> None:
    repo.ok("config", "set", "cache.link", "symlink")
    repo.ok("checkout", "--relink")
    link = repo.path("big.bin")
    target = os.readlink(link).replace(str(repo.store), "/moved")
    link.unlink()
    link.symlink_to(target)


CASES = [
    Case("shared-directory", close_directory),
    Case("writable-objects", make_writable),
    Case("not-ignored", lambda repo: repo.remove(".gitignore")),
    Case("in-index", put_in_index),
    Case("attributes", remove_attributes),
    Case("attributes", override_attributes),
    Case("attributes", lambda repo: repo.git("rm", "-q", ".gitattributes")),
    Case("pointer-invalid", break_pointer),
    Case("pointer-conflict", make_conflict),
    Case("quarantine", put_in_quarantine),
    Case("repository-gone", lose_repository),
    Case("check-failed", spoil_registration),
    Case("catalog", break_catalog),
    Case("setting-ignored", set_what_is_ignored),
    Case("left-behind", leave_temporary),
    Case("clock", set_times_ahead),
    Case("index-lock", lambda repo: repo.write(".git/index.lock", "")),
    Case("cache-missing", lose_cache),
    Case("dangling-links", point_elsewhere),
]


def tracking(repo: Repo) -> None:
    """Track files and a directory."""
    repo.write("data/a", "a")
    repo.write("data/b c", "b")
    repo.write("big.bin", noise("big", LARGE))
    repo.write("m.bin", "m")
    repo.ok("add", "m.bin", "data", "big.bin")
    repo.commit()


@pytest.fixture
def busy(begin: Begin) -> Repo:
    """Return a repository that tracks files and a directory."""
    return begin(tracking)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.name}-{number}" for number, case in enumerate(CASES)])
def test_a_problem_is_seen_and_mended(busy: Repo, case: Case) -> None:
    assert problems(busy) == {}
    case.make(busy)
    mended(busy, only_problem(busy, case.name))


def test_content_that_is_nowhere(busy: Repo) -> None:
    for folder in ("objects", "packs"):
        shutil.rmtree(busy.store / folder)
    assert problems(busy) == {}  # the workspace has it
    busy.remove("data/a")
    problem = only_problem(busy, "content-missing")
    assert "content of data/a, and" in problem["message"]
    assert busy.shell(problem["fix"]).code == 0
    busy.write("data/a", "a")
    assert problems(busy) == {}


def test_scratch_directories_in_use_are_no_problem(busy: Repo) -> None:
    leave_temporary(busy)
    held = [os.open(busy.path(name), os.O_RDONLY) for name in (".mvc-tmp/0123", "data/sub/.mvc-tmp/4567")]
    for fd in held:
        fcntl.flock(fd, fcntl.LOCK_EX)
    assert problems(busy) == {}
    for fd in held:
        os.close(fd)
    only_problem(busy, "left-behind")


@pytest.mark.parametrize("folder", ["packs", "tmp", ""])
def test_a_cache_that_cannot_be_written_to(busy: Repo, folder: str) -> None:
    (busy.store / folder).chmod(0o555)
    mended(busy, only_problem(busy, "cache-not-writable", *UNPRIVILEGED), *UNPRIVILEGED)


def test_a_cache_on_a_read_only_file_system(busy: Repo, mount: Mount) -> None:  # noqa: F811
    cache = mount("cache", "-t", "tmpfs", "tmpfs")
    busy.ok("init", "--cache", str(cache))
    mount("cache", "-o", "remount,ro")
    problem = only_problem(busy, "cache-not-writable")
    assert problem["fix"] == f"mount -o remount,rw {cache}"
    mended(busy, problem)


def test_a_cache_of_a_newer_format(busy: Repo) -> None:
    path = busy.store / "store.yaml"
    text = path.read_text()
    path.unlink()
    path.write_text("mvc-store: 2\n")
    assert "newer mvc" in only_problem(busy, "cache-format")["message"]
    path.write_text(text)
    assert problems(busy) == {}


def test_settings_that_cannot_be_read_hide_no_other_problem(busy: Repo) -> None:
    busy.ok("config", "set", "cache.link", "copy")
    path = busy.store / "config.yaml"
    path.write_text(path.read_text().replace("copy", "teleport"))
    busy.remove(".gitignore")
    found = problems(busy)
    assert set(found) == {"settings", "not-ignored"}
    assert busy.shell(found["settings"]["fix"]).code != 70
    path.unlink()
    assert busy.shell(found["not-ignored"]["fix"]).code == 0
    assert problems(busy) == {}


def test_an_index_that_git_cannot_read(busy: Repo) -> None:
    busy.write(".git/index", b"no index at all")
    problem = only_problem(busy, "check-failed")
    assert "index" in problem["message"]
    assert problem["fix"]


def test_trash_that_is_older_than_the_grace(busy: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    trash = busy.store / "trash/abc"
    trash.write_text("old")
    now = time.time_ns()
    monkeypatch.chdir(busy.root)
    for days, names in ((0, []), (13, []), (15, ["old-trash"])):
        report = examine(surroundings(), now + days * DAY_NS)
        assert [problem.name for problem in report.problems if problem.name != "clock"] == names
    assert report.problems[-1].fix == "mvc gc --yes"
    trash.unlink()
    assert examine(surroundings(), now + 15 * DAY_NS).problems == ()


def test_one_minute_ahead_is_no_problem(busy: Repo) -> None:
    soon = time.time_ns() + 50 * 10**9
    os.utime(busy.path("m.bin"), ns=(soon, soon))
    assert problems(busy) == {}


def test_problems_add_up(busy: Repo) -> None:
    for case in (break_pointer, put_in_index, remove_attributes, break_catalog):
        case(busy)
    assert set(problems(busy)) == {"pointer-invalid", "in-index", "attributes", "catalog"}


def test_the_document_is_the_one_that_is_described(busy: Repo) -> None:
    from docs.test_docs import COMMANDS, section, shape, shown

    remove_attributes(busy)
    with (busy.store / "locks/store").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        document: Any = json.loads(busy.mvc("doctor", "--json").out)
    assert shape(document) == shown("doctor")
    described = section(COMMANDS, "mvc doctor")
    names = {case.name for case in CASES} | {"git-missing", "git-too-old", "repository-unusable", "old-trash"}
    for name in names | {"cache-not-writable", "cache-format", "settings"}:
        assert f"`{name}`" in described


def test_an_expired_waiver(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.ok("waive", "MVC101", "m.bin", "--reason", "it's a toy", "--expires", "2999-01-01")
    waivers = repo.read(".mvc/waivers.yaml")
    assert problems(repo) == {}
    repo.write(".mvc/waivers.yaml", waivers.replace(b"2999", b"2020"))
    problem = only_problem(repo, "waiver-expired")
    assert "MVC101 for m.bin" in problem["message"]
    mended(repo, problem)
    repo.write(".mvc/waivers.yaml", waivers.replace(b"2999", b"2020").replace(b'    path: "m.bin"\n', b""))
    only_problem(repo, "waiver-expired")
    repo.ok("eval", "record", "m.bin", "--tag", "v1.0.0", "--metric", "auc=1")
    assert problems(repo) == {}, "it is outdated"
    repo.write(".mvc/waivers.yaml", "mvc-waivers: 2")
    assert "newer mvc" in only_problem(repo, "check-failed")["message"]
