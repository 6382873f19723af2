"""Which models a change touches, told from paths and modes alone."""

from __future__ import annotations

import pytest

from mvc.ops.judging.touched_models import ContentInGit, enters, touched_models
from mvc.quality.pointer_files import stem
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import RawChange

FILE, NOTHING, ZERO = "100644", "000000", "0" * 40


def index(*paths: str, added: tuple[str, ...] = (), deleted: tuple[str, ...] = ()) -> Index:
    """Return an index with `paths`, some of them `added`, and without those that are `deleted`."""
    entries = {path: Entry(FILE, path) for path in (*paths, *added)}
    changes = {path: RawChange(path, NOTHING, FILE, ZERO, path) for path in added}
    changes |= {path: RawChange(path, FILE, NOTHING, path, ZERO) for path in deleted}
    return Index(entries, changes, frozenset(paths))


def content(found: Index, **rules: str) -> ContentInGit:
    """Return what knows the content in an index, by the `.mvcignore` files in some directories."""
    files = {f"{folder}/.mvcignore".removeprefix("top/"): text.encode() for folder, text in rules.items()}
    return ContentInGit(found, files.get)


def touched(found: Index) -> set[str]:
    """Return the models that a change touches without any `.mvcignore`."""
    return touched_models(found, content(found))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/m.bin.mvc", "a/m.bin"),
        ("m.eval.yaml", "m"),
        ("m.eval.yaml.sig", "m"),
        (".mvc", ""),
        ("a/.mvc", ""),
        (".eval.yaml", ""),
        ("a/.eval.yaml.sig", ""),
        ("m.sig", ""),
        ("m.mvc.sig", ""),
    ],
)
def test_the_tracked_path_of_a_file(path: str, expected: str) -> None:
    assert stem(path) == expected


def test_pointer_report_signatures_and_content_touch_a_model() -> None:
    for name in ("m.mvc", "m.eval.yaml", "m.eval.yaml.sig"):
        assert touched(index("m.mvc", added=(name,))) == {"m"}
    assert touched(index("m.mvc", added=("m/deep/file",))) == {"m"}
    assert touched(index("m.mvc", added=("n/file",))) == set()
    assert touched(index(deleted=("m.mvc",))) == {"m"}


def test_a_deleted_report_without_a_pointer_is_not_a_model_s() -> None:
    assert touched(index(deleted=("m.eval.yaml",))) == set()
    assert touched(index(added=("m.eval.yaml",))) == {"m"}


def test_only_content_that_is_not_mvc_s_enters() -> None:
    found = index("m.mvc", "old", added=("new", "m/file", "n.mvc", "m.eval.yaml", "other.eval.yaml"))
    entering = {path for path in found.entries if enters(found, path, {"m"}, content(found))}
    assert entering == {"new", "other.eval.yaml"}


def test_what_mvcignore_excludes_is_git_s_own() -> None:
    names = ("m/config.json", "m/deep/config.json", "m/docs/a", "m/a.bin", "m/keep.json", "m2/config.json")
    found = index("m.mvc", "m2.mvc", added=names)
    rules = content(found, top="config.json\ndocs/\n/m2/*.json\n", m="!keep.json\n")
    assert {path: rules.holder(path) for path in names} == {
        "m/config.json": "", "m/deep/config.json": "", "m/docs/a": "", "m/a.bin": "m", "m/keep.json": "m",
        "m2/config.json": "",
    }
    assert (rules.is_at("m"), rules.is_at("m2")) == (True, False)
    assert touched_models(found, rules) == {"m"}
    assert {path for path in names if enters(found, path, {"m", "m2"}, rules)} == {
        "m/config.json", "m/deep/config.json", "m/docs/a", "m2/config.json",
    }


def test_a_tracked_path_itself_is_never_excluded() -> None:
    found = index("m.mvc", added=("m",))
    rules = content(found, top="m\n*\n")
    assert (rules.holder("m"), rules.is_at("m")) == ("m", True)


def changed(old: str, new: str, old_mode: str = FILE, mode: str = FILE) -> Index:
    """Return an index in which `a` changes between blobs, and `b` had the blob `1` and goes."""
    changes = {"a": RawChange("a", old_mode, mode, old, new), "b": RawChange("b", FILE, NOTHING, "1", ZERO)}
    return Index({"a": Entry(mode, new)}, changes, frozenset({"1", "2"}))


def enters_git(found: Index) -> bool:
    """Whether `a` enters."""
    return enters(found, "a", (), content(found))


def test_what_git_has_at_another_path_enters() -> None:
    assert enters_git(changed("2", "1"))
    assert enters_git(changed(ZERO, "1", NOTHING))
    assert changed("2", "1").moved_from() == {"2": ["a"], "1": ["b"]}


def test_what_a_parent_has_at_that_path_does_not_enter() -> None:
    assert not enters_git(changed("1", "1", FILE, "100755"))
    assert not enters_git(changed("2", "1")._replace(inherited=frozenset({"a"})))


def test_a_symlink_that_becomes_a_file_enters() -> None:
    assert enters_git(changed("1", "1", "120000"))
    assert enters_git(changed("1", "1", FILE, "120000"))
