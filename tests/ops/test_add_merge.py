"""`add` where Git could not merge the list of a directory: no side's file is lost silently."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import MANY, Begin, Repo

from mvc.ops.judging.check import check
from mvc.ops.shared.checkout import check_out
from mvc.ops.workspace.add import AddOptions, UpdatedPointer, add
from mvc.ops.workspace.checkout import checkout
from mvc.ops.workspace.reading.status import StatusItem, status
from mvc.project import Project
from mvc.surroundings import surroundings

BASE = {"a": "1", "gone": "1", "m": "1", "z": "1"}


def write(repo: Repo, files: dict[str, str]) -> None:
    """Make the directory `d` hold exactly these files, and add it."""
    for name in repo.contents("d").keys() - files.keys():
        repo.remove(f"d/{name}")
    for name, text in files.items():
        repo.write(f"d/{name}", text)
    repo.ok("add", "d")


def branches(repo: Repo, base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> None:
    """Commit two versions of a directory on two branches, and merge them without mvc; Git conflicts."""
    repo.git("config", "--remove-section", "merge.mvc")
    repo.path("d").mkdir()
    write(repo, base)
    repo.commit("base")
    repo.git("switch", "-qc", "side")
    write(repo, theirs)
    repo.commit("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    write(repo, ours)
    repo.commit("ours")
    repo.git("merge", "side", code=1)


def two_additions(repo: Repo) -> None:
    """Both sides add a file at one place; each deletes or changes another."""
    ours = {"a": "1", "m": "1", "n-ours": "ours", "z": "2"}
    theirs = {"a": "1", "gone": "1", "m": "1", "n-theirs": "theirs", "z": "1"}
    branches(repo, BASE, ours, theirs)


MERGED = {"a": b"1", "m": b"1", "n-ours": b"ours", "n-theirs": b"theirs", "z": b"2"}


def one_file(repo: Repo) -> None:
    """Both sides change one file, and each adds another far away."""
    branches(repo, BASE, BASE | {"m": "ours", "0-ours": ""}, BASE | {"m": "theirs", "zz-theirs": ""})


def without_marks(repo: Repo) -> None:
    """Keep all lines of both sides, as a user does who wants both."""
    text = repo.read("d.mvc").decode()
    repo.write("d.mvc", re.sub(r"^[<=>]{7}.*\n", "", text, flags=re.MULTILINE))


def open_project(repo: Repo) -> Project:
    return Project.find(surroundings(repo.root))


def item(project: Project) -> StatusItem:
    (found,) = status(project).items
    return found


STATES: dict[str, Callable[[Repo], object]] = {
    "with marks": lambda repo: None,
    "without marks": without_marks,
    "staged with marks": lambda repo: repo.git("add", "d.mvc"),
    "staged without marks": lambda repo: (without_marks(repo), repo.git("add", "d.mvc")),  # one name twice
    "without content": lambda repo: repo.remove("d"),
}


@pytest.mark.parametrize("state", STATES)
def test_both_additions_are_kept(begin: Begin, state: str) -> None:
    repo = begin(two_additions)
    STATES[state](repo)
    with open_project(repo) as project:
        result = add(project, ["d"])
        assert (result.updated, result.added[0].files) == ((UpdatedPointer("d", complete=True),), len(MERGED))
        assert repo.git("ls-files", "--unmerged") == ""
        assert repo.git("diff", "--name-only") == ""
        assert item(project).state == ("missing" if state == "without content" else "behind")
        check_out(project, ["d"])
        assert repo.contents("d") == MERGED  # a file that one side deleted does not come back
        assert (item(project).state, item(project).problem) == ("clean", "")
    repo.commit("merge")


def test_the_lines_of_status_checkout_and_eval_check_lead_there(begin: Begin) -> None:
    repo = begin(two_additions)
    with open_project(repo) as project:
        line = "mvc add d  # merges the lists of both sides"
        assert (item(project).state, item(project).fix) == ("conflict", line)
        (failure,) = check_out(project, ["d"]).failed
        assert failure.fix == "mvc add d && mvc checkout d  # merges the lists of both sides"
        (finding,) = (found for found in check(project, ["d"], 0).findings if found.code == "MVC305")
        assert finding.fix == line
        without_marks(repo)
        repo.write("d.mvc", re.sub(rb'.*"z", size: 1, blake3: "d63bd9a8.*\n', b"", repo.read("d.mvc")))
        repo.git("add", "d.mvc")
        found = item(project)
        assert (found.state, found.unordered, found.fix) == ("behind", True, "mvc add d")
        assert "must be sorted by path" in found.problem
    assert "  mvc add d\n" in repo.ok("status").out
    assert [problem["fix"] for problem in repo.mvc("doctor", "--json").json["problems"]][1:] == ["mvc add d"]
    assert "Next: mvc checkout d  # brings what the workspace lacks" in repo.ok("add", "d").out


def test_what_the_workspace_changed_is_added(begin: Begin) -> None:
    repo = begin(two_additions)
    repo.write("d/new", "new")
    repo.write("d/a", "changed")
    repo.remove("d/z")  # perhaps it was never checked out
    with open_project(repo) as project:
        add(project, ["d"])
        check_out(project, ["d"])
    assert repo.contents("d") == MERGED | {"new": b"new", "a": b"changed"}


@pytest.mark.parametrize("state", ["with marks", "without marks", "staged with marks"])
def test_one_file_with_two_contents_is_refused_and_both_are_named(begin: Begin, state: str) -> None:
    repo = begin(one_file)
    STATES[state](repo)
    before = repo.read("d.mvc"), repo.git("ls-files", "--stage")
    with open_project(repo) as project:
        (failure,) = add(project, ["d"]).failed
        assert re.fullmatch(r"d/m was changed on both sides: \w{12} \(4 bytes\), \w{12} \(6 bytes\)", failure.message)
        assert failure.fix == "mvc add d/m  # takes the version in the workspace"
        assert (repo.read("d.mvc"), repo.git("ls-files", "--stage")) == before
    repo.shell(failure.fix)
    assert repo.git("ls-files", "--unmerged") == ""
    repo.ok("checkout")
    assert repo.contents("d").items() >= {"m": b"ours", "0-ours": b"", "zz-theirs": b""}.items()
    repo.ok("checkout", "--rev", "MERGE_HEAD", "d/m")
    assert repo.contents("d").items() >= {"m": b"theirs", "0-ours": b"", "zz-theirs": b""}.items()


def test_a_line_that_the_user_chose_decides(begin: Begin) -> None:
    repo = begin(one_file)
    marked = repo.read("d.mvc").decode()
    repo.write("d.mvc", re.sub(r"<{7}.*?={7}\n|>{7}.*?\n", "", marked, flags=re.DOTALL))
    repo.ok("add", "d")
    repo.ok("checkout")
    assert repo.contents("d").items() >= {"m": b"theirs", "0-ours": b"", "zz-theirs": b""}.items()


@pytest.mark.parametrize(
    ("ours", "theirs", "fix"),
    [
        ({"m": "ours"}, {"m": ""}, "mvc add d/m  # takes the version in the workspace"),
        ({"m": ""}, {"m": "theirs"}, "mvc resolve d --ours  # or --theirs"),
        ({"zé": "ours"}, {"ze\u0301": "theirs"}, "mvc resolve d --ours  # or --theirs"),
    ],
)
def test_what_cannot_be_merged_is_refused(
    repo: Repo, ours: dict[str, str], theirs: dict[str, str], fix: str,
) -> None:
    repo.git("rm", "-q", "data.mvc", "m.bin.mvc")
    sides = ({name: text for name, text in (BASE | side).items() if text} for side in (ours, theirs))
    branches(repo, BASE, *sides)
    with open_project(repo) as project:
        (failure,) = add(project, ["d"]).failed
    assert failure.fix == fix
    assert repo.shell(fix).code == 0
    assert repo.state("d") != "conflict"


def test_one_side_deleted_the_directory(repo: Repo) -> None:
    repo.git("rm", "-q", "data.mvc", "m.bin.mvc")
    repo.path("d").mkdir()
    write(repo, BASE)
    repo.commit("base")
    repo.git("switch", "-qc", "side")
    write(repo, BASE | {"n": "theirs"})
    repo.commit("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("rm", "d")
    repo.commit("ours")
    repo.git("merge", "side", code=1)
    (fix,) = repo.fails(3, "add", "d").fixes
    assert fix == "mvc resolve d --theirs  # keeps it; --ours deletes it, as that side did"
    repo.shell(fix)
    assert repo.contents("d") == {name: text.encode() for name, text in (BASE | {"n": "theirs"}).items()}


def test_notes(repo: Repo) -> None:
    repo.git("rm", "-q", "data.mvc", "m.bin.mvc")
    repo.path("d").mkdir()
    write(repo, BASE)
    repo.commit("base")
    repo.git("switch", "-qc", "side")
    repo.ok("add", "d", "-m", "theirs")
    repo.commit("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("add", "d", "-m", "it's ours")
    repo.commit("ours")
    repo.git("merge", "side", code=1)
    result = repo.fails(3, "add", "d")
    assert "another desc on both sides" in result.errors[0]
    assert result.fixes == ["""mvc add d -m 'it'"'"'s ours'  # merges the lists of both sides"""]
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.commit("merge")
    with open_project(repo) as project:
        assert add(project, ["d"], AddOptions(name="name")).added[0].changed is False


# More than Git's index.


def test_lines_out_of_order_without_a_merge(repo: Repo, project: Project) -> None:
    """HEAD is the one side, the pointer the other; a file that only the pointer lists stays listed."""
    lines = repo.read("data.mvc").splitlines(keepends=True)
    extra = lines[3].replace(b'path: "a"', b'path: "zz"')
    repo.write("data.mvc", b"".join([*lines[:3], extra, *lines[3:]]))
    repo.write("data/new", "new")
    (found,) = status(project, ["data"]).items
    assert (found.state, found.unordered) == ("modified", True)
    assert [item.path for item in add(project, ["data"]).updated] == ["data"]
    assert {change.path for change in status(project, ["data"]).items[0].changes} == {"zz"}
    assert [file["path"] for file in repo.ok("ls", "-R", "--json").json["items"]][:4] == [
        "data/a", "data/new", "data/sub/b", "data/zz",
    ]


def test_the_list_of_a_large_directory_is_merged_by_its_manifests(repo: Repo) -> None:
    repo.git("rm", "-q", "data.mvc", "m.bin.mvc")
    many = {f"{number:04}": str(number) for number in range(MANY)}
    branches(repo, many, many | {"0100-ours": ""}, many | {"0100-theirs": ""})
    repo.ok("add", "d")
    repo.ok("checkout")
    assert repo.contents("d").keys() == many.keys() | {"0100-ours", "0100-theirs"}


def test_two_lists_that_are_too_long_together(repo: Repo) -> None:
    """Git merges them by itself, and the pointer is not valid."""
    repo.git("config", "--remove-section", "merge.mvc")
    repo.git("rm", "-q", "data.mvc", "m.bin.mvc")
    many = {f"{number:04}": str(number) for number in range(256)}
    repo.path("d").mkdir()
    write(repo, {name: text for name, text in many.items() if name not in ("0050", "0200")})
    repo.commit("base")
    repo.git("switch", "-qc", "side")
    write(repo, {name: text for name, text in many.items() if name != "0050"} | {"0201": "", "02010": ""})
    repo.commit("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    write(repo, {name: text for name, text in many.items() if name != "0200"} | {"00500": ""})
    repo.commit("ours")
    repo.git("merge", "-q", "side")
    assert repo.state("d") == "behind"
    repo.ok("add", "d")
    repo.ok("checkout")
    assert repo.contents("d").keys() == many.keys() | {"00500", "02010"}


def test_an_invalid_pointer_that_lists_what_is_not_here_is_not_replaced(repo: Repo, project: Project) -> None:
    repo.write("data.mvc", repo.read("data.mvc").replace(b"mvc: 1", b"mvc: one"))
    assert add(project, ["data"]).failed == ()
    repo.write("data.mvc", repo.read("data.mvc").replace(b"mvc: 1", b"mvc: one"))
    repo.remove("data/a")
    (failure,) = add(project, ["data"]).failed
    assert failure.message == "data.mvc cannot be read, and lists data/a, which is not here"
    assert repo.shell(failure.fix).code == 0
    assert add(project, ["data"], AddOptions(force=True)).added[0].files == 1


def test_marks_whose_sides_nobody_knows(repo: Repo, project: Project) -> None:
    repo.write("data.mvc", b"<<<<<<< ours\n" + repo.read("data.mvc") + b"=======\n>>>>>>> theirs\n")
    (failure,) = add(project, ["data"], AddOptions(force=True)).failed
    assert failure.message == "data.mvc has conflict markers, and Git no longer knows both sides"
    assert repo.shell(failure.fix).code == 0


def test_a_part_of_another_revision_does_not_decide_a_conflict(begin: Begin) -> None:
    repo = begin(two_additions)
    with open_project(repo) as project:
        (failure,) = checkout(project, ["d/n-theirs"], "MERGE_HEAD").failed
    assert failure.fix == "mvc add d && mvc checkout d  # merges the lists of both sides"
    assert repo.state("d") == "conflict"


def test_a_pattern_means_it_as_well(begin: Begin) -> None:
    with open_project(begin(two_additions)) as project:
        assert add(project, ["[d]"]).updated


@pytest.mark.parametrize("count", [3, MANY])
def test_the_other_side_s_content_is_on_the_remote(begin: Begin, tmp_path: Path, count: int) -> None:
    """A colleague merges what was pushed, with content that this clone never had."""
    repo = begin(two_additions)
    repo.git("merge", "--abort")
    repo.git("switch", "-q", "side")
    repo.ok("checkout")
    many = {f"o{number:03}": str(number) for number in range(count)}
    write(repo, {name: body.decode() for name, body in repo.contents("d").items()} | many)
    repo.commit("more")
    repo.git("switch", "-q", "main")
    repo.ok("remote", "add", "nas", "../nas", "--default")
    repo.git("commit", "-qam", "remote")
    repo.ok("push", "--all-branches")
    repo.git("clone", "-q", str(repo.root), str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", repo.environ)
    clone.ok("pull")
    clone.git("merge", "origin/side", code=1)
    result = clone.mvc("add", "d")
    if count == MANY:
        assert result.errors == ["the cache lacks the other side's list of files of d"]
        assert result.fixes == ["mvc fetch --rev MERGE_HEAD d"]
        assert clone.shell(result.fixes[0]).code == 0
        assert "mvc checkout d" in clone.ok("add", "d").out
    else:
        assert "Next: mvc pull d  # brings what the workspace lacks" in result.out
    clone.ok("pull", "d")
    assert clone.contents("d").keys() == MERGED.keys() | many.keys()
