"""Facts for the pages, made without Git."""

from __future__ import annotations

from html.parser import HTMLParser

from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import Notes, Pointer, file_pointer
from mvc.quality.policy.policy import Bound, Policy, Rule
from mvc.quality.reports.report import Metric, Report
from mvc.quality.reports.report import Model as Evaluated
from mvc.site.facts import Around, Period, SiteEvent, SiteModel, SiteVersion
from mvc.site.lineage import Links, links_of
from mvc.site.pages import Page, model_pages
from mvc.site.summary import Summary, summary_of

POLICY = Policy(1, rules=[Rule("models/**", metrics={"auc": Bound(min=0.9)}, max_age="30d")])
AROUND = Around("shop", "main", "", "", POLICY)
NOW = 1_796_000_000.0


def pointer(text: str, notes: Notes = Notes()) -> Pointer:
    """Return a pointer of some content."""
    return file_pointer(Digest(hash_bytes(text.encode()).blake3, "0" * 32, len(text)), notes=notes)


def version(name: str, *metrics: Metric, report: Report | None = None, **fields: object) -> SiteVersion:
    """Return a version with a report."""
    there = pointer(name)
    report = report or Report(1, Evaluated(there.digest.blake3), name, metrics=list(metrics))
    found = SiteVersion(
        name, f"ranker@{name}", "c" * 40, "2026-11-21T10:00:00+00:00", "Ada <ada@example.com>", "", "valid", False, (),
        "models/ranker.onnx", there, report, there.digest.blake3, "f" * 64, "",
    )
    return found._replace(**fields)  # type: ignore[arg-type]


def model(*versions: SiteVersion, name: str = "ranker", **fields: object) -> SiteModel:
    """Return a model; its latest version is the last one."""
    found = SiteModel(name, "models/ranker.onnx", versions, versions[-1].name, (), (), 1_795_000_000, False, None)
    return found._replace(**fields)  # type: ignore[arg-type]


def pages(*models: SiteModel, around: Around = AROUND) -> dict[str, str]:
    """Return the pages of models."""
    summaries: list[Summary] = [summary_of(item, around.policy, NOW) for item in models]
    links: Links = links_of(summaries)
    found: list[Page] = []
    for item, summary in zip(models, summaries, strict=True):
        found += model_pages(around, item, summary, links)
    return {page.path: page.content().decode() for page in found}


def promoted(stage: str, name: str, start: int, end: int | None) -> Period:
    """Return what a stage held."""
    return Period(stage, name, "c" * 40, start, end, "Ada <ada@example.com>", "")


def event(kind: str, text: str) -> SiteEvent:
    """Return an event with a message."""
    return SiteEvent("2026-11-21T10:00:00+00:00", kind, "v1.0.0", "", text, "t", False, text)


class Elements(HTMLParser):
    """The elements of a page, each with its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    def values(self, tag: str, key: str) -> list[str]:
        """Return an attribute of all elements with a name that have it."""
        return [attributes[key] for name, attributes in self.found if name == tag and key in attributes]
