"""Runs the `console` blocks of a page as a reader would: in one shell, from the top to the bottom.

`make examples` writes what the commands really say into the pages; read the change before you commit it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from harness import PROJECT, make_home

PAGES = (
    "README.md", "docs/audit.md", "docs/convert.md", "docs/evaluate.md", "docs/gate-for-dvc.md",
    "docs/getting-started.md", "docs/life-of-a-model.md", "docs/merging.md", "docs/migrate-from-dvc.md",
    "docs/migrate-from-lfs.md", "docs/monitor.md", "docs/registry.md", "docs/remotes.md", "docs/with-dvc.md",
)
HOOKED = (
    "README.md", "docs/gate-for-dvc.md", "docs/getting-started.md", "docs/merging.md", "docs/migrate-from-lfs.md",
    "docs/with-dvc.md",
)
"""Pages in whose commands Git runs hooks."""
MARK = "--- the command ended with"
HOME = "/home/you"
"""What pages call the reader's home."""


class Step(NamedTuple):
    """A command and its output."""

    command: str
    output: str


def environment(page: str, environ: dict[str, str]) -> dict[str, str]:
    """Return the environment in which the commands of `page` are typed."""
    found = {name: text for name, text in environ.items() if name != "MVC_HOOKS_ENABLED" or page not in HOOKED}
    dvc = {
        "PATH": f"{found['PATH']}:{PROJECT}/.cache/dvc/bin", "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": f"{found['HOME']}/.dvc-site-cache",
    }
    return found | dvc if "dvc" in page else found


_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[Step]:
    """Return the commands of a page's `console` blocks, with the output that it shows."""
    return [step for block in _BLOCK.findall(page) for step in _steps_of(block)]


_STEP = re.compile(r"^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)", re.MULTILINE)
"""A command, which goes on in lines that begin with `> `, as a shell shows them; and what it prints."""


def _steps_of(block: str) -> list[Step]:
    return [Step(match[1].replace("\n> ", "\n").rstrip("\n"), match[2]) for match in _STEP.finditer(block)]


def run(commands: list[str], home: Path, environ: dict[str, str]) -> list[tuple[int, str]]:
    """Return exit code and output of each command, typed one after the other into one shell."""
    script = "".join(f"{command}\necho '{MARK}' $?\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=home,
        env=environ,
        text=True,
        capture_output=True,
        check=True,
        timeout=100,
    )
    parts = re.findall(rf"(.*?){re.escape(MARK)} (\d+)\n", done.stdout, re.DOTALL)
    return [(int(code), output.replace(str(home), HOME)) for output, code in parts]


_CHANGING = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+:\d]*"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?: \d\d:\d\d)?\b"), "DATE"),
    (re.compile(r"\b(?:(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}|[0-9]{12})\b"), "HASH"),
    # Said only where the file system cannot share blocks.
    (re.compile(r"^This file system cannot share blocks.*\n.*cache\.link hardlink\n", re.MULTILINE), ""),
)


def without_what_changes(output: str) -> str:
    """Return `output` without what differs from run to run: commits, times, and what the file system can."""
    for pattern, text in _CHANGING:
        output = pattern.sub(text, output)
    return output


def refreshed(page: str, home: Path, environ: dict[str, str]) -> str:
    """Return the page with the output that its commands really have."""
    outputs = iter(run([step.command for step in steps(page)], home, environ))

    def block(match: re.Match[str]) -> str:
        typed = (step.command.replace("\n", "\n> ") for step in _steps_of(match[1]))
        body = "".join(
            f"$ {command}\n{_newer(step.output, next(outputs)[1])}"
            for command, step in zip(typed, _steps_of(match[1]), strict=True)
        )
        return f"```console\n{body}```"

    return _BLOCK.sub(block, page)


def _newer(old: str, new: str) -> str:
    """Return `new`, unless only commits and dates are."""
    return old if without_what_changes(old) == without_what_changes(new) else new


def main() -> None:
    """Refresh the pages that are named, or every page."""
    for name in sys.argv[1:] or PAGES:
        with tempfile.TemporaryDirectory() as folder:
            environ = make_home(Path(folder) / "home")
            path = PROJECT / name
            path.write_text(refreshed(path.read_text(), Path(environ["HOME"]), environment(name, environ)))


if __name__ == "__main__":
    sys.exit(main())
