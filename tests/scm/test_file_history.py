"""The versions of a file in HEAD's history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Repo

from mvc.errors import MvcError
from mvc.scm.file_history import file_history
from mvc.scm.plumbing import Git


@pytest.fixture
def repo(tmp_path: Path, environ: dict[str, str]) -> Repo:
    repo = Repo(tmp_path / "repo", environ)
    repo.root.mkdir()
    repo.git("init", "-q")
    return repo


def save(repo: Repo, message: str, **files: str | None) -> str:
    """Commit files (None: deleted), and return the commit."""
    for name, text in files.items():
        if text is None:
            repo.path(name).unlink()
        else:
            repo.write(name, text)
    repo.git("add", "-A")
    return repo.commit(message)


def git(repo: Repo) -> Git:
    return Git(str(repo.root), repo.environ)


def versions(repo: Repo, path: str) -> Iterator[tuple[str, bytes | None, tuple[str, ...]]]:
    """Yield subject, content and tags of every version."""
    for version in file_history(git(repo), path, f"{path}.report"):
        yield version.info.subject, version.content, version.tags


def test_versions_come_newest_first_with_tags_and_deletion(repo: Repo) -> None:
    assert file_history(git(repo), "m", "m.report") == []
    save(repo, "one", m="1")
    repo.git("tag", "v1")
    save(repo, "unrelated", other="x")
    save(repo, "two", m="2")
    repo.git("tag", "-am", "x", "v2")
    repo.git("tag", "same")
    save(repo, "report", **{"m.report": "good"})
    newest = save(repo, "gone", m=None)
    assert list(versions(repo, "m")) == [
        ("gone", None, ()), ("report", b"2", ()), ("two", b"2", ("same", "v2")), ("one", b"1", ("v1",)),
    ]
    found = file_history(git(repo), "m", "m.report")
    assert (found[0].commit, found[0].info.author) == (newest, repo.git("log", "-1", "--format=%an"))
    assert [version.beside for version in found] == [b"good", b"good", None, None]


def test_a_path_is_taken_literally_and_a_tag_of_a_tree_does_no_harm(repo: Repo) -> None:
    save(repo, "one", **{"*": "star", "a": "1", "-x": "dash"})
    repo.git("tag", "tree", "HEAD^{tree}")
    save(repo, "two", a="2")
    assert list(versions(repo, "*")) == [("one", b"star", ())]
    assert list(versions(repo, "-x")) == [("one", b"dash", ())]


def test_a_repository_with_sha_256_and_a_commit_in_another_encoding(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = Repo(tmp_path / "repo", environ)
    repo.root.mkdir()
    repo.git("init", "-q", "--object-format=sha256")
    repo.git("config", "i18n.commitEncoding", "ISO-8859-1")
    repo.write("message", "Modell f\xfcr K\xf6ln".encode("latin-1"))
    repo.write("m", "1")
    repo.git("add", "m")
    repo.git("commit", "-qF", "message")
    repo.git("config", "i18n.logOutputEncoding", "ISO-8859-1")
    repo.git("config", "log.showSignature", "true")
    (version,) = file_history(git(repo), "m", "m.report")
    assert (len(version.commit), version.info.subject, version.content) == (64, "Modell f\xfcr K\xf6ln", b"1")


def test_a_missing_blob_is_an_error(repo: Repo) -> None:
    save(repo, "one", m="1")
    oid = repo.git("rev-parse", "HEAD:m")
    repo.path(f".git/objects/{oid[:2]}/{oid[2:]}").unlink()
    with pytest.raises(MvcError, match="is not in this clone"):
        file_history(git(repo), "m", "m.report")
