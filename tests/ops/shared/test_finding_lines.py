"""Findings as a user reads them who is in a directory of the worktree."""

from __future__ import annotations

import pytest

from mvc.ops.shared.finding_lines import relative_findings
from mvc.project import Shell
from mvc.quality.finding import Finding


@pytest.mark.parametrize(
    ("fix", "shown"),
    [
        ("mvc add d/m", "cd .. && mvc add d/m"),
        ("git add -- a  # once it is fixed", "cd .. && git add -- a  # once it is fixed"),
        ("mvc pull a  # or, if it is new: mvc add a", "cd .. && mvc pull a  # or, if it is new: cd .. && mvc add a"),
        ("git rm a  # or allow it in Git: allow: [a]", "cd .. && git rm a  # or allow it in Git: allow: [a]"),
        ("", ""),
    ],
)
def test_each_line_of_a_fix_goes_to_the_top(fix: str, shown: str) -> None:
    (found,) = relative_findings(Shell("/repo/d", "/repo"), [Finding("MVC101", "error", "d/m", "wrong", fix)])
    assert (found.path, found.fix) == ("m", shown)
