"""`mvc completion`: real shells on a terminal, the keys pressed as a user presses them."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import MVC, Repo
from test_layers import SLOW, modules_of

from mvc.cli.commands import completion
from mvc.cli.lazy import command

SHELLS = ("bash", "zsh", "fish")
PROGRAMS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
# Ctrl-G writes down what stands on the line.
SETUP = {
    "bash": """source <(mvc completion bash); bind -x '"\\C-g": printf "%s\\0" "$READLINE_LINE" >"$ANSWERS"'""",
    "zsh": (
        "autoload -Uz compinit && compinit -u -D; source <(mvc completion zsh); "
        """tell() { print -rN -- "$BUFFER" >$ANSWERS }; zle -N tell; bindkey '^G' tell"""
    ),
    "fish": """mvc completion fish | source; bind \\cg 'printf "%s\\0" (commandline) >$ANSWERS'""",
}
READY = r"printf '\0' >$ANSWERS"


class Keyboard:
    """A shell on a terminal of its own."""

    def __init__(self, terminal: int, answers: int) -> None:
        self.terminal, self.answers = terminal, answers
        self.screen = b""

    def press(self, keys: str) -> str:
        """Press `keys`, which must make the shell answer; the answer."""
        os.write(self.terminal, keys.encode())
        said = b""
        while not said.endswith(b"\0"):
            ready, _, _ = select.select([self.terminal, self.answers], [], [], 60)
            assert ready, self.screen
            if self.terminal in ready:
                self.screen += os.read(self.terminal, 1 << 16)
            if self.answers in ready:
                said += os.read(self.answers, 1 << 16)
        return said.decode().removesuffix("\0")

    def completed(self, line: str) -> str:
        """Type `line` and TAB; the line then."""
        return self.press(f"\x15{line}\t\x07")


@contextmanager
def keyboard(shell: str, repo: Repo, setup: str = "", folder: Path | None = None) -> Iterator[Keyboard]:
    """Start a shell that completes mvc."""
    fifo = repo.root.parent / f"answers-{shell}"
    os.mkfifo(fifo)
    answers = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *PROGRAMS[shell]],
        stdin=other, stdout=other, stderr=other, cwd=folder or repo.root,
        env={**repo.environ, "ANSWERS": str(fifo), "TERM": "xterm", "PS1": "> "},
    )
    try:
        keys = Keyboard(terminal, answers)
        keys.press(f"{setup or SETUP[shell]}\r{READY}\r")
        yield keys
    finally:
        process.kill()
        process.wait()
        fifo.unlink()
        for end in (terminal, other, answers):
            os.close(end)


def words(shell: str, repo: Repo, line: str) -> list[str]:
    """Return the words that `shell` takes `line` for, once it is entered."""
    done = repo.run(shell, "-c", line.replace("mvc ", "printf '%s\\n' ", 1))
    assert done.code == 0, done
    return done.out.splitlines()


@pytest.fixture
def busy(repo: Repo) -> Repo:
    """Return a repository with tracked files and directories, at the top and below."""
    repo.write("models/bert/weights.bin", "1")
    repo.write("models/ranker.onnx", "2")
    repo.write("top.bin", "3")
    repo.ok("add", "models/bert", "models/ranker.onnx", "top.bin")
    repo.commit()
    repo.git("branch", "feature")
    repo.write("new.bin", "4")
    return repo


LINES = {
    "mvc stat": "mvc status ",
    "mvc config unse": "mvc config unset ",
    "mvc __": "mvc __",
    "mvc nonsense ": "mvc nonsense ",
    "mvc add --no-s": "mvc add --no-stage ",
    "mvc -C models status ra": "mvc -C models status ranker.onnx ",
    "mvc status -C models ra": "mvc status -C models ranker.onnx ",
    "mvc completion fi": "mvc completion fish ",
    "mvc init --shared g": "mvc init --shared group ",
    "mvc config get cache.l": "mvc config get cache.link ",
    "mvc config set cache.link hard": "mvc config set cache.link hardlink ",
    "mvc config set cache.link hardlink,sym": "mvc config set cache.link hardlink,symlink ",
    "mvc help getting": "mvc help getting-started ",
    "mvc waive MVC328": "mvc waive MVC328 ",
    "mvc waive MVC328 t": "mvc waive MVC328 top.bin ",
    "mvc status mod": "mvc status models/",
    "mvc status models/bert/": "mvc status models/bert/weights.bin ",
    "mvc checkout models/r": "mvc checkout models/ranker.onnx ",
    "mvc diff t": "mvc diff top.bin ",
    "mvc ls t": "mvc ls top.bin ",
    "mvc ls f": "mvc ls feature ",
    "mvc log t": "mvc log top.bin ",
    "mvc verify top.bin mo": "mvc verify top.bin models/",
    "mvc checkout --rev f": "mvc checkout --rev feature ",
    "mvc checkout --rev=f": "mvc checkout --rev=feature ",
    "mvc status new": "mvc status new",
    "mvc add new": "mvc add new.bin ",
    "mvc add mod": "mvc add models/",
    "mvc add .gitattri": "mvc add .gitattri",
    "mvc add -m t": "mvc add -m t",
    "true; mvc stat": "true; mvc status ",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_line_becomes(busy: Repo, shell: str) -> None:
    with keyboard(shell, busy) as keys:
        assert {line: keys.completed(line) for line in LINES} == LINES


NAMES = (
    "my file.bin", "it's", 'say "hi"', "a:b=c", "$(touch pwned)", "`touch pwned`", "x;touch pwned", "x&touch pwned",
    "x|touch pwned", ">pwned", "$HOME", "~", "~root", "*[a]?", "{a,b}", "!!", "#hash", "=ls", "%1", "(touch pwned)",
    "größe", "模型.onnx", "a\u00a0b", "--yes", "-m", "^a", "a\u202eb",
)


@pytest.mark.parametrize("shell", SHELLS)
def test_names_are_completed_right_and_run_nothing(repo: Repo, shell: str) -> None:
    for number, name in enumerate(NAMES):
        repo.write(f"d{number}/{name}", "1")
    repo.ok("add", *(f"d{number}/{name}" for number, name in enumerate(NAMES)))
    before = sorted(path.name for path in repo.root.iterdir())
    with keyboard(shell, repo) as keys:
        for number, name in enumerate(NAMES):
            line = keys.completed(f"mvc status d{number}/")
            assert words(shell, repo, line) == ["status", f"d{number}/{name}"], line
            odd = name.startswith(("-", "~"))
            begun = "./" if odd and shell == "fish" else ""  # fish takes what begins with a dot for hidden
            line = keys.completed(f"mvc -C d{number} status {begun}")
            assert words(shell, repo, line)[3:] == [f"./{name}" if odd else name], line
    assert sorted(path.name for path in repo.root.iterdir()) == before


@pytest.mark.parametrize("shell", SHELLS)
def test_a_word_in_quotes(repo: Repo, shell: str) -> None:
    repo.write("the model's $(touch pwned).bin", "1")
    repo.ok("add", "the model's $(touch pwned).bin")
    with keyboard(shell, repo) as keys:
        for begun in ("the", "the\\ mo", '"the mo', '"the model\'s ', "'the mo", "the\\ model\\'s\\ \\$"):
            line = keys.completed(f"mvc status {begun}")
            assert words(shell, repo, line) == ["status", "the model's $(touch pwned).bin"], line


@pytest.mark.parametrize("shell", SHELLS)
def test_names_that_mvc_refuses_are_not_offered(repo: Repo, shell: str) -> None:
    evil = ("x\x1b]0;owned\x07.bin", "x\rtouch pwned\r", "x\ntouch pwned\n", "x\\n", "x\tpwned")
    for name in evil:
        repo.write(name, "1")
        repo.write(f"{name}.mvc", "mvc: 1\n")
        repo.git("add", "--", f"{name}.mvc")
    with keyboard(shell, repo) as keys:
        assert keys.completed("mvc status x") == "mvc status x"
        assert keys.completed("mvc add x") == "mvc add x"
        assert b"owned" not in keys.screen
    assert not repo.path("pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_branch_whose_name_is_a_command(busy: Repo, shell: str) -> None:
    name = "zz$(touch${IFS}pwned);`id`"
    busy.git("branch", name)
    with keyboard(shell, busy) as keys:
        line = keys.completed("mvc diff zz")
        assert words(shell, busy, line) == ["diff", name], line
    assert not busy.path("pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_outside_of_a_repository_the_shell_says_nothing(repo: Repo, shell: str, tmp_path: Path) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    with keyboard(shell, repo, folder=folder) as keys:
        keys.screen = b""
        assert keys.completed("mvc status m") == "mvc status m"
        assert keys.completed("mvc stat") == "mvc status "
        assert not re.search(rb"error|Traceback|fatal", keys.screen), keys.screen


def test_zsh_finds_the_script_in_fpath(busy: Repo, tmp_path: Path) -> None:
    folder = tmp_path / "functions"
    folder.mkdir()
    (folder / "_mvc").write_text(busy.ok("completion", "zsh").out)
    setup = SETUP["zsh"].replace("source <(mvc completion zsh);", "")
    with keyboard("zsh", busy, f"fpath=({folder} $fpath); {setup}") as keys:
        assert keys.completed("mvc status t") == "mvc status top.bin "
        assert keys.completed("mvc status models/r") == "mvc status models/ranker.onnx "


# What the shells ask.


def asked(repo: Repo, *args: str, cwd: Path | str = ".", env: dict[str, str] | None = None) -> list[str]:
    """Return what `mvc __complete` answers; it must never complain."""
    done = repo.run(MVC, "__complete", *args, cwd=cwd, env=env)
    assert (done.code, done.err) == (0, ""), done
    return done.out.splitlines()


def test_a_deleted_pointer_is_not_offered_one_that_a_sparse_checkout_leaves_out_is(busy: Repo) -> None:
    busy.remove("top.bin.mvc")
    assert asked(busy, "zsh", "status", "") == ["models/"]
    busy.git("checkout", "--", "top.bin.mvc")
    busy.git("sparse-checkout", "set", "--no-cone", "/models/")
    assert "top.bin" in asked(busy, "zsh", "status", "")


def test_files_below_a_tracked_directory_are_offered_wherever_the_user_is(busy: Repo) -> None:
    assert asked(busy, "zsh", "verify", "", cwd="models/bert") == ["weights.bin"]
    assert asked(busy, "zsh", "status", "../", cwd="models") == ["../models/", "../top.bin"]


@pytest.mark.parametrize("args", [("bash", "mvc status ", ""), ("zsh", "status", ""), ("fish", "ls", "x")])
def test_trouble_is_no_answer_and_no_complaint(repo: Repo, args: tuple[str, ...], tmp_path: Path) -> None:
    assert asked(repo, *args, cwd=tmp_path) == []
    assert asked(repo, *args, cwd=".git") == []
    git = tmp_path / "bin"
    git.mkdir()
    assert asked(repo, *args, env={"PATH": str(git)}) == []
    repo.write(".mvc/config.yaml", "[[[")
    repo.write("bad.mvc", b"\xff")
    assert asked(repo, "zsh", "status", "b") == ["bad"]


def test_a_question_loads_nothing_slow(tmp_path: Path) -> None:
    assert not modules_of(tmp_path, "__complete", "bash", "mvc status ", "") & (SLOW | {"yaml", "msgspec"})


def test_each_tab_starts_mvc_once(repo: Repo) -> None:
    for shell in SHELLS:
        assert repo.ok("completion", shell).out.count("mvc __complete") == 1


def test_the_hidden_command_is_not_shown(repo: Repo) -> None:
    assert "__complete" not in repo.ok("--help").out
    assert asked(repo, "zsh", "__") == []


def test_an_unknown_shell_is_a_usage_error(repo: Repo) -> None:
    result = repo.fails(2, "completion", "tcsh")
    assert "tcsh" in result.errors[0]


# Its parts.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mvc status ", ["mvc", "status", ""]),
        ("mvc  a\\ b c", ["mvc", "a b", "c"]),
        ("mvc 'a b", ["mvc", "a b"]),
        ("mvc 'a \\' b", ["mvc", "a \\", "b"]),
        ('mvc "a \\$x \\" \\n', ["mvc", 'a $x " \\n']),
        ("mvc a'b'\"c\"\\d", ["mvc", "abcd"]),
        ("mvc a\\", ["mvc", "a"]),
        ("", [""]),
    ],
)
def test_words_are_split_as_a_shell_does(text: str, expected: list[str]) -> None:
    assert completion.split(text) == expected


@pytest.mark.parametrize("opened", ["", "'", '"', 'x\\"', "'a'\"b\\\"", "'a"])
def test_bash_reads_a_quoted_name_as_it_is(repo: Repo, opened: str) -> None:
    quote = completion.read_bash(f"mvc {opened}", "").quote
    line = " ".join(f"{quote}{completion.quoted(name, quote)}{quote}" for name in NAMES)
    assert repo.run("bash", "-c", f"printf '%s\\n' {line}").out.splitlines() == list(NAMES)


FREE = {
    "ALIAS", "ARG", "ARTIFACT", "COL", "COMMAND", "DATA", "DATE", "FILE", "FUNCTION", "HOST", "ID", "K", "KIND",
    "LABEL", "METRIC", "MODULE", "N", "NUMBER", "RATE", "SAMPLE", "SECONDS", "SHARE", "SIZE", "SLICE", "SPAN", "T",
    "TAG", "TEXT", "V", "VERSION", "WHO", "X",
}
"""What nobody can guess."""


def parameters(group: Any) -> Iterator[Any]:
    """Yield every parameter of every command."""
    yield from group.params
    for inner in getattr(group, "commands", {}).values():
        if not inner.hidden:
            yield from parameters(inner)


def test_every_metavar_is_completed_or_known_to_be_free() -> None:
    found = {word for item in parameters(command()) for word in re.findall(r"[A-Z]+", item.metavar or "")}
    assert found - FREE <= set(completion._SOURCES)
    assert {"PATH", "REV", "REF", "KEY", "VALUE", "DIR", "TOPIC"} <= found
