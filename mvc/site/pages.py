"""The pages of the site: their paths, and their content."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from typing import NamedTuple

import msgspec

from mvc.objects.hashing import hash_bytes
from mvc.quality.reports.report import is_sliced
from mvc.quality.words import rounded
from mvc.registry.audit import AuditEntry
from mvc.site.demands_text import demand_lines, rule_lines, stage_lines
from mvc.site.facts import Around, SiteModel
from mvc.site.lineage import Links
from mvc.site.summary import Summary, slug
from mvc.site.templating import render
from mvc.site.views import Cell, ModelData, cell_of, model_view, overview_rows, version_view

STATIC = ("site.css", "site.js", "icon.svg")
ENTRIES = 400
"""Entries on a page of the audit."""
_LETTER = 6.6
"""Units of a letter in a badge."""
_BLUE = "#1d4ed8"


class Page(NamedTuple):
    """A file of the site."""

    path: str
    made_from: str
    """A digest that differs if the content does."""
    content: Callable[[], bytes]

    @classmethod
    def of(cls, path: str, raw: bytes) -> Page:
        """Return a page whose content is known."""
        return cls(path, hash_bytes(raw).blake3, lambda: raw)


def _page(path: str, template: str, around: Around, **values: object) -> Page:
    return Page.of(path, _rendered(path, template, around, **values))


def _rendered(path: str, template: str, around: Around, **values: object) -> bytes:
    return render(template, {"around": around, "page": path, "root": "../" * path.count("/"), **values})


def static_pages() -> Iterator[Page]:
    """Yield the files that are the same for each site."""
    for name in STATIC:
        yield Page.of(f"static/{name}", (files("mvc.site") / "static" / name).read_bytes())
    yield Page.of(".nojekyll", b"")  # else GitHub Pages leaves files out


# All models.


def site_pages(around: Around, summaries: Sequence[Summary], shards: Sequence[str], problem: str) -> Iterator[Page]:
    """Yield the pages about all models; `problem` says why there is no policy."""
    policy = around.policy
    rows = [(item, demand_lines(policy, item.path), [stage_lines(policy, stage, item.path) for stage in policy.stages])
            for item in summaries]
    rules = [(rule.match, rule_lines(rule)) for rule in policy.rules]
    yield _page("index.html", "overview.html", around, rows=overview_rows(summaries))
    yield _page("policy.html", "policy.html", around, rows=rows, rules=rules, problem=problem)
    yield _page("search.html", "search.html", around, shards=shards)
    names = [item.name for item in summaries]
    yield _page("compare.html", "compare.html", around, models=names, name="", versions=(), rows=())
    yield Page.of("models.json", _json([[name, f"models/{slug(name)}"] for name in names]))


def audit_pages(around: Around, shared: str, entries: Sequence[AuditEntry], models: Iterable[str]) -> Iterator[Page]:
    """Yield the pages of the audit; `entries` are the oldest first. A page that is full stays as it is.

    `shared` is the digest of what all pages depend on.
    """
    known = frozenset(models)
    count = max(-(-len(entries) // ENTRIES), 1)
    names = [*(f"{number + 1}.html" for number in range(count - 1)), "index.html"]
    for number, name in enumerate(names):
        older = names[number - 1] if number else ""
        newer = names[number + 1] if number + 1 < count else ""
        shown = entries[number * ENTRIES : (number + 1) * ENTRIES][::-1]
        linked = sorted({item.model for item in shown} & known)
        values = {"entries": shown, "older": older, "newer": newer, "models": linked}
        inputs = hash_bytes(msgspec.json.encode((shared, values))).blake3
        yield Page(f"audit/{name}", inputs, partial(_rendered, f"audit/{name}", "audit.html", around, **values))


# A model.


class _Compared(NamedTuple):
    name: str
    cells: tuple[Cell | None, ...]
    change: float | None


def model_pages(around: Around, model: SiteModel, summary: Summary, links: Links) -> Iterator[Page]:
    """Yield the pages of a model."""
    data = ModelData.of(model, summary, around.policy, links)
    folder = f"models/{slug(model.name)}"
    badges = list(_badges(model, summary))
    shown, at = [item[:2] for item in badges], f"{around.base_url}{folder}/"
    yield _page(f"{folder}/index.html", "model.html", around, view=model_view(data), badges=shown, folder=at)
    for index, version in enumerate(model.versions):
        view_ = version_view(data, index, around.repository)
        yield _page(f"{folder}/{version.name}.html", "version.html", around, view=view_)
    yield _page(f"{folder}/compare.html", "compare.html", around, models=(), name=model.name, **_two_latest(data))
    yield Page.of(f"{folder}/data.json", _json(_compare_data(data)))
    for name, file, text in badges:
        yield Page.of(f"{folder}/{file}", _badge(name, text))


def _two_latest(data: ModelData) -> dict[str, object]:
    """Return the two latest versions side by side."""
    indexes = [index for index, item in enumerate(data.model.versions) if not item.is_retired][-2:]
    rows = []
    for row in data.rows:
        cells = tuple(cell_of(row, index, data.demanded) for index in indexes)
        known = [item.value for item in cells if item and item.comparable]
        if any(cells):
            rows.append(_Compared(row.name, cells, known[1] - known[0] if len(known) > 1 else None))
    return {"versions": [data.model.versions[index].name for index in indexes], "rows": rows}


def _compare_data(data: ModelData) -> dict[str, object]:
    """Return what the browser compares."""
    versions = {}
    for index, item in enumerate(data.model.versions):
        report, there = item.report, ((row.name, row.values[index]) for row in data.rows)
        metrics = {name: [value.value, value.stderr, value.data] for name, value in there if value}
        versions[item.name] = {
            "metrics": metrics, "date": item.date, "size": item.pointer.total if item.pointer else None,
            "params": {key: str(text) for key, text in report.params.items()} if report else {},
        }
    better = {row.name: row.higher_is_better for row in data.rows}
    return {"better": better, "versions": versions}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")


# Badges.


def _badges(model: SiteModel, summary: Summary) -> Iterator[tuple[str, str, str]]:
    """Yield name, file and text of the badges: of the latest version, and of each stage."""
    if summary.latest:
        yield model.name, "badge.svg", _badge_text(model, summary, summary.latest)
    for stage, version in summary.stages:
        yield f"{model.name}#{stage}", f"badge-{slug(stage)}.svg", _badge_text(model, summary, version)


def _badge_text(model: SiteModel, summary: Summary, name: str) -> str:
    """Return such as `v1.3.0 · auc 0.931`."""
    at = next((index for index, item in enumerate(model.versions) if item.name == name), None)
    value = summary.series[at] if at is not None and summary.series else None
    metric = f" · {summary.metric.rpartition('@')[0] or summary.metric} {rounded(value)}" if value is not None else ""
    return f"{name or 'a commit'}{metric}"


def _badge(name: str, text: str) -> bytes:
    left, right = (round(len(part) * _LETTER + 14) for part in (name, text))
    return render("badge.svg", {"name": name, "text": text, "left": left, "right": right, "colour": _BLUE})


# Search.


def shard_of(name: str) -> str:
    """Return the shard of the search index that a model is in: 16 of them."""
    return hash_bytes(name.encode()).blake3[0]


def search_page(shard: str, entries: Sequence[tuple[str, str, str]]) -> Page:
    """Return a shard of the search index: title, page and words of each entry."""
    return Page.of(f"search/{shard}.json", _json(entries))


def search_entries(model: SiteModel) -> Iterator[tuple[str, str, str]]:
    """Yield what can be found of a model: title, page, words."""
    folder = f"models/{slug(model.name)}"
    yield model.name, f"{folder}/index.html", " ".join(filter(None, (model.path, "deprecated" * model.is_deprecated)))
    for item in model.versions:
        words = [item.date[:10], item.author, item.message, *item.stages, "retired" * item.is_retired]
        words += [item.commit, item.blake3]
        if report := item.report:
            words += [report.desc, report.task, report.evaluator.id if report.evaluator else ""]
            words += [metric.name for metric in report.metrics if not is_sliced(metric.name) and not metric.slice]
            words += [dataset.id for dataset in report.datasets]
            words += [f"{key}={text}" for key, text in report.params.items()]
        yield f"{model.name}@{item.name}", f"{folder}/{item.name}.html", " ".join(filter(None, dict.fromkeys(words)))
