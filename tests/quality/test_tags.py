"""Tags: versions of semver.org in their order, and patterns of a policy."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.quality.reports.tags import Bump, Version, bumped, compare, fits, next_tag, parse_version

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


# Tags past semver.

RISING = (
    ("v1.0", "v2.0.0", "v2.1", "v10"),
    ("1", "1.0.0.1", "1.1"),
    ("v1.0-alpha2", "v1.0-beta1", "v1.0-rc1", "v1.0-rc2", "v1.0.0-rc.10", "v1.0", "v1.0.1"),
    ("ranker", "ranker-9", "ranker-10", "Ranker_11"),
    ("ranker/v1.2.0", "ranker/v1.10.0", "ranker/v2"),
    ("2026-11-21", "2026-11-22.1", "2026-12-01", "2027.01.01"),
    ("2026-11-21-abc", "2026-11-22-aba"),
    ("v007", "v8", "v" + "9" * 150),
)


@pytest.mark.parametrize("tags", RISING)
def test_tags_rise_by_their_numbers(tags: tuple[str, ...]) -> None:
    for lower, higher in itertools.combinations(tags, 2):
        assert compare(higher, lower) == 1, (lower, higher)
        assert compare(lower, higher) == -1, (lower, higher)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v1.0", "1.0.0"), ("v1.0", "V1.0"), ("v1.0.0+a", "v1.0.0+b"), ("v1.0+a", "v1.0"), ("ranker-03", "ranker-3"),
        ("ranker-v3", "Ranker-V3"), ("x", "x"),
    ],
)
def test_spellings_of_one_tag_are_equal(one: str, other: str) -> None:
    assert compare(one, other) == compare(other, one) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("first", "second"), ("ranker-3", "spam-4"), ("v1.0", "ranker-1.1"), ("v1.0", "v1.0-hotfix"), ("v2", "latest"),
        ("v1.0-hotfix", "v1.0-rc1"), ("2026-11-21-abc", "2026-11-21-abd"), ("é1", "e2"),
    ],
)
def test_tags_without_an_order(one: str, other: str) -> None:
    assert compare(one, other) is compare(other, one) is None


@given(st.text("v01a-.+rc"), st.text("v01a-.+rc"))
def test_the_order_is_the_same_from_both_sides(one: str, other: str) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (there is None and back is None) or (there is not None and back is not None and there == -back)
    assert compare(one, one) == 0


# The next tag.


@pytest.mark.parametrize(
    ("part", "committed", "recorded", "given", "expected"),
    [
        ("minor", "v1.2.3", "", "", "v1.3.0"),
        ("minor", "v1.2.3", "v1.3.0", "", "v1.3.0"),
        ("patch", "v1.2.3", "v1.3.0", "", "v1.2.4"),
        ("minor", "v0.1.0", "", "v0.1.0 v0.2.0 0.3.0 v0.4.0+build", "v0.5.0"),
        ("minor", "v0.1.0", "", "v0.2.0-rc.1 v0.2", "v0.3.0"),
        ("minor", "v1.0.0-rc.1", "", "v1.0.0", "v1.1.0"),
        ("major", "", "", "", "v1.0.0"),
        ("major", "", "", "v1.0.0 v3.1.0 summer", "v4.0.0"),
        ("minor", "", "v1.0.0", "", "v1.0.0"),
        ("major", "", "v0.1.0", "", "v1.0.0"),
        ("minor", "", "v1.0.0", "v0.3.0", "v0.4.0"),
        ("minor", "summer", "", "v2.0.0", "v2.1.0"),
        ("minor", "summer", "spring", "", "v0.1.0"),
    ],
)
def test_the_next_tag(part: Bump, committed: str, recorded: str, given: str, expected: str) -> None:
    assert next_tag(part, committed, recorded, given.split()) == expected
