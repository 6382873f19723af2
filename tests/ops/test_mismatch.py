"""A pointer that disagrees with the object it names is refused by everything that uses it, and `add` mends it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import LARGE, MANY, Begin, Repo, noise

from mvc.ops.judging.check import check
from mvc.ops.judging.gate import GateOptions, find_revisions, gate
from mvc.ops.judging.hook import judge_index
from mvc.ops.shared.checkout import check_out
from mvc.ops.storage.verify import verify
from mvc.ops.workspace.add import add
from mvc.ops.workspace.reading.status import status
from mvc.project import Project
from mvc.surroundings import surroundings

NAMES = ("small.bin", "large.bin", "d", "many")


def tracking(repo: Repo) -> None:
    """Track a small and a large file, and a directory that its pointer lists and one that it does not."""
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.write("small.bin", "small")
    repo.write("large.bin", noise("large", LARGE))
    repo.write("d/a", "a")
    repo.write("d/b", "bb")
    repo.write_dir("many", MANY)
    repo.ok("add", *NAMES)
    repo.git("add", ".mvc")
    repo.commit()


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return that repository."""
    return begin(tracking)


def edit(repo: Repo, path: str, field: str, text: str) -> None:
    """Change the last value of a field in a pointer, as resolving a conflict by hand does."""
    before = repo.read(f"{path}.mvc").decode()
    after = re.sub(rf'(.*\b{field}: "?)[0-9a-f]+', rf"\g<1>{text}", before, count=1, flags=re.DOTALL)
    assert after != before
    repo.write(f"{path}.mvc", after)


def open_project(repo: Repo) -> Project:
    return Project.find(surroundings(repo.root))


XXH128 = "0123456789abcdef" * 2
FIELDS = [
    ("small.bin", "size", "7", "size 7, but the object has 5 bytes"),
    ("small.bin", "xxh128", XXH128, f"xxh128 {XXH128}, but the object has "),
    ("large.bin", "size", "9", f"size 9, but the object has {LARGE:,} bytes"),
    ("d", "size", "5", "size 5, but the object has 2 bytes (b)"),
    ("d", "xxh128", XXH128, f"xxh128 {XXH128}, but the object has "),
    ("many", "size", "70000", "size 70,000, but the object has "),
    ("many", "xxh128", XXH128, f"xxh128 {XXH128}, but the object has "),
    ("many", "files", "301", "files 301, but its manifest lists 300"),
    ("many", "total", "5", "total 5, but its files have 60,000"),
]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("path", "field", "text", "says"), FIELDS)
def test_all_say_it_and_add_writes_it_again(
    repo: Repo, path: str, field: str, text: str, says: str, there: bool,
) -> None:
    good = repo.read(f"{path}.mvc")
    edit(repo, path, field, text)
    repo.git("add", f"{path}.mvc")
    if not there:
        repo.remove(path)
    line = f"mvc add {path}"
    with open_project(repo) as project:
        item = next(item for item in status(project).items if item.path == path)
        assert (item.state, item.fix) == ("invalid", line)
        assert says in item.problem
        for findings in (check(project, [], 0).findings, judge_index(project, time.time()).findings):
            (finding,) = (finding for finding in findings if finding.code != "MVC402")
            assert (finding.code, finding.path, finding.fix) == ("MVC312", path, line)
            assert says in finding.message
        (failure,) = check_out(project, [path]).failed
        assert (failure.fix, failure.exit_code, says in failure.message) == (line, 1, True)
        found = verify(project)
        assert [(failed.path, failed.fix) for failed in found.failed] == [(path, line)]
        assert (found.wrong, found.missing, found.exit_code) == ((), (), 1)
        assert add(project, [path]).failed == ()
        assert repo.read(f"{path}.mvc") == good
        assert check_out(project).failed == ()
        assert status(project).clean


@pytest.mark.parametrize("quick", [False, True])
def test_an_xxh128_of_a_large_object_is_found_when_that_is_read(repo: Repo, quick: bool) -> None:
    good = repo.read("large.bin.mvc")
    edit(repo, "large.bin", "xxh128", XXH128)
    repo.remove("large.bin")
    with open_project(repo) as project:
        found = verify(project, quick=quick)
        assert [(failed.path, failed.fix) for failed in found.failed] == [("large.bin", "mvc add large.bin")]
        assert found.wrong == ()  # the object is not put in quarantine for it
        add(project, ["large.bin"])
        assert repo.read("large.bin.mvc") == good
        assert check_out(project, ["large.bin"]).failed == ()


def test_an_object_that_is_cut_short_is_damaged_and_its_pointer_right(repo: Repo) -> None:
    (loose,) = repo.store.glob("objects/*/*")
    loose.chmod(0o644)
    loose.write_bytes(loose.read_bytes()[:-1])
    with open_project(repo) as project:
        assert status(project, ["large.bin"]).items[0].state == "clean"
        found = verify(project)
        assert ([wrong.users for wrong in found.wrong], found.failed) == ([("large.bin",)], ())


def test_what_the_workspace_changed_is_added_with_the_correction(repo: Repo) -> None:
    edit(repo, "d", "size", "5")
    repo.write("d/c", "new")
    repo.remove("d/a")
    with open_project(repo) as project:
        (added,) = add(project, ["d"]).added
        assert added.files == 3  # nothing is dropped by the way
        edit(repo, "small.bin", "size", "7")
        repo.write("small.bin", "changed")
        add(project, ["small.bin"])
        assert status(project, ["small.bin"]).clean


def test_a_pointer_that_was_updated_wrongly_is_corrected_first(repo: Repo) -> None:
    """The workspace is behind: its content is not what the pointer should be."""
    old = {name: repo.contents(name) if name == "d" else repo.read(name) for name in ("d", "small.bin")}
    repo.git("switch", "-qc", "side")
    repo.write("d/b", "changed")
    repo.write("small.bin", "changed")
    repo.ok("add", "d", "small.bin")
    good = repo.read("d.mvc"), repo.read("small.bin.mvc")
    edit(repo, "d", "size", "3")
    edit(repo, "small.bin", "size", "3")
    repo.git("commit", "-qam", "wrong")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    assert (repo.contents("d"), repo.read("small.bin")) == (old["d"], old["small.bin"])
    repo.git("switch", "-q", "side")
    with open_project(repo) as project:
        assert add(project, ["d", "small.bin"]).failed == ()
        assert (repo.read("d.mvc"), repo.read("small.bin.mvc")) == good
        check_out(project)
    assert (repo.read("d/b"), repo.read("small.bin")) == (b"changed", b"changed")


@pytest.mark.parametrize(("path", "field", "text"), [(path, field, text) for path, field, text, _ in FIELDS])
def test_the_gate_asks_the_remote(repo: Repo, tmp_path: Path, path: str, field: str, text: str) -> None:
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"), "--default")
    repo.ok("push")
    repo.git("commit", "-qam", "remote")
    edit(repo, path, field, text)
    repo.git("commit", "-qam", "wrong", "--no-verify")
    shutil.rmtree(repo.store)
    with open_project(repo) as project:
        found = find_revisions(project, GateOptions(base="HEAD~1", head="HEAD"))
        offline, asked = (gate(project, found, GateOptions(remote=remote), time.time()) for remote in ("", "nas"))
    assert offline.passed
    assert not asked.passed
    codes: Callable[[str], bool] = {"MVC312", "MVC321"}.__contains__
    assert [finding.path for finding in asked.findings if codes(finding.code)] == [path]
