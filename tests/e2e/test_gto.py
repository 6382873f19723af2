"""The real GTO reads the tags that mvc wrote, and mvc reads those that GTO wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import PROJECT, Begin, InProcess, Repo
from versions import METRICS, RANKER, promoted, released

GTO = PROJECT / ".cache/gto/bin/gto"


def gto(repo: Repo, *args: str) -> str:
    """Run the real GTO, which `make` installs in an environment of its own."""
    assert GTO.exists(), "run `make .cache/gto/.complete`"
    done = repo.run(str(GTO), *args)
    assert done.code == 0, done
    return done.out


def shown(repo: Repo) -> dict[str, str]:
    """Return the latest version and the stages of the model, as GTO shows them."""
    ((_, row),) = json.loads(gto(repo, "show", "--json")).items()
    stages = {stage: version for stage, version in row["stage"].items() if version}
    return {"latest": row["version"], **stages}


def told(repo: Repo, in_process: InProcess) -> dict[str, str]:
    """Return the same, as mvc tells it."""
    (row,) = in_process(repo.root, "models", "--json").json
    return {"latest": row["version"], **row["stages"]}


LIFE = [
    "promote ranker@v1.2.0 prod", "promote ranker@v1.2.0 eu/beta", "rollback ranker prod", "promote ranker@v1.0.0 prod",
    "retire ranker@v1.2.0 --force -m bad", "retire ranker@v1.1.0 -m old",
]


def test_gto_reads_what_mvc_wrote(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    for count, line in enumerate(LIFE):
        result = in_process(repo.root, *line.split())
        assert result.code == 0, result
        if count in (2, len(LIFE) - 1):  # GTO takes a second to start
            assert shown(repo) == told(repo, in_process)
    ours = [(item["event"], item["version"], item["stage"]) for item in _history(repo, in_process)]
    theirs = [(item["event"], item["version"], item["stage"]) for item in json.loads(gto(repo, "history", "--json"))]
    names = {"promote": "assignment", "rollback": "assignment", "register": "registration", "retire": "deregistration"}
    assert [(names[event], version, stage or "-") for event, version, stage in ours] == [
        (event, version, stage or "-") for event, version, stage in theirs
    ]
    result = in_process(repo.root, "deprecate", "ranker")
    assert result.code == 0
    assert json.loads(gto(repo, "history", "--json"))[0]["event"] == "deprecation"


def _history(repo: Repo, in_process: InProcess) -> Any:
    return in_process(repo.root, "history", "ranker", "--json").json


def test_mvc_reads_what_gto_wrote_and_goes_on_from_there(begin: Begin, in_process: InProcess) -> None:
    repo = begin(released)
    for version in METRICS:
        gto(repo, "register", "ranker", version, "--version", version)
    gto(repo, "assign", "ranker", "--version", "v1.0.0", "--stage", "prod")
    gto(repo, "assign", "ranker", "--version", "v1.1.0", "--stage", "prod")
    assert told(repo, in_process) == {"latest": "v1.2.0", "prod": "v1.1.0"}
    gto(repo, "deprecate", "ranker", "v1.1.0", "prod")
    assert told(repo, in_process) == {"latest": "v1.2.0", "prod": "v1.0.0"}
    (held,) = in_process(repo.root, "which", "ranker", "--json").json
    assert held["blake3"] in repo.git("show", f"v1.0.0:{held['path']}.mvc")
    assert in_process(repo.root, "promote", "ranker@v1.2.0", "prod").code == 0
    assert shown(repo) == told(repo, in_process) == {"latest": "v1.2.0", "prod": "v1.2.0"}
    gto(repo, "deprecate", "ranker", "v1.2.0")
    assert told(repo, in_process) == shown(repo)
    found = in_process(repo.root, "verify", "--tags")
    assert found.code == 0, found
    assert "mvc did not write it" in found.err


@pytest.mark.parametrize("name", ["nobody-s-model", "data:churn"])
def test_what_gto_keeps_besides_does_not_disturb(begin: Begin, in_process: InProcess, name: str) -> None:
    repo = begin(promoted)
    gto(repo, "register", name, "HEAD", "--version", "v0.1.0")
    result = in_process(repo.root, "models", "--json")
    assert {row["name"]: row["version"] for row in result.json} == {"ranker": "v1.2.0", name: "v0.1.0"}
    assert in_process(repo.root, "which", "ranker", "prod").code == 0
    assert in_process(repo.root, "history", name).code == 0
    assert "is ranker@v1.2.0" in in_process(repo.root, "which", "--file", RANKER).out
    assert in_process(repo.root, "verify", "--tags").code == 0


def test_a_stage_may_hold_a_commit_that_nobody_registered(begin: Begin, in_process: InProcess) -> None:
    repo = begin(released)
    for number, (action, version) in enumerate([("", "v1.0.0"), ("", "v1.1.0"), ("!", "v1.1.0")], 1):
        repo.git("tag", "-am", "by hand", f"ranker#prod{action}#{number}", version)
    (held,) = in_process(repo.root, "which", "ranker", "--json").json
    assert (held["version"], held["commit"], held["tag"]) == ("", repo.git("rev-parse", "v1.0.0"), "ranker#prod!#3")
    assert "a commit without a version" in in_process(repo.root, "which", "ranker").out
    assert in_process(repo.root, "ls", "ranker#prod").code == 0
