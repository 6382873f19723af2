"""These tests begin with an empty repository."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Repo

from mvc.project import Project


@pytest.fixture
def repo(fresh: Repo) -> Repo:
    """Return an empty Git repository in which mvc is set up."""
    return fresh


@pytest.fixture
def project(open_fresh: Callable[..., Project]) -> Project:
    """Return its project."""
    return open_fresh()
