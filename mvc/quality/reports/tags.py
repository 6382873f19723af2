"""The tag of a report: a version by Semantic Versioning 2.0 (semver.org), or a match of the policy's pattern."""

from __future__ import annotations

import re
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


def bumped(version: Version, part: Bump) -> str:
    """Return the next tag after `version`; a pre-release becomes its release, if that bumps this part."""
    major, minor, patch, pre = version
    if part == "patch":
        return f"v{major}.{minor}.{patch if pre else patch + 1}"
    if part == "minor":
        return f"v{major}.{minor if pre and not patch else minor + 1}.0"
    return f"v{major if pre and not minor and not patch else major + 1}.0.0"
