"""`mvc config`, and the options before every command."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from harness import MVC, Repo


def listed(repo: Repo, *args: str, env: dict[str, str] | None = None) -> list[str]:
    """Return the lines of `mvc config list`."""
    return repo.ok("config", "list", *args, env=env).out.splitlines()


def test_a_stronger_scope_wins_and_origin_says_which(repo: Repo) -> None:
    assert "default\tcache.link=reflink,copy" in listed(repo, "--show-origin")
    for scope, value in (("user", "copy"), ("project", "symlink"), ("local", "hardlink")):
        repo.ok("config", "set", f"--{scope}", "cache.link", value)
        assert f"{scope}\tcache.link={value}" in listed(repo, "--show-origin")
    environment = {"MVC_CACHE_LINK": "reflink"}
    assert "environment\tcache.link=reflink" in listed(repo, "--show-origin", env=environment)
    for scope, value in (("user", "copy"), ("project", "symlink"), ("local", "hardlink")):
        assert repo.ok("config", "get", "cache.link", f"--{scope}").out == f"{value}\n"
        assert listed(repo, f"--{scope}") == [f"cache.link={value}"]
    for scope, left in (("local", "symlink"), ("project", "copy"), ("user", "reflink,copy")):
        repo.ok("config", "unset", f"--{scope}", "cache.link")
        assert repo.ok("config", "get", "cache.link").out == f"{left}\n"


def test_get_of_what_a_file_does_not_set_is_exit_1(repo: Repo) -> None:
    result = repo.mvc("config", "get", "--local", "cache.link")
    assert (result.code, result.out) == (1, "")


def test_a_project_setting_is_staged_and_keeps_comments(repo: Repo) -> None:
    before = repo.path(".mvc/config.yaml").read_text()
    repo.ok("config", "set", "--project", "cache.link", "copy")
    assert repo.git("diff", "--cached", "--name-only") == ".mvc/config.yaml"
    assert repo.path(".mvc/config.yaml").read_text() == before + 'cache:\n  link: "copy"\n'
    repo.ok("config", "unset", "--project", "cache.link")
    assert repo.path(".mvc/config.yaml").read_text() == before


def test_json(repo: Repo) -> None:
    values = repo.ok("config", "list", "--json").json
    assert {"name": "cache.link", "value": "reflink,copy", "origin": "default"} in values


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "no.key"],
        ["set", "no.key", "x"],
        ["unset", "no.key"],
        ["set", "cache.link", "teleport"],
        ["set", "cache.dir", "relative"],
        ["set", "--project", "cache.dir", "/tmp/x"],
        ["list", "--local", "--user"],
        ["set", "cache.link", ""],
    ],
)
def test_what_cannot_be_set_is_refused(repo: Repo, arguments: list[str]) -> None:
    before = repo.git("status", "--porcelain")
    repo.fails(2, "config", *arguments)
    assert repo.git("status", "--porcelain") == before


def test_the_line_to_type_for_a_cache_directory_in_the_wrong_scope_works(repo: Repo, tmp_path: Path) -> None:
    result = repo.fails(2, "config", "set", "--project", "cache.dir", str(tmp_path / "a b"))
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.ok("config", "get", "cache.dir").out == f"{tmp_path / 'a b'}\n"


def test_a_broken_config_is_one_plain_error_in_every_command(repo: Repo) -> None:
    repo.write(".mvc/config.yaml", "cache: {link: [1, 2\n")
    for command in ("status", "ls", "diff"):
        result = repo.fails(2, command)
        assert ".mvc/config.yaml" in result.errors[0]


def test_a_bad_environment_variable_is_a_usage_error(repo: Repo) -> None:
    assert "cache.link" in repo.fails(2, "status", env={"MVC_CACHE_LINK": "teleport"}).errors[0]


# Global options.


def test_version(repo: Repo) -> None:
    assert repo.ok("--version").out == repo.ok("-q", "--version").out
    assert repo.ok("--version").out.startswith("mvc 0.")


def test_directory(repo: Repo, tmp_path: Path) -> None:
    repo.added("models/m.bin", b"1")
    outside = Repo(tmp_path, repo.environ)
    assert outside.ok("-C", str(repo.root), "status", "--json").json["clean"] is True
    assert outside.ok("-C", f"{repo.root}/models", "status", "m.bin").code == 0
    assert "nowhere" in outside.fails(2, "-C", "nowhere", "status").errors[0]


def test_quiet_prints_errors_only(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    for arguments in (
        ["add", "m.bin"],
        ["status"],
        ["checkout"],
        ["diff"],
        ["verify"],
        ["config", "set", "cache.link", "copy"],
    ):
        result = repo.ok("-q", *arguments)
        assert (result.out, result.err) == ("", "")
    assert repo.fails(3, "-q", "status", "nothing").errors


def test_verbose_names_every_file(repo: Repo) -> None:
    repo.write_dir("data", 15)
    repo.added("data")
    for file in repo.path("data").iterdir():
        file.write_bytes(b"changed")
    assert "5 more files (-v names them)" in repo.ok("status").out
    assert "part-0014.bin" in repo.ok("-v", "status").out
    assert "exclude" in repo.fails(2, "-q", "-v", "status").errors[0]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["add", "--help"], ["config", "--help"]])
def test_help(repo: Repo, arguments: list[str]) -> None:
    result = repo.mvc(*arguments)
    assert "Usage: mvc" in result.out + result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such"],
        ["config"],
        ["add"],
        ["status", "--no-such"],
        ["add", "-j", "0", "x"],
        ["add", "-j", "x", "y"],
        ["log"],
        ["-C"],
    ],
)
def test_wrong_usage_is_exit_2_with_a_line_that_works(repo: Repo, arguments: list[str]) -> None:
    result = repo.fails(2, *arguments)
    assert len(result.err.splitlines()) == 2
    assert repo.shell(result.fixes[0]).code == 0


def on_a_terminal(repo: Repo, *args: str, env: dict[str, str] | None = None) -> bytes:
    """Run mvc with a terminal for stdout and return what it writes there."""
    reader, writer = pty.openpty()
    subprocess.run(
        [MVC, *args],
        cwd=repo.root,
        env={**repo.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        check=False,
    )
    os.close(writer)
    written = b""
    try:
        while part := os.read(reader, 65536):
            written += part
    except OSError:  # the terminal's other side is closed
        pass
    os.close(reader)
    return written


def test_colours_on_a_terminal_only_and_not_when_forbidden(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.write("m.bin", b"2")
    assert b"\x1b[33mmodified" in on_a_terminal(repo, "status")
    assert b"\x1b" not in on_a_terminal(repo, "--no-color", "status")
    assert b"\x1b" not in on_a_terminal(repo, "status", env={"NO_COLOR": "1"})
    assert "\x1b" not in repo.ok("status").out


def test_a_reader_that_goes_away_is_no_error(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    result = repo.run(
        "bash", "-c", f"set -o pipefail; {MVC} -q status | true; {MVC} ls --json | true; echo ${{PIPESTATUS[0]}}"
    )
    assert result.err == ""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [MVC, "status"], cwd=repo.root, env=repo.environ, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""


def test_closed_streams_are_no_error(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        assert repo.shell(f"mvc status {closed}").code == 0, closed


def test_output_that_cannot_be_written_is_an_error(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [MVC, "status"], cwd=repo.root, env=repo.environ, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert done.stderr.decode().startswith("error: ")
    assert len(done.stderr.splitlines()) <= 2


def test_names_beyond_ascii_where_the_terminal_cannot_show_them(repo: Repo) -> None:
    repo.added("naïve.bin", b"1")
    repo.write("naïve.bin", b"2")
    for encoding in ("ascii", "latin-1"):
        assert "modified" in repo.ok("status", env={"PYTHONIOENCODING": encoding}).out
    assert "modified" in repo.ok("status", env={"LC_ALL": "POSIX"}).out
