"""The site in Chromium: every page, search, comparing, dark and light, barriers, and hostile text.

`MVC_SITE_PICTURES=DIR` keeps pictures of the pages, to look at.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import PROJECT, Begin
from site_repository import with_hostile_report, with_site
from site_server import served

pytestmark = pytest.mark.long
PICTURES = os.environ.get("MVC_SITE_PICTURES", "")
BROWSER = Path(os.environ.get("MVC_TEST_SITE") or PROJECT / ".cache/site")


def look(address: str, *arguments: str) -> dict[str, Any]:
    """Return what Chromium saw."""
    command = ["node", str(PROJECT / "tests/site/browser/look.mjs"), address, str(BROWSER), *arguments]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_people_can_use_every_page(begin: Begin) -> None:
    with served(begin(with_site)) as address:
        seen = look(address, *filter(None, [PICTURES]))
    assert len(seen["pages"]) == 22
    assert set(seen["pages"].values()) == {200}
    assert seen["facts"]["rules"] > 20  # axe ran
    assert [seen[key] for key in ("errors", "foreign", "violations", "scrolls", "hostile")] == [[]] * 5
    facts = seen["facts"]
    assert facts["compareWithoutScript"] == 8
    assert facts["chartsWithoutScript"] == 3
    assert facts["buttonsWithoutScript"] == 0
    assert facts["theme"] == [True, True]
    assert facts["copied"].startswith("mvc get ")
    assert facts["found"][0] == "ranker@v1.1.0"
    assert facts["opened"] == "models/ranker/v1.1.0.html"
    assert facts["two"] == ["ranker@v1.0.0", "ranker@v1.1.0"]
    assert facts["three"] == [*facts["two"], "ranker@v1.2.0"]
    assert facts["best"] == 8
    assert "v9.9.9" in facts["unknown"]


def test_nothing_of_a_hostile_report_runs(begin: Begin) -> None:
    with served(begin(with_hostile_report)) as address:
        seen = look(address, "hostile")
    assert {"models/ranker/v1.0.0.html", "models/ranker/v1.1.0.html", "audit/index.html"} <= set(seen["pages"])
    assert (seen["hostile"], seen["foreign"], seen["errors"]) == ([], [], [])
    assert seen["facts"]["compared"] > 50  # metrics named by payloads, in a table that the script made
    assert seen["facts"]["found"] >= 2
