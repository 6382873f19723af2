"""Attacking pull requests are blocked for the right reason, and honest ones pass.

The judge judges the facts of each: from memory if it is plain (see memory.py), else as the gate collects them from
Git. `mvc gate` itself runs on the first attack and the first honest change with each code, and on all that type Git
commands; `make test-long` runs it on the rest. Every tenth run is a process of its own, as in CI; the others run the
same command line in this process.
"""

from __future__ import annotations

import time

import pytest
from gate import memory
from gate.conftest import Workshop
from gate.histories import BLOCKED, CANNOT, CASES, PASSED, Built, Case, told
from gate.suite import ATTACKS, HONEST
from harness import InProcess, Result

from mvc.quality.judge.codes import CODES
from mvc.quality.judge.judge import judge

_EVERY = 10
_ONLY_ELSEWHERE = {"MVC313", "MVC314", "MVC402"}
"""Codes of a tree without any policy, and of content that the cache must have: tests/e2e/test_model_parts.py."""
_FIRST = {
    (case.code, what): case.name
    for case in reversed(CASES.values())
    for what in (*case.errors, *case.others, *([] if case.errors or case.others else [case.build.__module__]))
}
"""For each code the first attack and the first honest change; for each module the first change without findings."""
THROUGH_THE_GATE = {*_FIRST.values(), *(case.name for case in CASES.values() if case.code == CANNOT or case.args)}
THE_REST = [name for name in CASES if name not in THROUGH_THE_GATE]


@pytest.mark.parametrize("name", CASES)
def test_pull_request(name: str, workshop: Workshop, in_process: InProcess) -> None:
    case = CASES[name]
    if case.code != CANNOT:
        verdict = judge(workshop.facts(case), time.time())
        assert not case.complaint(verdict), (case.build.__doc__, verdict.findings)
        assert verdict.passed is (case.code == PASSED)
    if name in THROUGH_THE_GATE or workshop.types_git(case):
        check_plain_facts(case, workshop)
        check_gate(case, workshop.built(case), in_process)


@pytest.mark.long
@pytest.mark.parametrize("name", THE_REST)
def test_the_rest_through_the_gate(name: str, workshop: Workshop, in_process: InProcess) -> None:
    check_plain_facts(CASES[name], workshop)
    check_gate(CASES[name], workshop.built(CASES[name]), in_process)


def check_plain_facts(case: Case, workshop: Workshop) -> None:
    """Check that Git yields the facts that a plain case is judged by."""
    plain = workshop.plain_facts(case)
    if plain is not None:
        built = workshop.built(case)
        found = repr(case.facts(built))
        for number, commit in enumerate(built.repo.git("rev-list", "--reverse", built.head).splitlines(), 1):
            found = found.replace(commit, memory.commit_id(number))
        assert found == repr(plain)


def check_gate(case: Case, built: Built, in_process: InProcess) -> None:
    before = _state(built)
    result = _gate(case, built, in_process)
    assert result.code == case.code, (case.build.__doc__, result)
    if case.code in (PASSED, BLOCKED):
        found = result.json["findings"]
        said = told((item["severity"], item["code"]) for item in found)
        assert said == (case.errors, case.others), (case.build.__doc__, found)
        assert result.json["passed"] is (case.code == PASSED)
    else:
        assert result.errors
        assert not result.out
    assert _state(built) == before


def _state(built: Built) -> tuple[str, str]:
    """Return the refs of a case and, of a repository of its own, the status of the workspace."""
    refs = built.repo.git("for-each-ref", f"refs/heads/{built.prefix}")
    return refs, "" if built.prefix else built.repo.git("status", "--porcelain")


def _gate(case: Case, built: Built, in_process: InProcess) -> Result:
    base, head = f"{built.prefix}main", f"{built.prefix}change"
    whole = "--all" in case.args
    args = ("gate", *(("--all", "--head", base) if whole else ("--base", base, "--head", head, *case.args)), "--json")
    alone = list(CASES).index(case.name) % _EVERY == 0
    return built.repo.mvc(*args) if alone else in_process(built.repo.root, *args)


def test_there_are_enough() -> None:
    assert len(ATTACKS) >= 40
    assert len(HONEST) >= 30
    assert all(case.errors for case in ATTACKS)
    assert all((case.build.__doc__ or "").endswith((".", "?")) for case in CASES.values())


def test_every_error_of_the_gate_is_among_them() -> None:
    """Also those of the hook, which the gate finds as well."""
    met = {code for case in CASES.values() for code in case.errors | {item.split()[1] for item in case.others}}
    assert set(CODES) - met <= _ONLY_ELSEWHERE
