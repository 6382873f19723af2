"""Findings as lines: the first of them in full, the rest counted."""

from __future__ import annotations

import pytest

from mvc.quality.finding import Finding, Severity
from mvc.quality.render.text import problems


def findings(severity: Severity, code: str, count: int) -> list[Finding]:
    """Return that many findings."""
    return [Finding(code, severity, f"m{number}", "it is wrong", "mend it") for number in range(count)]


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_the_first_are_named_and_the_rest_is_counted(severity: Severity) -> None:
    shown = list(problems(findings(severity, "MVC101", 60), "mvc eval check"))
    assert shown[:2] == [f"{severity}: MVC101 m0: it is wrong", "  try: mend it"]
    assert shown[20:] == [f"{severity}: ... and 50 more", "  try: mvc eval check"]


def test_errors_are_counted_apart_from_warnings() -> None:
    both = [*findings("warning", "MVC202", 10), *findings("error", "MVC101", 10)]
    assert len(list(problems(both, "mvc eval check"))) == 40
    assert not list(problems(findings("note", "MVC402", 1), "mvc eval check"))


def test_all_are_named_to_who_asks_for_them() -> None:
    assert len(list(problems(findings("error", "MVC101", 60)))) == 120


def test_no_other_command_is_named_for_what_only_a_commit_is_told() -> None:
    *_, last = problems(findings("error", "MVC302", 60), "mvc eval check")
    assert last == "  try: git commit  # once these are fixed"
