"""Measure whole commands, paired with peers in the same rounds, and print a table.

Every round runs each tool once, in turn, so that a slow minute of the machine hits all of them.
The quotient beside a peer is the median of the rounds' quotients mvc / peer.
With `--against REV` the peer is mvc itself, as it was at that commit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from benchmarks import against, material, measure, server
from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.prepare import Place
from benchmarks.tools import ALL, MADE_HERE, Environ, Tool, installed
from benchmarks.transfer_tools import TRANSFER_TOOLS

_TOOLS = (*ALL, *TRANSFER_TOOLS)
_DVC = against.PROJECT / ".cache/dvc/bin"
"""Where `make` installs DVC."""


def main() -> int:
    """Run what the command line asks for; exit 1 when a limit was missed and `--strict` is given."""
    options = _parse()
    path = os.pathsep.join([str(Path(sys.executable).parent), *options.path, os.environ["PATH"], str(_DVC)])
    root = Path(options.folder or tempfile.mkdtemp(prefix="mvc-bench-"))
    try:
        results = _measure_all(options, root, material.isolated(root / "home", path))
    finally:
        shutil.rmtree(root / "removed" if options.folder else root, ignore_errors=True)
    missed = [result["case"] for result in results if result["missed"]]
    print(f"\nmissed: {'; '.join(missed) or 'none'}")
    return 1 if missed and options.strict else 0


def _measure_all(options: argparse.Namespace, root: Path, environ: Environ) -> list[dict[str, Any]]:
    (root / "kept").mkdir(parents=True, exist_ok=True)
    wanted = [case for case in CASES if not options.only or any(word in case.name for word in options.only)]
    results: list[dict[str, Any]] = []
    for case in wanted:
        with server.serving(root / "server", environ["PATH"]) if case.server else nullcontext({}) as reached:
            own = {**environ, **reached}
            results += _attempt(case, _tools(case, options, root, own), root, own, options)
        if options.json:
            Path(options.json).write_text(json.dumps({"machine": _machine(), "cases": results}, indent=2) + "\n")
    return results


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("only", nargs="*", metavar="WORD", help="only cases whose name has one of these words")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default 5)")
    parser.add_argument("--path", action="append", default=[], help="directory with peers' programs; may be repeated")
    parser.add_argument("--folder", help="keep material here, on the disk to be measured")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a limit is missed")
    parser.add_argument("--against", metavar="REV", help="measure mvc against itself at REV, not against peers")
    parser.add_argument("--tool", action="append", default=[], help="only mvc and this peer; may be repeated")
    return parser.parse_args()


def _attempt(
    case: Case, tools: list[Tool], root: Path, environ: Environ, options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Measure a case; nothing when the other commit does not know the command yet."""
    try:
        return [_measure(case, tools, root, environ, options.rounds)]
    except RuntimeError as error:
        if not options.against or "No such" not in str(error):
            raise
    print(f"\n{case.name}\n  left out: {options.against} does not know that")
    _take_away(root)
    return []


def _measure(case: Case, tools: list[Tool], root: Path, environ: Environ, rounds: int) -> dict[str, Any]:
    places = {
        tool.name: Place(root / "kept", root / "work" / tool.name / "r", {**environ, **dict(tool.environ)})
        for tool in tools
    }
    runs: dict[str, list[measure.Run]] = {tool.name: [] for tool in tools}
    asked: dict[str, int] = {}
    for tool in tools:
        places[tool.name].repository.mkdir(parents=True, exist_ok=True)
        case.prepare(tool, places[tool.name])
    for _ in range(rounds):
        for tool in tools:
            place = places[tool.name]
            case.renew(tool, place)
            runs[tool.name].append(case.measure(case.command(tool, place), place.repository, place.environ))
            asked[tool.name] = _requests(place)
            case.after(tool, place)
    _take_away(root)
    return _report(case, {name: measure.summarise(done) for name, done in runs.items()}, asked[case.subject])


def _take_away(root: Path) -> None:
    for place in (root / "work").iterdir():
        material.discard(place)


def _requests(place: Place) -> int:
    """Return how many requests the last command counted, where it printed so as JSON; else 0."""
    with suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        return int(json.loads((place.repository.parent / "output").read_text())["requests"])
    return 0


def _tools(case: Case, options: argparse.Namespace, root: Path, environ: Environ) -> list[Tool]:
    if options.against:
        return _two_of_mvc(case, options.against, root, environ)
    found = {tool.name: tool for tool in (*installed(_TOOLS, environ["PATH"]), *MADE_HERE)}
    only = options.tool
    wanted = [name for name in case.tools if not only or any(name.startswith(word) for word in only)]
    missing = [name for name in wanted if name not in found]
    if missing:
        print(f"{case.name}: not installed, left out: {', '.join(missing)}", file=sys.stderr)
    return [found[name] for name in (case.subject, *wanted) if name in found]


def _two_of_mvc(case: Case, revision: str, root: Path, environ: Environ) -> list[Tool]:
    """Return mvc as it is here, and as it was at `revision`."""
    (tool,) = [tool for tool in (*_TOOLS, *MADE_HERE) if tool.name == case.subject]
    other = against.export(revision, root / "sources")
    return [
        against.from_source(tool, against.PROJECT, root / "bin/here", environ),
        against.from_source(tool._replace(name=f"{tool.name}@{revision}"), other, root / "bin/there", environ),
    ]


def _report(case: Case, summaries: dict[str, measure.Summary], requests: int) -> dict[str, Any]:
    ours = summaries[case.subject]
    quotients = {name: measure.ratio(ours, other) for name, other in summaries.items() if name != case.subject}
    print(f"\n{case.name}")
    for name, summary in summaries.items():
        quotient = f"mvc/{name} {quotients[name]:.2f}" if name in quotients else ""
        spread = f"({summary.least:.3f} - {summary.most:.3f})"
        used = f"CPU {summary.cpu:7.3f} s {summary.memory:6.0f} MiB"
        print(f"  {name:<19} {summary.median:8.3f} s {spread:<20} {used}  {quotient}", flush=True)
    if requests:
        print(f"  {requests} requests")
    missed = misses(case, ours, quotients, requests)
    print(f"  {'MISSED ' + missed if missed else 'met'}")
    return {
        "case": case.name,
        "missed": missed,
        "tools": {name: summary._asdict() for name, summary in summaries.items()},
        "ratios": quotients,
        "requests": requests,
    }


def misses(case: Case, ours: measure.Summary, quotients: dict[str, float], requests: int) -> str:
    """Return which limits of the case were missed; empty when none was."""
    reasons = []
    if case.seconds and ours.median > case.seconds:
        reasons.append(f"{ours.median:.3f} s > {case.seconds} s")
    if case.memory and ours.memory > case.memory:
        reasons.append(f"{ours.memory:.0f} MiB > {case.memory:.0f} MiB")
    if case.requests and not 0 < requests <= case.requests:
        reasons.append(f"{requests} requests > {case.requests}")
    for peer, limit in case.ratios:
        if peer in quotients and quotients[peer] > limit:
            reasons.append(f"{quotients[peer]:.2f} x {peer} > {limit} x")
    return ", ".join(reasons)


def _machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "tools": [tool.name for tool in installed(_TOOLS, os.environ["PATH"])],
    }


if __name__ == "__main__":
    sys.exit(main())
