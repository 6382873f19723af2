"""A path in conflict: what each command says, and how it is resolved. Histories of merges: test_merges.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import Begin, Repo

from mvc.quality.reports.signers import armoured

REPORT, POINTER = "m.bin.eval.yaml", "m.bin.mvc"
OPTIONAL = "mvc-policy: 1\ndefaults: {report: optional}\n"


def commit_version(repo: Repo, content: str, tag: str, *options: str, author: str = "Ann") -> None:
    """Commit a version of m.bin with a report."""
    repo.write("m.bin", content)
    repo.ok("add", "m.bin")
    repo.ok("eval", "record", "m.bin", "--tag", tag, *options)
    repo.git("commit", "-qam", tag, "--author", f"{author} <{author.lower()}@example.com>")


def diverge(repo: Repo, *, ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    """Evaluate two versions of a model on two branches, with these options of `eval record`."""
    repo.write(".mvc/policy.yaml", OPTIONAL)
    repo.write("test.csv", "1,2\n")
    repo.git("add", "-A")
    commit_version(repo, "base", "v1.0.0", "--metric", "auc=0.90")
    repo.git("switch", "-qc", "side")
    commit_version(repo, "their version", "v1.2.0", *theirs, author="Bob")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    commit_version(repo, "our version", "v1.1.0", *ours)


def models(repo: Repo) -> None:
    """Both sides train and evaluate a model."""
    diverge(repo, ours=("--metric", "auc=0.91", "--metric", "f1=0.5"), theirs=("--metric", "auc=0.93"))
    result = repo.run("git", "merge", "side")
    assert result.code == 1, result
    assert result.err.splitlines() == [
        "m.bin: both sides changed it",
        f"  ours    v1.1.0, auc 0.91, f1 0.5, 11 B, {today(repo)}, Ann",
        f"  theirs  v1.2.0, auc 0.93, 13 B, {today(repo)}, Bob",
        "  try: mvc resolve m.bin --ours  # or --theirs, or --best auc",
    ]


def directories(repo: Repo) -> None:
    """Both sides change one file of a directory, and one side another."""
    def version(branch: str, files: dict[str, str]) -> None:
        for name, text in files.items():
            repo.write(f"data/d/{name}", text)
        repo.ok("add", "data/d")
        repo.commit(branch)

    version("base", {"c": "base", "e": "base"})
    repo.git("switch", "-qc", "side")
    version("theirs", {"c": "theirs", "e": "theirs"})
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    version("ours", {"c": "ours"})
    repo.git("merge", "-q", "side", code=1)


def today(repo: Repo) -> str:
    return repo.git("log", "-1", "--format=%as")


@pytest.fixture
def conflict(begin: Begin) -> Repo:
    return begin(models)


def test_the_pointer_says_what_both_sides_have(conflict: Repo) -> None:
    ours, theirs = (conflict.git("show", f"{rev}:{POINTER}").splitlines() for rev in ("HEAD", "MERGE_HEAD"))
    assert conflict.read(POINTER).decode().splitlines() == [
        "mvc: 1",
        'kind: "file"',
        f"<<<<<<< ours: v1.1.0, auc 0.91, f1 0.5, 11 B, {today(conflict)}, Ann",
        *ours[2:],
        "=======",
        *theirs[2:],
        f">>>>>>> theirs: v1.2.0, auc 0.93, 13 B, {today(conflict)}, Bob",
    ]


def test_status_shows_both_sides(conflict: Repo) -> None:
    result = conflict.ok("status")
    assert result.out.splitlines() == [
        "conflict         m.bin  (both sides changed it)",
        f"    ours    v1.1.0, auc 0.91, f1 0.5, 11 B, {today(conflict)}, Ann",
        f"    theirs  v1.2.0, auc 0.93, 13 B, {today(conflict)}, Bob",
        "  mvc resolve m.bin --ours  # or --theirs, or --best auc",
    ]
    (item,) = conflict.ok("status", "--json").json["items"]
    ours, theirs = item["sides"]
    assert (ours["side"], ours["state"], ours["tag"], ours["metrics"]) == (
        "ours", "tracked", "v1.1.0", {"auc": 0.91, "f1": 0.5},
    )
    assert (theirs["author"], theirs["commit"]) == ("Bob", conflict.git("rev-parse", "side"))
    assert conflict.fails(3, "checkout").err.splitlines() == [
        f"error: {POINTER} is in conflict: both sides changed it", "  try: mvc resolve m.bin --ours  # or --theirs",
    ]


def test_diff_and_compare_show_both_sides(conflict: Repo) -> None:
    assert conflict.ok("diff").out.splitlines() == [
        "U m.bin: ours -> theirs  (11 B -> 13 B)",
        "    auc  0.91 -> 0.93 (better)",
        "    f1  0.5 -> -",
    ]
    compared = conflict.ok("compare", "m.bin", "--by", "auc", "--json").json
    assert [item["ref"] for item in compared["items"]] == ["m.bin (ours)", "m.bin (theirs)"]
    assert compared["best"]["best"] == ["m.bin (theirs)"]


@pytest.mark.parametrize(
    ("option", "side"), [("--ours", "HEAD"), ("--theirs", "MERGE_HEAD"), ("--best=auc", "MERGE_HEAD")],
)
def test_a_side_is_taken_as_a_whole(conflict: Repo, option: str, side: str) -> None:
    expected = {name: conflict.git("show", f"{side}:{name}") for name in (POINTER, REPORT)}
    result = conflict.ok("resolve", "m.bin", option)
    assert result.out.splitlines()[-1] == "Next: git commit --no-edit"
    assert {name: conflict.read(name).decode().rstrip("\n") for name in expected} == expected
    assert conflict.read("m.bin") == (b"our version" if side == "HEAD" else b"their version")
    assert conflict.git("ls-files", "--unmerged") == ""
    conflict.git("commit", "-q", "--no-edit")
    assert conflict.states() == {"m.bin": "clean"}


def test_the_better_one_is_taken_with_its_numbers(conflict: Repo) -> None:
    found = conflict.ok("resolve", "m.bin", "--best", "auc", "--json").json
    assert found["resolved"][0]["reason"] == {"metric": "auc", "higher_is_better": True, "ours": 0.91, "theirs": 0.93}
    assert (found["resolved"][0]["chosen"]["tag"], found["left"], found["proceed"]) == (
        "v1.2.0", [], "git commit --no-edit",
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "metric", "code", "message"),
    [
        (("--metric", "auc=0.9"), ("--metric", "auc=0.9"), "auc", 1, "auc is 0.9 on both sides"),
        (("--metric", "auc=0.9"), ("--metric", "f1=1"), "auc", 1, "theirs has no report of its content with auc"),
        (
            ("--metric", "auc=0.9", "--dataset", "t=test.csv"), ("--metric", "auc=0.8", "--dataset", "t=m.bin"),
            "auc", 1, "auc@t was measured on different data: ours 0.9, theirs 0.8",
        ),
        (("--metric", "score=1"), ("--metric", "score=2"), "score", 2, "direction not known"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    repo: Repo, ours: tuple[str, ...], theirs: tuple[str, ...], metric: str, code: int, message: str,
) -> None:
    diverge(repo, ours=ours, theirs=theirs)
    repo.git("merge", "-q", "side", code=1)
    before = repo.git("ls-files", "--stage")
    assert message in repo.fails(code, "resolve", "m.bin", "--best", metric).errors[0]
    assert repo.git("ls-files", "--stage") == before


def test_the_policy_says_which_direction_is_better(repo: Repo) -> None:
    diverge(repo, ours=("--metric", "score=1"), theirs=("--metric", "score=2"))
    rule = "rules:\n- match: m.bin\n  metrics: {score: {max: 9}}\n"
    repo.write(".mvc/policy.yaml", OPTIONAL + rule)
    repo.git("commit", "-qam", "lower is better")
    repo.git("merge", "-q", "side", code=1)
    assert "score is 1 in ours, 2 in theirs; lower is better" in repo.ok("resolve", "m.bin", "--best", "score").out


def test_content_that_is_saved_nowhere_is_not_overwritten(conflict: Repo) -> None:
    conflict.write("m.bin", "a third version")
    before = conflict.git("ls-files", "--stage")
    refused = conflict.fails(3, "resolve", "m.bin", "--theirs")
    assert refused.err.splitlines() == [
        "error: m.bin: changed here and not in the cache, so not overwritten",
        "  try: mvc add m.bin  # keeps it, in place of both sides",
    ]
    assert (conflict.read("m.bin"), conflict.git("ls-files", "--stage")) == (b"a third version", before)
    conflict.ok("add", "m.bin")
    conflict.ok("eval", "record", "m.bin", "--bump", "minor", "--metric", "auc=0.95")
    assert 'tag: "v1.3.0"' in conflict.read(REPORT).decode()
    conflict.git("commit", "-q", "--no-edit")
    assert conflict.states() == {"m.bin": "clean"}


def test_nothing_changes_if_one_of_several_paths_is_refused(conflict: Repo) -> None:
    before = conflict.git("ls-files", "--stage")
    refused = conflict.fails(2, "resolve", "m.bin", "elsewhere", "--ours")
    assert refused.errors == ["elsewhere is not in conflict"]
    assert conflict.git("ls-files", "--stage") == before
    conflict.fails(2, "resolve", "m.bin")
    conflict.fails(2, "resolve", "m.bin", "--ours", "--theirs")


def test_no_content_is_deleted_if_that_of_another_path_is_saved_nowhere(repo: Repo) -> None:
    def version(text: str) -> None:
        for name in ("a", "b"):
            repo.write(f"data/{name}", f"{text} {name}")
        repo.ok("add", "data/a", "data/b")
        repo.commit(text)

    version("base")
    repo.git("switch", "-qc", "side")
    repo.ok("rm", "data/a", "data/b")
    repo.commit("deleted")
    repo.git("switch", "-q", "main")
    version("ours")
    repo.git("merge", "-q", "side", code=1)
    repo.write("data/b", "unsaved")
    before = repo.git("ls-files", "--stage"), {**repo.contents("data"), "b": b"unsaved"}
    refused = repo.fails(3, "resolve", "data", "--theirs")
    assert refused.errors == ["data/b is no longer tracked here, but was changed: it was not deleted"]
    assert (repo.git("ls-files", "--stage"), repo.contents("data")) == before
    assert repo.shell(refused.fixes[0]).code == 0
    repo.ok("resolve", "data", "--theirs")
    assert (repo.states(), repo.contents("data").keys()) == ({"data/b": "clean"}, {"b", "b.mvc", ".gitignore"})


def test_many_files_in_conflict_are_named_by_a_pattern(repo: Repo) -> None:
    def version(branch: str) -> None:
        for number in range(11):
            repo.write(f"data/d/{number}", branch)
        repo.write(f"data/d/{branch}", branch)
        repo.ok("add", "data/d")
        repo.commit(branch)

    version("base")
    repo.git("switch", "-qc", "side")
    version("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    version("ours")
    line = "mvc resolve 'data/d/*' --ours  # or --theirs; all other files are merged"
    assert repo.run("git", "merge", "-q", "side").fixes == [line]
    assert f"  {line}" in repo.ok("status").out.splitlines()
    (fix,) = repo.fails(3, "resolve", "data/d/1", "--theirs").fixes
    assert fix == "mvc resolve 'data/d/*' --theirs"
    assert repo.shell(fix).code == 0
    assert (repo.read("data/d/10"), repo.contents("data/d").keys() >= {"base", "ours", "theirs"}) == (b"theirs", True)


def test_a_conflict_in_the_description_alone_loses_no_file(repo: Repo) -> None:
    def version(branch: str) -> None:
        repo.write(f"data/d/{branch}", branch)
        repo.ok("add", "data/d", "-m", f"of {branch}")
        repo.commit(branch)

    version("base")
    repo.git("switch", "-qc", "side")
    version("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    version("ours")
    line = "mvc add data/d -m 'of ours'  # merges the lists of both sides"
    assert repo.run("git", "merge", "-q", "side").fixes == [line]
    assert f"  {line}" in repo.ok("status").out.splitlines()
    assert repo.shell(line).code == 0
    repo.ok("checkout")
    assert repo.contents("data/d").keys() == {"base", "ours", "theirs"}
    assert 'desc: "of ours"' in repo.read("data/d.mvc").decode()


@pytest.mark.parametrize("paths", [["data/d", "data/d/c"], ["data/d/c", "data/d"], ["data/?"], ["."], ["data/d.mvc"]])
def test_a_whole_path_is_taken_as_a_whole(begin: Begin, paths: list[str]) -> None:
    repo = begin(directories)
    found = repo.ok("resolve", *paths, "--ours", "--json").json["resolved"]
    assert [(item["path"], item["files"]) for item in found] == [("data/d", [])]
    assert repo.git("rev-parse", ":data/d.mvc") == repo.git("rev-parse", "HEAD:data/d.mvc")


def test_the_same_command_again_finishes_what_was_stopped(conflict: Repo) -> None:
    before = conflict.ok("resolve", "m.bin", "--theirs").out
    conflict.write("m.bin", "our version")  # as if it had been stopped before it came to that
    assert conflict.ok("resolve", "m.bin", "--theirs").out == before
    assert conflict.read("m.bin") == b"their version"
    assert conflict.fails(2, "resolve", "m.bin", "--ours").errors == ["m.bin is not in conflict"]


def test_the_merge_tool_asks_once_for_a_model(conflict: Repo) -> None:
    def tool(answers: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "mergetool", "--tool=mvc"],
            cwd=conflict.root, env=conflict.environ, input=answers, text=True, capture_output=True, check=False,
        )

    assert tool("s\n").returncode == 1
    assert len(conflict.git("ls-files", "--unmerged").splitlines()) == 6
    done = tool("t\n")
    assert (done.returncode, done.stdout.count("Take [o]urs")) == (0, 1), done
    assert (conflict.git("ls-files", "--unmerged"), conflict.read("m.bin")) == ("", b"their version")
    assert conflict.git("diff", "--cached", "--name-only", "MERGE_HEAD", "--", POINTER, REPORT) == ""


def signature(key: bytes) -> bytes:
    """Return a signature in the form of ssh-keygen."""
    parts = (b"key " + key, b"mvc-eval@v1", b"", b"sha512", b"signed by " + key)
    strings = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return armoured(b"SSHSIG" + (1).to_bytes(4, "big") + strings)


def two_signers(repo: Repo) -> None:
    """Two people sign one report on two branches."""
    commit_version(repo, "model", "v1.0.0", "--metric", "auc=0.9")
    for branch, key in (("side", b"bob"), ("main", b"ann")):
        repo.git("switch", "-q", "-C", branch, "main")
        repo.write(f"{REPORT}.sig", signature(key))
        repo.git("add", f"{REPORT}.sig")
        repo.commit(branch)


def test_the_signatures_of_both_sides_are_kept(begin: Begin) -> None:
    repo = begin(two_signers)
    repo.git("merge", "-q", "side", code=1)
    assert repo.git("diff", "--name-only", "--diff-filter=U") == f"{REPORT}.sig"
    repo.ok("resolve", "m.bin", "--ours")
    assert repo.read(f"{REPORT}.sig") == signature(b"ann") + signature(b"bob")
    assert repo.git("ls-files", "--unmerged") == ""


# The driver.


def test_init_sets_the_driver_up_and_doctor_finds_it_missing(bare_git: Repo) -> None:
    bare_git.ok("init")
    assert "*.mvc text eol=lf merge=mvc\n" in bare_git.read(".gitattributes").decode()
    assert bare_git.git("config", "--local", "merge.mvc.driver").startswith("code=1; ")
    assert not bare_git.ok("doctor", "--json").json["problems"]
    before = bare_git.read(".git/config")
    bare_git.ok("init")
    assert bare_git.read(".git/config") == before
    bare_git.git("config", "--remove-section", "merge.mvc")
    (problem,) = bare_git.mvc("doctor", "--json").json["problems"]
    assert (problem["name"], problem["fix"]) == ("merge-driver", "mvc init")
    bare_git.ok("init")
    assert sorted(bare_git.read(".git/config").splitlines()) == sorted(before.splitlines())
    bare_git.write(".gitattributes", "*.mvc text eol=lf\n*.eval.yaml text eol=lf\n")
    (problem,) = bare_git.mvc("doctor", "--json").json["problems"]
    assert problem["name"] == "attributes"
    assert bare_git.shell(problem["fix"]).code == 0
    assert not bare_git.ok("doctor", "--json").json["problems"]


@pytest.mark.parametrize("lost", ["python", "package", "crash"])
def test_git_merges_text_if_the_driver_is_gone(repo: Repo, lost: str, tmp_path: Path) -> None:
    diverge(repo, ours=("--metric", "auc=0.91"), theirs=("--metric", "auc=0.93"))
    driver = repo.git("config", "merge.mvc.driver")
    crash = tmp_path / "crash"
    crash.write_text("#!/bin/sh\nkill -9 $$\n")
    crash.chmod(0o755)
    there = {"python": "/nowhere/python", "package": sys.executable, "crash": str(crash)}[lost]
    package = driver.partition("[ -d ")[2].partition(" ]")[0]
    changed = driver.replace(sys.executable, there).replace(package, "/nowhere" if lost == "package" else package)
    repo.git("config", "merge.mvc.driver", changed)
    result = repo.run("git", "merge", "-q", "side")
    assert (result.code, f"Git merges {POINTER} as text" in result.err) == (1, True), result
    assert repo.read(POINTER).count(b"<<<<<<< ours\n") == 1
    repo.ok("resolve", "m.bin", "--theirs")
    assert repo.read("m.bin") == b"their version"


def test_the_driver_works_without_a_project(tmp_path: Path) -> None:
    for name, text in (("base", "a\n"), ("ours", "a\nb\n"), ("theirs", "0\na\n")):
        (tmp_path / name).write_text(text)
    line = [sys.executable, "-P", "-m", "mvc.cli.merge_driver", "base", "ours", "theirs", "7", "x.mvc"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, (tmp_path / "ours").read_text()) == (0, "0\na\nb\n"), done


# Hook and gate.


def evaluated_directory(repo: Repo) -> None:
    """Both sides change files of an evaluated directory that are far apart; one evaluates it again."""
    for number in range(9):
        repo.write(f"d/{number}", f"{number}")
    repo.ok("add", "d")
    repo.ok("eval", "record", "d", "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit("base")
    repo.git("switch", "-qc", "side")
    repo.write("d/8", "theirs")
    repo.ok("add", "d")
    repo.ok("eval", "record", "d", "--tag", "v1.1.0", "--metric", "auc=0.95")
    repo.commit("theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.write("d/0", "ours")
    repo.ok("add", "d")
    repo.commit("ours")


@pytest.mark.parametrize("driver", [True, False])
def test_a_merged_directory_needs_a_report_of_its_own(begin: Begin, driver: bool) -> None:
    repo = begin(evaluated_directory)
    if not driver:
        repo.git("config", "--remove-section", "merge.mvc")
    repo = repo.hooked()
    gate = repo.mvc("gate", "--base", "main", "--head", "side")
    base = repo.git("rev-parse", "--short=12", "main")
    assert (gate.code, gate.fixes) == (1, [f"git merge {base}  # which then says what to evaluate"])
    refused = repo.run("git", "merge", "side")
    assert "MVC103 d: the merge of both sides needs a report of its own" in refused.err, refused
    line = next(line for line in refused.err.splitlines() if line.startswith("  try: ")).removeprefix("  try: ")
    assert line == "mvc checkout d && mvc eval record d --bump patch --metric auc=NUMBER  # evaluates the merge"
    assert repo.shell(line.replace("NUMBER", "0.96")).code == 0
    repo.git("commit", "-q", "--no-edit")
    assert (repo.contents("d")["0"], repo.contents("d")["8"]) == (b"ours", b"theirs")
    assert repo.mvc("gate", "--base", "main~", "--head", "main").code == 0


def two_hands(repo: Repo) -> None:
    """Both sides edit a report of the same content by hand, in lines that are far apart."""
    repo.write("m.bin", "model")
    repo.ok("add", "m.bin")
    repo.ok("eval", "record", "m.bin", "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit("base")
    for branch, old, new in (("side", "value: 0.9", "value: 0.99"), ("main", "v1.0.0", "v1.0.1")):
        repo.git("switch", "-q", "-C", branch, "main")
        repo.write(REPORT, repo.read(REPORT).decode().replace(old, new))
        repo.git("commit", "-qam", branch)


def test_a_report_that_git_mixed_is_refused(begin: Begin) -> None:
    repo = begin(two_hands).hooked()
    gate = repo.mvc("gate", "--base", "main", "--head", "side")
    assert "MVC128" in gate.err, gate
    assert repo.run("git", "merge", "side").code == 1  # the driver mixes nothing
    repo.git("merge", "--abort")
    repo.git("config", "--remove-section", "merge.mvc")
    refused = repo.run("git", "merge", "side")
    assert (refused.code, "MVC128 m.bin: Git mixed the report" in refused.err) == (1, True), refused
    assert repo.run("git", "commit", "-q", "--no-edit").code == 1
    assert repo.shell(refused.fixes[0]).code == 0
    repo.git("commit", "-q", "--no-edit")
    assert repo.read(REPORT).decode().rstrip("\n") == repo.git("show", f"main~:{REPORT}")
