"""The result as a page: one file without scripts, which loads nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from html import escape

from mvc.drift.compare import Categories, ColumnDrift, Picture, Side
from mvc.drift.render.pictures import bars, histogram
from mvc.drift.result import Drift
from mvc.objects.visible import visible

DRAWN = 200
"""Columns with a picture."""
_STYLE = """
:root { color-scheme: light dark; --bg: #fff; --fg: #1c2024; --dim: #5b6570; --line: #d8dde2; --ref: #9aa7b4;
  --cur: #0b62c4; --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --fg: #e4e7ea; --dim: #9aa5b0; --line: #343a40;
  --ref: #5d6a77; --cur: #6cb0ff; --bad: #ff8a80; --good: #7fd69a; } }
body { background: var(--bg); color: var(--fg); font: 15px/1.45 system-ui, sans-serif; margin: 0 auto;
  max-width: 72rem; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; } h2 { font-size: 1.05rem; margin: 0; }
p, ul { margin: .3rem 0; } .dim { color: var(--dim); }
.drift { color: var(--bad); } .same { color: var(--good); }
.key::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
.ref::before { background: var(--ref); } .cur::before { background: var(--cur); }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr));
  margin-top: 1rem; }
article { border: 1px solid var(--line); border-radius: 6px; padding: .7rem; min-width: 0; }
svg { display: block; width: 100%; height: 7rem; margin-top: .5rem; } svg.bar { height: .9rem; margin: 0; }
rect.ref { fill: var(--ref); } path.cur { fill: none; stroke: var(--cur); stroke-width: 2;
  vector-effect: non-scaling-stroke; } rect.cur { fill: var(--cur); }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
td, th { text-align: left; padding: .1rem .4rem .1rem 0; font-weight: normal; vertical-align: top; }
th { color: var(--dim); } td.n, th.n { text-align: right; white-space: nowrap; } td.wide { width: 40%; }
.ends { display: flex; justify-content: space-between; font-size: .8rem; color: var(--dim); }
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_NAMES = {
    "ks": "Kolmogorov-Smirnov", "chi2": "chi-squared", "missing": "missing (Fisher)", "psi": "PSI",
    "wasserstein": "Wasserstein / std",
}


def page(found: Drift, now: float) -> str:
    """Return HTML; `now` is the time of the comparison in seconds since the epoch."""
    lines = ("<!doctype html>", '<html lang="en">', *_head(), "<body>", *_body(found, now), "</body></html>")
    return "".join(f"{line}\n" for line in lines)


def _head() -> Iterator[str]:
    yield '<head><meta charset="utf-8"><title>Drift</title>'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head>"


def _body(found: Drift, now: float) -> Iterator[str]:
    state = "drift" if found.drifted else "same"
    what = f"Drift in {len(found.drifted_columns):,} of" if found.drifted else "No drift in"
    yield f'<h1 class="{state}">{what} {len(found.columns):,} columns</h1>'
    name = f"{found.model}@{found.version}" if found.version else found.model
    of = f" of {_text(name)}" if name else ""
    for name, side, data in (("ref", f"Reference{of}", found.reference), ("cur", "Current", found.current)):
        yield f'<p><span class="key {name}">{side}: {_text(data.name)}, {data.rows:,} rows</span></p>'
    if found.versions:
        yield f"<p>Versions in the log: {_text(', '.join(found.versions))}</p>"
    when = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield f'<p class="dim">{when}. p is adjusted for all tests (false discovery rate {found.level:g}).'
    yield "Effect: the share of rows that must at least differ.</p>"
    yield from _others(found)
    yield "<main>"
    for column in found.columns[:DRAWN]:
        yield from _column(column)
    yield "</main>"
    if rest := found.columns[DRAWN:]:
        yield f"<p>And {len(rest):,} more columns: {_text(', '.join(column.name for column in rest))}</p>"


def _others(found: Drift) -> Iterator[str]:
    for names, side in ((found.only_reference, "reference"), (found.only_current, "current data")):
        if names:
            yield f"<p>Only in the {side}: {_text(', '.join(names))}</p>"
    if found.skipped:
        told = ", ".join(f"{name} {reason}" for name, reason in found.skipped.items())
        yield f"<p>Not compared: {_text(told)}</p>"


def _column(column: ColumnDrift) -> Iterator[str]:
    state = ("drift" if column.drifted else "same") if column.p is not None or column.drifted else "dim"
    word = {"drift": "drift", "same": "same", "dim": "not tested"}[state]
    yield f'<article><h2>{_text(column.name)} <span class="{state}">{word}</span></h2>'
    if column.note:
        yield f"<p>{_text(column.note)}</p>"
    if column.tests:
        yield '<table><tr><th>test</th><th class="n">statistic</th><th class="n">p</th><th class="n">effect</th></tr>'
        for test in column.tests:
            p = "" if test.adjusted is None else f"{test.adjusted:.2g}"
            effect = "" if test.p is None else f"{test.effect:.3f}"
            yield (f'<tr><td>{_NAMES[test.test]}</td><td class="n">{test.statistic:.4g}</td>'
                   f'<td class="n">{p}</td><td class="n">{effect}</td></tr>')
        yield "</table>"
    for told in (*_moments(column), *_named(column)):
        yield f'<p class="dim">{told}</p>'
    yield from _picture(column.kind == "number", column.picture)
    yield "</article>"


def _moments(column: ColumnDrift) -> Iterator[str]:
    one, other = column.reference, column.current
    if one.mean is not None and other.mean is not None:
        yield f"mean {one.mean:.4g} → {other.mean:.4g}, standard deviation {one.std:.4g} → {other.std:.4g}"
    if one.missing or other.missing:
        yield f"missing {_missing(one)} → {_missing(other)}"
    if one.infinite or other.infinite:
        yield f"infinite: {one.infinite:,} → {other.infinite:,}"


def _missing(side: Side) -> str:
    return f"{side.missing / side.rows:.2%}"


def _named(column: ColumnDrift) -> Iterator[str]:
    for what, categories in (("new", column.new), ("vanished", column.vanished)):
        if categories:
            yield f"{what}: {_categories(categories)}"


def _categories(categories: Categories) -> str:
    more = categories.different - len(categories.first)
    names = _text(", ".join(categories.first)) + (f" and {more:,} more" if more else "")
    return f"{names} ({categories.share:.2%} of the rows)"


def _picture(is_number: bool, picture: Picture) -> Iterator[str]:  # noqa: FBT001 - the kind of the picture
    if not picture.labels:
        return
    if is_number:
        yield histogram(picture)
        yield f'<div class="ends"><span>{_text(picture.labels[0])}</span><span>{_text(picture.labels[-1])}</span></div>'
    else:
        yield "<table>"
        for label, shares, drawing in bars(picture):
            yield (f'<tr><td>{_text(label)}</td><td class="n">{shares[0]:.1%} → {shares[1]:.1%}</td>'
                   f'<td class="wide">{drawing}</td></tr>')
        yield "</table>"


def _text(text: str) -> str:
    return escape(visible(text))
