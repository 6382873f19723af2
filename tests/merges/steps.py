"""The steps of a history. `d/a=text` writes a file; the others are named in `_STEPS`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from harness import Repo
from merges.history import numbered


def type_steps(repo: Repo, steps: str) -> None:
    """Take steps, which semicolons separate."""
    folder = "."
    for step in filter(None, map(str.strip, steps.split(";"))):
        word, *rest = shlex.split(step)
        if word == "cd":
            folder = str(Path(folder, *rest))
        elif word == "mvc":
            repo.ok(*rest, cwd=folder)
        elif word in _STEPS:
            _STEPS[word](repo, *rest)
        else:
            name, _, text = word.partition("=")
            repo.write(name, text.replace("\\r", "\r").replace("\\n", "\n"))


def found_codes(told: str) -> tuple[str, ...]:
    """Return the findings in what a command said, as `MVC103:PATH`."""
    return tuple(f"{code}:{path}" for code, path in re.findall(r"^error: (MVC\d{3}) (\S+): ", told, re.MULTILINE))


def _commit(repo: Repo, *codes: str) -> None:
    """Commit; the hook refuses it with these findings."""
    result = repo.run("git", "commit", "-qm", "merged")
    assert (found_codes(result.err), result.code) == (codes, int(bool(codes))), result


def _gate(repo: Repo, *codes: str) -> None:
    """Judge HEAD, which has these errors."""
    findings = repo.mvc("gate", "--base", "base", "--json").json["findings"]
    assert {f"{item['code']}:{item['path']}" for item in findings if item["severity"] == "error"} == set(codes)


def _eval(repo: Repo, path: str, value: str) -> None:
    part = "minor" if repo.path(f"{path}.eval.yaml").exists() else "major"
    repo.ok("eval", "record", path, "--bump", part, "--metric", f"auc={value}", "--higher-is-better", "auc")


def _files(repo: Repo, folder: str, count: str) -> None:
    for name, text in numbered(int(count)).items():
        repo.write(f"{folder}/{name}", text)


_STEPS: dict[str, Callable[..., object]] = {
    "git": Repo.git,
    "stops": lambda repo, *args: repo.git(*args, code=1),
    "commit": _commit,
    "gate": _gate,
    "eval": _eval,
    "files": _files,
    "append": lambda repo, name, line: repo.write(name, repo.read(name) + f"{line}\n".encode()),
    "sub": lambda repo, name, old, new: repo.write(name, repo.read(name).decode().replace(old, new)),
    "rm": Repo.remove,
    "chmod": lambda repo, mode, name: repo.path(name).chmod(0o755 if mode == "+x" else 0o644),
}
