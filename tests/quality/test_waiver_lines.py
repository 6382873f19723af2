"""Adding a waiver to the file as lines of text: everything else in the file stays."""

from __future__ import annotations

import pytest

from mvc.errors import InvalidFormat
from mvc.quality.judge.rules.waiver_lines import with_waiver
from mvc.quality.judge.rules.waivers import Waiver, parse_waivers

OLD = Waiver("MVC201", "a" * 64, "", "first", "ada@example.com", "2027-01-31")
NEW = Waiver("MVC202", "b" * 64, "c" * 64, 'with "quotes", # and\na line: é \U0001f600', "bob", "2028-02-29", "m x")
ONE = with_waiver(None, OLD).decode()


@pytest.mark.parametrize("text", [
    ONE,
    ONE.rstrip("\n"),
    f"# why\n{ONE}  # of the last one\n",
    ONE.replace("  - ", "- ").replace("\n    ", "\n  "),
    ONE.replace("\n    ", "\n        ").replace("  - ", "      - "),
    ONE.replace("\n", "\r\n"),
    f"{ONE}\n# about search\n\nx-team: search\nx-more: [1]\n",
    f"x-team: search\n{ONE}\n\n",
    ONE.replace('"first"', "|+\n      first\n\n\n"),
    ONE + "...\n",
    ONE.replace("waivers:\n", "waivers:  # all of them\n"),
    "mvc-waivers: 1\nwaivers: []  # none yet\n",
    "waivers: [ ]\nmvc-waivers: 1\n",
    "mvc-waivers: 1\nx-team: search\n",
    "mvc-waivers: 1",
])
def test_all_other_lines_stay(text: str) -> None:
    new = with_waiver(text.encode(), NEW).decode()
    assert parse_waivers(new.encode()) == (*parse_waivers(text.encode()), NEW)
    assert ("\r\n" in new) == ("\r\n" in text) == (new.count("\n") == new.count("\r\n"))
    rest = iter(new.splitlines())
    kept = [line.replace(" []", "").replace(" [ ]", "") for line in text.splitlines()]
    assert all(line in rest for line in kept), new


def test_a_new_file() -> None:
    assert parse_waivers(with_waiver(None, NEW)) == (NEW,)


@pytest.mark.parametrize("text", [
    'mvc-waivers: 1\n"waivers": []\n',
    "{mvc-waivers: 1, waivers: []}\n",
    ONE.replace("waivers:\n", "waivers:\n  [").replace("  - code", "{code").replace("\n    ", ", ").rstrip() + "}]\n",
    "mvc-waivers: 1\nwaivers: 1\n",
    "mvc-waivers: 2\n",
    "",
])
def test_what_cannot_be_extended_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat):
        with_waiver(text.encode(), NEW)
