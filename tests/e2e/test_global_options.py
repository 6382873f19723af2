"""The global options: alike before a command and after it."""

from __future__ import annotations

import pytest
from harness import LARGE, Repo, noise

from mvc.cli.lazy import command


@pytest.fixture
def changed(repo: Repo) -> Repo:
    """Return a repository with a modified path, in a directory."""
    repo.write("models/m.bin", noise("m", LARGE))
    repo.ok("add", "models/m.bin")
    repo.commit()
    repo.write("models/m.bin", "mine")
    return repo


@pytest.mark.parametrize("option", [["-q"], ["--quiet"], ["-v"], ["--no-color"], ["-C", "models"]])
@pytest.mark.parametrize("words", [["status"], ["ls", "-R"], ["eval", "check"], ["remote", "list"]])
def test_before_a_command_and_after_it(changed: Repo, option: list[str], words: list[str]) -> None:
    before, *after = (
        (done.code, done.out, done.err)
        for line in ([*option, *words], [*words, *option], [words[0], *option, *words[1:]])
        for done in [changed.mvc(*line)]
    )
    assert after == [before, before]


def test_quiet_after_a_command_prints_nothing(changed: Repo) -> None:
    assert changed.ok("status").out
    assert not changed.ok("status", "-q").out


def test_verbose_after_a_command_prints_the_full_digest(changed: Repo) -> None:
    assert changed.ok("add", "models/m.bin", "-v").out.splitlines()[0].endswith(f"  {changed.digest('models/m.bin')}")


def test_directories_before_and_after_a_command_add_up(changed: Repo) -> None:
    assert changed.ok("-C", "models", "status", "-C", "..", "models/m.bin").out
    changed.fails(2, "status", "-C", "nowhere")


def test_quiet_and_verbose_exclude_each_other_wherever_they_stand(changed: Repo) -> None:
    for words in (["-q", "-v", "status"], ["-q", "status", "-v"], ["status", "-v", "-q"]):
        assert "exclude each other" in changed.fails(2, *words).err


def test_what_follows_two_dashes_is_of_the_command_that_is_run(changed: Repo) -> None:
    changed.ok("add", "models/m.bin")
    script = """import sys; open(sys.argv[2], "w").write('{"auc": 1}'); print(sys.argv[1])"""
    line = ["eval", "run", "models/m.bin", "--tag", "v1.0.0", "--metrics", "found.json", "-q"]
    assert changed.ok(*line, "--", "python3", "-c", script, "-v", "found.json").out == "-v\n"


def test_no_command_gives_a_global_option_another_meaning() -> None:
    root = command()
    shared = {word for option in root.params for word in option.opts}
    for name, value in root.commands.items():
        for inner in (value, *getattr(value, "commands", {}).values()):
            words = [word for option in inner.params if not option.hidden for word in option.opts]
            assert not shared.intersection(words), name
