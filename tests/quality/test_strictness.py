"""Lost demands between two paths: none when they are equal, some when one demand is weaker."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.quality.judge.rules.strictness import loses
from mvc.quality.policy.demands import Demands, GapDemand, MetricDemand, Regression, SliceDemand
from mvc.quality.policy.policy import Pinned, Tag

DATA, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
AUC = MetricDemand(
    "auc", (("country", "*"),), ("holdout",), "error", 0.9, 0.99, (Regression("1%"), Regression(0.1, "best")), "higher",
)
FULL = Demands(
    "required", (Tag("semver", True, True, "deny"), Tag("v.*")), (AUC, MetricDemand("f1", min=0.5)),
    (SliceDemand("country", "auc", ("holdout",)),), (GapDemand("auc", 0.05),), (Pinned("holdout", DATA, full=True),),
    ("hdf5", "pickle"), "deny", "ci", 2, 3600, companions=("vocabulary",), sources="required",
)  # fmt: skip


def but(**changed: Any) -> Demands:
    return FULL._replace(**changed)


def with_auc(**changed: Any) -> Demands:
    return but(metrics=(AUC._replace(**changed), FULL.metrics[1]))


LOOSER = {
    "no report": (but(report="optional"), "a report"),
    "one signature less": (but(signatures=1), "2 signatures"),
    "assurance": (but(assurance="self"), "assurance ci"),
    "no age": (but(max_age=None), "max_age"),
    "a longer age": (but(max_age=3601), "max_age"),
    "one pattern less": (but(tags=FULL.tags[:1]), "tag pattern v.*"),
    "another pattern": (but(tags=(FULL.tags[0], Tag("v2.*"))), "tag pattern v.*"),
    "not unique": (but(tags=tuple(Tag(tag.pattern, False, True, "deny") for tag in FULL.tags)), "unique tags"),
    "not monotonic": (but(tags=tuple(Tag(tag.pattern, True, False, "deny") for tag in FULL.tags)), "monotonic tags"),
    "rollback": (but(tags=tuple(Tag(tag.pattern, rollback="registered") for tag in FULL.tags)), "rollback deny"),
    "one metric less": (but(metrics=FULL.metrics[:1]), "f1"),
    "another slice": (with_auc(slice=(("country", "DE"),)), "auc[country=*]"),
    "another data set": (with_auc(datasets=("test",)), "auc[country=*]"),
    "a warning": (with_auc(severity="warning"), "auc[country=*]"),
    "other samples": (with_auc(allow_dataset_change=True), "auc[country=*] the same data"),
    "a lower min": (with_auc(min=0.8999999999999999), "auc[country=*] min"),
    "no min": (with_auc(min=None), "auc[country=*] min"),
    "a higher max": (with_auc(max=1), "auc[country=*] max"),
    "no max": (with_auc(max=None), "auc[country=*] max"),
    "another direction": (with_auc(direction="lower"), "auc[country=*] max_regression"),
    "no direction": (with_auc(direction=None), "auc[country=*] max_regression"),
    "one regression less": (with_auc(regressions=(Regression("1%"),)), "auc[country=*] max_regression"),
    "a wider tolerance": (
        with_auc(regressions=(Regression("1.01%"), Regression(0.1, "best"))), "auc[country=*] max_regression",
    ),
    "a tolerance of another kind": (
        with_auc(regressions=(Regression("0.1se"), Regression(0.1, "best"))), "auc[country=*] max_regression",
    ),
    "against another": (
        with_auc(regressions=(Regression("1%"), Regression(0.1, "registered"))), "auc[country=*] max_regression",
    ),
    "other data": (
        with_auc(regressions=(Regression("1%", "base", True), Regression(0.1, "best"))),
        "auc[country=*] max_regression",
    ),
    "no slices": (but(slices=()), "slices by country"),
    "slices of another metric": (but(slices=(SliceDemand("country", "f1", ("holdout",)),)), "slices by country"),
    "slices on other data": (but(slices=(SliceDemand("country", "auc"),)), "slices by country"),
    "a wider gap": (but(gaps=(GapDemand("auc", 0.06),)), "max_gap of auc"),
    "a gap on other data": (but(gaps=(GapDemand("auc", 0.05, ("holdout",)),)), "max_gap of auc"),
    "no data set": (but(datasets=()), "data set holdout"),
    "a data set that is not pinned": (but(datasets=(Pinned("holdout"),)), "data set holdout"),
    "a data set pinned elsewhere": (but(datasets=(Pinned("holdout", OTHER),)), "data set holdout"),
    "a data set in part": (but(datasets=(Pinned("holdout", DATA),)), "data set holdout"),
    "nothing that it is evaluated with": (but(companions=()), "with vocabulary"),
    "sources without reports": (but(sources="optional"), "a report of what it is derived from"),
    "one format more": (but(deny=("pickle",)), "no hdf5"),
    "pickle": (but(pickle="scan"), "pickle deny"),
}
STRICTER = {
    "one more signature": but(signatures=3),
    "a shorter age": but(max_age=60),
    "third-party": but(assurance="third-party"),
    "a pattern more": but(tags=(*FULL.tags, Tag("x"))),
    "a higher min": with_auc(min=0.91),
    "a lower max": with_auc(max=0.98),
    "no tolerance": with_auc(regressions=(Regression(0), Regression("0%", "best"))),
    "a narrower tolerance": with_auc(regressions=(Regression("0.5%"), Regression(0.05, "best"))),
    "more data sets": with_auc(datasets=("holdout", "test")),
    "a smaller gap": but(gaps=(GapDemand("auc", 0.04),)),
    "a tokenizer more": but(companions=("tokenizer", "vocabulary")),
    "a format less": but(deny=("gguf", "hdf5", "pickle")),
    "a metric more": but(metrics=(*FULL.metrics, MetricDemand("mrr"))),
    "another default": but(by_default=False),
}


def test_a_scan_that_allows_more_names_is_looser() -> None:
    old, new = (but(pickle="scan", pickle_allow=frozenset(names)) for names in (("a.b", "a.d"), ("a.b", "a.c")))
    assert loses(old, new) == ["pickle scan without a.c"]
    assert loses(old, old._replace(pickle_allow=frozenset({"a.b"}))) == []
    assert loses(FULL, new) == ["pickle deny"]


def test_nothing_is_lost_where_all_is_the_same() -> None:
    assert loses(FULL, FULL) == []


@pytest.mark.parametrize("name", LOOSER)
def test_what_is_looser_is_named(name: str) -> None:
    looser, word = LOOSER[name]
    assert loses(FULL, looser) == [word]


@pytest.mark.parametrize("name", STRICTER)
def test_what_is_stricter_loses_nothing(name: str) -> None:
    assert loses(FULL, STRICTER[name]) == []
    assert loses(STRICTER[name], FULL) != [] or name == "another default"


def test_a_pinned_data_set_need_not_be_pinned_before() -> None:
    assert loses(but(datasets=(Pinned("holdout"),)), FULL) == []


def test_two_demands_may_keep_what_one_did() -> None:
    parts = (AUC._replace(min=None), AUC._replace(max=None, regressions=()))
    assert loses(FULL, but(metrics=(*parts, FULL.metrics[1]))) == []


CHANGES = st.one_of(
    st.floats(0, 1e9), st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3})?(%|se)", fullmatch=True),
)
REGRESSIONS = st.builds(Regression, CHANGES, st.sampled_from(["base", "registered", "best"]), st.booleans())
METRICS = st.builds(
    MetricDemand,
    st.sampled_from(["auc", "f1"]), st.sampled_from([(), (("country", "*"),), (("country", "DE"),)]),
    st.sampled_from([(), ("a",), ("a", "b")]), st.sampled_from(["error", "warning"]),
    st.none() | st.floats(-9, 9), st.none() | st.floats(-9, 9), st.lists(REGRESSIONS, max_size=2).map(tuple),
    st.sampled_from([None, "higher", "lower"]),
)


@settings(deadline=None)
@given(st.lists(METRICS, max_size=4).map(tuple))
def test_no_demand_loses_anything_of_itself(metrics: tuple[MetricDemand, ...]) -> None:
    assert loses(but(metrics=metrics), but(metrics=metrics)) == []


@settings(deadline=None)
@given(METRICS, METRICS, METRICS)
def test_what_loses_nothing_twice_loses_nothing(one: MetricDemand, two: MetricDemand, three: MetricDemand) -> None:
    first, second, third = (but(metrics=(item,)) for item in (one, two, three))
    if not loses(first, second) and not loses(second, third):
        assert not loses(first, third)
