"""The names of tags, and references to versions."""

from __future__ import annotations

import pytest

from mvc.registry.grammar import Reference, TagName, parse_reference, parse_tag, spell_tag

TAGS = {
    "ranker@v1.2.0": TagName("ranker", "register", "v1.2.0"),
    "ranker@v1.2.0-rc.1+build.5": TagName("ranker", "register", "v1.2.0-rc.1+build.5"),
    "ranker@v1.2.0!": TagName("ranker", "retire", "v1.2.0"),
    "ranker@v1.2.0!#7": TagName("ranker", "retire", "v1.2.0", number=7),
    "ranker#prod#3": TagName("ranker", "promote", stage="prod", number=3),
    "ranker#prod": TagName("ranker", "promote", stage="prod"),
    "ranker#prod!#4": TagName("ranker", "unassign", stage="prod", number=4),
    "ranker@deprecated": TagName("ranker", "deprecate"),
    "ranker@deprecated#9": TagName("ranker", "deprecate", number=9),
    "team/ranker_2#eu/prod#1": TagName("team/ranker_2", "promote", stage="eu/prod", number=1),
    "models=ranker@v1.0.0": TagName("models:ranker", "register", "v1.0.0"),
}


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_and_its_parts(tag: str) -> None:
    assert parse_tag(tag) == TAGS[tag]
    assert spell_tag(TAGS[tag]) == tag


@pytest.mark.parametrize(
    "tag",
    [
        "v1.2.0", "ranker", "ranker@1.2.0", "ranker@v1.2", "ranker@v01.2.0", "ranker@latest", "ranker@v1.2.0#",
        "ranker#", "ran.ker@v1.2.0", "-ranker@v1.2.0", "ranker#prod#x", "ranker#pr.od#1", "ranker@v1.2.0#1#2",
        "ranker@v1.2.0!!", "ranker@deprecated!", "ranker@v1.2.0\n", "ränker@v1.0.0", "ranker#prod#1\x1b[31m",
        "ranker@created",
    ],
)
def test_other_tags_are_not_of_the_registry(tag: str) -> None:
    assert parse_tag(tag) is None


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ranker@v1.2.0", Reference("ranker", version="v1.2.0")),
        ("ranker@1.2.0", Reference("ranker", version="1.2.0")),
        ("ranker@latest", Reference("ranker", version="latest")),
        ("ranker#prod", Reference("ranker", stage="prod")),
        ("models/ranker.onnx@v1.2.0", Reference("models/ranker.onnx", version="v1.2.0")),
        ("models/ranker.onnx#prod", Reference("models/ranker.onnx", stage="prod")),
        ("a@b/c@v1.0.0", Reference("a@b/c", version="v1.0.0")),
        ("v1.2.0", None),
        ("HEAD@{1}", None),
        ("main@{upstream}", None),
        ("@", None),
        ("@v1.0.0", None),
        ("#prod", None),
        ("ranker#prod#3", None),
        ("ranker@", None),
    ],
)
def test_a_reference(text: str, reference: Reference | None) -> None:
    assert parse_reference(text) == reference
