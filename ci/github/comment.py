"""Keeps one comment with the gate's verdict on a pull request: makes it, then updates it.

Usage: comment.py FILE, with the verdict as Markdown; the rest is from the variables of GitHub Actions.
API: https://docs.github.com/rest/issues/comments
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MARKER = "<!-- mvc gate -->"
"""By which the comment is found again; Markdown does not show it."""
_PAGE = 100


def main(verdict: Path, environ: Mapping[str, str]) -> None:
    """Comment with the text of `verdict`; a failure is a warning, since the verdict is in the job's summary, too."""
    if (number := pull_request(Path(environ["GITHUB_EVENT_PATH"]))) is None or not verdict.exists():
        print("no comment: this is no pull request, or the gate has no verdict")
        return
    try:
        print(comment(verdict.read_text("utf-8"), number, environ))
    except urllib.error.HTTPError as error:
        print(f"::warning::no comment: {error.code} {error.reason}; needed is permissions: pull-requests: write")
    except (OSError, ValueError) as error:
        print(f"::warning::no comment: {type(error).__name__}")


def pull_request(event: Path) -> int | None:
    """Return the number of the pull request that the event is about."""
    number = (json.loads(event.read_bytes()).get("pull_request") or {}).get("number")
    return number if isinstance(number, int) else None


def comment(text: str, number: int, environ: Mapping[str, str]) -> str:
    """Make or update the comment; return what was done. A first verdict on no model makes none."""
    api = f"{environ['GITHUB_API_URL']}/repos/{environ['GITHUB_REPOSITORY']}/issues"
    body = f"{MARKER}\n{text}"
    known = next((item for item in _comments(f"{api}/{number}/comments", environ) if _is_ours(item)), None)
    if known is None:
        if "\n" not in text.strip():
            return "no comment: the change has no model"
        _call("POST", f"{api}/{number}/comments", environ, body)
        return "comment made"
    if known["body"] != body:
        _call("PATCH", f"{api}/comments/{int(known['id'])}", environ, body)
    return "comment updated"


def _comments(url: str, environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    page = 1
    while found := _call("GET", f"{url}?per_page={_PAGE}&page={page}", environ):
        yield from found
        page += 1


def _is_ours(item: Mapping[str, Any]) -> bool:
    """Whether a workflow made the comment: anybody can write the marker, and later edit what is under it."""
    user = item.get("user") or {}
    return user.get("login") == "github-actions[bot]" and str(item.get("body")).startswith(MARKER)


def _call(method: str, url: str, environ: Mapping[str, str], body: str | None = None) -> Any:
    data = None if body is None else json.dumps({"body": body}).encode()
    request = urllib.request.Request(url, data, method=method)  # noqa: S310 - GitHub's address, from its runner
    request.add_header("Accept", "application/vnd.github+json")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    request.add_unredirected_header("Authorization", f"Bearer {environ['GITHUB_TOKEN']}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
