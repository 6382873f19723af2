"""What mvc says to install, and what CI installs, is what pyproject.toml and uv.lock say."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from harness import PROJECT

from mvc.errors import UsageError
from mvc.evaluation import extra as evaluation
from mvc.oci import extra as oci
from mvc.packages import CORE, EXTRAS, install
from mvc.serving import extra as serving

EXPORTED = ("ci/requirements.txt", "ci/requirements-eval.txt", "ci/requirements-serve.txt", "ci/requirements-site.txt")
NAMED = re.compile(r"pip install[^\n`|]*\bmodelvc\b")
"""It installs what somebody put on an index under that name."""


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert tuple(project["dependencies"]) == CORE
    assert {name: tuple(needs) for name, needs in project["optional-dependencies"].items()} == EXTRAS


@pytest.mark.parametrize("name", EXPORTED)
def test_ci_installs_what_is_locked(tmp_path: Path, name: str) -> None:
    for file in ("pyproject.toml", "uv.lock"):
        shutil.copy(PROJECT / file, tmp_path)
    committed = (PROJECT / name).read_text()
    options = committed.splitlines()[1].split("uv export ")[1].split()
    uv = PROJECT / ".cache/tools/bin/uv"
    subprocess.run([uv, "export", "--quiet", "--offline", *options[:-1], "exported.txt"], cwd=tmp_path, check=True)
    exported = (tmp_path / "exported.txt").read_text()
    assert exported.splitlines()[2:] == committed.splitlines()[2:], f"make {name}"
    assert "--hash=sha256:" in exported


@pytest.mark.parametrize(("package", "require", "extra"), [
    ("sklearn", evaluation.require, "eval"), ("oras", oci.require, "oci"), ("kserve", serving.require, "serve"),
    ("pyarrow", partial(serving.require, log=True), "serve"),
])
def test_what_is_missing_is_named_before_it_is_imported(
    package: str, require: Callable[[], None], extra: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    with pytest.raises(UsageError, match=f"the package {package}$") as error:
        require()
    assert error.value.fix == install(extra)


def test_no_line_names_a_package_of_mvc_on_an_index() -> None:
    files = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.rglob("mvc/**/*.py"), *PROJECT.glob("ci/**/*")]
    texts = {file: file.read_text() for file in files if file.is_file() and file.name != "packages.py"}
    assert not [str(file) for file, text in texts.items() if NAMED.search(text)]
