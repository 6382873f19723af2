"""The tag of a report: a version by Semantic Versioning 2.0 (semver.org), or a match of the policy's pattern.

Any two tags have an order, or are known to have none: `compare`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import groupby, zip_longest
from typing import Literal, NamedTuple, TypeAlias

SEMVER = "semver"
"""The pattern's name in a policy. A `v` before the version is optional: `v1.2.0`."""
MAX_CHARS = 200
"""Characters of a valid tag, so that a policy's expression never runs on a long text."""

Bump: TypeAlias = Literal["major", "minor", "patch"]

_NUMBER = r"(0|[1-9][0-9]{0,17})"
_WORD = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_WORD}(?:\.{_WORD})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)


class Version(NamedTuple):
    """A semantic version without its build metadata, which has no precedence."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()
    """The identifiers of a pre-release: `("rc", "1")`."""

    @property
    def rank(self) -> tuple[object, ...]:
        """The sort key of versions: semver.org, item 11."""
        words = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in self.pre)
        return self.major, self.minor, self.patch, not words, words


def parse_version(tag: str) -> Version | None:
    """Return the version in a tag; None for another tag."""
    if len(tag) > MAX_CHARS or (match := _VERSION.fullmatch(tag)) is None:
        return None
    return Version(int(match[1]), int(match[2]), int(match[3]), tuple(match[4].split(".")) if match[4] else ())


def fits(pattern: str, tag: str) -> bool:
    """Whether a tag matches `pattern`: `semver`, or a regular expression for all of it."""
    if pattern == SEMVER:
        return parse_version(tag) is not None
    return len(tag) <= MAX_CHARS and re.fullmatch(pattern, tag) is not None


def spelling(tag: str) -> str:
    """Return the same for tags that are one version: a `v` before the number and the case make no difference."""
    return re.sub(r"^v(?=[0-9])", "", tag.lower())


# Order.

_PRE_RELEASES = frozenset({"a", "alpha", "b", "beta", "c", "rc", "pre", "preview", "dev", "snapshot"})


def compare(one: str, other: str) -> int | None:
    """Return 1 if a tag is higher than another, -1 if lower, 0 if neither; None if they have no order.

    Versions are compared as semver.org says. Other tags are compared by their numbers, which must stand after the same
    words: `ranker-10` is higher than `ranker-9`, and `v1.0` than `v1.0-rc2`.
    """
    versions = parse_version(one), parse_version(other)
    if versions[0] and versions[1]:
        new_rank, old_rank = versions[0].rank, versions[1].rank
        return (new_rank > old_rank) - (new_rank < old_rank)
    numbered = False
    for new, old in zip_longest(_parts(one), _parts(other)):
        if _rank(new) != _rank(old):
            return _difference(new, old, numbered=numbered)
        numbered = numbered or isinstance(new, int)
    return 0


_Part: TypeAlias = int | str | None
"""A number or a word of a tag; None behind its end."""


def _parts(tag: str) -> Iterator[_Part]:
    """Yield the numbers and words of a tag, without zeros at the end of a run of numbers and without build metadata."""
    found = re.findall(r"[0-9]+|[^\W0-9_]+", spelling(tag).partition("+")[0])
    for numbers, run in groupby(found, lambda part: part[0] in "0123456789"):
        parts = list(run)
        if not numbers:
            yield "".join(parts)
            continue
        while parts and not parts[-1].strip("0"):
            parts.pop()
        yield from map(int, parts)


def _difference(new: _Part, old: _Part, *, numbered: bool) -> int | None:
    """Return the order of the first parts that differ; `numbered` says whether a number stands before them."""
    words = [part for part in (new, old) if isinstance(part, str)]
    if words and not (numbered and _PRE_RELEASES.issuperset(words)):
        return None
    return 1 if _rank(new) > _rank(old) else -1


def _rank(part: _Part) -> tuple[bool, int, str]:
    """Return the sort key of a part: words of pre-releases come before the end, which counts as 0."""
    return (False, 0, part) if isinstance(part, str) else (True, part or 0, "")


def bumped(version: Version, part: Bump) -> str:
    """Return the next tag after `version`; a pre-release becomes its release, if that bumps this part."""
    major, minor, patch, pre = version
    if part == "patch":
        return f"v{major}.{minor}.{patch if pre else patch + 1}"
    if part == "minor":
        return f"v{major}.{minor if pre and not patch else minor + 1}.0"
    return f"v{major if pre and not minor and not patch else major + 1}.0.0"


def next_tag(part: Bump, committed: str, recorded: str, given: Collection[str]) -> str:
    """Return the tag after that of the committed report, and none that was given before.

    Without a committed version it counts from the highest given one, else from 0.0.0. A tag that was `recorded` and not
    committed is replaced; where there is nothing to count from it stays, unless the part makes a higher one.
    """
    versions = [version for tag in (committed, *given) if (version := parse_version(tag))]
    last = parse_version(committed) or max(versions, key=lambda version: version.rank, default=Version(0, 0, 0))
    tag = bumped(last, part)
    while any(compare(tag, other) == 0 for other in given):
        tag = bumped(parse_version(tag) or last, part)
    kept = not versions and parse_version(recorded) and compare(recorded, tag) == 1
    return recorded if kept else tag
