"""Tags: versions of semver.org in their order, and patterns of a policy."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.quality.reports.tags import Bump, Version, bumped, fits, parse_version

# The order of semver.org, item 11.
ASCENDING = (
    "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
    "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0",
)


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(ASCENDING)))
def test_versions_have_the_order_of_semver(lower: str, higher: str) -> None:
    small, large = parse_version(lower), parse_version(f"v{higher}")
    assert small
    assert large
    assert small.rank < large.rank


@pytest.mark.parametrize(
    "tag", ["v1.2.3", "1.2.3", "0.0.0", "v1.0.0-rc.1+build.5", "v1.0.0+001", "v10.20.30", "1.0.0--"],
)
def test_versions(tag: str) -> None:
    assert fits("semver", tag)


@pytest.mark.parametrize(
    "tag",
    [
        "", "v", "1", "1.2", "v1.2", "1.2.3.4", "01.2.3", "1.02.3", "V1.2.3", "v1.2.3-", "v1.2.3-01", "v1.2.3+",
        "v1.2.3\n"," v1.2.3", "v1.2.x", "v१.2.3", "-1.2.3", "v1.2.3-a..b", "v1.2." + "9" * 300, "latest", "vv1.2.3",
    ],
)
def test_no_versions(tag: str) -> None:
    assert not fits("semver", tag)


@given(st.text())
def test_any_text_is_a_version_or_none(tag: str) -> None:
    version = parse_version(tag)
    assert version is None or version.rank == version.rank


def test_a_pattern_is_of_the_whole_tag() -> None:
    assert fits("v[0-9]+", "v12")
    assert not fits("v[0-9]+", "v12a")
    assert not fits("v[0-9]+", "xv12")
    assert not fits("v[0-9]+", "v12\n")
    assert fits("a|ab", "ab")


@pytest.mark.parametrize(
    ("tag", "part", "expected"),
    [
        ("v1.2.3", "patch", "v1.2.4"), ("v1.2.3", "minor", "v1.3.0"), ("v1.2.3", "major", "v2.0.0"),
        ("1.2.3", "patch", "v1.2.4"), ("v1.2.3-rc.1", "patch", "v1.2.3"), ("v1.2.0-rc.1", "minor", "v1.2.0"),
        ("v1.2.3-rc.1", "minor", "v1.3.0"), ("v2.0.0-rc.1", "major", "v2.0.0"), ("v2.1.0-rc.1", "major", "v3.0.0"),
        ("v1.2.3+build", "patch", "v1.2.4"),
    ],
)
def test_the_tag_after(tag: str, part: Bump, expected: str) -> None:
    version = parse_version(tag)
    assert version
    assert bumped(version, part) == expected


def test_the_tag_after_is_higher() -> None:
    for tag in ASCENDING:
        version = parse_version(tag)
        assert isinstance(version, Version)
        for part in ("major", "minor", "patch"):
            after = parse_version(bumped(version, part))
            assert after
            assert version.rank < after.rank
