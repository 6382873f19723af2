"""The demos: each line that they type prints what they show, and ends as they say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from harness import PROJECT, Repo

_SCREENS = 170
"""Lines of three screens."""


def shown(script: str, tmp_path: Path, environ: dict[str, str], *args: str) -> list[str]:
    """Run a demo, and return the lines that it shows."""
    models = os.environ.get("MVC_TEST_MODELS", "")
    more = {"TMPDIR": str(tmp_path), "MVC_TEST_MODELS": models}
    result = Repo(tmp_path, {**environ, **more}).run(sys.executable, str(PROJECT / "demo" / script), *args)
    assert result.code == 0, result.out[-2000:]
    return result.out.splitlines()


def test_the_demo_fits_on_three_screens(tmp_path: Path, environ: dict[str, str]) -> None:
    assert len(shown("run.py", tmp_path, environ)) <= _SCREENS


def test_the_page_of_the_picture_is_a_verdict(tmp_path: Path, environ: dict[str, str]) -> None:
    shown("picture.py", tmp_path, environ, "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Gate failed" in page
    assert "± 0.0042".replace(" ", "\u00a0") in page
    assert "▁▃▄▆▇█▅" in page


def test_the_picture_is_small() -> None:
    picture = (PROJECT / "docs/gate.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000


@pytest.mark.long
def test_the_rest_of_the_demo(tmp_path: Path, environ: dict[str, str]) -> None:
    shown("full.py", tmp_path, environ)


@pytest.mark.long
def test_the_demo_of_a_model_in_production(tmp_path: Path, environ: dict[str, str]) -> None:
    assert shown("serve.py", tmp_path, environ)[-1].startswith("Every step succeeded")
