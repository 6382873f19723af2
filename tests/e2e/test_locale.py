"""Names are UTF-8 whatever the locale: here one that is ASCII, in which Python is told not to assume UTF-8."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest
from harness import MVC, Repo, Result

NAME, FOLDER = "ünï.bin", "d'été"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
DOORS = {"console script": (MVC,), "module": (sys.executable, "-m", "mvc")}


@pytest.fixture(params=DOORS)
def mvc(request: pytest.FixtureRequest, repo: Repo) -> Callable[..., Result]:
    """Run `mvc` in that locale; it must succeed."""
    repo.write(NAME, "1")
    repo.write(f"{FOLDER}/é", "2")

    def run(*args: str) -> Result:
        result = repo.run(*DOORS[request.param], *args, env=ASCII)
        assert result.code == 0, result
        return result

    return run


def test_names_are_stored_and_printed_as_they_are(repo: Repo, mvc: Callable[..., Result]) -> None:
    assert NAME in mvc("add", NAME, FOLDER).out
    assert 'path: "é"' in repo.path(f"{FOLDER}.mvc").read_text()
    assert repo.git("-c", "core.quotePath=false", "check-ignore", NAME, FOLDER).splitlines() == [NAME, FOLDER]
    assert repo.states() == {NAME: "clean", FOLDER: "clean"}
    mvc("mv", NAME, "ö.bin")
    mvc("eval", "record", "ö.bin", "--tag", "v1.0.0", "--metric", "auc=1", "-m", "für Köln")
    assert mvc("eval", "show", "ö.bin", "--json").json["report"]["desc"] == "für Köln"
    assert mvc("ls", "--json").json["items"][1]["path"] == "ö.bin"
    mvc("rm", FOLDER)
    assert not repo.path(FOLDER).exists()


def test_a_command_that_mvc_runs_has_the_user_s_locale(repo: Repo, mvc: Callable[..., Result]) -> None:
    mvc("add", NAME)
    program = "import os, sys; print(sys.flags.utf8_mode); open(os.environ['MVC_METRICS'], 'w').write('{\"auc\": 1}')"
    result = mvc("eval", "run", NAME, "--tag", "v1.0.0", "--", sys.executable, "-c", program)
    assert result.out.startswith("0\n")


def test_the_hooks_name_a_file_as_it_is(repo: Repo) -> None:
    repo.write(NAME, "1")
    repo.ok("add", NAME)
    hooked = repo.hooked()
    assert f"MVC101 {NAME}: " in hooked.run("git", "commit", "-m", "x", env=ASCII).err
    module = (sys.executable, "-m", "mvc.hook", "pre-commit")
    assert f"MVC101 {NAME}: " in repo.run(*module, env={**ASCII, "GIT_DIR": ".git"}).err


def test_a_program_that_imports_mvc_is_told_how_to_start(repo: Repo) -> None:
    repo.write(NAME, "1")
    repo.write("plain.bin", "1")
    program = """
import mvc, os, sys
try:
    mvc.Project.find().add(os.fsdecode({!r}))
except mvc.MvcError as error:
    sys.exit(f"{{error.message}}\\n{{error.fix}}")
"""
    assert repo.run(sys.executable, "-c", program.format(b"plain.bin"), env=ASCII).code == 0
    asked = (sys.executable, "-c", program.format(NAME.encode()))
    message, fix = repo.run(*asked, env=ASCII).err.splitlines()
    assert "this Python does not read names as UTF-8" in message
    assert not os.path.exists(repo.path(f"{NAME}.mvc"))
    variable, value = fix.removesuffix(" python ...").split("=")
    assert repo.run(*asked, env={**ASCII, variable: value}).code == 0
    assert os.path.exists(repo.path(f"{NAME}.mvc"))
