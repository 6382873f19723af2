"""When events count: clocks that differ, and questions about the past."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Begin, Repo
from versions import registered

from mvc.errors import Refused, UsageError
from mvc.ops.shared.versions.dates import end_of
from mvc.ops.versions.history import history
from mvc.ops.versions.stages import EventOptions, promote, rollback
from mvc.ops.versions.which import which
from mvc.project import Project
from mvc.surroundings import surroundings

MARCH = 1_900_000_000
"""A moment after the versions were registered: 2030-03-17T17:46:40Z."""
DAY = 24 * 3600
NO_OPTIONS = EventOptions()


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return a repository with three registered versions."""
    return begin(registered)


@pytest.fixture
def project(repo: Repo) -> Iterator[Project]:
    """Return its project."""
    with Project.find(surroundings(repo.root)) as found:
        yield found


def test_what_was_held_on_a_day(project: Project) -> None:
    for day, version in enumerate(("v1.0.0", "v1.1.0", "v1.2.0")):
        promote(project, f"ranker@{version}", "prod", NO_OPTIONS, MARCH + day * DAY)
    rollback(project, "ranker", "prod", "", NO_OPTIONS, MARCH + 3 * DAY)
    with pytest.raises(Refused, match=r"nothing is in ranker#prod at 2030-03-16"):
        which(project, "ranker", "prod", "2030-03-16")
    held = {
        date: which(project, "ranker", "prod", date)[0].version
        for date in ("2030-03-17", "2030-03-18T17:46:39Z", "2030-03-18T17:46:40+00:00", "2030-03-19", "2030-03-20")
    }
    assert list(held.values()) == ["v1.0.0", "v1.0.0", "v1.1.0", "v1.2.0", "v1.1.0"]


def test_an_event_is_younger_than_the_one_that_it_follows_whatever_the_clock_says(project: Project) -> None:
    promote(project, "ranker@v1.0.0", "prod", NO_OPTIONS, MARCH)
    promote(project, "ranker@v1.1.0", "prod", NO_OPTIONS, MARCH - 1000 * DAY)
    promote(project, "ranker@v1.2.0", "prod", NO_OPTIONS, MARCH)
    (held,) = which(project, "ranker", "prod")
    assert (held.version, held.date) == ("v1.2.0", "2030-03-17T17:46:42+00:00")
    assert [item.date[-8:-6] for item in history(project, "ranker")[:3]] == ["42", "41", "40"]


def test_a_stage_may_demand_a_young_report(repo: Repo, project: Project) -> None:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\nstages: {prod: {max_age: 30d}}\n")
    repo.git("commit", "-qam", "stages")
    repo.git("push", "-q", "origin", "main")
    old = promote(project, "ranker@v1.0.0", "prod", NO_OPTIONS, MARCH)
    assert old.refused
    assert [finding.code for finding in old.findings if finding.severity == "error"] == ["MVC127"]
    assert promote(project, "ranker@v1.0.0", "beta", NO_OPTIONS, MARCH).tag == "ranker#beta#1"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2030-03-17", MARCH - 64000 + DAY - 1), ("2030-03-17T17:46:40", MARCH), ("2030-03-17T18:46:40+01:00", MARCH)],
)
def test_a_date_without_a_time_is_the_end_of_that_day(text: str, seconds: int) -> None:
    assert end_of(text) == seconds


@pytest.mark.parametrize("text", ["yesterday", "17.3.2030", "2030-02-30", ""])
def test_what_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="invalid date"):
        end_of(text)
