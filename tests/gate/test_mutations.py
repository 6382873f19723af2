"""Mutation tests of the judge: each mutant changes the verdict of a case.

The pull requests must detect each rule that is removed. They or the table of tests/quality/cases.py must detect each
inverted comparison, exchanged `and` and `or`, negated condition and changed constant. A verdict is the exit code and
the finding codes, without the messages.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import count
from typing import NamedTuple

import pytest
from gate.conftest import Workshop
from gate.equivalent import EQUIVALENT, ONLY_IN_THE_HOOK, WORDS
from gate.mutants import Line, Mutant, Source, lines_of, reaching, sources
from gate.suite import JUDGED
from quality.cases import CASES as TABLE

from mvc.errors import InvalidFormat
from mvc.quality.files import POLICY
from mvc.quality.finding import Verdict
from mvc.quality.judge import judge as judge_module
from mvc.quality.judge.facts import Facts, Landing
from mvc.quality.judge.rules import policy_files
from mvc.quality.policy import parsed_policy

MODULES = tuple(
    f"mvc.quality.{name}"
    for name in (
        "files", "judge.judge", "policy.parsed_policy", "policy.stricter", *(f"judge.rules.{rule}" for rule in (
            "model", "landing", "figures", "evidence", "past.regressions", "past.least_errors", "past.paired",
            "past.pairing", "past.references", "past.succession", "past.samples", "companions", "moves", "strictness",
            "trust", "policy_files", "weakened", "waivers", "pushed", "pickled", "parts",
        )),
    )
)
FILES = {inspect.getfile(import_module(name)) for name in MODULES}
ROWS = {"MVC201", "MVC202", "MVC203", "MVC221", "MVC223", "MVC224"}
"""Findings with these codes make a row of the gate's table fail."""
REASONS = ROWS | {"MVC204", "MVC225", "MVC230", "MVC415"}
"""The codes for which a row may fail."""
READERS = {"parse_report": "mvc.quality.reports.report_document", "parse_policy": "mvc.quality.policy.policy"}


class Trial(NamedTuple):
    """Facts and the expected findings."""

    name: str
    facts: Facts
    now: float
    complaint: Callable[[Verdict], str]
    """Returns how a verdict differs from the expected one; empty when it does not."""
    lines: frozenset[Line] = frozenset()
    """The lines of the judge that it executes."""

    def holds(self) -> bool:
        """Whether the judge finds exactly that."""
        try:
            verdict = judge_module.judge(_with_policy_read(self.facts), self.now)
        except Exception:  # noqa: BLE001 - a mutant may do anything
            return False
        return not self.complaint(verdict) and _agrees(verdict)


def _with_policy_read(facts: Facts) -> Facts:
    """Return facts with their policy read and chosen again, as that is a part of the judge."""
    landing = facts.landing or Landing()
    old = next((change.old for change in landing.policy_files if change.path == POLICY), None)
    parsed = parsed_policy.read_policy(old or facts.policy.file)
    return facts._replace(policy=policy_files.judging_policy(parsed, landing))


def _agrees(verdict: Verdict) -> bool:
    """Whether the models that fail in the table of metrics are those that fail in the findings."""
    failed = {model.path for model in verdict.models if not all(row.passed for row in model.comparisons)}
    by_code = [(item.path, item.code) for item in verdict.findings]
    must = {path for path, code in by_code if code in ROWS} & {model.path for model in verdict.models}
    return must <= failed <= {path for path, code in by_code if code in REASONS}


_TRIALS: dict[str, list[Trial]] = {}
"""The trials of this process, collected once."""


@pytest.fixture
def trials(workshop: Workshop) -> Iterator[list[Trial]]:
    """Return the trials of the pull requests; each file is parsed once for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, home in READERS.items():
            remembered = _remembered(getattr(import_module(home), name))
            for module in map(import_module, MODULES):
                if hasattr(module, name):
                    patch.setattr(module, name, remembered)
        if not _TRIALS:
            now = time.time()
            found = [Trial(case.name, workshop.facts(case), now, case.complaint) for case in JUDGED]
            _TRIALS["pull requests"] = [_traced(trial) for trial in found]
        yield _TRIALS["pull requests"]


def _remembered(parse: Callable[..., object]) -> Callable[..., object]:
    """Return `parse` with a cache of its results and errors."""

    @cache
    def outcome(*args: object) -> tuple[object, InvalidFormat | None]:
        try:
            return parse(*args), None
        except InvalidFormat as error:
            return None, error

    def remembered(*args: object) -> object:
        result, error = outcome(*args)
        if error is not None:
            raise error.with_traceback(None)
        return result

    return remembered


def _traced(trial: Trial) -> Trial:
    assert trial.holds(), trial.name
    return trial._replace(lines=lines_of(trial.holds, FILES))


@pytest.fixture
def table() -> list[Trial]:
    """Return the trials of the judge's own table."""
    if "table" not in _TRIALS:
        _TRIALS["table"] = [_traced(Trial(name, case.facts, 0, _differs(case.found))) for name, case in TABLE.items()]
    return _TRIALS["table"]


def _differs(expected: str) -> Callable[[Verdict], str]:
    """Return a function that compares a verdict with the table's notation: `error MVC101, note MVC412`."""
    codes = sorted(item for item in expected.split(", ") if item)

    def complaint(verdict: Verdict) -> str:
        found = sorted(f"{item.severity} {item.code}" for item in verdict.findings)
        return "" if found == codes else f"{found}, expected {codes}"

    return complaint


_KILLS: dict[tuple[str, str], int] = {}
"""When a trial last killed a mutant of a function, by function and trial."""
_NUMBERS = count(1)


def _survives(mutant: Mutant, trials: Iterable[Trial]) -> bool:
    by_name = {trial.name: trial for trial in trials}
    near = reaching(mutant, ((trial.name, trial.lines) for trial in by_name.values()))
    near.sort(key=lambda name: _unlikely(mutant, by_name[name]))
    with mutant.at_work():
        killer = next((name for name in near if not by_name[name].holds()), None)
    if killer is not None:
        _KILLS[mutant.function, killer] = next(_NUMBERS)
    return killer is None


def _unlikely(mutant: Mutant, trial: Trial) -> tuple[int, int, int]:
    """Return a sort key: trials that are likely to kill a mutant come first, which saves time."""
    return -_KILLS.get((mutant.function, trial.name), 0), -len(trial.lines & mutant.whole), len(trial.lines)


SOURCES = {module: sources(module) for module in MODULES}
RULES = [
    source for found in SOURCES.values() for source in found
    if source.finds and source.name not in {**WORDS, **ONLY_IN_THE_HOOK}
]


def test_what_is_left_out_is_there() -> None:
    """A renamed function must be renamed in `WORDS` too."""
    assert {*WORDS, *ONLY_IN_THE_HOOK} <= {source.name for found in SOURCES.values() for source in found}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_that_is_taken_out_is_missed(rule: Source, trials: list[Trial]) -> None:
    assert not _survives(rule.removed(), trials)


@pytest.mark.long
@pytest.mark.parametrize("module", MODULES)
def test_a_mutant_is_noticed(module: str, trials: list[Trial], table: list[Trial]) -> None:
    mutants = [mutant for source in SOURCES[module] for mutant in source.mutants()]
    left = {mutant.name for mutant in mutants if mutant.function not in WORDS and _survives(mutant, [*trials, *table])}
    expected = {name for name in EQUIVALENT if name.split(".")[0] == module.rpartition(".")[2]}
    assert left == expected, f"of {len(mutants)} mutants"
