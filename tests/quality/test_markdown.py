"""The gate's verdict as Markdown: names from a pull request cannot break out of it or mention anybody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from quality.cases import FILE, at, report
from quality.hostile import HOSTILE, gated_of

from mvc.quality.files import ModelFiles
from mvc.quality.finding import Comparison, Finding, Gated, Judged
from mvc.quality.render.markdown import block, code, render_error
from mvc.quality.render.review import MAX_BYTES, render
from mvc.quality.reports.report import Metric

OURS = re.compile(r"[\w .,:;|+→Δ▁▂▃▄▅▆▇█·±\u00a0\n()#-]*")
"""What stands outside of code."""
TAGS = {"h3", "h4", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "details",
        "summary"}


class Page(HTMLParser):
    """What a reader of Markdown sees: the tags, the text outside of code, the cells of each row of a table."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.cells: list[int] = []
        self._open: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert [name for name, _ in attrs if name != "class"] == []
        self._open.append(tag)
        self.tags.add(tag)
        self.cells += [0] if tag == "tr" else []
        if tag in {"td", "th"}:
            self.cells[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" not in self._open:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_in_code(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("`|\\@<>#:~[]()\n\r *_"))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    gated = gated_of(text)
    others = [Judged(f"{text}{number}", "added", comparisons=gated.models[0].comparisons) for number in range(9)]
    notes = [finding._replace(severity="note") for finding in gated.findings]
    gated = gated._replace(models=(*gated.models, *others), findings=(*gated.findings, *notes))
    told = render("Gate failed", gated)
    assert all(char.isprintable() or char in "\n\u00a0" for char in told)
    assert not any(line.lstrip().startswith("::") or "##[" in line or "##vso[" in line for line in told.splitlines())
    page = Page(told)
    assert page.tags <= TAGS
    assert OURS.fullmatch(page.text), page.text
    assert set(page.cells) <= {6, 7, 8}
    assert OURS.fullmatch(Page(render_error("Gate failed", text, text)).text)


def test_a_span_is_what_it_was_of() -> None:
    assert code("models/ranker.onnx") == "`models/ranker.onnx`"
    assert code("a`b|c\nd") == "`a\\x60b\\x7cc\\nd`"
    assert code("  ") == ""
    assert code("a" * 1000) == f"`{'a' * 399}…`"


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert block(["echo ```` a"]) == "`````sh\necho ```` a\n`````"


# Size.


def judged(text: str) -> Judged:
    row = Comparison(text, 0.931, 0.902, text, passed=False)
    return Judged(text, "renamed", text, text, text, (row, row._replace(metric=f"{text}[a=b]")), text, text)


def finding(text: str) -> Finding:
    return Finding("MVC221", "error", text, text, text)


@pytest.mark.parametrize(("text", "limit"), [
    ("`" * 3000, MAX_BYTES), ("`" * 900, 1 << 20), ("\U0001f600" * 400, MAX_BYTES), ("\x1b" * 40, 10_000),
    ("a", MAX_BYTES), ("a", 5000), ("a", -5),
])
def test_it_fits_and_counts_what_is_left_out(text: str, limit: int) -> None:
    """Each model has two metrics, one of a slice, and a finding; each finding is also there as a note."""
    models = tuple(judged(f"{number}{text}") for number in range(400))
    findings = tuple(finding(f"{number}{text}") for number in range(400))
    notes = tuple(item._replace(severity="note") for item in findings)
    told = render("Gate failed", Gated(False, "a", "b", models, (*findings, *notes)), limit)
    assert len(told.encode()) <= max(min(limit, MAX_BYTES), 1000)
    assert Page(told).text
    sections = told.count("\n#### ")
    assert told.count("\n**error") + count(told, r"^\.\.\. and ([\d,]+) more$") == 400
    assert count(told, r"([\d,]+) more models</summary>") == 400 - sections
    others = told.partition("more models")[2]
    rows = len(re.findall(r"^\| `.* \| \*\*failed\*\* \|$", others, re.MULTILINE))
    assert rows + count(others, r"^\| \.\.\. and ([\d,]+) more") == 2 * (400 - sections)
    assert told.count("\n- MVC221") + count(told, r"^- \.\.\. and ([\d,]+) more") == 400


def count(told: str, pattern: str) -> int:
    """Return the number that is told; 0 where it is not."""
    found = re.search(pattern, told, re.MULTILINE)
    return int(found[1].replace(",", "")) if found else 0


def test_a_line_that_does_not_fit_is_left_out_as_a_whole() -> None:
    long = finding("m")._replace(fix=f"mvc add {'m' * 5000}")
    told = render("Gate failed", Gated(False, "a", "b", findings=(long, finding("n"))))
    assert "mvc add" not in told
    assert "```sh\nn\n```" in told


# Order.


def test_errors_come_first_then_models_the_worst_first_then_notes() -> None:
    good = Comparison("auc", 0.9, 0.91, "≥ 0.9", passed=True)
    models = [
        Judged("a", "changed", comparisons=(good,)), Judged("b", "changed", comparisons=(good._replace(passed=False),)),
        Judged("c", "added"),
    ]
    findings = [
        Finding("MVC220", "note", "a", "new"), Finding("MVC413", "warning", "w", "changed"),
        Finding("MVC101", "error", "c", "no report", "mvc add c"),
    ]
    told = render("Gate failed", Gated(False, "a", "b", tuple(models), tuple(findings)))
    assert re.findall(r"^\*\*error.*|^\*\*warn.*|^####.*|<summary>.*|^```sh|^- MVC.*", told, re.MULTILINE) == [
        "**error MVC101** `c`: `no report`", "```sh", "**warning MVC413** `w`: `changed`",
        "#### `c (added)`", "#### `b`", "#### `a`", "<summary>1 note</summary>", "- MVC220 `a`: `new`",
    ]


@pytest.mark.parametrize(("higher", "new", "first"), [
    (True, 0.8, "b"), (True, 1.0, "a"), (False, 1.0, "b"), (False, 0.8, "a"), (None, 0.8, "a"), (True, 0.9, "a"),
])
def test_a_model_that_is_worse_comes_before_others(higher: bool | None, new: float, first: str) -> None:
    models = tuple(Judged(path, "changed", comparisons=(Comparison("m", 0.9, new, "", passed=True),)) for path in "ab")
    files = tuple(ModelFiles(at(FILE), report(Metric("m", value, higher_is_better=higher))) for value in (new, 0.9))
    told = render("Gate passed", Gated(True, "a", "b", models, versions={"b": files}))
    assert re.findall("^#### `(.)`", told, re.MULTILINE)[0] == first


def test_findings_that_one_line_mends_stand_together() -> None:
    first, other = (Finding("MVC301", "error", path, "large", f"git rm {path}") for path in "ab")
    told = render("Gate failed", Gated(False, "a", "b", findings=(first, other, first._replace(code="MVC302"))))
    assert told.split("\n\n")[1:] == [
        "**error MVC301** `a`: `large`", "**error MVC302** `a`: `large`", "```sh\ngit rm a\n```",
        "**error MVC301** `b`: `large`", "```sh\ngit rm b\n```\n",
    ]


def test_nothing_but_the_title() -> None:
    assert render("Gate passed", Gated(True, "a", "b")) == "### Gate passed\n"
