"""The demos: each line that they type prints what they show, and ends as they say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from harness import PROJECT, Repo

_SCREENS = 120
"""Lines of two screens."""


def shown(script: str, tmp_path: Path, environ: dict[str, str]) -> list[str]:
    """Run a demo, and return the lines that it shows."""
    models = os.environ.get("MVC_TEST_MODELS", "")
    more = {"TMPDIR": str(tmp_path), "MVC_TEST_MODELS": models}
    result = Repo(tmp_path, {**environ, **more}).run(sys.executable, str(PROJECT / "demo" / script))
    assert result.code == 0, result.out[-2000:]
    return result.out.splitlines()


def test_the_demo_fits_on_two_screens(tmp_path: Path, environ: dict[str, str]) -> None:
    assert len(shown("run.py", tmp_path, environ)) <= _SCREENS


@pytest.mark.long
def test_the_rest_of_the_demo(tmp_path: Path, environ: dict[str, str]) -> None:
    shown("full.py", tmp_path, environ)
