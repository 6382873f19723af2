"""What paths and references mean, and what an error about a path suggests."""

from __future__ import annotations

import pytest
from harness import Repo

from mvc.errors import InvalidFormat, MvcError
from mvc.ops.shared.selection import broken_manifest, chosen, is_path, manifest_errors, unusable
from mvc.ops.shared.versions.references import split_reference
from mvc.project import Project, Shell, Surroundings
from mvc.workspace.tracked import Tracked

SHELL = Shell("/repo/models", "/repo")


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("main:a/b", ("main", "a/b")),
        ("main:./a", ("main", "a")),
        ("a/b", ("", "a/b")),
        ("./a:b", ("", "./a:b")),
        (":a", ("", ":a")),
        ("HEAD~1:a:b", ("HEAD~1", "a:b")),
    ],
)
def test_a_reference_is_a_revision_and_a_path(project: Project, reference: str, parts: tuple[str, str]) -> None:
    assert split_reference(project, reference, lambda _: False) == parts
    assert split_reference(project, reference, lambda text: text == reference) == ("", reference)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("10:30.bin", True), ("main:m.bin", True), ("main:d/part", True), ("here:x", True),
        ("main:gone", False), ("main:" + 300 * "x", False),
        ("main:../m.bin", False), ("main:a/../10:30.bin", False), ("../../main:m.bin", False),
    ],
)
def test_a_path_is_one_that_is_there_or_tracked(repo: Repo, project: Project, text: str, known: bool) -> None:
    for name in ("10:30.bin", "main:m.bin", "main:d/part", "here:x", "m.bin"):
        repo.write(name, "1")
    repo.ok("add", "10:30.bin", "main:m.bin", "main:d", "m.bin")
    for name in ("10:30.bin", "main:m.bin", "main:d"):
        repo.remove(name)
    assert is_path(project, text) == known


@pytest.mark.parametrize(
    ("item", "message", "fix", "code"),
    [
        (
            Tracked("models/m.bin", condition="conflict"),
            "models/m.bin.mvc is in conflict: both sides changed it", "mvc resolve m.bin --ours  # or --theirs", 3,
        ),
        (
            Tracked("d", b'mvc: 1\nkind: "dir"\n', condition="conflict", stages=frozenset({1, 2, 3})),
            "d.mvc is in conflict: both sides changed it",
            "mvc resolve ../d --ours  # or --theirs", 3,
        ),
        (
            Tracked("d", b'mvc: 1\nkind: "dir"\n', condition="conflict", stages=frozenset({1, 3})),
            "d.mvc is in conflict: both sides changed it",
            "mvc resolve ../d --theirs  # keeps it; --ours deletes it, as that side did", 3,
        ),
        (
            Tracked("data/d", condition="not-checked-out"),
            "data/d is left out by the sparse checkout", "git sparse-checkout add ../data", 3,
        ),
        (
            Tracked("d", condition="not-checked-out"),
            "d is left out by the sparse checkout", "git sparse-checkout disable", 3,
        ),
        (
            Tracked("models/m.bin", condition="invalid", problem="not YAML"),
            "not YAML", "git checkout -- m.bin.mvc", 2,
        ),
        (
            Tracked("models/m.bin", condition="invalid", problem="it cannot be read", unreadable=True),
            "it cannot be read", "ls -l -- m.bin.mvc", 3,
        ),
    ],
)
def test_an_unusable_pointer_says_why_and_what_to_type_from_here(
    item: Tracked, message: str, fix: str, code: int, repo: Repo,
) -> None:
    repo.write("models/m.bin.mvc", "staged")
    repo.git("add", ".")
    with Project.find(Surroundings(str(repo.root / "models"), repo.environ, "none")) as project:
        error = unusable(project, item)
    assert (error.message, error.fix, error.exit_code) == (message, fix, code)


@pytest.mark.parametrize(
    ("there", "rev", "fix"),
    [
        ({}, "", "mv -n -- m.mvc m.mvc.aside"),
        ({"m": "content"}, "", "mvc add m"),
        ({}, "old", "mvc log m  # its other versions"),
    ],
)
def test_an_invalid_pointer_is_replaced_by_what_there_is(
    there: dict[str, str], rev: str, fix: str, repo: Repo, project: Project,
) -> None:
    for name, content in there.items():
        repo.write(name, content)
    assert unusable(project, Tracked("m", condition="invalid", problem="x"), rev).fix == fix


def test_a_broken_manifest_names_its_directory() -> None:
    with pytest.raises(InvalidFormat) as caught, manifest_errors(SHELL, "models/bert"):
        raise InvalidFormat("line 3: not sorted")
    assert caught.value.message == "models/bert: its manifest cannot be used: line 3: not sorted"
    assert caught.value.fix == "mvc log bert  # its other versions"
    assert broken_manifest(SHELL, "a", InvalidFormat("x")).exit_code == InvalidFormat("x").exit_code


def test_what_is_not_tracked_is_told_from_what_does_not_exist(repo: Repo, project: Project) -> None:
    repo.write("here", "x")
    tracked = {"m": Tracked("m")}
    assert [selection.item.path for selection in chosen(project, tracked, ["m"])] == ["m"]
    assert [selection.item.path for selection in chosen(project, tracked, [])] == ["m"]
    with pytest.raises(MvcError) as caught:
        chosen(project, tracked, ["here"])
    assert (caught.value.message, caught.value.fix) == ("here is not tracked", "mvc add here")
    with pytest.raises(MvcError) as caught:
        chosen(project, tracked, ["here"], "old")
    assert (caught.value.message, caught.value.fix) == (
        "here is not tracked at old", "mvc ls old  # lists tracked paths",
    )
    with pytest.raises(MvcError) as caught:
        chosen(project, tracked, ["away"])
    assert (caught.value.message, caught.value.fix) == (
        "away is not tracked and does not exist", "mvc ls  # lists tracked paths",
    )
