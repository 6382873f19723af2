"""Where an evaluation comes from: the commit, who evaluated, and in which environment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from mvc.objects.pointer import SUFFIX as POINTER
from mvc.project import FOLDER, Project
from mvc.quality.files import SIGNATURES, SUFFIX
from mvc.quality.reports.report import Code, Environment, Evaluator
from mvc.scm.commits import head, identity
from mvc.scm.index import changed_since_head

PACKAGES = (
    "numpy", "scipy", "pandas", "scikit-learn", "torch", "tensorflow", "keras", "jax", "transformers", "datasets",
    "xgboost", "lightgbm", "catboost", "onnx", "onnxruntime", "lm-eval",
)
"""What numbers depend on; their versions are recorded where they are installed."""

PROBE = """
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
"""A program that prints the environment of the Python that runs it."""


class Provenance(NamedTuple):
    """Who evaluated with what, and when."""

    created_at: str
    """ISO 8601, in UTC."""
    evaluator: Evaluator | None
    """None when Git knows no user."""
    code: Code
    environment: Environment


def gather(project: Project, command: str, environment: Environment, now: float) -> Provenance:
    """Return where an evaluation that `command` makes at `now` (seconds since the epoch) comes from."""
    user = identity(project.git)
    created_at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Provenance(created_at, Evaluator(user) if user else None, _code(project, command), environment)


def _code(project: Project, command: str) -> Code:
    """Return what ran; what mvc itself writes does not make it dirty."""
    command = command.encode(errors="replace").decode()
    commit = head(project.git)
    if commit is None:
        return Code("", None, command)
    changed = {name for name in changed_since_head(project.git) if not _is_ours(name)}
    return Code(commit, bool(changed), command)


def _is_ours(name: str) -> bool:
    own = (POINTER, SUFFIX, SUFFIX + SIGNATURES)
    return name.endswith(own) or name.rsplit("/", maxsplit=1)[-1] == ".gitignore" or name.startswith(f"{FOLDER}/")


def here(*, evaluating: bool) -> Environment:
    """Return the environment of this process.

    Unless it is `evaluating` itself, its Python is that of the evaluation only where mvc is installed beside packages
    that evaluate: mvc may have an environment of its own. Nothing is said rather than something wrong.
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
    """Return the environment of a Python; `ask` runs a program in it and returns what that prints.

    None when the answer is none.
    """
    import msgspec  # noqa: PLC0415 - import time

    try:
        lines = ask(PROBE).strip().splitlines()
        return Environment(*msgspec.json.decode(lines[-1], type=tuple[str, str, dict[str, str]]))
    except (IndexError, msgspec.DecodeError):
        return None
