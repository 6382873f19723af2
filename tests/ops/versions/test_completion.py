"""What TAB offers for models, versions and stages."""

from __future__ import annotations

from harness import Begin
from versions import promoted

from mvc.ops.setup import completion_words
from mvc.surroundings import surroundings


def test_versions_and_stages_are_offered(begin: Begin) -> None:
    repo = begin(promoted)
    repo.ok("retire", "ranker@v1.2.0")
    around = surroundings(repo.root)
    assert completion_words.models(around, "r") == ["ranker"]
    assert completion_words.models(around, "x") == []
    assert completion_words.versions(around, "ranker@v1") == ["ranker@v1.0.0", "ranker@v1.1.0"]
    assert completion_words.stages(around, "p") == ["prod"]
    assert "ranker#prod" in completion_words.revisions(around, "ranker#")
