"""Which tags have a version of a file."""

from __future__ import annotations

from harness import Repo

from mvc.scm.plumbing import Git, scrubbed
from mvc.scm.refs import tags_holding


def test_a_version_is_held_by_each_tag_whose_commit_has_it(bare_git: Repo) -> None:
    repo = bare_git
    git = Git(str(repo.root), scrubbed(repo.environ))

    def commit(tag: str, **files: str | None) -> None:
        for name, text in files.items():
            if text is None:
                (repo.root / f"{name}.mvc").unlink()
            else:
                repo.write(f"{name}.mvc", text.encode())
        repo.git("add", "-A")
        repo.git("commit", "-q", "--allow-empty", "-m", "work")
        repo.git("tag", "-am", "x", tag)

    commit("c1", a="1", b="1", other="1")
    commit("b2", a="2")
    commit("a3")
    commit("d4", a="1", b=None)
    repo.git("tag", "plain", "b2^{commit}")
    repo.git("tag", "a-blob", "b2:a.mvc")
    one, two = (repo.git("rev-parse", f"{tag}:a.mvc") for tag in ("c1", "b2"))
    wanted = [("a.mvc", one), ("a.mvc", two), ("b.mvc", one), ("gone.mvc", one)]
    assert tags_holding(git, wanted, "*.mvc") == {
        ("a.mvc", one): ("c1", "d4"),
        ("a.mvc", two): ("a3", "b2", "plain"),
        ("b.mvc", one): ("a3", "b2", "c1", "plain"),
    }
    assert tags_holding(git, [], "*.mvc") == {}
