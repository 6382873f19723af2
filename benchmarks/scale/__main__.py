"""Measure how CPU time and memory grow with the size of a repository, and print a table.

A row is one command at several sizes: CPU seconds and peak memory of each, and the exponent with which CPU time grows.
With `--against REV` each command also runs as it was at that commit, in the same rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path

from benchmarks import against, material, measure, server
from benchmarks.prepare import Place, Step
from benchmarks.scale.row import Point, Row, exponent
from benchmarks.scale.rows import ROWS
from benchmarks.tools import ALL, Environ, Tool

Measured = dict[tuple[str, str], list[Point]]
"""The points of each row and tool."""


def main() -> int:
    """Run what the command line asks for."""
    options = _parse()
    root = Path(options.folder or tempfile.mkdtemp(prefix="mvc-scale-"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    try:
        wanted = [row for row in ROWS if not options.only or any(word in row.name for word in options.only)]
        environ = material.isolated(root / "home", path)
        with server.serving(root / "server", path) if any(row.server for row in wanted) else nullcontext({}) as reached:
            measured = _measure_all(wanted, options, root, {**environ, **reached})
    finally:
        shutil.rmtree(root, ignore_errors=True)
    _print_table(measured)
    if options.json:
        rows = [{"row": row, "tool": tool, "points": points} for (row, tool), points in measured.items()]
        Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("only", nargs="*", metavar="WORD", help="only rows whose name has one of these words")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="leave out sizes above this one")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each command (default 1)")
    parser.add_argument("--folder", help="make the repositories in this new directory, and delete it at the end")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--against", metavar="REV", help="measure mvc at REV as well")
    return parser.parse_args()


def _measure_all(wanted: list[Row], options: argparse.Namespace, root: Path, environ: Environ) -> Measured:
    measured: Measured = {}
    (root / "kept").mkdir(parents=True)
    tools = _tools(options.against, root, environ)
    work = root / "work"
    places = [Place(root / "kept", work / tool.name / "r", {**environ, **dict(tool.environ)}) for tool in tools]
    for make, neighbours in groupby(wanted, attrgetter("material")):
        rows = list(neighbours)
        for size in sorted({size for row in rows for size in row.sizes if size <= options.most}):
            with _made(make(size), tools, places):
                for row in rows:
                    if size in row.sizes:
                        _measure(row, size, tools, places, options.rounds, measured)
    return measured


def _tools(revision: str | None, root: Path, environ: Environ) -> list[Tool]:
    """Return mvc as it is here, and as it was at `revision`."""
    here = against.from_source(ALL[0], against.PROJECT, root / "bin/here", environ)
    if not revision:
        return [here]
    other = against.export(revision, root / "sources")
    return [here, against.from_source(ALL[0]._replace(name=f"mvc@{revision}"), other, root / "bin/there", environ)]


@contextmanager
def _made(make: Step, tools: list[Tool], places: list[Place]) -> Iterator[None]:
    """Make a repository for each tool, and delete it in the end."""
    for tool, place in zip(tools, places, strict=True):
        place.repository.mkdir(parents=True)
        _apart(make, tool, place)
    yield
    for place in places:
        shutil.rmtree(place.repository.parent)


def _apart(make: Step, tool: Tool, place: Place) -> None:
    """Run a step in a process of its own: the kernel counts what this one held for the peak of those that it starts."""
    process = get_context("fork").Process(target=make, args=(tool, place))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the repository could not be made")


def _measure(
    row: Row, size: int, tools: list[Tool], places: list[Place], rounds: int, measured: Measured,
) -> None:
    """Run a row's command, each tool in turn, and add what it took to `measured`."""
    runs: dict[str, list[measure.Run]] = {tool.name: [] for tool in tools}
    for _ in range(rounds):
        for tool, place in zip(tools, places, strict=True):
            row.renew(tool, place)
            runs[tool.name].append(measure.run(row.command(tool, place), place.repository, place.environ))
    for name, done in runs.items():
        point = Point(size, statistics.median(run.cpu for run in done), max(run.memory for run in done))
        measured.setdefault((row.name, name), []).append(point)
        print(f"{row.name:<44} {name:<14} {size:>9,} {point.cpu:8.2f} s {point.memory:6.0f} MiB", flush=True)


def _print_table(measured: Measured) -> None:
    print("\n| work | mvc | size: CPU seconds, peak MiB | exponent |\n|---|---|---|---|")
    for (row, tool), points in measured.items():
        cells = "; ".join(f"{point.size:,}: {point.cpu:.1f} s, {point.memory:.0f}" for point in points)
        fitted = exponent(points)
        print(f"| {row} | {tool} | {cells} | {'' if fitted is None else f'{fitted:.2f}'} |")


if __name__ == "__main__":
    sys.exit(main())
