"""`mvc drift`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import PRODUCTION, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, check_outputs, columns, plural, print_json, visible, write_file
from mvc.errors import UsageError
from mvc.quality.words import clipped

if TYPE_CHECKING:
    from mvc.drift.compare import Categories, ColumnDrift, Test
    from mvc.drift.result import Drift
    from mvc.ops.lifecycle.watching.drift import Request
    from mvc.project import Project

_SHOWN = 20
"""Columns in the table without `-v`."""
_NAMED = 3
"""Names in a line of the table."""


@app.command(rich_help_panel=PRODUCTION)
def drift(
    ctx: typer.Context,
    reference: Annotated[
        str, typer.Option("--reference", metavar="DATA|REF", help="A file, tracked data, or the version of a model."),
    ] = "",
    current: Annotated[str, typer.Option("--current", metavar="DATA", help="A file, or a log of predictions.")] = "",
    chosen: Annotated[str, typer.Option("--columns", metavar="COL[,COL...]", help="Compare these columns only.")] = "",
    level: Annotated[float, typer.Option("--level", metavar="X", help="The false discovery rate.")] = 0.05,
    json: Json = False,
    prom: Annotated[str, typer.Option("--prom", metavar="FILE", help="Write metrics for Prometheus.")] = "",
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Write a page with histograms.")] = "",
) -> int:
    """Test whether data differs from a reference, column by column; exit 1 if it does."""
    _require()
    from mvc.ops.lifecycle.watching.drift import Request, check_level  # noqa: PLC0415
    from mvc.ops.lifecycle.watching.drift import drift as run  # noqa: PLC0415

    output: Output = ctx.obj
    if not reference or not current:
        message = f"no {'current data' if reference else 'reference'} is given"
        raise UsageError(message, "mvc drift --help")
    check_level(level)
    with opened(output, json=json) as project:
        request = _with_reference(project, Request(
            reference, "", current, os.path.join(project.around.cwd, current),
            tuple(filter(None, chosen.split(","))), level,
        ))
        check_outputs({"--prom": prom, "--html": html}, (request.reference_file, request.current_file))
        found = run(request, project.around.remark)
        _write(found, prom, html)
        if json:
            print_json(found)
        else:
            _show(output, found)
    return int(found.drifted)


def _require() -> None:
    from mvc.packages import install, missing  # noqa: PLC0415

    if package := missing(("pyarrow", "scipy")):
        raise UsageError(f"tests of drift need the package {package}", install("drift"))


def _with_reference(project: Project, request: Request) -> Request:
    """Return the request with the file of the reference; tracked data is proven."""
    from mvc.ops.lifecycle.watching.reference import find_reference  # noqa: PLC0415
    from mvc.ops.remotes.content import proven  # noqa: PLC0415

    found = find_reference(project, request.reference)
    request = request._replace(version=found.version, truth=found.truth)
    if not found.tracked:
        return request._replace(reference_file=found.data, blake3=found.blake3)
    copy = proven(project, found.data)
    return request._replace(reference_file=copy.file, blake3=copy.pointer.digest.blake3)


def _write(found: Drift, prom: str, html: str) -> None:
    import time  # noqa: PLC0415

    if prom:
        from mvc.drift.render.prometheus import render  # noqa: PLC0415

        write_file(prom, render(found, time.time()).encode())
    if html:
        from mvc.drift.render.page import page  # noqa: PLC0415

        write_file(html, page(found, time.time()).encode())


# The table.


def _show(output: Output, found: Drift) -> None:
    if found.versions:
        output.line(f"log of {', '.join(map(visible, found.versions))}")
    shown = found.columns if output.verbose else found.columns[:_SHOWN]
    rows = [("", "column", "p", "effect", "PSI", ""), *map(_row, shown)]
    for text, column in zip(columns(rows), (None, *shown), strict=True):
        output.line(output.paint(text, "red") if column and column.drifted else text)
    if rest := len(found.columns) - len(shown):
        output.line(f"... and {plural(rest, 'more column')} (-v names them)")
    for text in _others(found, everything=output.verbose):
        output.line(text)
    output.line(_verdict(found))


def _row(column: ColumnDrift) -> tuple[str, ...]:
    psi = next((f"{test.statistic:.3f}" for test in column.tests if test.test == "psi"), "-")
    p = "-" if column.p is None else f"{column.p:.2g}"
    state = "drift" if column.drifted else "same" if column.p is not None else "-"
    return state, visible(column.name), p, f"{column.effect:.3f}", psi, "; ".join(map(visible, _notes(column)))


def _notes(column: ColumnDrift) -> Iterator[str]:
    """Yield what there is to say of a column, the strongest test first."""
    if column.note:
        yield column.note
    for test in sorted((test for test in column.tests if test.p is not None), key=lambda test: test.adjusted or 0):
        if told := _told(test, column):
            yield told
    for categories, what in ((column.new, "new"), (column.vanished, "vanished")):
        if categories:
            yield f"{what}: {_few(categories)}"
    for side, what in ((column.reference, "the reference"), (column.current, "the current data")):
        if side.infinite:
            yield f"{side.infinite:,} infinite in {what}"


def _told(test: Test, column: ColumnDrift) -> str:
    one, other = column.reference, column.current
    if test.test == "missing":
        return f"missing {_percent(one.missing / one.rows)} -> {_percent(other.missing / other.rows)}"
    if test.test == "ks" and one.mean is not None and other.mean is not None:
        return f"KS {test.statistic:.3f}, mean {one.mean:.4g} -> {other.mean:.4g}"
    return f"chi2 {test.statistic:.4g}" if test.test == "chi2" else ""


def _few(categories: Categories) -> str:
    names = ", ".join(map(clipped, categories.first[:_NAMED]))
    more = f" and {categories.different - _NAMED:,} more" if categories.different > _NAMED else ""
    return f"{names}{more} ({_percent(categories.share)})"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _others(found: Drift, *, everything: bool) -> Iterator[str]:
    """Yield the columns that were not compared."""
    for names, side in ((found.only_reference, "reference"), (found.only_current, "current data")):
        if names:
            shown = names if everything else names[:_NAMED]
            more = f" and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
            yield f"only in the {side}: {', '.join(map(visible, shown))}{more}"
    for name, reason in found.skipped.items():
        yield visible(f"not compared: {name} {reason}")


def _verdict(found: Drift) -> str:
    count, all_ = len(found.drifted_columns), plural(len(found.columns), "column")
    what = f"Drift in {count:,} of {all_}" if found.drifted else f"No drift in {all_}"
    rows = f"{plural(found.current.rows, 'row')} against {found.reference.rows:,}"
    return f"{what}, {rows} (false discovery rate {found.level:g})."
