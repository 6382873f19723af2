"""docs/policy.md has every key with its default, and correct examples."""

from __future__ import annotations

import re
from typing import Any

import pytest
from harness import PROJECT
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import STARTER, Bound, Defaults, Policy, Rule, parse_policy

PAGE = (PROJECT / "docs/policy.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def table(header: str) -> dict[str, list[str]]:
    """Return the rows below a header's cell, by their first cell."""
    lines = PAGE.partition(f"\n| {header} | ")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def spelled(value: Any) -> str:
    """Return a default as the page has it."""
    if value is None or value in ([], {}):
        return "none"
    text = " ".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"


def keys(kind: type[Struct], prefix: str = "") -> dict[str, str]:
    """Return every key of a type with its default; parts are opened."""
    found = {}
    for field in fields(kind):
        default = field.default if field.default is not NODEFAULT else field.default_factory()
        if isinstance(default, Struct):
            found |= keys(type(default), f"{prefix}{field.encode_name}.")
        else:
            found[prefix + field.encode_name] = spelled(default)
    return found


def test_every_default_is_described() -> None:
    described = {key: cells[0] for key, cells in table("key of `defaults`").items()}
    wanted = keys(Defaults)
    assert {key: text.lower() for key, text in described.items()} == {key: text.lower() for key, text in wanted.items()}


def test_every_key_of_a_rule_is_described() -> None:
    assert set(table("key of a rule")) == {field.encode_name for field in fields(Rule)}


def test_every_key_of_a_metric_is_described() -> None:
    assert {key: cells[0] for key, cells in table("key of a metric").items()} == keys(Bound)


def test_every_key_at_the_top_is_described() -> None:
    assert set(table("key")) == {field.encode_name for field in fields(Policy)} - {"x-"}


def test_the_first_block_is_the_starter() -> None:
    assert BLOCKS[0] == STARTER


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_is_a_policy(number: int) -> None:
    assert parse_policy(BLOCKS[number].encode()).format == 1


def test_the_worked_example_comes_out_as_the_page_says() -> None:
    policy = parse_policy(BLOCKS[1].encode())
    rows = table("path")
    assert len(rows) == 5
    for path, (report, tag, metrics) in rows.items():
        found = demands(policy, path)
        assert report.split(",")[0].split(":")[0] == found.report
        assert tag.startswith("a version") == (found.tags[0].pattern == "semver"), path
        limits = {(item.name, item.min, item.max) for item in found.metrics}
        said = {(name, float(value), None) for name, value in re.findall(r"`(\w+)` at least ([\d.]+)", metrics)}
        said |= {(name, None, float(value)) for name, value in re.findall(r"`(\w+)` at most ([\d.]+)", metrics)}
        assert limits == said, path
