"""Versions and stages wherever a command takes a revision or content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Begin, InProcess, Repo
from versions import RANKER, promoted, released, sign_tags

import mvc

REFERENCES = {
    "ranker@v1.0.0": "v1.0.0",
    "ranker@1.0.0": "v1.0.0",
    "ranker#prod": "v1.1.0",
    "ranker@latest": "v1.2.0",
    f"{RANKER}@v1.0.0": "v1.0.0",
    f"{RANKER}#prod": "v1.1.0",
}


@pytest.mark.parametrize("text", REFERENCES)
def test_a_reference_names_the_content_of_its_version(begin: Begin, in_process: InProcess, text: str) -> None:
    repo = begin(promoted)
    wanted = repo.git("show", f"{REFERENCES[text]}:{RANKER}.mvc")
    (item,) = in_process(repo.root, "ls", text, "--json").json["items"]
    assert (item["path"], item["blake3"] in wanted) == (RANKER, True)
    assert in_process(repo.root, "eval", "show", text, "--json").json["report"]["tag"] == REFERENCES[text]
    changed = in_process(repo.root, "diff", text, "--json").json["changes"]
    assert bool(changed) == (REFERENCES[text] != "v1.2.0")
    assert in_process(repo.root, "get", str(repo.root), text, "-o", str(repo.root / "out")).code == 0
    for command in (["push", "--rev"], ["fetch", "--rev"], ["pull", "--rev"], ["checkout", "--rev"]):
        result = in_process(repo.root, *command, text)
        assert result.code == 0, result
    (state,) = in_process(repo.root, "status", "--json").json["items"]
    assert state["state"] == "clean"
    assert repo.read(RANKER) == repo.read("out")
    assert repo.git("diff", "--cached", REFERENCES[text], "--", RANKER + ".mvc", RANKER + ".eval.yaml") == ""


def test_two_versions_are_compared(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    out = in_process(repo.root, "diff", "ranker@v1.0.0", "ranker#prod").out
    assert "auc  0.9 -> 0.92 (better)" in out


def test_what_is_a_path_stays_one(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    for name in ("ranker@v1.0.0", "v1.0.0", "ranker#prod"):
        repo.write(name, name)
        repo.ok("add", name)
        (item,) = in_process(repo.root, "ls", name, "--json").json["items"]
        assert item["path"] == name
        (item,) = in_process(repo.root, "ls", f"./{name}", "--json").json["items"]
        assert item["path"] == name
    assert in_process(repo.root, "ls", "./ranker@v1.1.0").code == 3


UNKNOWN = {
    "v1.1.0": (2, "'v1.1.0' is a version of ranker: type ranker@v1.1.0"),
    "v7.0.0": (2, "'v7.0.0' is neither a revision nor a version of a model"),
    "ranker@v7.0.0": (2, "ranker@v7.0.0 is not registered"),
    "ranker#beta": (1, "nothing is in ranker#beta"),
    "rankr#prod": (2, "no version of rankr is registered; did you mean ranker?"),
    "Ranker@v1.0.0": (2, "no version of Ranker is registered; did you mean ranker?"),
}


@pytest.mark.parametrize("text", UNKNOWN)
@pytest.mark.parametrize("command", ["ls", "eval show", "diff", "checkout --rev", "push --rev", "get ."])
def test_a_reference_to_nothing(begin: Begin, in_process: InProcess, text: str, command: str) -> None:
    repo = begin(promoted)
    for branch in ("v1.0.0", "v1.1.0", "v1.2.0"):
        repo.git("branch", "-D", branch)
    code, message = UNKNOWN[text]
    result = in_process(repo.root, *command.split(), text)
    assert result.code == code, result
    assert message in result.errors[0], result
    assert result.fixes, result


def test_a_version_that_nobody_registered_is_found_by_its_report(begin: Begin, in_process: InProcess) -> None:
    repo = begin(released)
    commit = repo.git("rev-parse", "v1.0.0")[:12]
    for text in ("ranker@v1.0.0", f"{RANKER}@v1.0.0"):
        result = in_process(repo.root, "ls", text, "--json")
        assert result.json["items"][0]["blake3"] in repo.git("show", f"v1.0.0:{RANKER}.mvc")
        assert result.err.startswith(f"note: {text} is not registered; commit {commit} has its report\n")
        assert result.fixes == [f"mvc register ranker --rev {commit}"]
    found = in_process(repo.root, "which", "--file", RANKER)
    assert "is ranker@v1.2.0" in found.out
    assert "(not registered)" in found.out
    assert in_process(repo.root, *result.fixes[0].split()[1:]).code == 0
    assert in_process(repo.root, "ls", "ranker@v1.0.0").err == ""


def test_a_retired_version_is_found_and_said_to_be_retired(begin: Begin, in_process: InProcess) -> None:
    repo = begin(promoted)
    repo.ok("retire", "ranker@v1.1.0", "--force", "-m", "trained on the test set")
    assert in_process(repo.root, "ls", "ranker@v1.1.0").err == (
        "note: ranker@v1.1.0 is retired: trained on the test set\n"
    )
    assert in_process(repo.root, "which", "ranker", "prod", "--json").json["version"] == "v1.0.0"
    assert "is retired" in in_process(repo.root, "promote", "ranker@v1.1.0", "beta").errors[0]


# Python.


@pytest.fixture
def here(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Return the repository that the process is in."""
    repo = begin(promoted)
    monkeypatch.chdir(repo.root)
    return repo


def test_references_in_python(here: Repo) -> None:
    content = {version: here.git("rev-parse", version) for version in ("v1.0.0", "v1.1.0")}
    assert content
    with mvc.open("ranker@v1.0.0") as file:
        old = file.read()
    assert mvc.path("ranker@v1.0.0").read_bytes() == old
    assert mvc.path(RANKER, rev="ranker#prod").read_bytes() != old
    assert mvc.report("ranker#prod").tag == "v1.1.0"


def test_a_note_is_a_warning_in_python(here: Repo) -> None:
    here.git("tag", "-d", "ranker@v1.2.0")
    with pytest.warns(UserWarning, match=r"ranker@v1\.2\.0 is not registered; commit \w+ has its report; mvc register"):
        assert mvc.report("ranker@v1.2.0").tag == "v1.2.0"


def test_a_signed_path_is_that_of_a_version_whose_tags_are_signed(here: Repo, tmp_path: Path) -> None:
    with pytest.raises(mvc.MvcError, match=r"ranker#prod#2 does not count: it has none"):
        mvc.path("ranker#prod", signed=True)
    sign_tags(here, tmp_path / "keys")
    here.ok("promote", "ranker@v1.2.0", "prod")
    with pytest.raises(mvc.MvcError, match=r"ranker@v1\.2\.0 does not count: it has none"):
        mvc.path("ranker#prod", signed=True)
    here.added(RANKER, b"signed")
    here.ok("eval", "record", RANKER, "--tag", "v2.0.0", "--metric", "auc=0.95", "--higher-is-better", "auc")
    here.commit()
    here.git("push", "-q", "origin", "main")
    here.ok("push")
    here.ok("register", "ranker")
    here.ok("promote", "ranker@v2.0.0", "prod")
    found = mvc.path("ranker#prod", signed=True)
    assert found.read_bytes() == b"signed"
    assert not found.is_relative_to(here.root / "models")
    assert mvc.path("ranker@latest", signed=True) == found
    assert "Checked 8 tags, 3 with a signature that counts: no problems." in here.ok("verify", "--tags").out
    with pytest.raises(mvc.MvcError, match="not a registered version"):
        mvc.path(RANKER, signed=True)
    found.parent.chmod(0o755)
    found.chmod(0o644)
    found.write_bytes(b"forged")
    with pytest.raises(mvc.MvcError, match="was damaged"):
        mvc.path("ranker#prod", signed=True)


SIGNATURES: dict[str, tuple[str, Callable[[Repo], object], str]] = {
    "of another purpose": ("mvc-eval@v1", lambda _: None, "the namespaces of its line"),
    "of a key that is not allowed": (
        "git", lambda repo: repo.git("rm", "-q", ".mvc/allowed_signers"), "does not name the key",
    ),
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_a_signature_that_does_not_count(here: Repo, tmp_path: Path, case: str) -> None:
    namespaces, change, problem = SIGNATURES[case]
    sign_tags(here, tmp_path / "keys", namespaces)
    here.ok("promote", "ranker@v1.2.0", "prod")
    change(here)
    here.git("commit", "-q", "--allow-empty", "-m", "change")
    here.git("push", "-q", "origin", "main")
    with pytest.raises(mvc.MvcError, match=problem):
        mvc.path("ranker#prod", signed=True)
    assert problem in here.mvc("verify", "--tags").err
