"""Attacking pull requests are blocked for the right reason, honest ones pass: real histories, judged end to end.

Every third case is a process of its own, as CI runs it; the others run the same command line in this process.
"""

from __future__ import annotations

import pytest
from gate.conftest import Built
from gate.histories import BLOCKED, CASES, PASSED, Case, told
from gate.suite import ATTACKS, HONEST
from harness import InProcess, Repo, Result

from mvc.quality.judge.codes import CODES

_EVERY = 3
_SIDES = ("--base", "main", "--head", "change")
_ONLY_ELSEWHERE = {"MVC402"}
"""Codes of a tree without any policy."""


def _gate(case: Case, repo: Repo, in_process: InProcess) -> Result:
    args = ("gate", *(() if "--all" in case.args else _SIDES), *case.args, "--json")
    alone = list(CASES).index(case.name) % _EVERY == 0
    return repo.mvc(*args) if alone else in_process(repo.root, *args)


@pytest.mark.parametrize("name", CASES)
def test_pull_request(name: str, built: Built, in_process: InProcess) -> None:
    case = CASES[name]
    repo = built(case)
    before = repo.git("for-each-ref"), repo.git("status", "--porcelain")
    result = _gate(case, repo, in_process)
    assert result.code == case.code, (case.build.__doc__, result)
    if case.code in (PASSED, BLOCKED):
        found = result.json["findings"]
        said = told((item["severity"], item["code"]) for item in found)
        assert said == (case.errors, case.others), (case.build.__doc__, found)
        assert result.json["passed"] is (case.code == PASSED)
    else:
        assert result.errors
        assert not result.out
    assert (repo.git("for-each-ref"), repo.git("status", "--porcelain")) == before


def test_there_are_enough() -> None:
    assert len(ATTACKS) >= 40
    assert len(HONEST) >= 30
    assert all(case.errors for case in ATTACKS)
    assert all((case.build.__doc__ or "").endswith((".", "?")) for case in CASES.values())


def test_every_error_of_the_gate_is_among_them() -> None:
    """Also those of the hook, which the gate finds as well."""
    met = {code for case in CASES.values() for code in case.errors | {item.split()[1] for item in case.others}}
    assert set(CODES) - met <= _ONLY_ELSEWHERE
