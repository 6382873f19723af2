"""`mvc register`, `promote`, `rollback`, `retire`, `deprecate`, `which`, `history` and `models`."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import Begin, InProcess, Repo, noise
from versions import METRICS, RANKER, promoted, registered, released, tags


def test_a_life_of_versions(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    commits = {version: repo.git("rev-parse", version) for version in METRICS}

    def mvc(line: str) -> str:
        result = in_process(repo.root, *line.split())
        assert (result.code, result.err) == (0, ""), result
        return result.out

    for number, version in enumerate(METRICS, 1):
        assert f"tagged ranker#prod#{number}:" in mvc(f"promote ranker@{version} prod")
    assert mvc("promote ranker@v1.2.0 prod") == "ranker#prod holds v1.2.0 already.\n"
    assert "tagged ranker#prod#4" in mvc("rollback ranker prod")
    (held,) = in_process(repo.root, "which", "ranker", "--json").json
    shown = in_process(repo.root, "which", "ranker", "prod", "--json").json
    assert held == shown
    names = ("name", "stage", "version", "commit", "path", "tag")
    assert {name: held[name] for name in names} == {
        "name": "ranker", "stage": "prod", "version": "v1.1.0", "commit": commits["v1.1.0"], "path": RANKER,
        "tag": "ranker#prod#4",
    }
    assert held["author"] == "Ada <ada@example.com>"
    assert held["blake3"] in repo.git("show", f"v1.1.0:{RANKER}.mvc")
    assert "tagged ranker#prod#5" in mvc("rollback ranker prod --to v1.2.0")
    assert "tagged ranker#beta#6" in mvc("promote ranker@latest beta -m try-it")
    events = in_process(repo.root, "history", "ranker", "--json").json
    assert [(item["event"], item["version"], item["stage"]) for item in reversed(events)] == [
        ("register", "v1.0.0", ""), ("register", "v1.1.0", ""), ("register", "v1.2.0", ""),
        ("promote", "v1.0.0", "prod"), ("promote", "v1.1.0", "prod"), ("promote", "v1.2.0", "prod"),
        ("rollback", "v1.1.0", "prod"), ("rollback", "v1.2.0", "prod"), ("promote", "v1.2.0", "beta"),
    ]
    assert events[0]["message"] == "try-it"
    (row,) = in_process(repo.root, "models", "--json").json
    assert (row["version"], row["stages"], row["metrics"]) == (
        "v1.2.0", {"prod": "v1.2.0", "beta": "v1.2.0"}, {"auc": 0.91},
    )
    assert "is ranker@v1.2.0" in (found := mvc(f"which --file {RANKER}"))
    assert "(in beta, prod)" in found
    assert mvc("verify --tags") == "Checked 9 tags, 0 with a signature that counts: no problems.\n"


REFUSED = {
    "register nope": (1, "no tracked path of"),
    "register ../x": (2, "invalid name '../x'"),
    f"register {RANKER}": (2, f"'{RANKER}' is a path"),
    "register ranker": (1, "ranker@v1.2.0 is registered already"),
    "register ranker 1.2.0": (1, "ranker@v1.2.0 is registered already"),
    "register ranker v1.3.0": (1, "is registered as ranker@v1.2.0 already"),
    "register ranker one": (2, "invalid version 'one'"),
    "register ranker v2.0.0 --bump minor": (2, "exclude each other"),
    "register ranker --bump tiny": (2, "invalid bump 'tiny'"),
    "register ranker --rev nowhere": (2, "nowhere"),
    "promote ranker prod": (2, "'ranker' is not a version"),
    "promote ranker@v9.0.0 prod": (2, "ranker@v9.0.0 is not registered"),
    "promote other@v1.0.0 prod": (2, "no version of other is registered"),
    "promote ranker@v1.0.0 -- -x": (2, "invalid stage '-x'"),
    "rollback ranker beta": (1, "ranker#beta held no other version before"),
    "rollback ranker prod --to v1.2.0": (1, "ranker#prod never held v1.2.0"),
    "rollback ranker prod --to v1.1.0": (1, "ranker#prod holds v1.1.0 already"),
    "retire ranker@v1.1.0": (1, "ranker@v1.1.0 is in prod"),
    "retire ranker@v1.1.0 --force": (2, "--force needs a reason"),
    "which": (2, "either NAME or --file PATH"),
    "which rankr": (2, "no version of rankr is registered; did you mean ranker?"),
    "which ranker beta": (1, "nothing is in ranker#beta"),
    "which ranker prod --at 1999-12-31": (1, "no version of ranker was registered at 1999-12-31"),
    "which ranker --at yesterday": (2, "invalid date 'yesterday'"),
    "which --file .mvc/config.yaml": (1, "no version has the content of .mvc/config.yaml"),
    "history other": (2, "no version of other is registered"),
    "models --by f1": (2, "no model has the metric 'f1'; there is auc"),
    "verify --tags -r nas": (2, "--tags cannot be combined with PATH, --quick or -r"),
}


def test_what_is_refused(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    before = tags(repo)
    for line, (code, message) in REFUSED.items():
        result = in_process(repo.root, *line.split())
        assert result.code == code, result
        assert message in result.errors[0], result
        assert result.fixes, result
    assert tags(repo) == before


def test_only_what_is_committed_on_the_default_branch_and_passes_is_registered(
    begin: Begin, in_process: InProcess,
) -> None:
    repo = begin(released)

    def refused(*options: str) -> str:
        result = in_process(repo.root, "register", "ranker", *options)
        assert result.code == 1, result
        assert tags(repo) == []
        return result.errors[0] if result.errors else result.err

    repo.write(RANKER, "mine")
    assert f"{RANKER} was modified" in refused()
    repo.ok("add", RANKER)
    assert f"{RANKER}.mvc differs from HEAD" in refused()
    repo.git("commit", "-qm", "a model without its report", "--no-verify")
    repo.git("push", "-q", "origin", "main")
    assert "MVC103" in refused()
    repo.git("reset", "-q", "--hard", "v1.2.0")
    repo.ok("checkout")
    repo.git("switch", "-qc", "try")
    repo.ok("eval", "record", RANKER, "--tag", "v2.0.0", "--metric", "auc=0.5")
    repo.commit()
    assert "is not on the default branch" in refused()
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: '*.onnx', metrics: {auc: {min: 0.915}}}]\n")
    repo.git("commit", "-qam", "a policy")
    repo.git("push", "-q", "origin", "+try:main")
    assert "MVC202" in refused("--rev", "v1.2.0")
    assert in_process(repo.root, "register", "ranker", "--rev", "v1.1.0").code == 0


def test_a_version_is_counted_or_typed_where_no_report_has_it(repo: Repo, in_process: InProcess) -> None:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("add", ".mvc")
    for number, words in enumerate((["v0.3.0"], ["--bump", "minor"], ["--bump", "major"])):
        repo.write("m.bin", noise(number, 10))
        repo.ok("add", "m.bin")
        repo.commit()
        if not number:
            assert "a version is needed" in in_process(repo.root, "register", "m").errors[0]
        assert in_process(repo.root, "register", "m", *words).code == 0
    assert tags(repo) == ["m@v0.3.0", "m@v0.4.0", "m@v1.0.0"]


def test_of_two_files_with_the_name_the_one_with_a_report_is_the_model(begin: Begin, in_process: InProcess) -> None:
    repo = begin(released)
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    for name in ("data/clicks", "models/clicks.bin"):
        repo.write(f"{name}/part" if "." not in name else name, name)
        repo.ok("add", name)
    repo.git("commit", "-qam", "data")
    repo.git("push", "-q", "origin", "main")
    assert "2 tracked paths could be clicks" in in_process(repo.root, "register", "clicks", "v1.0.0").errors[0]
    repo.ok("eval", "record", "models/clicks.bin", "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit()
    repo.git("push", "-q", "origin", "main")
    assert "models/clicks.bin" in in_process(repo.root, "register", "clicks").out


STAGES = """\
mvc-policy: 1
stages:
  prod: {metrics: {auc: {min: 0.92}}}
  signed: {signatures: {min: 1}}
  fresh: {max_age: 1h}
"""


@pytest.mark.parametrize(
    ("stage", "code", "found"),
    [("prod", 1, "auc"), ("signed", 1, "0 of 1 required signatures"), ("fresh", 0, ""), ("beta", 0, "")],
)
def test_a_stage_may_demand_more_than_the_rules(
    begin: Begin, in_process: InProcess, stage: str, code: int, found: str,
) -> None:
    repo = begin(registered)
    repo.write(".mvc/policy.yaml", STAGES)
    repo.git("commit", "-qam", "stages")
    repo.git("push", "-q", "origin", "main")
    result = in_process(repo.root, "promote", "ranker@v1.2.0", stage)
    assert (result.code, found in result.err) == (code, True), result
    assert (f"ranker#{stage}#1" in tags(repo)) == (code == 0)


def test_a_signed_report_is_what_a_stage_may_demand(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    keys = repo.root.parent / "keys"
    keys.mkdir()
    repo.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / "ada"))
    repo.write(".mvc/allowed_signers", f"ada@example.com {(keys / 'ada.pub').read_text()}")
    repo.write(".mvc/policy.yaml", STAGES)
    repo.write(RANKER, "signed")
    repo.ok("add", RANKER)
    repo.ok("eval", "record", RANKER, "--tag", "v2.0.0", "--metric", "auc=0.95", "--higher-is-better", "auc")
    repo.ok("eval", "sign", RANKER, "--key", str(keys / "ada"))
    repo.git("add", ".mvc")
    repo.commit()
    repo.git("push", "-q", "origin", "main")
    repo.ok("push")
    assert in_process(repo.root, "register", "ranker").code == 0
    result = in_process(repo.root, "promote", "ranker@v2.0.0", "signed")
    assert (result.code, result.err) == (0, "")


def test_a_version_that_the_remote_lacks_is_not_promoted(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    nas = repo.root.parent / "nas"
    nas.rename(nas.with_name("elsewhere"))
    lacking = in_process(repo.root, "promote", "ranker@v1.0.0", "prod")
    assert lacking.code == 1
    assert "MVC321" in lacking.err
    nas.write_text("in the way")
    unreachable = in_process(repo.root, "promote", "ranker@v1.0.0", "prod")
    assert unreachable.code == 3
    assert "cannot ask remote nas" in unreachable.errors[0]
    assert "ranker#prod#1" not in tags(repo)
    nas.unlink()
    assert repo.shell(lacking.fixes[0]).code == 0
    assert in_process(repo.root, "promote", "ranker@v1.0.0", "prod").code == 0


# Sharing.


def test_without_push_the_line_that_pushes_is_shown(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    result = in_process(repo.root, "promote", "ranker@v1.0.0", "prod")
    line = re.findall(r"^Next: (git push .*)$", result.out, re.MULTILINE)
    assert line == ["git push origin 'refs/tags/ranker#prod#1'"]
    assert repo.shell(line[0]).code == 0
    assert "ranker#prod#1" in repo.git("ls-remote", "--tags", "origin")


def test_of_two_clones_that_promote_at_once_one_wins(begin: Begin, tmp_path: Path, in_process: InProcess) -> None:
    repo = begin(registered)
    other = Repo(tmp_path / "other", repo.environ)
    repo.git("clone", "-q", "../hub.git", str(other.root))
    clones = [(repo, "v1.0.0"), (other, "v1.1.0")]
    with ThreadPoolExecutor() as pool:
        running = [
            pool.submit(clone.mvc, "promote", f"ranker@{version}", "prod", "--push") for clone, version in clones
        ]
    (won, version), (lost, _) = sorted(clones, key=lambda item: "ranker#prod#1" not in tags(item[0]))
    (told,) = [future.result() for future in running if future.result().code]
    assert told.code == 3
    assert told.errors == ["somebody else pushed ranker#prod#1 to origin first: nothing was changed"]
    assert "ranker#prod#1" not in tags(lost)
    assert lost.shell(told.fixes[0]).code == 0
    assert in_process(lost.root, "which", "ranker", "prod", "--json").json["version"] == version
    assert "ranker#prod#2" in in_process(lost.root, "promote", "ranker@v1.2.0", "prod", "--push").out
    won.git("fetch", "-q", "--tags")
    assert in_process(won.root, "which", "ranker", "prod", "--json").json["version"] == "v1.2.0"


def test_a_clone_that_was_away_learns_that_the_number_is_taken(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    other = repo.root.parent / "other"
    repo.git("clone", "-q", "../hub.git", str(other))
    assert in_process(other, "promote", "ranker@v1.1.0", "prod", "--push").code == 0
    result = in_process(repo.root, "promote", "ranker@v1.0.0", "prod")
    line = result.out.split("Next: ")[1].strip()
    assert repo.shell(line).code == 1  # Git refuses it
    assert repo.shell("git tag -d 'ranker#prod#1' && git fetch -q --tags").code == 0  # as docs/registry.md says
    assert in_process(repo.root, "which", "ranker", "prod", "--json").json["version"] == "v1.1.0"


def test_a_push_that_fails_keeps_the_tag_and_says_how_to_push_it(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    hub = repo.root.parent / "hub.git"
    hub.rename(hub.with_name("away"))
    result = in_process(repo.root, "promote", "ranker@v1.0.0", "prod", "--push")
    assert result.code == 3
    assert "is made, but not pushed" in result.errors[0]
    hub.with_name("away").rename(hub)
    assert repo.shell(result.fixes[0]).code == 0
    assert "ranker#prod#1" in repo.git("ls-remote", "--tags", "origin")


@pytest.mark.parametrize("options", [["--depth", "1"], ["--no-tags"], ["--single-branch", "--branch", "v1.0.0"]])
def test_a_clone_that_lacks_tags_says_so(begin: Begin, in_process: InProcess, options: list[str]) -> None:
    repo = begin(promoted)
    repo.git("push", "-q", "origin", "v1.0.0", "v1.1.0")
    clone = repo.root.parent / "clone"
    repo.git("clone", "-q", *options, f"file://{repo.root.parent}/hub.git", str(clone))
    for line in ("models", "which ranker", "which ranker prod", "history ranker", "ls ranker@v1.2.0", "ls ranker#beta"):
        result = in_process(clone, *line.split())
        assert "this clone" in result.err, (line, result)
        assert result.code == 3 or result.out, (line, result)
    assert in_process(clone, "verify", "--tags").code == 3


def test_versions_in_a_worktree_with_a_detached_head_and_packed_refs(begin: Begin, in_process: InProcess) -> None:
    repo = begin(registered)
    repo.git("pack-refs", "--all")
    repo.git("worktree", "add", "-q", "--detach", "../tree", "v1.0.0")
    tree = repo.root.parent / "tree"
    assert in_process(tree, "promote", "ranker@v1.2.0", "prod").code == 0
    assert in_process(repo.root, "which", "ranker", "prod", "--json").json["version"] == "v1.2.0"
    assert in_process(tree, "ls", "ranker#prod", "--json").code == 0
