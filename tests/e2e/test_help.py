"""`mvc help`: the pages of docs/, wherever mvc is installed."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from harness import MVC, PROJECT, Repo

from mvc.cli.commands import help as subject
from mvc.cli.lazy import command

PAGES = sorted(path.relative_to(PROJECT / "docs") for path in (PROJECT / "docs").rglob("*.md"))
COMMANDS = [name for name, value in command().commands.items() if not value.hidden]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_page_is_a_topic(repo: Repo, page: Path) -> None:
    topic = str(page).removesuffix(".md").removesuffix("/README")
    assert repo.ok("help", topic).out.endswith((PROJECT / "docs" / page).read_text())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_topic(name: str) -> None:
    text = subject.read(name)
    section = text.partition("\n# ")[0]
    assert section.startswith(f"## mvc {name}\n\n```\nmvc {name}")
    assert "\n## " not in section
    assert section.strip() in (PROJECT / "docs/commands.md").read_text()


def test_a_command_and_a_page_of_one_name_are_both_shown() -> None:
    text = subject.read("config")
    assert text.startswith("## mvc config\n")
    assert text.endswith((PROJECT / "docs/config.md").read_text())


def test_topics_are_listed_with_one_line_each(repo: Repo) -> None:
    lines = repo.ok("help").out.splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ")]
    pages = [str(page).removesuffix(".md") for page in PAGES if page.parent == Path()]
    assert named == [*pages, "adr", *COMMANDS]
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines if line.startswith("  "))
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("chekout", "checkout"), ("polic", "policy"), ("__complete", "completion"), ("../README", ""), ("qqq", ""),
    ],
)
def test_an_unknown_topic_names_near_ones(repo: Repo, topic: str, near: str) -> None:
    result = repo.fails(2, "help", topic)
    assert result.fixes == [f"mvc help {near}".rstrip()]
    assert repo.shell(result.fixes[0]).code == 0
    assert repr(topic) in result.errors[0]


@pytest.mark.parametrize(("word", "topics"), [
    ("quarantine", {"verify", "gc", "formats"}), ("Formats", {"formats"}), ("threat", {"threat-model"}),
    ("--no-stage", {"add", "eval"}), ("scripts for the shell", set()),
])
def test_a_word_is_found_in_the_pages(repo: Repo, word: str, topics: set[str]) -> None:
    result = repo.mvc("help", "-v", "--", word)
    rows = [line.split() for line in result.out.splitlines() if not line.startswith("Next: ")]
    assert topics <= {row[0] for row in rows}
    assert all(word.lower() in " ".join(row).lower() for row in rows)
    assert result.code == (0 if topics else 2)
    for row in rows[:3]:
        assert repo.ok("help", row[0]).out


def test_the_line_after_the_places_of_a_word_shows_one(repo: Repo) -> None:
    *rows, last = repo.ok("help", "quarantine").out.splitlines()
    assert "(-v names them)" in rows[-1]
    line = last.removeprefix("Next: ").partition("  #")[0]
    assert "quarantine" in repo.shell(line).out


def test_a_topic_drives_no_terminal(repo: Repo) -> None:
    assert "\x1b" not in repo.fails(2, "help", "\x1b]0;owned\x07").err


def test_help_needs_no_repository(repo: Repo, tmp_path: Path) -> None:
    repo.write(".mvc/config.yaml", "[[[")
    assert repo.ok("help", "formats").out == repo.ok("help", "formats", cwd=tmp_path).out


# On a terminal.


def on_a_terminal(repo: Repo, *args: str, env: dict[str, str] | None = None) -> str:
    """Return what `mvc ARGS` writes on a terminal of 80 columns."""
    reader, writer = pty.openpty()
    with subprocess.Popen(
        [MVC, *args], cwd=repo.root, stdin=writer, stdout=writer, stderr=writer,
        env={**repo.environ, "TERM": "xterm", "COLUMNS": "80", "PAGER": "cat", **(env or {})},
    ):
        os.close(writer)
        written = b""
        try:
            while part := os.read(reader, 1 << 16):
                written += part
        except OSError:  # the other side is closed
            pass
    os.close(reader)
    return written.decode()


def test_a_terminal_gets_it_rendered(repo: Repo) -> None:
    text = on_a_terminal(repo, "help", "log")
    assert "\x1b[" in text
    assert "## mvc log" not in text
    assert "|---|" not in text
    assert "Shows the versions of a tracked path" in text


def test_without_colours_where_they_are_forbidden(repo: Repo) -> None:
    assert "\x1b[3" not in on_a_terminal(repo, "--no-color", "help", "log")
    assert "\x1b[3" not in on_a_terminal(repo, "help", "log", env={"NO_COLOR": "1"})


def test_it_goes_through_the_user_s_pager(repo: Repo) -> None:
    assert "<<Shows the versions" in on_a_terminal(repo, "help", "log", env={"PAGER": "sed 's/Shows/<<Shows/'"})
    assert on_a_terminal(repo, "help", "log", env={"PAGER": "echo $LESS; cat >/dev/null"}).strip() == "FRX"
    assert on_a_terminal(repo, "help", "log", env={"PAGER": "echo $LESS; cat >/dev/null", "LESS": "S"}).strip() == "S"


def test_a_pager_that_reads_no_further_is_no_error(repo: Repo) -> None:
    assert "Traceback" not in on_a_terminal(repo, "help", "formats", env={"PAGER": "head -1"})


# Where the pages come from.


def test_the_wheel_brings_the_pages_along(repo: Repo, tmp_path: Path) -> None:
    included = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    shutil.copytree(PROJECT / "mvc", tmp_path / "mvc", ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in included["force-include"].items():
        shutil.copytree(PROJECT / source, tmp_path / target)
    done = repo.run(sys.executable, "-m", "mvc", "help", "formats", env={"PYTHONPATH": str(tmp_path)})
    assert done.out == (PROJECT / "docs/formats.md").read_text()
    script = "import mvc.cli.commands.help as h; print(h._folder()); print(*h.topics())"
    done = repo.run(sys.executable, "-c", script, env={"PYTHONPATH": str(tmp_path)})
    assert done.out.splitlines() == [str(tmp_path / "mvc/_docs"), " ".join(subject.topics())]


def test_completion_finds_its_scripts_in_the_package(repo: Repo) -> None:
    included = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert included["packages"] == ["mvc"]
    for shell in ("bash", "zsh", "fish"):
        assert repo.ok("completion", shell).out == (PROJECT / f"mvc/cli/commands/completion.{shell}").read_text()
