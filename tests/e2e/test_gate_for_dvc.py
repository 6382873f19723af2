"""Teams that stay with DVC or git-lfs: reports, hook, gate and versions of models that mvc does not keep."""

from __future__ import annotations

import hashlib
import json

import pytest
from harness import Begin, InProcess, Repo

from mvc.quality.files import POLICY

MODEL = "models/ranker.onnx"
REPORT = f"{MODEL}.eval.yaml"
GOOD = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99f"
    "d91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1e"
    "c69821bcb6a8839396f9652b6ff72a70",
)
EVIL = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a085125e8f7cdc99f"
    "d91dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0e99f33420f577ee8ce54b67080280d1e"
    "c69821bcb6a8839396f965ab6ff72a70",
)
"""Two contents with one md5, found by X. Wang and others in 2004."""


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def judging_others(repo: Repo) -> None:
    """Have pointers of DVC and git-lfs judged."""
    text = repo.read(POLICY).decode()
    repo.write(POLICY, text.replace("defaults:", "pointers: [mvc, dvc, lfs]\ndefaults:", 1))


def model_in_lfs(repo: Repo, content: bytes) -> None:
    repo.write(MODEL, content)
    repo.git("add", MODEL)


def model_in_dvc(repo: Repo, content: bytes) -> None:
    """Write what `dvc add` writes."""
    repo.write(MODEL, content)
    size = len(content)
    repo.write(f"{MODEL}.dvc", f"outs:\n- md5: {md5(content)}\n  size: {size}\n  hash: md5\n  path: ranker.onnx\n")
    repo.git("add", f"{MODEL}.dvc")


def model_in_a_pipeline(repo: Repo, content: bytes) -> None:
    """Write what `dvc repro` writes."""
    repo.write(MODEL, content)
    repo.write("dvc.yaml", f"stages:\n  train:\n    cmd: train\n    outs:\n    - {MODEL}\n")
    out = f"    - path: {MODEL}\n      hash: md5\n      md5: {md5(content)}\n      size: {len(content)}\n"
    repo.write("dvc.lock", f"schema: '2.0'\nstages:\n  train:\n    cmd: train\n    outs:\n{out}")
    repo.git("add", "dvc.lock", "dvc.yaml")


KEEPERS = {"lfs": model_in_lfs, "dvc": model_in_dvc, "pipeline": model_in_a_pipeline}


def with_others(repo: Repo) -> None:
    """Have git-lfs and DVC keep ONNX models, which the policy judges."""
    judging_others(repo)
    repo.git("lfs", "install", "--local", "--skip-repo")
    repo.write("models/.gitignore", "/ranker.onnx\n")
    repo.git("add", "-A")
    repo.commit()


@pytest.fixture(params=KEEPERS)
def keeper(request: pytest.FixtureRequest) -> str:
    """Return what keeps the models."""
    return str(request.param)


@pytest.fixture
def team(begin: Begin, keeper: str) -> Repo:
    """Return a repository where a policy has all pointers judged."""
    repo = begin(with_others).hooked()
    if keeper == "lfs":
        repo.remove("models/.gitignore")
        attributes = repo.read(".gitattributes").decode()
        repo.write(".gitattributes", f"{attributes}*.onnx filter=lfs diff=lfs merge=lfs -text\n")
        repo.git("add", "-A")
        repo.git("commit", "-qm", "git-lfs")
    return repo


def record(repo: Repo, *options: str) -> None:
    repo.ok("eval", "record", MODEL, "--metric", "auc=0.9", *options)


def test_a_model_is_judged_from_its_first_commit_to_production(team: Repo, keeper: str, in_process: InProcess) -> None:
    keep = KEEPERS[keeper]
    keep(team, b"model 1")
    refused = team.shell("git commit -qm 'no report'")
    assert refused.code
    assert "MVC101" in refused.err
    assert "mvc add" not in refused.err
    record(team, "--bump", "major")
    assert ("sha256" in team.read(REPORT).decode()) is (keeper == "lfs")
    assert (md5(b"model 1") in team.read(REPORT).decode()) is (keeper != "lfs")
    team.git("commit", "-qm", "v1")
    keep(team, b"model 2")
    refused = team.shell("git commit -qm 'old report'")
    assert refused.code
    assert "MVC103" in refused.err
    assert "mvc add" not in refused.err
    assert team.fails(1, "eval", "check").out
    record(team, "--bump", "minor")
    team.git("commit", "-qm", "v1.1")

    run = in_process
    assert run(team.root, "gate", "--base", "HEAD~1", "--head", "HEAD").code == 0
    assert run(team.root, "eval", "check").code == 0
    for rev in ("HEAD~1", "HEAD"):
        assert run(team.root, "register", "ranker", "--rev", rev).code == 0
    assert run(team.root, "promote", "ranker@v1.1.0", "prod").code == 0
    (held,) = run(team.root, "which", "ranker", "--json").json
    assert (held["version"], held["path"]) == ("v1.1.0", MODEL)
    assert held["blake3"] in team.read(REPORT).decode()
    found = run(team.root, "which", "--file", str(team.path(MODEL)), "--json").json
    assert [item["version"] for item in found["versions"]] == ["v1.1.0"]
    compared = run(team.root, "compare", "ranker", MODEL, "--json").json
    assert [item["report"] for item in compared["items"]] == ["ok"] * 3
    assert run(team.root, "verify", "--tags").code == 0
    assert "report matches" in run(team.root, "eval", "show", MODEL).out


def test_the_gate_needs_neither_their_content_nor_their_programs(team: Repo, keeper: str) -> None:
    keep = KEEPERS[keeper]
    keep(team, b"model 1")
    record(team, "--bump", "major")
    team.git("commit", "-qm", "v1")
    team.git("checkout", "-qb", "worse")
    keep(team, b"model 2")
    team.git("commit", "-qnm", "no report")
    team.git("config", "filter.lfs.required", "false")
    team.git("config", "filter.lfs.smudge", "false")
    result = team.mvc("gate", "--base", "main", "--head", "worse", "--json")
    assert [item["code"] for item in json.loads(result.out)["findings"] if item["severity"] == "error"] == ["MVC103"]


def test_a_finding_is_waived(team: Repo, keeper: str) -> None:
    KEEPERS[keeper](team, b"model 1")
    team.git("commit", "-qnm", "no report")
    team.ok("waive", "MVC101", MODEL, "--reason", "a toy", "--expires", "2999-01-01")
    team.git("commit", "-qnm", "waived")
    assert "MVC415" in team.ok("eval", "check").err
    (waiver,) = team.ok("waive", "--list", "--json").json
    assert (waiver["state"], waiver["model"].partition(":")[0]) == ("valid", "sha256" if keeper == "lfs" else "md5")


def test_a_report_that_is_deleted_is_missed(team: Repo, keeper: str) -> None:
    KEEPERS[keeper](team, b"model 1")
    record(team, "--bump", "major")
    team.git("commit", "-qm", "v1")
    team.git("rm", "-q", REPORT)
    assert "MVC101" in team.shell("git commit -qm 'no report any more'").err


def test_what_is_modified_is_not_registered(team: Repo, keeper: str) -> None:
    KEEPERS[keeper](team, b"model 1")
    record(team, "--bump", "major")
    team.git("commit", "-qm", "v1")
    assert team.fails(2, "register", MODEL).fixes == ["mvc register ranker"]
    team.write(MODEL, b"changed")
    assert "was modified" in team.fails(1, "register", "ranker").err
    KEEPERS[keeper](team, b"changed")
    assert "differs from HEAD" in team.fails(1, "register", "ranker").err


def test_other_content_with_the_same_md5_is_found_where_it_is_at_hand(begin: Begin) -> None:
    repo = begin(with_others).hooked()
    assert md5(GOOD) == md5(EVIL)
    model_in_dvc(repo, GOOD)
    record(repo, "--bump", "major")
    repo.write(MODEL, EVIL)
    refused = repo.shell("git commit -qm evil")
    assert refused.code
    assert "the report is of blake3" in refused.err
    assert "MVC103" in repo.fails(1, "eval", "check").err
    repo.write(MODEL, GOOD)
    repo.git("commit", "-qm", "good")


def directory_in_dvc(repo: Repo, content: bytes, *, old: bool = False) -> None:
    """Write what `dvc add models` writes; `old` as DVC 2 does."""
    repo.write("tuned/a.onnx", content)
    repo.write("tuned/b.txt", b"1\r\n")
    text = md5(b"1\n" if old else b"1\r\n")
    rows = [{"md5": md5(content), "relpath": "a.onnx"}, {"md5": text, "relpath": "b.txt"}]
    listed = md5(json.dumps(rows).encode())
    algorithm = "" if old else "  hash: md5\n"
    repo.write("tuned.dvc", f"outs:\n- md5: {listed}.dir\n  size: 1\n  nfiles: 2\n{algorithm}  path: tuned\n")
    repo.write(".gitignore", "/tuned\n")
    repo.git("add", "tuned.dvc", ".gitignore")


def test_the_same_in_a_directory(begin: Begin) -> None:
    repo = begin(with_others).hooked()
    directory_in_dvc(repo, GOOD)
    repo.ok("eval", "record", "tuned", "--metric", "auc=0.9", "--bump", "major")
    (repo.root / "tuned/a.onnx").chmod(0o755)  # DVC does not keep it
    repo.ok("eval", "check")
    repo.write("tuned/a.onnx", EVIL)
    assert "the report is of blake3" in repo.shell("git commit -qm evil").err
    assert "MVC103" in repo.fails(1, "eval", "check").err
    repo.write("tuned/a.onnx", GOOD)
    repo.git("commit", "-qm", "good")
    repo.write("tuned/a.onnx", EVIL)
    assert "was modified" in repo.fails(1, "register", "tuned").err
    repo.write("tuned/a.onnx", GOOD)
    repo.ok("register", "tuned")


def test_a_directory_of_dvc_2(begin: Begin) -> None:
    repo = begin(with_others).hooked()
    directory_in_dvc(repo, b"\0model", old=True)
    repo.ok("eval", "record", "tuned", "--metric", "auc=0.9", "--bump", "major")
    repo.git("commit", "-qm", "first")
    repo.write("tuned/a.onnx", b"\0other")
    assert "tuned differs from its pointer" in repo.ok("eval", "record", "tuned", "--bump", "minor").err


def test_init_sees_what_is_there(bare_git: Repo) -> None:
    bare_git.write(".gitattributes", "*.onnx filter=lfs diff=lfs merge=lfs -text\n")
    bare_git.write(".dvc/config", "")
    bare_git.git("add", "-A")
    assert "Found DVC and git-lfs" in bare_git.ok("init").out
    assert "pointers: [mvc, dvc, lfs]" in bare_git.read(POLICY).decode()


def test_init_elsewhere_says_nothing_of_them(bare_git: Repo) -> None:
    bare_git.write(".gitattributes", "# *.onnx filter=lfs\n")
    bare_git.git("add", "-A")
    assert "Found" not in bare_git.ok("init").out
    assert "pointers" not in bare_git.read(POLICY).decode()
