"""Model cards: what mvc writes, it reads again."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mvc.objects.hashing import hash_bytes
from mvc.objects.parsing.strict_yaml import load
from mvc.objects.pointer import Notes, file_pointer
from mvc.quality.render.model_card import Version, model_card
from mvc.quality.render.own_file import is_own
from mvc.quality.reports.model_index import front_matter, read_model_index
from mvc.quality.reports.report import Dataset, Evaluator, Metric, Model, Report, label

DIGEST = "b" * 64
VERSION = Version("ranker", "v1.2.0", "c" * 40, "models/ranker.onnx", file_pointer(hash_bytes(b"m")), "d" * 64)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
DATASETS = st.lists(
    st.builds(Dataset, WORDS, st.just(DIGEST), split=WORDS, n=st.none() | st.integers(0, 9)),
    unique_by=lambda item: item.id, max_size=2,
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.sampled_from(["dataset", "config", "split", "country"]) | WORDS.filter(lambda key: key != "<<")
SLICES = st.dictionaries(KEYS, WORDS, max_size=3)
METRICS = st.builds(
    Metric, WORDS, NUMBERS, st.none() | st.booleans(), st.integers(0, 2), st.none() | st.floats(0, 1e300), SLICES,
    st.none() | st.integers(0, 9), st.none() | st.tuples(NUMBERS, NUMBERS), st.sampled_from(["", "DeLong"]),
)


def metrics_in(card: bytes) -> dict[str, Metric]:
    """Return the metrics of a card by label, as `mvc import hf` reads them."""
    data = load(front_matter(card), what="README.md", max_bytes=1 << 20, max_depth=16)
    assert isinstance(data, dict)
    found = read_model_index(data["model-index"], "README.md")
    assert found.left_out == ()
    return {label(metric): metric for metric in found.metrics}


@given(DATASETS, st.lists(METRICS, max_size=4), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
def test_a_card_has_the_metrics_of_its_report(datasets: list[Dataset], drawn: list[Metric], text: str) -> None:
    ids = ["", *(item.id for item in datasets)]
    placed = [replace(metric, dataset=ids[int(metric.dataset) % len(ids)]) for metric in drawn]
    metrics = {label(metric): metric for metric in placed}
    report = Report(1, Model(DIGEST), task=text, desc=text, limitations=text, datasets=datasets,
                    metrics=[*metrics.values()])
    card = model_card(VERSION, report)
    assert metrics_in(card) == metrics
    assert is_own(card)
    assert isinstance(yaml.safe_load(front_matter(card))["model-index"], list)


@pytest.mark.parametrize("value", [1e-05, 1e22, -3e-300, 0.1, 5.0])
def test_every_yaml_reads_a_number(value: float) -> None:
    card = model_card(VERSION, Report(1, Model(DIGEST), metrics=[Metric("auc", value)]))
    (model,) = yaml.safe_load(front_matter(card))["model-index"]
    assert model["results"][0]["metrics"][0]["value"] == value


def test_the_text_names_what_proves_the_version() -> None:
    report = Report(
        1, Model(DIGEST), tag="v1.2.0", desc="better | faster", created_at="2026-11-21T10:00:00Z",
        evaluator=Evaluator("ada@example.com", "ci"), limitations="only <b>English</b>",
        datasets=[Dataset("holdout", DIGEST, "data/holdout.csv", "test", 5000)],
        metrics=[Metric("auc", 0.9, higher_is_better=True, dataset="holdout", slice={"country": "DE"})],
    )
    pointer = VERSION.pointer._replace(notes=Notes(desc="distilled", labels=(("team", "search"),)))
    text = model_card(VERSION._replace(pointer=pointer), report).decode().partition("\n---\n")[2]
    for part in (
        "# `ranker v1.2.0`", "\n    better | faster\n", "| `auc[country=DE]@holdout` | 0.9 |  | higher |",
        "| version | `ranker@v1.2.0` |", f"| BLAKE3 | `{pointer.digest.blake3}` |", f"| report | `{'d' * 64}` |",
        "| evaluated by | `ada@example.com (ci)` |", "| description | `distilled` |", "| label `team` | `search` |",
        f"| `holdout` | `data/holdout.csv` | `test` | 5000 | `{DIGEST}` |", "\n    only <b>English</b>\n",
        "mvc get REPOSITORY ranker@v1.2.0 -o OUT",
    ):
        assert part in text


def test_an_edited_card_is_not_own() -> None:
    card = model_card(VERSION, Report(1, Model(DIGEST)))
    assert is_own(card)
    for other in (card + b"x", card.replace(b"ranker", b"mine"), b"# README\n", b""):
        assert not is_own(other)
