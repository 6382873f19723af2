"""What quick commands may load: a library that takes long to import stands in the function that needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {"aiobotocore", "asyncssh", "rich", "pathspec", "sklearn", "numpy", "joblib", "asyncio", "botocore", "aiohttp"}
SHOW = """
import sys
sys.argv[0] = "mvc"
from mvc.cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
else:
    code = 0
print(*sorted(sys.modules), file=sys.stderr)
raise SystemExit(code)
"""


def modules_of(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that are loaded once `mvc ARGUMENTS` has run."""
    command = [sys.executable, "-c", SHOW, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one tracked file and one tracked directory, their content known."""
    folder = tmp_path / "repository"
    folder.mkdir()
    mvc = [sys.executable, "-m", "mvc"]
    (folder / "model.bin").write_bytes(b"model")
    (folder / "data").mkdir()
    (folder / "data" / "a").write_bytes(b"a")
    commit = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "models"]
    for command in (["git", "init", "-q"], [*mvc, "init"], [*mvc, "add", "model.bin", "data"], commit):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def test_version_loads_hardly_anything(tmp_path: Path) -> None:
    loaded = modules_of(tmp_path, "--version")
    assert not loaded & (SLOW | {"typer", "click", "yaml", "msgspec", "blake3", "xxhash", "sqlite3", "subprocess"})
    assert {name for name in loaded if name.startswith("mvc.")} == {"mvc._version", "mvc.cli", "mvc.cli.main"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["status", "--help"], []], ids=["--help", "status --help", "nothing"]
)
def test_help_loads_nothing_slow(tmp_path: Path, arguments: list[str]) -> None:
    loaded = modules_of(tmp_path, *arguments)
    assert not loaded & (SLOW | {"yaml", "msgspec"})


def test_status_loads_nothing_slow_nor_yaml(repository: Path) -> None:
    first = modules_of(repository, "status")  # what the policy demands of these paths is known from then on
    assert not first & SLOW
    assert not modules_of(repository, "status") & (SLOW | {"yaml", "msgspec"})


def test_importing_mvc_loads_nothing_else(tmp_path: Path) -> None:
    code = "import sys, mvc; print(*sorted(name for name in sys.modules if name.startswith('mvc')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mvc", "mvc._version"]


def test_what_is_counted_is_really_loaded_by_the_commands_that_need_it(repository: Path) -> None:
    assert "pathspec" in modules_of(repository, "status", "*.bin")


def test_log_loads_nothing_slow(repository: Path) -> None:
    assert not modules_of(repository, "log", "model.bin") & SLOW
