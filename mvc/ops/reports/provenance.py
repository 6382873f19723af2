"""The provenance of an evaluation: commit, user and environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.project import FOLDER
from mvc.quality.files import SIGNATURES, SUFFIX
from mvc.quality.reports.report import Assurance, Code, Environment, Evaluator
from mvc.scm.commits import head, identity
from mvc.scm.index import changed_since_head, untracked_files
from mvc.scm.plumbing import Git

PACKAGES = (
    "numpy", "scipy", "pandas", "scikit-learn", "torch", "tensorflow", "keras", "jax", "transformers", "datasets",
    "xgboost", "lightgbm", "catboost", "onnx", "onnxruntime", "skl2onnx", "skops", "safetensors", "lm-eval",
)
"""Packages that metrics depend on; the versions of those that are installed are recorded."""

PROBE = """
import sys
sys.path = [folder for folder in sys.path if folder]  # a json.py of the current directory is not what is asked
import json, platform
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in NAMES:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print()
print(json.dumps([platform.python_version(), platform.platform(), found]))
""".replace("NAMES", repr(PACKAGES))
"""A program that prints the environment of its Python."""


class Provenance(NamedTuple):
    """Who evaluated, when, and with what."""

    created_at: str
    """ISO 8601, in UTC."""
    evaluator: Evaluator | None
    """None when Git knows no user."""
    code: Code
    environment: Environment | None
    """None if the metrics were not measured here."""


def gather(
    git: Git, command: str, environment: Environment | None, now: float, scripts: Iterable[str] = (),
    assurance: Assurance = "self",
) -> Provenance:
    """Return the provenance of an evaluation by `command` at `now` (seconds since the epoch).

    `scripts` are files that the command runs, as absolute paths.

    Raises:
        UsageError: Git knows no user, whose claim the `assurance` would be.
    """
    user = identity(git)
    if not user and assurance != "self":
        raise UsageError("Git has no user.email, so the evaluator is unknown", "git config user.email NAME@example.com")
    created_at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    evaluator = Evaluator(user, assurance) if user else None
    return Provenance(created_at, evaluator, _code(git, command, scripts), environment)


def _code(git: Git, command: str, scripts: Iterable[str]) -> Code:
    """Return what ran; changes to files that mvc writes do not count as dirty, untracked scripts do."""
    command = command.encode(errors="replace").decode()
    commit = head(git)
    if commit is None:
        return Code("", None, command)
    ours = [path for path in map(os.path.realpath, scripts) if path.startswith(f"{git.cwd}/")]
    changed = changed_since_head(git).union(untracked_files(git, *ours) if ours else ())
    return Code(commit, not all(map(_is_written_by_mvc, changed)), command)


def _is_written_by_mvc(name: str) -> bool:
    suffixes = (POINTER, SUFFIX, SUFFIX + SIGNATURES)
    return name.endswith(suffixes) or name.rsplit("/", maxsplit=1)[-1] == ".gitignore" or name.startswith(f"{FOLDER}/")


def here(*, evaluating: bool) -> Environment:
    """Return the environment of this process.

    If this process is not `evaluating` itself, Python and packages are left out unless one of PACKAGES is installed
    beside mvc: mvc may have a virtual environment of its own, which says nothing about the evaluation.
    """
    import platform  # noqa: PLC0415 - import time

    found = _versions()
    if not found and not evaluating:
        return Environment(platform=platform.platform())
    return Environment(platform.python_version(), platform.platform(), found)


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - import time

    def one(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return ""

    return {name: text for name in PACKAGES if (text := one(name))}


def of_python(ask: Callable[[str], str]) -> Environment | None:
    """Return the environment of another Python, or None if it does not print one.

    `ask` runs a program in that Python and returns its output.
    """
    import msgspec  # noqa: PLC0415 - import time

    try:
        lines = ask(PROBE).strip().splitlines()
        return Environment(*msgspec.json.decode(lines[-1], type=tuple[str, str, dict[str, str]]))
    except (IndexError, msgspec.DecodeError):
        return None
