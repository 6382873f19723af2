"""`mvc waive`: a waiver of a finding, from the line that is typed to the gate that accepts it."""

from __future__ import annotations

import pytest
from harness import Begin, Repo

WAIVERS = ".mvc/waivers.yaml"
POLICY = "mvc-policy: 1\nrules: [{match: 'models/**', metrics: {auc: {min: 0.9}}}]\n"
MODEL = "models/m.bin"
LINE = ("waive", "MVC202", MODEL, "--reason", "known, fixed in v1.4", "--expires", "2999-01-01")


def low(repo: Repo) -> None:
    """Commit a policy on `main`, and on a branch a model that breaks it."""
    repo.write(".mvc/policy.yaml", POLICY)
    repo.git("add", ".mvc/policy.yaml")
    repo.commit("policy")
    repo.git("switch", "-qc", "change")
    repo.write(MODEL, "weights")
    repo.ok("add", MODEL)
    repo.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=0.85")
    repo.commit("model")


@pytest.fixture
def repo(begin: Begin) -> Repo:
    return begin(low)


def states(repo: Repo) -> list[tuple[str, str]]:
    return [(item["code"], item["state"]) for item in repo.mvc("waive", "--list", "--json").json]


def test_it_counts_in_the_hook_and_at_the_gate_once_it_has_landed(repo: Repo) -> None:
    assert repo.ok("waive", "--list").out == "No waivers.\n"
    told = repo.ok(*LINE)
    assert "waived MVC202" in told.out
    assert "target branch" in told.out
    assert told.err == ""
    assert repo.git("diff", "--cached", "--name-only") == WAIVERS
    assert "MVC202" in repo.fails(1, "eval", "check").err
    repo.commit("waiver")
    assert "MVC415" in repo.ok("eval", "check").err
    assert "MVC411" in repo.fails(1, "gate").err, "a pull request cannot waive its own findings"
    repo.git("switch", "-q", "main")
    repo.git("checkout", "-q", "change", "--", WAIVERS)
    repo.commit("a maintainer's")
    repo.git("switch", "-q", "change")
    assert "MVC202 is waived" in repo.ok("gate").out
    assert states(repo) == [("MVC202", "valid")]
    table = repo.ok("waive", "--list").out
    assert all(word in table for word in (MODEL, "v1.0.0", "known, fixed in v1.4", "valid"))
    repo.ok("eval", "record", MODEL, "--bump", "patch", "--metric", "auc=0.8")
    assert states(repo) == [("MVC202", "outdated")]


def test_others_stay_and_the_same_one_is_there_already(repo: Repo) -> None:
    repo.write(WAIVERS, "# ours\nmvc-waivers: 1\nwaivers: []  # none\nx-team: search\n")
    repo.ok(*LINE, "--owner", "bob")
    first = repo.read(WAIVERS)
    assert "already there" in repo.ok(*LINE, "--owner", "bob").out
    assert repo.read(WAIVERS) == first
    assert first.startswith(b"# ours\nmvc-waivers: 1\nwaivers:  # none\n")
    assert first.endswith(b"x-team: search\n")
    repo.ok("waive", "202", f"{MODEL}.eval.yaml", *LINE[3:])
    assert states(repo) == [("MVC202", "valid")] * 2


def test_a_finding_that_is_not_there_is_waived_with_a_warning(repo: Repo) -> None:
    told = repo.ok("waive", "221", "m.bin", *LINE[3:], cwd="models")
    assert "no MVC221 for m.bin" in told.err
    assert states(repo) == [("MVC221", "valid")]


def test_a_deleted_model_is_that_of_the_default_branch(repo: Repo) -> None:
    repo.git("branch", "-f", "main", "HEAD")
    repo.ok("rm", MODEL)
    repo.fails(3, "waive", "202", MODEL, *LINE[3:])
    repo.ok("waive", "327", MODEL, *LINE[3:])
    assert states(repo) == [("MVC327", "valid")]


@pytest.mark.parametrize(("args", "code", "message", "fix"), [
    (("MVC102", MODEL), 2, "MVC102 cannot be waived", "mvc explain MVC102"),
    (("MVC411", MODEL), 2, "MVC411 cannot be waived", "mvc explain MVC411"),
    (("MVC299", MODEL), 2, "no finding 'MVC299'", "mvc explain"),
    (("MVC202", "nowhere"), 3, "nowhere is not tracked and does not exist", "mvc ls"),
    (("MVC202", MODEL, "--expires", "2020-01-01"), 2, "--expires 2020-01-01: this day has passed", "--expires 2"),
    (("MVC202", MODEL, "--expires", "soon"), 2, "--expires soon: expected a day", "--expires 2"),
    (("MVC202", MODEL, "--reason", " "), 2, "--reason is empty", "--reason TEXT"),
])
def test_what_cannot_be_waived(repo: Repo, args: tuple[str, ...], code: int, message: str, fix: str) -> None:
    result = repo.fails(code, "waive", *LINE[3:], *args)
    assert result.errors[0].startswith(message)
    assert result.fixes[0].startswith(fix)
    assert not repo.path(WAIVERS).exists()


def test_an_owner_that_git_does_not_know_must_be_named(repo: Repo) -> None:
    env = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_EMAIL": "", "GIT_AUTHOR_NAME": "", "EMAIL": ""}
    repo.git("config", "user.useConfigOnly", "true")
    result = repo.mvc(*LINE, env=env)
    assert (result.code, result.fixes) == (2, ["--owner WHO"]), result
    assert repo.mvc(*LINE, "--owner", "bob", env=env).code == 0
