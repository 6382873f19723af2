"""Real commits, judged by the hook: what is refused with which code, and that a refusal changes nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import joblib
import numpy as np
import pytest
from harness import LARGE, MANY, PROJECT, InProcess, Repo, Result, make_home, noise

from mvc import hook
from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer_reader import parse
from mvc.packages import UPGRADE

REPORT = """\
mvc-eval: 1
model: {{blake3: "{blake3}", size: {size}}}
tag: {tag}
metrics:
  - {{name: auc, value: 0.93, higher_is_better: true}}
"""
POLICY = ".mvc/policy.yaml"
WAIVER = """\
mvc-waivers: 1
waivers:
  - {{code: MVC202, model: {model}, report: {report}, reason: season, owner: ada@example.com, expires: "2999-01-01"}}
"""
Add: TypeAlias = Callable[..., str]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository to copy: hooks, one model with its report, one text file, all committed."""
    top = tmp_path_factory.mktemp("judged")
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.root.mkdir()
    repo.git("init", "-q")
    repo.ok("init")
    repo = repo.hooked()
    repo.write("readme.txt", "text\n")
    repo.write("models/old.bin", b"old")
    repo.ok("add", "models/old.bin")
    evaluate(repo, "models/old.bin")
    repo.git("add", "-A")
    repo.commit()
    return repo.root


@pytest.fixture
def repo(judged: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return a copy of that repository."""
    shutil.copytree(judged, tmp_path / "repo", symlinks=True)
    environ.pop("MVC_HOOKS_ENABLED", None)
    return Repo(tmp_path / "repo", environ)


@pytest.fixture
def add(repo: Repo, in_process: InProcess) -> Add:
    """Return a function that adds content as a path of the repository and stages its pointer; the path."""

    def run(path: str, content: bytes = b"content", root: Path | None = None) -> str:
        target = (root or repo.root) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        result = in_process(root or repo.root, "add", f"./{path}")
        assert result.code == 0, result
        return path

    return run


def evaluate(repo: Repo, path: str, tag: str = '"v1.0.0"', *, stage: bool = True) -> str:
    """Write the report of what the pointer names now; its path."""
    digest = parse(repo.read(f"{path}.mvc")).digest
    repo.write(f"{path}.eval.yaml", REPORT.format(blake3=digest.blake3, size=digest.size, tag=tag))
    if stage:
        repo.git("add", "--", f"{path}.eval.yaml")
    return f"{path}.eval.yaml"


def state(repo: Repo) -> tuple[object, ...]:
    """Return all that a refused commit must leave alone: HEAD, index, workspace and cache."""
    head = repo.run("git", "rev-parse", "HEAD").out
    cache = repo.store
    kept = {str(path): path.stat().st_mtime_ns for path in cache.rglob("*") if "catalog" not in path.name}
    files = {
        str(path): path.read_bytes() for path in repo.root.rglob("*")
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(repo.root).parts
    }
    return head, repo.git("ls-files", "--stage", "-z"), kept, files


def codes(result: Result) -> set[str]:
    """Return the codes of the errors that the hook named."""
    return set(re.findall(r"^error: MVC(\d{3}) ", result.err, re.MULTILINE))


def refused(repo: Repo, *expected: str, command: tuple[str, ...] = ("commit", "-qm", "x")) -> Result:
    """Commit, which must be refused with these codes and leave everything as it was."""
    before = state(repo)
    result = repo.run("git", *command)
    assert result.code == 1, result
    assert codes(result) == set(expected), result.err
    assert state(repo) == before
    assert "Traceback" not in result.err
    assert f"mvc explain MVC{re.findall(r'^error: MVC([0-9]+)', result.err, re.MULTILINE)[0]}" in result.err
    assert "no-verify" not in result.err
    return result


def accepted(repo: Repo, *command: str) -> Result:
    """Commit, which must succeed without a word."""
    result = repo.run("git", *(command or ("commit", "-qm", "x")))
    assert (result.code, result.err) == (0, ""), result
    return result


def bypass(repo: Repo) -> None:
    """Commit what the hook would refuse."""
    repo.git("commit", "-qnm", "past the hook")


# Pointer and report.


def test_a_model_needs_a_report_and_the_next_commit_passes(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    result = refused(repo, "101")
    assert result.err.splitlines()[0].startswith("error: MVC101 models/new.bin: ")
    assert result.fixes[0].startswith("mvc eval record models/new.bin --bump major ")
    evaluate(repo, "models/new.bin")
    accepted(repo)


def test_the_line_to_type_makes_the_commit_pass(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    assert repo.shell(refused(repo, "101").fixes[0].replace("NAME=NUMBER", "auc=0.9")).code == 0
    accepted(repo)


@pytest.mark.parametrize("step", ["pointer", "report"])
def test_what_is_evaluated_and_not_staged_is_staged_by_the_line_to_type(repo: Repo, step: str) -> None:
    repo.write("models/old.bin", b"trained anew")
    how = ["--no-stage"]
    repo.ok("add", "models/old.bin", *(how if step == "pointer" else []))
    recorded = repo.ok(
        "eval", "record", "models/old.bin", "--bump", "minor", "--metric", "auc=1", *(how if step == "report" else []),
    )
    file = {"pointer": "models/old.bin.mvc", "report": "models/old.bin.eval.yaml"}[step]
    assert recorded.out.splitlines()[-1] == f"Next: git add -- {file}"
    line = refused(repo, "103").fixes[0].partition("  # or, if it is already evaluated: ")[2]
    assert repo.shell(line).code == 0
    accepted(repo)


def test_a_model_trained_anew_makes_its_report_stale(repo: Repo, add: Add) -> None:
    add("models/old.bin", b"trained anew")
    refused(repo, "103")
    evaluate(repo, "models/old.bin", '"v1.1.0"')
    accepted(repo)


@pytest.mark.parametrize(
    ("tag", "code"), [('""', "104"), ('"latest"', "105"), ("1.10", "102"), ("[", "102")],
    ids=["none", "no version", "a number", "no YAML"],
)
def test_a_report_without_a_proper_tag(repo: Repo, tag: str, code: str) -> None:
    evaluate(repo, "models/old.bin", tag)
    refused(repo, code)


def test_an_unreadable_pointer(repo: Repo) -> None:
    repo.write("models/old.bin.mvc", repo.read("models/old.bin.mvc") + b"more: 1\n")
    repo.git("add", "models/old.bin.mvc")
    refused(repo, "304")


def test_a_report_alone_that_does_not_fit_is_refused(repo: Repo) -> None:
    text = repo.read("models/old.bin.eval.yaml").decode()
    repo.write("models/old.bin.eval.yaml", re.sub('blake3: "[0-9a-f]{4}', 'blake3: "0000', text))
    repo.git("add", "-A")
    refused(repo, "103")


def test_a_commit_of_other_files_is_none_of_its_business(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    bypass(repo)
    repo.write("readme.txt", "other text\n")
    accepted(repo, "commit", "-qam", "x")


# Partial staging: the index counts, not the workspace.


def test_a_report_that_is_not_staged_does_not_count(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"), stage=False)
    refused(repo, "101")


def test_a_fresh_report_in_the_workspace_does_not_help_a_stale_one_in_the_index(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    add("models/new.bin", b"trained anew")
    evaluate(repo, "models/new.bin", stage=False)
    refused(repo, "103")


def test_a_broken_workspace_does_not_matter(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    repo.write("models/new.bin.eval.yaml", "[")
    repo.write("models/new.bin.mvc", "[")
    repo.write(POLICY, "[")
    accepted(repo)


def test_an_announced_report_is_not_there(repo: Repo, add: Add) -> None:
    path = evaluate(repo, add("models/new.bin"), stage=False)
    repo.git("add", "-N", path)
    refused(repo, "101")


def test_an_announced_pointer_is_not_there(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    repo.git("rm", "-q", "--cached", "models/new.bin.mvc")
    repo.git("add", "-N", "models/new.bin.mvc")
    repo.write("empty.txt", "")
    repo.git("add", "empty.txt")
    accepted(repo)


def test_an_empty_policy_is_not_a_policy_that_is_only_announced(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    if repo.path(POLICY).exists():
        repo.git("rm", "-q", "--cached", POLICY)
        bypass(repo)
    repo.write(POLICY, "")
    repo.git("add", "-N", POLICY)
    evaluate(repo, add("models/new.bin", b"more"), '"v1.1.0"')
    announced = repo.run("git", "commit", "-qm", "x")
    assert (announced.code, announced.err.count("MVC402")) == (0, 1)
    repo.git("add", POLICY)
    refused(repo, "401")


# Deleted, renamed, copied.


def test_a_deleted_report(repo: Repo) -> None:
    repo.git("rm", "-q", "models/old.bin.eval.yaml")
    refused(repo, "101")


def test_a_deleted_pointer_with_its_report_left(repo: Repo) -> None:
    repo.git("rm", "-q", "models/old.bin.mvc")
    refused(repo, "106")


def test_a_model_deleted_as_a_whole(repo: Repo) -> None:
    repo.git("rm", "-q", "models/old.bin.mvc", "models/old.bin.eval.yaml")
    accepted(repo)


def test_a_pointer_renamed_without_its_report(repo: Repo) -> None:
    repo.git("mv", "models/old.bin.mvc", "models/new.bin.mvc")
    result = refused(repo, "101", "106")
    assert result.fixes[0] == "git mv -- models/old.bin.eval.yaml models/new.bin.eval.yaml"
    assert repo.shell(result.fixes[0]).code == 0
    accepted(repo)


def test_a_model_that_moves_is_not_looked_for_in_the_cache(repo: Repo) -> None:
    shutil.rmtree(repo.store / "packs")
    for suffix in ("mvc", "eval.yaml"):
        repo.git("mv", f"models/old.bin.{suffix}", f"models/new.bin.{suffix}")
    result = repo.run("git", "commit", "-qm", "x")
    assert (result.code, codes(result)) == (0, set()), result
    assert "models/old.bin is no longer tracked here, but is not in the cache: it was not deleted" in result.err


def test_a_copied_pointer_needs_a_report_of_its_own(repo: Repo) -> None:
    repo.write("models/copy.bin.mvc", repo.read("models/old.bin.mvc"))
    repo.git("add", "-A")
    refused(repo, "101")
    repo.write("models/copy.bin.eval.yaml", repo.read("models/old.bin.eval.yaml"))
    repo.git("add", "-A")
    accepted(repo)


def test_a_report_of_another_program_is_left_alone(repo: Repo) -> None:
    repo.write("configs/train.eval.yaml", "lr: 0.1\n")
    repo.git("add", "-A")
    accepted(repo)


# Formats.


def test_a_format_is_denied_in_a_directory_of_many_files(repo: Repo) -> None:
    for number in range(MANY):
        repo.write(f"models/many/{number}.bin", b"x")
    repo.write("models/many/last.pkl", b"x")
    repo.ok("add", "models/many")
    evaluate(repo, "models/many")
    with repo.path(POLICY).open("a") as file:
        file.write('  - {match: "models/many/**", formats: {pickle: deny}}\n')
    repo.git("add", POLICY)
    assert "models/many/last.pkl matches pickle" in refused(repo, "307").err
    assert "models/many/last.pkl matches pickle" in repo.fails(1, "eval", "check").err
    repo.remove("models/many/last.pkl")
    repo.ok("add", "models/many")
    evaluate(repo, "models/many")
    accepted(repo)


def test_nothing_passes_a_denial_because_its_files_are_not_known(repo: Repo) -> None:
    for number in range(MANY):
        repo.write(f"models/many/{number}.bin", b"x")
    repo.ok("add", "models/many")
    evaluate(repo, "models/many")
    with repo.path(POLICY).open("a") as file:
        file.write('  - {match: "models/many/**", formats: {pickle: deny}}\n')
    bypass(repo)
    shutil.rmtree(repo.store)
    evaluate(repo, "models/many", '"v1.0.1"')
    repo.git("add", POLICY)
    assert "list of its files" in refused(repo, "306").err


# Modes and types.


def test_a_pointer_that_becomes_executable_is_judged(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    bypass(repo)
    repo.git("update-index", "--chmod=+x", "models/new.bin.mvc")
    refused(repo, "101")
    evaluate(repo, "models/new.bin")
    accepted(repo)


@pytest.mark.parametrize("suffix", ["mvc", "eval.yaml"])
def test_a_symlink_is_no_pointer_and_no_report(repo: Repo, suffix: str) -> None:
    path = f"models/old.bin.{suffix}"
    repo.remove(path)
    repo.path(path).symlink_to("elsewhere")
    repo.git("add", path)
    line = refused(repo, "309").fixes[0].replace("NAME=NUMBER", "auc=0.9")
    assert repo.shell(line).code == 0
    accepted(repo, "commit", "-qm", "x", "--allow-empty")
    assert not repo.path(path).is_symlink()


def test_a_submodule_is_no_pointer(repo: Repo) -> None:
    head = repo.git("rev-parse", "HEAD")
    repo.git("rm", "-q", "--cached", "models/old.bin.mvc")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},models/old.bin.mvc")
    refused(repo, "309")


def test_a_directory_in_the_place_of_a_pointer(repo: Repo) -> None:
    repo.git("rm", "-q", "models/old.bin.mvc")
    repo.write("models/old.bin.mvc/file.txt", "text")
    repo.git("add", "-A")
    refused(repo, "106")


# Ways to commit.


def test_commit_all_judges_what_it_would_stage(repo: Repo, add: Add) -> None:
    add("models/old.bin", b"trained anew")
    repo.git("reset", "-q")
    refused(repo, "103", command=("commit", "-qam", "x"))
    evaluate(repo, "models/old.bin", '"v1.1.0"', stage=False)
    accepted(repo, "commit", "-qam", "x")


def test_commit_of_a_path_judges_that_path(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    add("models/other.bin")
    refused(repo, "101", command=("commit", "-qm", "x", "--", "models/new.bin.mvc"))
    accepted(repo, "commit", "-qm", "x", "--", "models/new.bin.mvc", "models/new.bin.eval.yaml")
    refused(repo, "101")


def test_commit_from_a_directory_below(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    refused(repo, "101", command=("-C", "models", "commit", "-qm", "x"))
    evaluate(repo, "models/new.bin")
    accepted(repo, "-C", "models", "commit", "-qm", "x")


def test_amend(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    accepted(repo)
    repo.git("rm", "-q", "--cached", "models/new.bin.eval.yaml")
    refused(repo, "101", command=("commit", "--amend", "-qm", "x"))
    repo.git("reset", "-q")
    accepted(repo, "commit", "--amend", "-qm", "another message")


def test_the_first_commit(bare_git: Repo, in_process: InProcess, environ: dict[str, str]) -> None:
    environ.pop("MVC_HOOKS_ENABLED", None)
    fresh = Repo(bare_git.root, environ)
    fresh.ok("init")
    fresh.write("new.bin", b"new")
    assert in_process(fresh.root, "add", "new.bin").code == 0
    refused(fresh, "101")
    evaluate(fresh, "new.bin")
    accepted(fresh)


# Merges.


def branched(repo: Repo) -> None:
    """Give the branch `side` a start, and `main` a commit of its own to merge it into."""
    repo.git("branch", "side")
    repo.write("main.txt", "main")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "main")
    repo.git("checkout", "-q", "side")


def test_a_merge_that_brings_a_model_without_a_report(repo: Repo, add: Add) -> None:
    branched(repo)
    add("models/new.bin")
    bypass(repo)
    repo.git("checkout", "-q", "main")
    head = repo.git("rev-parse", "HEAD")
    result = repo.run("git", "merge", "-q", "side", "-m", "merge")
    assert result.code != 0
    assert codes(result) == {"101"}
    assert "The merge is refused" in result.err
    assert repo.git("rev-parse", "HEAD") == head
    evaluate(repo, "models/new.bin")
    accepted(repo)
    assert repo.git("rev-list", "--count", "--merges", "HEAD") == "1"


def test_a_tag_that_landed_for_other_content_is_taken(repo: Repo, add: Add) -> None:
    add("models/old.bin", b"newer")
    evaluate(repo, "models/old.bin", '"v1.1.0"')
    accepted(repo)
    add("models/old.bin", b"newest")
    evaluate(repo, "models/old.bin")
    result = refused(repo, "121")
    assert result.fixes[0].startswith("mvc eval record models/old.bin --bump patch")
    assert repo.shell(result.fixes[0].replace("NUMBER", "1")).code == 0
    accepted(repo)
    assert b'tag: "v1.1.1"' in repo.read("models/old.bin.eval.yaml")
    repo.git("switch", "-qc", "side")
    for content in (b"mine", b"mine, mended"):  # only a tag that landed is taken
        add("models/old.bin", content)
        evaluate(repo, "models/old.bin", '"v1.2.0"')
        accepted(repo)
    repo.git("checkout", "-q", "main", "--", "models")
    accepted(repo, "commit", "-qm", "back")


def test_a_waiver_counts_once_it_has_landed(repo: Repo, add: Add) -> None:
    repo.write(POLICY, "mvc-policy: 1\nrules: [{match: 'models/**', metrics: {auc: {min: 0.9}}}]\n")
    repo.git("add", POLICY)
    accepted(repo)
    repo.git("switch", "-qc", "side")
    add("models/old.bin", b"newer")
    report = evaluate(repo, "models/old.bin", '"v1.1.0"')
    repo.write(report, repo.read(report).replace(b"0.93", b"0.85"))
    model, evaluated = parse(repo.read("models/old.bin.mvc")).digest.blake3, hash_bytes(repo.read(report)).blake3
    repo.write(".mvc/waivers.yaml", WAIVER.format(model=model, report=evaluated))
    repo.git("add", "-A")
    refused(repo, "202")
    assert "MVC202" in repo.fails(1, "eval", "check").err
    bypass(repo)
    assert "MVC415 models/old.bin: MVC202 is waived" in repo.ok("eval", "check").err
    repo.git("switch", "-q", "-")
    repo.write("readme.txt", "more\n")
    accepted(repo, "commit", "-qam", "more")
    merged = repo.run("git", "merge", "-q", "side", "-m", "merge")
    assert merged.code == 0, merged
    assert "MVC415 models/old.bin: MVC202 is waived" in merged.err
    repo.write("models/old.bin.eval.yaml", repo.read(report) + b"# edited\n")
    repo.git("add", "-A")
    refused(repo, "202")


def test_a_merge_of_what_others_have_in_their_cache(repo: Repo, add: Add) -> None:
    branched(repo)
    evaluate(repo, add("models/new.bin", noise(1, LARGE)))
    repo.git("commit", "-qm", "side")
    repo.git("checkout", "-q", "main")
    shutil.rmtree(repo.store / "objects")
    assert repo.run("git", "merge", "-q", "side", "-m", "merge").code == 0


def test_a_merge_of_two_sides_of_a_model(repo: Repo, add: Add) -> None:
    branched(repo)
    evaluate(repo, add("models/old.bin", b"theirs"), '"v1.1.0"')
    repo.git("commit", "-qm", "theirs")
    repo.git("checkout", "-q", "main")
    evaluate(repo, add("models/old.bin", b"ours"), '"v1.2.0"')
    repo.git("commit", "-qm", "ours")
    assert repo.run("git", "merge", "side").code == 1
    in_conflict = repo.mvc("hook", "run", "pre-commit")
    assert (in_conflict.code, codes(in_conflict)) == (1, {"305"})
    repo.git("add", "-A")  # with the markers of the conflict
    lines = refused(repo, "305").fixes
    assert len(lines) == 2
    for line in lines:
        assert repo.shell(line).code == 0
    assert repo.mvc("hook", "run", "pre-commit").code == 0
    repo.git("checkout", "-q", "MERGE_HEAD", "--", "models/old.bin.eval.yaml")
    refused(repo, "103")
    repo.git("checkout", "-q", "HEAD", "--", "models/old.bin.eval.yaml")
    accepted(repo)


def test_a_file_that_the_other_side_has_does_not_enter_with_the_merge(repo: Repo) -> None:
    branched(repo)
    repo.write("theirs.pkl", pickle.dumps(1))
    repo.write("readme.txt", "theirs")
    repo.git("add", "-A")
    bypass(repo)
    repo.git("checkout", "-q", "main")
    repo.write("readme.txt", "ours")
    repo.git("commit", "-qam", "ours")
    assert repo.run("git", "merge", "side").code == 1
    repo.write("readme.txt", "both")
    repo.write("mine.pkl", pickle.dumps(2))
    repo.git("add", "-A")
    assert "theirs.pkl" not in refused(repo, "302", "303").err
    repo.git("rm", "-q", "--cached", "mine.pkl")
    accepted(repo)


def test_a_clean_merge_of_a_file_that_the_other_side_has(repo: Repo) -> None:
    branched(repo)
    repo.write("theirs.pkl", pickle.dumps(1))
    repo.git("add", "-A")
    bypass(repo)
    repo.git("checkout", "-q", "main")
    assert repo.run("git", "merge", "-q", "side", "-m", "merge").code == 0


def test_a_file_that_git_has_elsewhere_enters_and_one_that_moves_or_comes_back_does_not(repo: Repo) -> None:
    repo.write("old.pkl", pickle.dumps(1))
    repo.write("rows.csv", noise("rows", 1_100_000))
    repo.git("add", "-Af", "old.pkl", "rows.csv")
    bypass(repo)
    repo.write("copy.pkl", pickle.dumps(1))
    repo.write("copy.csv", noise("rows", 1_100_000))
    repo.git("add", "-Af", "copy.pkl", "copy.csv")
    refused(repo, "301", "302", "303")
    repo.git("rm", "-qf", "copy.pkl", "copy.csv")
    repo.git("mv", "old.pkl", "older.pkl")
    repo.git("rm", "-q", "rows.csv")
    accepted(repo)
    repo.git("revert", "-n", "HEAD")
    accepted(repo)
    assert repo.path("rows.csv").exists()


# Kinds of repositories.


def test_a_linked_worktree(repo: Repo, add: Add, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    linked = Repo(tmp_path / "linked", repo.environ)
    add("models/new.bin", root=linked.root)
    refused(linked, "101")
    add("models/other.bin")
    evaluate(linked, "models/new.bin")
    accepted(linked)
    refused(repo, "101")


def test_a_submodule_and_what_holds_it(repo: Repo, add: Add, judged: Path) -> None:
    repo.git("submodule", "--quiet", "add", str(judged), "sub")
    accepted(repo)
    inside = Repo(repo.root / "sub", repo.environ).hooked()
    add("models/new.bin", root=inside.root)
    refused(inside, "101")
    evaluate(inside, "models/new.bin")
    accepted(inside)
    add("models/here.bin")
    repo.git("add", "sub")
    refused(repo, "101")
    evaluate(repo, "models/here.bin")
    accepted(repo)


@pytest.mark.parametrize(
    "line",
    [
        "git update-index --index-version 4",
        "git update-index --split-index",
        "git sparse-checkout set --cone --sparse-index models",
        "git config core.quotepath true",
        "git config core.quotepath false",
        "git config core.autocrlf true && git config core.safecrlf true",
        "echo readme.txt >.git/order && git config diff.orderFile .git/order && git config diff.renames copies",
        "git config diff.ignoreSubmodules all && git config diff.relative true && git config color.ui always",
        "git config core.fsmonitor false && git config core.untrackedCache true",
    ],
)
def test_settings_change_no_verdict(repo: Repo, add: Add, line: str) -> None:
    repo.write("deep/er/file.txt", "text")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "more")
    assert repo.shell(line).code == 0
    add("models/größe ✓.bin")
    assert "models/größe ✓.bin: " in refused(repo, "101").err
    evaluate(repo, "models/größe ✓.bin")
    accepted(repo)
    repo.git("rm", "-q", "models/old.bin.eval.yaml")
    refused(repo, "101")


def test_a_sha256_repository(tmp_path: Path, environ: dict[str, str], in_process: InProcess) -> None:
    environ.pop("MVC_HOOKS_ENABLED", None)
    repo = Repo(tmp_path / "sha256", environ)
    repo.root.mkdir()
    repo.git("init", "-q", "--object-format=sha256")
    repo.ok("init")
    repo.write("new.bin", b"new")
    assert in_process(repo.root, "add", "new.bin").code == 0
    refused(repo, "101")
    evaluate(repo, "new.bin")
    repo.write("empty", "")
    repo.git("add", "-A")
    accepted(repo)


@pytest.mark.parametrize("name", ["-dash.bin", "--amend.bin", "a b.bin", ":colon.bin", "$(x);'y'.bin", "[x]*.bin"])
def test_names_that_look_like_something_else(repo: Repo, add: Add, name: str) -> None:
    add(name)
    assert f" {name}: " in refused(repo, "101").err
    evaluate(repo, f"./{name}")
    accepted(repo)


def test_a_name_with_a_line_break_drives_nothing(repo: Repo) -> None:
    name = "a\nerror: MVC999 fake\x1b[2J\udcff.bin"
    repo.path(f"{name}.mvc").write_bytes(repo.read("models/old.bin.mvc"))
    repo.path("b\n.pkl").write_bytes(pickle.dumps([1]))
    repo.git("add", "-A")
    result = refused(repo, "101", "302", "303", "304")
    assert "MVC999" not in " ".join(line[:20] for line in result.err.splitlines())
    assert "\x1b" not in result.err


# Files that would enter Git as they are.


def torch_zip() -> bytes:
    """Return what `torch.save` makes, as far as it matters."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": 1}, protocol=2))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def onnx() -> bytes:
    """Return a small model in ONNX's format."""
    graph = b"\x0a\x04\x22\x02Ad\x12\x01g"
    return b"\x08\x08\x12\x07pytorch\x1a\x032.5" + b"\x3a" + bytes([len(graph)]) + graph + b"\x42\x04\x0a\x00\x10\x11"


def dumped(value: object, **options: int) -> bytes:
    """Return what `joblib.dump` writes."""
    file = io.BytesIO()
    joblib.dump(value, file, **options)
    return file.getvalue()


HEADER = json.dumps({"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
MODELS = {
    **{f"pickle {protocol}": pickle.dumps([1, "x"] * 9, protocol=protocol) for protocol in (2, 3, 4, 5)},
    "torch": torch_zip(),
    "safetensors": struct.pack("<Q", len(HEADER)) + HEADER + b"\0\1\2\3",
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(64),
    "onnx": onnx(),
    "gguf": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + bytes(32),
    "joblib": dumped({"weights": np.arange(9.0)}),
    "compressed joblib": dumped({"weights": np.arange(99.0)}, compress=3),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_by_its_first_bytes(repo: Repo, kind: str) -> None:
    repo.write("weights", MODELS[kind])
    repo.git("add", "-A")
    result = refused(repo, "303")
    assert "mvc add weights" in result.fixes[0]


@pytest.mark.parametrize("size", [1_000_001, 3 << 20])
def test_a_large_file(repo: Repo, size: int) -> None:
    repo.write("data.txt", b"x" * size)
    repo.git("add", "-A")
    refused(repo, "301")
    repo.write("data.txt", b"x" * 1_000_000)
    repo.git("add", "-A")
    accepted(repo)


def test_a_large_model_is_told_by_its_first_bytes(repo: Repo) -> None:
    repo.write("weights", MODELS["gguf"] + bytes(5 << 20))
    repo.git("add", "-A")
    refused(repo, "301", "303")


def test_a_forbidden_name(repo: Repo) -> None:
    repo.write("models/x.safetensors", "text")
    repo.git("add", "-A")
    refused(repo, "302")


LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 123456\n"
HARMLESS = {
    "pointer of git-lfs": ("m.onnx", LFS.encode()),
    "source": ("code.py", b"import os\n"),
    "PNG": ("plot.png", b"\x89PNG\r\n\x1a\n" + bytes(99)),
    "JPEG": ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(99)),
    "empty": ("empty", b""),
    "one byte": ("byte", b"\x80"),
    "text of a format": ("notes.txt", b"GGUF is a format, PK\x03\x04 is another"),
    "protobuf of something else": ("message.pb", b"\x08\x01\x12\x03abc\x1a\x00"),
    "zip": ("a.zip", b"PK\x05\x06" + bytes(18)),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_no_model_enters(repo: Repo, kind: str) -> None:
    name, content = HARMLESS[kind]
    repo.write(name, content)
    repo.git("add", "-A")
    accepted(repo)


def test_a_file_that_moves_is_not_asked_about_again_and_a_copy_is(repo: Repo) -> None:
    repo.write("old.pkl", pickle.dumps([1]))
    repo.git("add", "-A")
    bypass(repo)
    repo.git("mv", "old.pkl", "renamed.pkl")
    accepted(repo)
    repo.write("copied.pkl", repo.read("renamed.pkl"))
    repo.git("add", "-A")
    refused(repo, "302", "303")
    repo.git("rm", "-qf", "copied.pkl")
    repo.write("renamed.pkl", pickle.dumps([2]))
    repo.git("add", "-A")
    refused(repo, "302", "303")


def test_content_beside_its_pointer(repo: Repo, add: Add) -> None:
    repo.git("add", "-f", "models/old.bin")
    refused(repo, "308")
    repo.git("reset", "-q")
    (repo.root / "data").mkdir()
    repo.write("data/a", b"a")
    assert repo.ok("add", "data")
    evaluate(repo, "data")
    repo.git("add", "-f", "data/a")
    refused(repo, "308")


# The cache.


def test_content_that_the_cache_does_not_hold(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin", noise(1, LARGE)))
    shutil.rmtree(repo.store / "objects")
    result = refused(repo, "306")
    assert repo.shell(result.fixes[0]).code == 0
    accepted(repo)


@pytest.mark.parametrize("count", [3, MANY])
def test_every_file_of_a_directory_must_be_there(repo: Repo, count: int) -> None:
    repo.write_dir("models/dir", count)
    repo.write("models/dir/large.bin", noise(1, LARGE))
    repo.ok("add", "models/dir")
    evaluate(repo, "models/dir")
    folder = repo.store / "objects"
    shutil.move(folder, repo.root.parent / "aside")
    refused(repo, "306")
    shutil.move(repo.root.parent / "aside", folder)
    accepted(repo)


# The policy.


def test_a_policy_that_cannot_be_read_stops_every_commit(repo: Repo) -> None:
    repo.write(POLICY, "mvc-policy: 1\nunknown: 1\n")
    repo.git("add", "-A")
    refused(repo, "401")
    bypass(repo)
    repo.write("readme.txt", "other")
    repo.git("add", "-A")
    refused(repo, "401")
    repo.write(POLICY, "mvc-policy: 1\n")
    repo.git("add", "-A")
    accepted(repo)


STRICT = "mvc-policy: 1\nrules:\n  - {match: 'models/**', metrics: {auc: {min: 0.99}}}\n"


def test_a_stricter_policy_warns_of_models_that_are_there(repo: Repo, add: Add) -> None:
    repo.write(POLICY, STRICT)
    repo.git("add", "-A")
    result = repo.run("git", "commit", "-qm", "strict")
    assert result.code == 0
    assert "warning: MVC202 models/old.bin: " in result.err
    evaluate(repo, add("models/new.bin"))
    refused(repo, "202")


MONTHLY = "mvc-policy: 1\nrules: [{match: 'models/**', max_age: 30d}]\n"
LONG_AGO = b'created_at: "2001-01-01T00:00:00Z"\n'


def test_a_report_that_is_too_old(repo: Repo, add: Add) -> None:
    repo.write(POLICY, MONTHLY)
    repo.git("add", "-A")
    result = repo.run("git", "commit", "-qm", "x")
    assert (result.code, "warning: MVC127 models/old.bin: " in result.err) == (0, True)
    file = evaluate(repo, add("models/new.bin"))
    repo.write(file, repo.read(file) + LONG_AGO)
    repo.git("add", file)
    refused(repo, "127")
    repo.ok("eval", "record", "models/new.bin", "--tag", "v1.0.0", "--metric", "auc=0.9")
    accepted(repo)


def test_a_report_that_was_young_when_it_was_committed_can_be_merged_and_moved(repo: Repo, add: Add) -> None:
    repo.write(POLICY, MONTHLY)
    repo.git("add", "-A")
    repo.git("commit", "-qm", "monthly")
    branched(repo)
    file = evaluate(repo, add("models/new.bin"))
    repo.write(file, repo.read(file) + LONG_AGO)
    repo.git("add", file)
    bypass(repo)
    repo.git("checkout", "-q", "main")
    assert repo.run("git", "merge", "-q", "side", "-m", "merge").code == 0
    repo.ok("mv", "models/new.bin", "models/moved.bin")
    accepted(repo)


def test_the_policy_in_the_index_counts(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    repo.write(POLICY, STRICT)
    accepted(repo)
    repo.git("add", POLICY)
    evaluate(repo, add("models/new.bin", b"newer"), '"v1.1.0"')
    repo.write(POLICY, "mvc-policy: 1\n")
    refused(repo, "202")


def test_where_no_report_is_asked_for(repo: Repo, add: Add) -> None:
    repo.write(POLICY, "mvc-policy: 1\nrules:\n  - {match: 'data/**', report: optional}\n")
    repo.git("add", "-A")
    add("data/table.bin")
    accepted(repo)
    add("models/new.bin")
    refused(repo, "101")


def test_mvc_taken_out_of_the_repository(repo: Repo, add: Add) -> None:
    repo.git("rm", "-rq", "--cached", ".mvc")
    add("models/new.bin")
    refused(repo, "101")
    repo.git("rm", "-q", "--cached", "models/new.bin.mvc")
    repo.git("rm", "-q", "models/old.bin.mvc", "models/old.bin.eval.yaml")
    assert repo.run("git", "commit", "-qm", "x").code == 0
    repo.write("raw.pkl", pickle.dumps(1))
    repo.git("add", "raw.pkl")
    accepted(repo)


def test_without_a_policy_a_note_says_what_holds(repo: Repo, add: Add) -> None:
    note = "note: MVC402 .mvc/policy.yaml: there is no policy, the defaults apply\n"
    repo.git("rm", "-q", POLICY)
    assert repo.run("git", "commit", "-qm", "without").err == note
    evaluate(repo, add("models/new.bin"))
    evaluate(repo, add("models/more.bin"))
    assert repo.run("git", "commit", "-qm", "two models").err == note
    add("models/another.bin")
    assert note in refused(repo, "101").err
    checked = repo.mvc("eval", "check")
    assert (codes(checked), checked.err.count(note)) == ({"101"}, 1)
    assert note not in repo.mvc("-q", "eval", "check").err
    repo.git("rm", "-q", "--cached", "models/another.bin.mvc")
    repo.write("readme.txt", "another text")
    repo.git("add", "readme.txt")
    accepted(repo)


# What the hook is.


def test_nothing_is_written(repo: Repo, add: Add) -> None:
    add("models/new.bin")

    def files() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in repo.root.rglob("*") if path.is_file()}

    before = files()
    assert repo.mvc("hook", "run", "pre-commit").code == 1
    assert files() == before


def test_what_cannot_be_judged_is_refused(repo: Repo, add: Add) -> None:
    evaluate(repo, add("models/new.bin"))
    (repo.store / "store.yaml").chmod(0o644)
    (repo.store / "store.yaml").write_text("mvc-store: 2\n")
    before = state(repo)
    result = repo.mvc("hook", "run", "pre-commit")
    assert result.code == 3
    assert result.fixes == [UPGRADE]
    assert "could not be judged" in result.err
    assert repo.run("git", "commit", "-qm", "x").code == 1
    assert state(repo) == before


def test_a_blob_that_a_partial_clone_lacks_is_not_fetched(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{repo.root}"
    repo.git("clone", "-q", "--filter=blob:none", "--no-checkout", url, str(tmp_path / "partial"))
    partial = Repo(tmp_path / "partial", repo.environ)
    partial.git("read-tree", "HEAD")
    partial.git("rm", "-q", "--cached", "models/old.bin.eval.yaml")
    result = partial.mvc("hook", "run", "pre-commit")
    assert result.code == 3, result
    assert "git fetch" in result.fixes[0]


def test_a_bug_stops_the_commit_and_leaves_a_log(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("oh")

    monkeypatch.chdir(repo.root)
    monkeypatch.setattr("mvc.ops.judging.hook.judge_index", fail)
    assert hook.main(["pre-commit"]) == 3
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "error: a bug in mvc: KeyError('oh')"
    assert "KeyError" in Path(lines[1].rpartition(" ")[2]).read_text()
    assert not any("Traceback" in line for line in lines)


def test_it_is_called_by_name(repo: Repo, capfd: pytest.CaptureFixture[str]) -> None:
    assert hook.main([]) == 2
    assert hook.main(["post-merge"]) == 2
    assert "'post-merge'" in capfd.readouterr().err


def test_the_users_config_is_where_platformdirs_says(environ: dict[str, str], tmp_path: Path) -> None:
    from platformdirs import user_config_path

    for told in (str(tmp_path), "", "relative"):
        os.environ["XDG_CONFIG_HOME"] = told
        assert hook._user_config(os.environ) == str(user_config_path("mvc") / "config.yaml")
    del os.environ["XDG_CONFIG_HOME"]
    assert hook._user_config(os.environ) == str(user_config_path("mvc") / "config.yaml")


SLOW = {
    "typer", "rich", "click", "aiobotocore", "asyncssh", "asyncio", "pydantic", "pathspec", "sqlite3", "platformdirs",
    "inspect", "typing_extensions", "tempfile", "pickle", "unittest",
}


def test_little_is_loaded(repo: Repo, add: Add) -> None:
    repo.write(POLICY, STRICT)
    repo.write("more.txt", "text")
    for path in ("models/old.bin", add("models/new.bin")):
        repo.ok("eval", "record", path, "--metric", "auc=0.995", "--bump", "major")
    repo.git("add", "-A")
    show = "import sys; there = {*sys.modules}; from mvc.hook import main; main(['pre-commit'])"
    loaded = set(repo.run(sys.executable, "-c", f"{show}; print(*{{*sys.modules}} - there)").out.split())
    assert "mvc.quality.judge.judge" in loaded
    assert not loaded & SLOW
    assert not {name for name in loaded if name.startswith(("mvc.cli", "mvc.api", "mvc.transfer"))}
    assert len(loaded) < 228


def test_what_reads_the_environment_and_writes_is_small() -> None:
    assert len((PROJECT / "mvc/hook.py").read_text().splitlines()) < 180


# What a model was evaluated with, and derived from.


def test_what_a_model_was_evaluated_with_is_in_the_index(repo: Repo, add: Add) -> None:
    add("models/new.bin")
    repo.write("vocabulary", "a b")
    repo.write("merges.txt", "a b")
    repo.ok("add", "vocabulary")
    repo.git("add", "merges.txt")
    repo.write(".mvc/policy.yaml", 'mvc-policy: 1\nrules: [{match: "vocabulary", report: optional}]\n')
    repo.git("add", ".mvc/policy.yaml")
    record = ("eval", "record", "models/new.bin", "--tag", "v1.0.0", "--metric", "auc=1")
    repo.ok(*record, "--with", "vocabulary", "--with", "merges.txt")
    repo.git("reset", "-q", "--", "vocabulary.mvc", "merges.txt")
    assert "evaluated with vocabulary" in refused(repo, "107").err
    repo.git("add", "vocabulary.mvc", "merges.txt")
    repo.write("vocabulary", "a b c")
    repo.ok("add", "vocabulary")
    refused(repo, "107")
    repo.ok(*record)
    accepted(repo)


def test_what_a_model_was_derived_from_has_a_report_in_the_index_or_in_the_history(repo: Repo, add: Add) -> None:
    policy = 'mvc-policy: 1\nrules: [{match: "models/**", from: {report: required}}, {match: "*", report: optional}]\n'
    repo.write(".mvc/policy.yaml", policy)
    repo.git("add", ".mvc/policy.yaml")
    accepted(repo)
    add("base.bin")
    add("models/new.bin")
    repo.ok("eval", "record", "models/new.bin", "--tag", "v1.0.0", "--metric", "auc=1", "--from", "base.bin")
    result = refused(repo, "109")
    repo.shell(result.fixes[0].replace("NUMBER", "1").replace("NAME", "auc"))
    accepted(repo)
    repo.write("base.bin", "another")
    repo.ok("add", "base.bin")
    repo.git("rm", "-q", "base.bin.eval.yaml")
    repo.ok("eval", "record", "models/new.bin", "--tag", "v1.0.1", "--metric", "auc=1")
    accepted(repo)  # the history has the report of the earlier base
