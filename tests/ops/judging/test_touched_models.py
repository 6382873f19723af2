"""Which models a change touches, told from paths and modes alone."""

from __future__ import annotations

import pytest

from mvc.ops.judging.touched_models import enters, stem, touched_models
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import RawChange

FILE, NOTHING, ZERO = "100644", "000000", "0" * 40


def index(*paths: str, added: tuple[str, ...] = (), deleted: tuple[str, ...] = ()) -> Index:
    """Return an index with `paths`, some of them `added`, and without those that are `deleted`."""
    entries = {path: Entry(FILE, path) for path in (*paths, *added)}
    changes = {path: RawChange(path, NOTHING, FILE, ZERO, path) for path in added}
    changes |= {path: RawChange(path, FILE, NOTHING, path, ZERO) for path in deleted}
    return Index(entries, changes, frozenset(paths))


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
        assert touched_models(index("m.mvc", added=(name,))) == {"m"}
    assert touched_models(index("m.mvc", added=("m/deep/file",))) == {"m"}
    assert touched_models(index("m.mvc", added=("n/file",))) == set()
    assert touched_models(index(deleted=("m.mvc",))) == {"m"}


def test_a_deleted_report_without_a_pointer_is_not_a_model_s() -> None:
    assert touched_models(index(deleted=("m.eval.yaml",))) == set()
    assert touched_models(index(added=("m.eval.yaml",))) == {"m"}


def test_only_new_content_that_is_not_mvc_s_enters() -> None:
    found = index("m.mvc", "old", added=("new", "m/file", "n.mvc", "m.eval.yaml", "other.eval.yaml"))
    moved = found._replace(entries={**found.entries, "moved": Entry(FILE, "old")})
    entering = {path for path in moved.entries if enters(moved, path, {"m"})}
    assert entering == {"new", "other.eval.yaml"}
