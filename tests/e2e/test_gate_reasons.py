"""`mvc gate` says which commits it judges and why: in a clone, with `--explain-base`, in the summary."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e.test_gate_revisions import checked_out, event, hub, pull  # noqa: F401 - a fixture
from harness import Repo


def short(repo: Repo, revision: str) -> str:
    return repo.git("rev-parse", revision)[:12]


def steps(repo: Repo, *args: str, env: dict[str, str] | None = None) -> list[str]:
    """Return what `--explain-base` prints before the verdict, which it does not change."""
    plain, explained = (repo.mvc("gate", "--json", *args, *more, env=env) for more in ([], ["--explain-base"]))
    assert (plain.code, plain.out, plain.err) == (explained.code, explained.out, "")
    return explained.err.splitlines()


def test_in_a_clone_it_says_what_it_judges(hub: Repo) -> None:  # noqa: F811
    hub.git("switch", "-q", "topic")
    head, base = short(hub, "HEAD"), short(hub, "main")
    told = f"head {head}: HEAD; base {base}: main, the default branch"
    assert hub.mvc("gate").err.startswith(f"judging {told}\n")
    assert steps(hub) == told.split("; ")
    assert steps(hub, "--head", "topic", "--base", "main~") == [
        f"head {head}: --head topic", f"base {short(hub, 'main~')}: --base main~",
    ]
    assert "judging" not in hub.mvc("gate", "--base", "main").err + hub.mvc("-q", "gate").err
    hub.git("switch", "-q", "main")
    assert steps(hub)[-1].startswith("no base: it contains head")
    assert steps(hub, "--all") == [f"head {base}: HEAD", "no base: --all"]


@pytest.mark.parametrize(("base", "target"), [("main", "main as fetched"), ("main~", "rather than the base")])
def test_in_a_pull_request(hub: Repo, tmp_path: Path, base: str, target: str) -> None:  # noqa: F811
    clone = checked_out(hub, tmp_path / "clone", "refs/pull/7/merge")
    job, head, first, *merge = steps(clone, env=event(clone, "pull_request", pull(hub, base)))
    assert job == "job: github, a pull request, target main"
    assert head == f"head {short(hub, 'topic')}: the commit that the job names"
    assert first.startswith(f"base {short(hub, 'main')}: main as fetched")
    assert target in first
    assert merge == [f"head {short(hub, 'refs/pull/7/merge')}: HEAD, where the system merged the two"]


def test_the_summary_says_why_nothing_was_judged(hub: Repo, tmp_path: Path) -> None:  # noqa: F811
    summary = tmp_path / "summary.md"
    told = hub.fails(3, "gate", "--summary", str(summary), env=event(hub, "schedule", {}))
    text = summary.read_text()
    assert text.startswith(f"### The gate could not judge\n\n`{told.errors[0]}`\n")
    assert told.fixes[0] in text
    shown = hub.fails(3, "gate", "--summary", str(tmp_path / "none" / "s.md"), env=event(hub, "schedule", {}))
    assert shown.errors[-1] == told.errors[0], "a summary that cannot be written hides no error"
