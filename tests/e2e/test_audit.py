"""`mvc audit`."""

from __future__ import annotations

import csv
import io
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import Begin, Repo
from versions import RANKER, promoted

WAIVER = "  - {{code: MVC202, model: '{model}', report: '', reason: no time, owner: ada, expires: '2027-01-31'}}\n"


def signing(repo: Repo, name: str, *, allowed: bool = True) -> Path:
    """Make a key, sign commits and tags with it, and commit that it is allowed to."""
    key = repo.root.parent / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
    for option, text in {
        "gpg.format": "ssh", "user.signingkey": str(key), "commit.gpgsign": "true", "tag.gpgsign": "true",
    }.items():
        repo.git("config", option, text)
    if allowed:
        repo.write(".mvc/allowed_signers", f"{name}@example.com {key.with_suffix('.pub').read_text()}")
        repo.git("add", ".mvc")
        repo.git("commit", "-qm", "keys")
        repo.git("push", "-q")
    return key


def audit(repo: Repo, *options: str) -> list[dict[str, Any]]:
    """Return the entries, the oldest first."""
    found: list[dict[str, Any]] = repo.ok("audit", "--json", *options).json
    return found[::-1]


def since(repo: Repo, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries that were not there before; tags may be a few seconds ahead of commits."""
    return [entry for entry in audit(repo) if entry not in before]


def deeds(entries: list[dict[str, Any]], *fields: str) -> list[tuple[str, ...]]:
    return [tuple(entry[field] for field in fields) for entry in entries]


@pytest.fixture
def repo(begin: Begin) -> Repo:
    return begin(promoted)


def test_a_life_of_versions(repo: Repo) -> None:
    found = audit(repo)
    assert set(deeds(found, "event", "version", "stage")) == {
        ("add", "", ""), *((event, version, "") for event in ("evaluate", "register")
                           for version in ("v1.0.0", "v1.1.0", "v1.2.0")),
        ("promote", "v1.0.0", "prod"), ("promote", "v1.1.0", "prod"),
    }
    assert [entry["event"] for entry in found[:2]] == ["add", "evaluate"]
    assert {entry["model"] for entry in found} == {"ranker"}
    assert {entry["path"] for entry in found} == {RANKER}
    assert {entry["author"] for entry in found} == {"Ada <ada@example.com>"}
    assert {entry["signature"] for entry in found} == {"none"}
    for entry in found:
        pointer = repo.git("show", f"{entry['commit']}:{RANKER}.mvc")
        assert entry["blake3"] in pointer
    assert found[-1]["tag"] == "ranker#prod#2"


def test_what_commits_do(repo: Repo) -> None:
    before = audit(repo)
    repo.ok("rollback", "ranker", "prod", "-m", "slow")
    repo.ok("retire", "ranker@v1.2.0")
    repo.ok("add", RANKER, "--name", "ranker", "-m", "only a description")
    repo.commit("describe")
    model = repo.digest(RANKER)
    text = "mvc-waivers: 1\nwaivers:\n"
    repo.write(".mvc/waivers.yaml", text + WAIVER.format(model=model))
    repo.git("add", ".mvc")
    repo.commit("waive")
    repo.write(".mvc/waivers.yaml", text + WAIVER.format(model=model) + WAIVER.format(model="0" * 64))
    repo.git("add", ".mvc")
    repo.commit("waive another")
    repo.write("vendored/.mvc/waivers.yaml", text + WAIVER.format(model="1" * 64))
    repo.git("add", "vendored")
    repo.commit("not ours")
    repo.ok("rm", RANKER, "--keep")
    repo.commit("remove")
    found = sorted(deeds(since(repo, before), "event", "model", "text"))
    assert found == sorted([
        ("rollback", "ranker", "slow"), ("retire", "ranker", ""), ("remove", "ranker", "remove"),
        ("waive", "ranker", "MVC202 until 2027-01-31, ada: no time"),
        ("waive", "", "MVC202 until 2027-01-31, ada: no time"),
    ])


def test_branches_and_merges_are_told_once(repo: Repo) -> None:
    before = audit(repo)
    repo.git("switch", "-qc", "side")
    repo.write("other.bin", "1")
    repo.ok("add", "other.bin")
    repo.commit("other")
    repo.git("switch", "-q", "main")
    repo.git("commit", "-q", "--allow-empty", "-m", "main goes on")
    assert deeds(since(repo, before), "event", "model") == [("add", "")]
    repo.git("merge", "-q", "--no-edit", "side")
    assert deeds(since(repo, before), "event", "model", "path") == [("add", "", "other.bin")]


def test_signatures_of_commits_tags_and_reports(repo: Repo) -> None:
    before = audit(repo)
    signing(repo, "ada")
    repo.write(RANKER, "new")
    repo.ok("add", RANKER, "--name", "ranker")
    repo.ok("eval", "record", RANKER, "--tag", "v2.0.0", "--metric", "auc=0.95")
    repo.ok("eval", "sign", RANKER)
    repo.commit("v2.0.0")
    repo.ok("push")
    repo.git("push", "-q")
    repo.ok("register", "ranker")
    found = since(repo, before)
    assert deeds(found, "event", "signature", "problem") == [
        ("add", "valid", ""), ("evaluate", "valid", ""), ("sign", "valid", ""), ("register", "valid", ""),
    ]
    assert found[2]["text"] == "ada@example.com"
    signing(repo, "eve", allowed=False)
    repo.write(RANKER, "newer")
    repo.ok("add", RANKER, "--name", "ranker")
    repo.ok("eval", "record", RANKER, "--tag", "v3.0.0", "--metric", "auc=0.96")
    repo.ok("eval", "sign", RANKER)
    repo.commit("v3.0.0")
    later = since(repo, [*before, *found])
    assert {(entry["signature"], entry["problem"]) for entry in later} == {
        ("invalid", ".mvc/allowed_signers of the target branch does not name the key"),
    }
    assert [entry["event"] for entry in later] == ["add", "evaluate", "sign"]
    assert later[2]["text"].startswith("SHA256:")


def test_a_commit_whose_content_was_changed_after_it_was_signed(repo: Repo) -> None:
    before = audit(repo)
    signing(repo, "ada")
    repo.write(RANKER, "new")
    repo.ok("add", RANKER, "--name", "ranker")
    repo.commit("honest")
    raw = repo.git("cat-file", "commit", "HEAD").replace("honest", "forged") + "\n"
    repo.write("../commit", raw)
    repo.git("reset", "-q", "--hard", repo.git("hash-object", "-t", "commit", "-w", "../commit"))
    (entry,) = since(repo, before)
    assert (entry["text"], entry["signature"]) == ("forged", "invalid")
    assert entry["problem"] == "the signature is for other content"


def test_since_and_model(repo: Repo) -> None:
    repo.write("other.bin", "1")
    repo.ok("add", "other.bin", "--name", "other")
    repo.git("commit", "-qm", "other", "--date=2020-01-01T00:00:00Z")
    assert audit(repo, "--since", "2100-01-01") == []
    assert len(audit(repo, "--since", "2020-01-01")) == len(audit(repo))
    assert deeds(audit(repo, "--model", "other"), "event", "text") == [("add", "other")]
    assert audit(repo, "--model", "none") == []
    assert repo.ok("audit", "--model", "none").out == "No events.\n"
    repo.fails(2, "audit", "--since", "yesterday")
    repo.fails(2, "audit", "--json", "--csv")


def test_data_with_the_file_name_of_a_model_is_not_that_model(repo: Repo) -> None:
    before = audit(repo)
    repo.write("data/ranker.csv", "1")
    repo.write("data/copy", repo.read(RANKER))
    repo.ok("add", "data/ranker.csv", "data/copy")
    repo.commit("data")
    assert deeds(since(repo, before), "event", "model", "path") == [
        ("add", "", "data/copy"), ("add", "", "data/ranker.csv"),
    ]
    assert len(audit(repo, "--model", "ranker")) == len(before)
    assert "data/ranker.csv" in repo.ok("audit").out


def test_csv_has_the_same_rows(repo: Repo) -> None:
    repo.ok("rollback", "ranker", "prod", "-m", 'a "quoted",\ntext')
    entries = repo.ok("audit", "--json").json
    found = [*csv.DictReader(io.StringIO(repo.ok("audit", "--csv").out))]
    assert len(found) == len(entries)
    assert found[1:] == entries[1:]
    assert found[0]["text"] == 'a "quoted",\\ntext'


def test_a_formula_is_text_in_csv(repo: Repo) -> None:
    repo.ok("rollback", "ranker", "prod", "-m", '=HYPERLINK("https://example.com")')
    first = next(csv.DictReader(io.StringIO(repo.ok("audit", "--csv").out)))
    assert first["text"] == """'=HYPERLINK("https://example.com")"""


def test_a_shallow_clone_is_said_to_be_one(repo: Repo) -> None:
    repo.git("push", "-q", "--tags")
    clone = Repo(repo.root.parent / "clone", repo.environ)
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.root.parent}/hub.git", str(clone.root))
    result = clone.mvc("audit")
    assert result.code == 0
    assert "this clone is shallow" in result.err


def test_a_repository_without_commits_or_with_strange_files(bare_git: Repo) -> None:
    bare_git.ok("init", "--no-hooks")
    assert bare_git.ok("audit", "--json").json == []
    for name in ("bad.mvc", "bad.eval.yaml", "bad.eval.yaml.sig", ".mvc/waivers.yaml"):
        bare_git.write(name, "garbage")
    bare_git.git("add", "-A")
    bare_git.git("commit", "-qm", "garbage")
    bare_git.path("link.mvc").symlink_to("bad.mvc")
    bare_git.git("add", "-A")
    bare_git.git("commit", "-qm", "link")
    assert bare_git.ok("audit", "--json").json == []
