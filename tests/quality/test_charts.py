"""Charts of metrics: pictures and pages with nothing from elsewhere."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import pytest

from mvc.errors import UsageError
from mvc.quality.render.charts import Series, picture
from mvc.quality.side_by_side import Limit, MetricRow, Value

EVIL = "</script><script>alert('x')</script>"


def value(number: float, error: float | None = None, *, comparable: bool = True) -> Value:
    return Value(number, error, None, "", comparable)


ROWS = (
    MetricRow("auc@holdout", True, (value(0.9, 0.01), value(0.92), value(0.99, comparable=False)), (1,)),
    MetricRow("auc[country=DE]@holdout", True, (value(0.8), None, value(0.82)), (2,)),
    MetricRow("loss", False, (value(0.3), value(0.2), None), (1,)),
)
LIMITS = (Limit("auc", 0.85, "min"), Limit("auc[country=DE]", 0.7, "prod min"), Limit("f1", 0.5, "min"))


def series(*, connected: bool = True) -> Series:
    return Series("ranker", ("v1", "v2", "v3"), ROWS, LIMITS, connected)


def texts(svg: bytes) -> list[str]:
    return [item.text or "" for item in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("connected", [True, False])
def test_a_panel_for_each_metric_with_limits_and_states(connected: bool) -> None:
    raw = picture(series(connected=connected), "x.SVG")
    found = texts(raw)
    assert {
        "ranker", "Bars: one standard error.", "auc@holdout (higher is better)", "loss (lower is better)", "v1", "v2",
        "v3", "min 0.85", "prod min 0.7 [country=DE]", "all data", "country=DE", "best", "on other data",
    } <= {*found}
    assert "min 0.5" not in found
    assert (b"line mark" in raw) == connected


def test_many_versions_stay_readable() -> None:
    names = tuple(f"v{number}" for number in range(500))
    row = MetricRow("auc", True, tuple(value(number) for number in range(500)), (499,))
    svg = ET.fromstring(picture(Series("ranker", names, (row,), (), True), "x.svg"))
    assert int(svg.attrib["width"]) < 1300
    shown = [item.text for item in svg.iter() if item.text in names and item.attrib.get("opacity") != "0"]
    assert 10 < len(shown) < 100


def test_a_png_is_one() -> None:
    assert picture(series(), "x.png").startswith(b"\x89PNG\r\n")


def test_a_page_asks_for_nothing_and_runs_no_name() -> None:
    row = MetricRow(EVIL, None, (value(1), value(2)), ())
    page = picture(Series(EVIL, (EVIL, "'+alert(1)+'"), (row,), (Limit(EVIL, 1, EVIL),), False), "x.html").decode()
    assert page.count("</script>") == page.count("<script") == 2
    assert "alert('x')" in page
    assert "<script src" not in page
    assert "<link" not in page
    assert "\ue000" not in page
    assert "<script>alert" not in picture(Series(EVIL, (EVIL, "b"), (row,), (), False), "x.svg").decode()


def test_another_ending_is_refused() -> None:
    with pytest.raises(UsageError, match=r"ends in \.svg, \.png or \.html"):
        picture(series(), "plot.gif")


def test_without_the_packages_there_is_a_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError, match="needs the package vl_convert") as caught:
        picture(series(), "x.svg")
    assert caught.value.fix == "pip install 'altair>=6.3' 'jinja2>=3.1.6' 'vl-convert-python>=1.9'"
