"""The geometry of charts, and what tables mark."""

from __future__ import annotations

import pytest
from site_facts import Elements, model, pages, pointer, promoted, version

from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Bound, Policy, Rule
from mvc.quality.reports.report import Metric, Report, Source, Used
from mvc.quality.reports.report import Model as Evaluated
from mvc.quality.side_by_side import Limit, MetricRow, Value
from mvc.site.charts import HEIGHT, WIDTH, chart_of, sparkline_of, timeline_of
from mvc.site.views import broken


def row(*values: float | None, stderr: float | None = None, name: str = "auc@holdout") -> MetricRow:
    items = (None if value is None else Value(value, stderr, None, "d", comparable=True) for value in values)
    return MetricRow(name, True, tuple(items), ())


def test_a_higher_value_is_drawn_higher_and_a_later_version_to_the_right() -> None:
    chart = chart_of(row(0.8, 0.9, stderr=0.01), ["v1", "v2"], [Limit("auc", 0.85, "min")])
    assert chart
    first, second = chart.points
    assert first.x < second.x
    assert first.y > chart.limits[0].at > second.y
    assert first.high < first.y < first.low
    assert first.title == "v1: 0.8 ± 0.0196"
    assert chart.line == f"M{first.x} {first.y}L{second.x} {second.y}"
    assert all(0 <= point.x <= WIDTH and 0 <= point.high <= point.low <= HEIGHT for point in chart.points)


@pytest.mark.parametrize("values", [(0.0,), (5.0, 5.0), (-1.0, 1e-12), (1e300, -1e300), (1e-300, 2e-300), (None, 0.5)])
def test_all_numbers_are_inside_the_chart(values: tuple[float | None, ...]) -> None:
    chart = chart_of(row(*values), ["v"] * len(values), [])
    assert chart
    assert all(0 <= point.y <= HEIGHT for point in chart.points)
    assert all(0 <= tick.at <= HEIGHT for tick in chart.ticks)
    assert len({tick.text for tick in chart.ticks}) == len(chart.ticks) <= 5


def test_numbers_that_are_too_far_apart_are_not_drawn() -> None:
    assert chart_of(row(1.7e308, -1.7e308), ["a", "b"], []) is None
    assert sparkline_of([1.7e308, -1.7e308]) is None


def test_of_many_versions_few_are_named_and_the_last_is() -> None:
    names = [f"v{number}" for number in range(50)]
    chart = chart_of(row(*(0.5 for _ in names)), names, [])
    assert chart
    assert len(chart.names) <= 8
    assert chart.names[-1].text == "v49"


def test_a_stage_is_drawn_from_when_it_got_a_version_to_when_it_got_another() -> None:
    periods = [promoted("prod", "v1.0.0", 0, 1000), promoted("prod", "v1.1.0", 1000, None)]
    found = timeline_of([*periods, promoted("dev", "v1", 500, None)], 2000)
    assert found
    dev, prod = found.lanes
    assert (dev.stage, prod.stage) == ("dev", "prod")
    first, second = prod.bars
    assert first.x + first.width == pytest.approx(second.x, abs=0.2)
    assert first.title == "v1.0.0: 1970-01-01 to 1970-01-01"
    assert second.title.endswith("to now")
    assert second.x + second.width <= WIDTH
    assert timeline_of([], 5) is None


def test_what_misses_a_limit_is_marked() -> None:
    metrics = {"auc": Bound(min=0.9), "auc[country=*]": Bound(min=0.8), "ms": Bound(max=5)}
    demanded = demands(Policy(1, rules=[Rule("**", metrics=metrics)]), "m").metrics
    cases = {
        ("auc@holdout", 0.89): "min 0.9", ("auc@holdout", 0.9): "", ("auc", 0.1): "min 0.9", ("auc2", 0.1): "",
        ("auc[country=DE]@holdout", 0.79): "min 0.8", ("auc[country=DE]", 0.85): "", ("auc[age=4]", 0.1): "",
        ("ms@x", 6.0): "max 5", ("auc", float("nan")): "min 0.9",
    }
    assert {case: broken(*case, demanded) for case in cases} == cases


def test_the_page_of_a_version_says_what_missed_and_where_it_comes_from() -> None:
    base = version("v1.0.0", Metric("auc", 0.95, True))
    derived = Report(
        2, Evaluated(pointer("v2.0.0").digest.blake3), "v2.0.0", metrics=[Metric("auc", 0.89, True)],
        sources=[Source("models/ranker.onnx", base.blake3, "mvc convert --to onnx-int8")],
        together=[Used("tokenizer", "e" * 64)],
    )
    found = pages(model(base), model(version("v2.0.0", report=derived), name="tiny"))
    page = Elements(found["models/tiny/v2.0.0.html"])
    assert "min 0.9" in page.text
    assert "../../models/ranker/v1.0.0.html" in page.values("a", "href")
    assert "../../models/tiny/v2.0.0.html" in Elements(found["models/ranker/index.html"]).values("a", "href")


def test_pages_stay_small() -> None:
    sliced = [Metric("auc", 0.9, slice={"country": f"C{number}"}) for number in range(60)]
    versions = [version(f"v1.{number}.0", Metric("auc", 0.9, stderr=0.1), *sliced) for number in range(50)]
    assert max(len(text) for text in pages(model(*versions)).values()) < 300_000


def test_pages_of_very_many_versions_and_of_the_largest_report_stay_small() -> None:
    many = [version(f"v1.{number}.0", *(Metric(f"m{at}", 0.9, stderr=0.1) for at in range(6))) for number in range(120)]
    big = Report(
        1, Evaluated(pointer("v2.0.0").digest.blake3), "v2.0.0", params={f"p{at}": "x" * 90 for at in range(2000)},
        metrics=[Metric(f"m{at % 9}", 0.5, slice={"user": f"u{at}"}) for at in range(4000)], desc="long " * 20_000,
    )
    found = pages(model(*many, version("v2.0.0", report=big)))
    html = {path: len(text) for path, text in found.items() if path.endswith(".html")}
    assert max(html.values()) < 300_000, max(html, key=html.__getitem__)
    index = Elements(found["models/ranker/index.html"])
    assert {"v1.0.0.html", "v2.0.0.html"} <= set(index.values("a", "href"))
    assert "3920 more" in Elements(found["models/ranker/v2.0.0.html"]).text
