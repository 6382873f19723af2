"""The hooks for the framework pre-commit, run by it and by prek; and mvc's own hooks beside theirs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import PROJECT, Repo, Result, make_home

BIN = Path(sys.executable).parent
EXPORTED = ("mvc-check", "mvc-no-raw-models", "mvc-lint", "mvc-pre-push", "mvc-gate")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""The system's: uv, which prek runs, brings some of its own."""


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Return this version of mvc as a Git repository, as the framework clones it."""
    top = tmp_path_factory.mktemp("source")
    repo = Repo(top / "mvc", make_home(top / "home"))
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("mvc", "hooks", "docs"):
        shutil.copytree(PROJECT / name, repo.root / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(PROJECT / name, repo.root)
    repo.git("init", "-q")
    repo.git("add", "--all")
    repo.commit("mvc")
    return repo


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return where the frameworks keep what they install, for all tests."""
    top = tmp_path_factory.mktemp("frameworks")
    certificates = {"SSL_CERT_FILE": str(CERTIFICATES)} if CERTIFICATES.exists() else {}
    return {"PRE_COMMIT_HOME": str(top / "pre-commit"), "PREK_HOME": str(top / "prek"), **certificates}


@pytest.fixture
def repo(repo: Repo, environments: dict[str, str]) -> Repo:
    """Return a repository for which the frameworks are at hand; prek wants uv, which `make` has brought."""
    path = f"{PROJECT / '.cache/tools/bin'}:{repo.environ['PATH']}"
    return Repo(repo.root, {**repo.environ, **environments, "PATH": path})


@pytest.fixture
def configured(repo: Repo, source: Repo) -> Repo:
    """Return a repository whose committed config names all of mvc's hooks."""
    hooks = "".join(f"  - id: {name}\n" for name in EXPORTED)
    revision = source.git("rev-parse", "HEAD")
    repo.write(".pre-commit-config.yaml", f"repos:\n- repo: {source.root}\n  rev: {revision}\n  hooks:\n{hooks}")
    repo.git("add", ".pre-commit-config.yaml")
    repo.commit("pre-commit")
    return repo


def local(repo: Repo, name: str) -> None:
    """Write a config with a hook of its own, which leaves a file behind."""
    types = "[pre-commit, pre-push, post-checkout]"
    repo.write(
        ".pre-commit-config.yaml",
        "repos:\n- repo: local\n  hooks:\n"
        f"  - {{id: theirs, name: theirs, language: system, entry: touch .git/{name}, always_run: true,"
        f" pass_filenames: false, stages: {types}}}\n",
    )
    repo.git("add", ".pre-commit-config.yaml")


def staged_model(repo: Repo, name: str = "m.bin") -> None:
    """Stage a model without a report."""
    repo.write(name, f"weights of {name}")
    repo.ok("add", name)


# What is exported.


def test_the_manifest_is_one(repo: Repo) -> None:
    manifest = PROJECT / ".pre-commit-hooks.yaml"
    assert repo.run("pre-commit", "validate-manifest", str(manifest)).code == 0
    assert tuple(re.findall(r"^- id: (.*)$", manifest.read_text(), re.MULTILINE)) == EXPORTED


@pytest.mark.long
@pytest.mark.parametrize("program", ["pre-commit", "prek"])
def test_trying_the_repository_refuses_a_model_without_a_report(repo: Repo, source: Repo, program: str) -> None:
    staged_model(repo)
    refused = repo.run(program, "try-repo", str(source.root), "mvc-check")
    assert refused.code == 1, refused
    assert "MVC101 m.bin" in refused.out


@pytest.mark.long
@pytest.mark.parametrize("program", ["pre-commit", "prek"])
def test_the_hooks_of_a_config_judge_commits_and_ranges_and_push(
    configured: Repo, tmp_path: Path, program: str,
) -> None:
    repo = configured
    for hook in ("pre-commit", "pre-merge-commit", "pre-push"):
        assert repo.run(program, "install", "--hook-type", hook).code == 0

    staged_model(repo)
    refused = repo.run("git", "commit", "-m", "no report")
    assert (refused.code, "MVC101 m.bin" in refused.out + refused.err) == (1, True)
    repo.git("commit", "-q", "--no-verify", "-m", "no report")

    ranged = _ranged(repo, program)
    judged = ranged("HEAD~1", "HEAD", "mvc-check")
    assert (judged.code, "MVC101 m.bin" in judged.out) == (1, True)
    assert ranged("HEAD~2", "HEAD~1", "mvc-check").code == 0
    assert ranged("HEAD~1", "HEAD", "mvc-no-raw-models").code == 0
    assert repo.git("status", "--porcelain") == ""

    repo.git("branch", "topic")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("switch", "-q", "topic")
    gated = repo.run(program, "run", "mvc-gate", "--hook-stage", "manual")
    assert (gated.code, "MVC101 m.bin" in gated.out) == (1, True)
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "topic")

    repo.write("raw.onnx", b"\x08\x07" + bytes(100))
    repo.git("add", "-f", "raw.onnx")
    raw = repo.run(program, "run", "mvc-no-raw-models")
    assert (raw.code, "raw.onnx" in raw.out) == (1, True)
    assert repo.run(program, "run", "mvc-lint").code == 0
    repo.git("rm", "-q", "--cached", "raw.onnx")
    repo.write("m.bin.mvc", "no pointer\n")
    repo.git("add", "m.bin.mvc")
    assert "MVC304" in repo.run(program, "run", "mvc-lint").out
    repo.git("reset", "-q", "--hard")

    repo.git("init", "-q", "--bare", str(tmp_path / "hub"))
    repo.git("remote", "add", "origin", str(tmp_path / "hub"))
    stopped = repo.run("git", "push", "origin", "main")
    assert (stopped.code, "no remote is configured" in stopped.out + stopped.err) == (1, True)
    repo.ok("remote", "add", "store", str(tmp_path / "store"))
    repo.git("commit", "-q", "--no-verify", "-m", "remote")
    repo.git("push", "-q", "origin", "main")
    assert list((tmp_path / "store/packs").iterdir())


def _ranged(repo: Repo, program: str) -> Callable[[str, str, str], Result]:
    def run(old: str, new: str, hook: str) -> Result:
        return repo.run(program, "run", "--from-ref", old, "--to-ref", new, hook)

    return run


@pytest.mark.long
def test_what_the_framework_installs_is_small_and_whole(configured: Repo, environments: dict[str, str]) -> None:
    assert configured.run("pre-commit", "install-hooks").code == 0
    (python,) = Path(environments["PRE_COMMIT_HOME"]).glob("*/py_env-*/bin/python")
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    names = {line.split()[0].lower() for line in listed.splitlines()[2:]}
    assert "modelvc" in names
    extras = {"aiobotocore", "google-auth", "azure-storage-blob", "asyncssh", "aiohttp"}
    assert not names & {*extras, "numpy", "scikit-learn"}
    assert len(names) < 30
    scripts = {path.name for path in python.parent.parent.glob("lib/python*/site-packages/mvc/_hooks/*")}
    assert {"pre-commit", "pre-merge-commit", "pre-push", "post-checkout", "post-merge"} <= scripts


# Without a framework's environment: a range, judged by mvc itself.


def judged(repo: Repo, **environ: str) -> Result:
    names = {f"PRE_COMMIT_{name.upper()}_REF": text for name, text in environ.items()}
    return repo.mvc("hook", "run", "pre-commit", env=names)


def test_a_range_is_judged_from_where_the_two_parted_and_not_the_index(repo: Repo) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.git("switch", "-qc", "side")
    staged_model(repo)
    side = repo.commit("no report")
    repo.git("switch", "-q", "main")
    staged_model(repo, "other.bin")
    assert "MVC101 m.bin" in judged(repo, **{"from": "main", "to": "side"}).err
    assert "other.bin" not in judged(repo, **{"from": "main", "to": side}).err
    assert judged(repo, **{"from": side, "to": base}).code == 0
    assert judged(repo, to="side").code == 1
    assert "MVC101 other.bin" in repo.mvc("hook", "run", "pre-commit").err
    assert repo.debris() == []


def test_git_s_own_hook_judges_the_index_whatever_range_is_in_the_environment(repo: Repo) -> None:
    """A hook of the framework may run `git commit`."""
    staged_model(repo)
    around = {"PRE_COMMIT_FROM_REF": "HEAD", "PRE_COMMIT_TO_REF": "HEAD"}
    assert repo.mvc("hook", "run", "pre-commit", env=around).code == 0
    refused = repo.run(sys.executable, "-P", "-m", "mvc.hook", "pre-commit", env=around)
    assert (refused.code, "MVC101 m.bin" in refused.err) == (1, True)


def test_a_part_judges_only_its_codes(repo: Repo) -> None:
    staged_model(repo)
    repo.write("raw.onnx", b"\x08\x07" + bytes(100))
    repo.git("add", "-f", "raw.onnx")
    assert repo.mvc("hook", "run", "lint").code == 0
    raw = repo.mvc("hook", "run", "no-raw-models")
    assert (raw.code, "raw.onnx" in raw.err, "MVC101" in raw.err) == (1, True, False)


def test_a_range_that_names_nothing_is_a_usage_error(repo: Repo) -> None:
    assert repo.fails(2, "hook", "run", "lint", env={"PRE_COMMIT_TO_REF": "nowhere"}).errors


# mvc's own hooks beside the framework's.


@pytest.mark.parametrize("program", ["pre-commit", "prek"])
@pytest.mark.parametrize("first", ["mvc", "framework"])
def test_both_are_called_whichever_was_installed_first(repo: Repo, program: str, first: str) -> None:
    shutil.rmtree(repo.path(".git/hooks"))
    repo = Repo(repo.root, {name: text for name, text in repo.environ.items() if name != "MVC_HOOKS_ENABLED"})
    local(repo, "theirs")
    steps = [lambda: repo.ok("hook", "install"), lambda: repo.run(program, "install", "-t", "pre-commit")]
    for step in steps if first == "mvc" else reversed(steps):
        assert step().code == 0
    repo.ok("hook", "install")
    staged_model(repo)
    refused = repo.run("git", "commit", "-m", "no report")
    assert (refused.code, (refused.out + refused.err).count("MVC101 m.bin")) == (1, 1)
    assert repo.path(".git/theirs").exists()
    assert "hooks missing" not in repo.ok("status").out


@pytest.mark.parametrize("program", ["pre-commit", "prek"])
@pytest.mark.parametrize("first", ["mvc", "framework"])
def test_each_leaves_without_the_other(repo: Repo, program: str, first: str) -> None:
    shutil.rmtree(repo.path(".git/hooks"))
    local(repo, "theirs")
    repo.commit()
    mvc, framework = (lambda: repo.ok("hook", "install")), (lambda: repo.run(program, "install"))
    for step in (mvc, framework) if first == "mvc" else (framework, mvc):
        assert step().code == 0
    repo.ok("hook", "uninstall")
    staged_model(repo)
    assert repo.run("git", "commit", "-m", "no report").code == 0
    assert repo.path(".git/theirs").exists()
    assert not list(repo.path(".git/hooks").glob("*mvc*"))
    assert not list(repo.path(".git/hooks").glob("*.legacy"))
    assert repo.run(program, "uninstall").code == 0
    assert list(repo.path(".git/hooks").iterdir()) == []


@pytest.mark.parametrize("program", ["pre-commit", "prek"])
def test_a_framework_installed_again_on_top_calls_each_once(repo: Repo, program: str) -> None:
    shutil.rmtree(repo.path(".git/hooks"))
    local(repo, "theirs")
    repo.commit()
    assert repo.run(program, "install").code == 0
    repo.ok("hook", "install")
    assert repo.run(program, "install").code == 0
    repo.ok("hook", "install")
    staged_model(repo)
    refused = repo.run("git", "commit", "-m", "no report")
    assert (refused.code, (refused.out + refused.err).count("MVC101 m.bin")) == (1, 1)
    assert (refused.out + refused.err).count("theirs") == 1
