"""`mvc compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from mvc.cli.app import QUALITY, app, opened
from mvc.cli.arguments import Json
from mvc.cli.failures import say
from mvc.cli.output import Output, columns, print_json, size, visible, write_file

if TYPE_CHECKING:
    from mvc.ops.reports.compare import Best, Compared, Comparison, Paired
    from mvc.quality.side_by_side import MetricRow, Value


@app.command(rich_help_panel=QUALITY)
def compare(
    ctx: typer.Context,
    refs: Annotated[list[str], typer.Argument(metavar="REF...", show_default=False)],
    by: Annotated[str, typer.Option("--by", metavar="METRIC", help="Name the best by this metric.")] = "",
    paired: Annotated[
        bool, typer.Option("--paired", help="Test the differences from the first, example by example."),
    ] = False,
    plot: Annotated[str, typer.Option("--plot", metavar="FILE", help="Draw it: FILE.svg, .png or .html.")] = "",
    markdown: Annotated[bool, typer.Option("--md", help="Print a Markdown table.")] = False,
    json: Json = False,
) -> int:
    """Show versions side by side: metrics, parameters, data, sizes. The name of a model means all its versions."""
    from mvc.ops.reports.compare import compare as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        found = run(project, refs, by, paired=paired)
        if plot:
            _plot(found, plot, connected=len(refs) == 1)
        if json:
            print_json(found, "paired")
        elif markdown:
            _print_md(found)
        else:
            _show(output, found)
    return 3 if any(item.problem for item in found.paired) else 0


def _plot(found: Comparison, path: str, *, connected: bool) -> None:
    """Write the chart to the file `path`, which is replaced."""
    from mvc.quality.render.charts import Series, picture  # noqa: PLC0415

    names = [f"{item.ref}{' (retired)' * item.retired}" for item in found.items]
    title = found.items[0].ref.partition("@")[0] if connected else "Versions side by side"
    short = [name.removeprefix(f"{title}@") for name in names]
    write_file(path, picture(Series(title, tuple(short), found.metrics, found.limits, connected), path))


class _Line(NamedTuple):
    """What one property is in each version."""

    name: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.cells)) > 1


_FEW = 6
"""Versions that are shown as columns; more become rows."""


def _show(output: Output, found: Comparison) -> None:
    from mvc.quality.reports.report import is_sliced  # noqa: PLC0415

    overall = [_metric(row) for row in found.metrics if not is_sliced(row.name)]
    slices = [_metric(row) for row in found.metrics if is_sliced(row.name)]
    others = list(_others(found.items))
    if output.verbose or len(found.items) == 1:
        lines = [*overall, *slices, *others]
    else:
        lines = [*overall, *(line for line in others if line.differs)] if len(found.items) <= _FEW else overall
    rows = [("", *(item.ref for item in found.items)), *((line.name, *line.cells) for line in (*_about(found), *lines))]
    shown = rows if len(found.items) <= _FEW else list(zip(*rows, strict=True))
    for text in columns([tuple(map(visible, row)) for row in shown]):
        output.line(text)
    hidden = len(overall) + len(slices) + len(others) - len(lines)
    if hidden:
        what = "slices, and what is equal" if len(found.items) <= _FEW else "slices, parameters, data"
        output.line(f"... {hidden:,} more: {what} (-v lists them)")
    for text in (*_legend(found.metrics), *(_verdict(found.best) if found.best else ())):
        output.line(text)
    for item in found.paired:
        _show_paired(output, item, found)


def _print_md(found: Comparison) -> None:
    from mvc.quality.render.markdown import code  # noqa: PLC0415

    lines = (*_about(found), *map(_metric, found.metrics), *(line for line in _others(found.items) if line.differs))
    print(f"| | {' | '.join(code(item.ref) for item in found.items)} |")
    print(f"|{' --- |' * (len(found.items) + 1)}")
    for line in lines:
        print(f"| {' | '.join(code(cell) or '-' for cell in (line.name, *line.cells))} |")
    for text in (*_legend(found.metrics), *(_verdict(found.best) if found.best else ())):
        print(f"\n{code(text)}")
    for item in found.paired:
        print(f"\n{code(f'{_title(item)}: {item.problem}' if item.problem else _title(item))}\n")
        rows = list(_tests(item, found.metrics, everything=True))
        print(f"| {' | '.join(_HEADINGS)} |", f"|{' --- |' * len(_HEADINGS)}", sep="\n")
        for row in rows:
            print(f"| {' | '.join(code(cell) or '-' for cell in row)} |")


# Example by example.

_HEADINGS = ("metric", "difference", "95 %", "test", "n", "p", "")


def _show_paired(output: Output, item: Paired, found: Comparison) -> None:
    if item.problem:
        say(f"{_title(item)}: {item.problem}", item.fix)
        return
    output.line(_title(item))
    rows = list(_tests(item, found.metrics, everything=output.verbose))
    for text in columns([_HEADINGS, *rows]):
        output.line(f"  {visible(text)}")
    output.slices(len(item.tests) - len(rows), indent="  ")


def _title(item: Paired) -> str:
    return f"{item.ref} against {item.against}, example by example"


def _tests(item: Paired, metrics: Sequence[MetricRow], *, everything: bool) -> Iterator[tuple[str, ...]]:
    from mvc.quality.judge.rules.past.paired import LEVEL  # noqa: PLC0415
    from mvc.quality.reports.report import is_sliced  # noqa: PLC0415

    better = {row.name: row.higher_is_better for row in metrics}
    for test in item.tests:
        if everything or not is_sliced(test.metric):
            higher = better.get(test.metric)
            verdict = "" if higher is None else "better" if (test.effect > 0) == higher else "worse"
            shown = (verdict if test.p < LEVEL else "not shown to differ")
            interval = f"[{test.ci[0]:.3g}, {test.ci[1]:.3g}]"
            yield test.metric, f"{test.effect:+.4g}", interval, test.test, f"{test.n:,}", f"{test.p:.2g}", shown


# The table.


def _about(found: Comparison) -> Iterator[_Line]:
    items = found.items
    yield _Line("commit", tuple(item.commit[:12] or "workspace" for item in items))
    yield _Line("report", tuple(f"{_reported(item)}{' (retired)' * item.retired}" for item in items))
    yield _Line("model", tuple(item.blake3[:12] for item in items))
    yield _Line("size", tuple(size(item.size) for item in items))


def _reported(item: Compared) -> str:
    return item.tag if item.report == "ok" else item.report


def _metric(row: MetricRow) -> _Line:
    several = sum(item is not None and item.comparable for item in row.values) > 1
    cells = (
        _value(item, is_best=several and index in row.best) if item else "-" for index, item in enumerate(row.values)
    )
    return _Line(row.name, tuple(cells))


def _value(item: Value, *, is_best: bool) -> str:
    error = "" if item.stderr is None else f" ± {item.stderr:.2g}"
    return f"{item.value:.6g}{error}{' *' * is_best}{' !' * (not item.comparable)}"


def _others(items: Sequence[Compared]) -> Iterator[_Line]:
    """Yield what else there is: path, parameters, data, code, tensors."""
    yield _Line("path", tuple(item.path for item in items))
    yield from _named("param", [item.params for item in items])
    yield from _named("train", [{part["path"]: part["blake3"][:12] for part in item.train} for item in items])
    yield from _named("data", [{part["id"]: _dataset(part) for part in item.datasets} for item in items])
    yield _Line("code", tuple(_code(item.code) for item in items))
    yield _Line("evaluator", tuple(item.evaluator or "-" for item in items))
    if any(item.tensors for item in items):
        yield _Line("tensors", tuple(_tensors(item.tensors) for item in items))
        yield from _named("tensor", [item.tensors or {} for item in items])


def _named(kind: str, parts: Sequence[dict[str, Any]]) -> Iterator[_Line]:
    for name in dict.fromkeys(chain.from_iterable(parts)):
        yield _Line(f"{kind} {name}", tuple(str(part[name]) if name in part else "-" for part in parts))


def _dataset(part: dict[str, Any]) -> str:
    examples = f" ({part['n']:,})" if "n" in part else ""
    return f"{part['blake3'][:12]}{examples}"


def _code(code: dict[str, Any]) -> str:
    return f"{code.get('commit', '')[:12]}{' (dirty)' * bool(code.get('dirty'))}" or "-"


def _tensors(tensors: dict[str, str] | None) -> str:
    return "not in the cache" if tensors is None else f"{len(tensors):,}"


# Remarks.


def _legend(metrics: Sequence[MetricRow]) -> Iterator[str]:
    shown = "\n".join(cell for row in metrics for cell in _metric(row).cells)
    if " *" in shown:
        yield "* the best of the comparable values"
    if " !" in shown:
        yield "! measured on other data than most: not compared"


def _verdict(best: Best) -> Iterator[str]:
    way = "higher" if best.higher_is_better else "lower"
    tie = " (a tie)" if len(best.best) > 1 else ""
    yield f"Best by {best.metric}, {way} is better: {', '.join(best.best)}{tie}"
    if best.missing:
        yield f"Without {best.metric}: {', '.join(best.missing)}"
    if best.incomparable:
        yield f"Measured on other data: {', '.join(best.incomparable)}"
