"""Versions whose code does what it should not, while a server follows the registry: it goes on, and keeps nothing."""

from __future__ import annotations

import threading
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from harness import Repo
from serving.running import Running, eventually, registered, serving

from mvc.ops.lifecycle.serving.follow import Followed, Follower

_LOADER = """
import builtins
class Model:
    def __init__(self, what):
        self.what = what
    def predict(self, rows):
        if self.what == "fails":
            raise ValueError("it has lost its weights")
        return rows[:, 0]
    def __del__(self):
        with open("gone", "a") as file:
            file.write(f"{self.what}\\n")
def load(path):
    what, _, _ = open(path).read().partition(" ")
    if hasattr(builtins, what):
        raise getattr(builtins, what)
    return Model(what)
"""


def own(repo: Repo, *contents: str) -> None:
    """Register a version for each content, from v1.0.0 on, and promote the first."""
    repo.write("own.py", _LOADER)
    registered(repo, *((f"v{place}.0.0", content.encode()) for place, content in enumerate(contents, 1)))
    repo.ok("promote", "ranker@v1.0.0", "prod")


def follows(repo: Repo) -> Any:
    return serving(repo, "ranker#prod", "--loader", "own:load", "--follow", "0.1")


def version(server: Running) -> str:
    return str(server.infer("ranker")[1]["model_version"])


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "GeneratorExit"])
def test_what_a_loader_raises_does_not_end_following(repo: Repo, raised: str) -> None:
    own(repo, "good 1", raised, "good 3")
    with follows(repo) as server:
        repo.ok("promote", "ranker@v2.0.0", "prod")
        assert raised in server.said("still serves v1.0.0")
        assert server.metric("mvc_serve_follow_failures_total", model="ranker", reason="load") > 0
        repo.ok("promote", "ranker@v3.0.0", "prod")
        server.said("serves v3.0.0 now")
        assert version(server) == "v3.0.0"


def test_versions_that_failed_are_named_and_not_kept(repo: Repo) -> None:
    """Each stayed in memory, and the three were told by one line, which named none."""
    own(repo, "good", *(f"fails {place}" for place in range(2, 5)), "good again")
    gone = repo.root / "gone"
    with follows(repo) as server:
        assert version(server) == "v1.0.0"
        for place in range(2, 5):
            repo.ok("promote", f"ranker@v{place}.0.0", "prod")
            line = server.said(f"ranker: still serves v1.0.0, not v{place}.0.0: ")
            assert "it has lost its weights" in line
            eventually(lambda place=place: gone.exists() and gone.read_text() == "fails\n" * (place - 1))
        assert server.metric("mvc_serve_follow_failures_total", model="ranker", reason="smoke") > 2
        repo.ok("promote", "ranker@v5.0.0", "prod")
        assert "not v1.0.0" in server.said("ranker: serves v5.0.0 now")
        assert server.lines.empty()


class _Stop(threading.Event):
    """Three looks, and no waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 3

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


def test_an_error_of_the_follower_itself_is_counted_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    failed, said = Counter[tuple[str, str]](), list[str]()
    metrics: Any = SimpleNamespace(follow_failed=lambda model, reason: failed.update([(model, reason)]))
    nothing: Any = None
    model: Any = SimpleNamespace(name="ranker")
    follower = Follower(nothing, [Followed(nothing, model)], nothing, metrics, said.append)
    monkeypatch.setattr(Follower, "look", lambda _: int("none"))
    follower.run(0, _Stop())
    assert failed == {("ranker", "other"): 3}
    assert len(said) == 1
    assert "--follow has an error, and goes on: ValueError: invalid literal" in said[0]
