"""Settings: which file sets them, which counts, and what cannot be set."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Repo

from mvc import config
from mvc.errors import UsageError
from mvc.ops.setup.configure import get_value, list_values, set_value
from mvc.project import Project

Open = Callable[..., Project]


def test_the_value_in_effect_and_the_value_in_a_file(open_fresh: Open) -> None:
    set_value(open_fresh(), "cache.link", "hardlink", "project")
    set_value(open_fresh(), "cache.link", "symlink", "local")
    project = open_fresh({"MVC_CACHE_LINK": "copy"})
    found = get_value(project, "cache.link")
    assert found is not None
    assert (found.value, found.origin) == ("copy", "environment")
    scopes: tuple[config.Scope, ...] = ("user", "project", "local")
    in_files = [get_value(project, "cache.link", scope) for scope in scopes]
    assert [item and item.value for item in in_files] == [None, "hardlink", "symlink"]


def test_a_removed_value(open_fresh: Open) -> None:
    set_value(open_fresh(), "cache.link", "symlink", "local")
    path = set_value(open_fresh(), "cache.link", None, "local")
    assert path.endswith("/.git/mvc/config.yaml")
    assert get_value(open_fresh(), "cache.link", "local") is None
    assert list_values(open_fresh(), "local") == []


def test_the_project_file_is_staged(open_fresh: Open, fresh: Repo) -> None:
    set_value(open_fresh(), "cache.link", "hardlink", "project")
    assert fresh.git("diff", "--cached", "--name-only") == ".mvc/config.yaml"


def test_every_key_is_listed_once(open_fresh: Open) -> None:
    names = [value.name for value in list_values(open_fresh())]
    assert sorted(names) == sorted(set(names))
    assert set(config.KEYS) == set(names)


@pytest.mark.parametrize(("name", "value"), [("cache.lnk", "copy"), ("cache.link", "magic"), ("cache.dir", "relative")])
def test_a_wrong_key_or_value(open_fresh: Open, name: str, value: str) -> None:
    with pytest.raises(UsageError):
        set_value(open_fresh(), name, value, "local")


def test_a_key_that_cannot_be_committed(open_fresh: Open) -> None:
    with pytest.raises(UsageError, match=r"cannot set cache\.dir"):
        set_value(open_fresh(), "cache.dir", "/tmp/cache", "project")


def test_reading_an_unknown_key(open_fresh: Open) -> None:
    with pytest.raises(UsageError):
        get_value(open_fresh(), "cache.lnk")
