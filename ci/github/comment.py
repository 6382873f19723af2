"""Keeps one comment with the gate's verdict on a pull request: creates it, or updates the one that it made before.

API: https://docs.github.com/rest/issues/comments
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

MARKER = "<!-- mvc gate -->"
"""By which the comment is found again; Markdown does not show it."""
LIMIT = 65_536
"""Characters of a comment."""
_CUT = "\n\n... cut: the summary of the run has all of it\n"
_PAGE = 100


def main(verdict: str, environ: Mapping[str, str]) -> int:
    """Comment with the file `verdict`; return the exit code."""
    number = pull_request(environ)
    if number is None:
        print("No comment: this event is not about a pull request.")
        return 0
    if not os.path.exists(verdict):
        print("No comment: the gate could not judge.")
        return 0
    with open(verdict, encoding="utf-8") as file:
        body = comment(file.read())
    api = f"{environ['GITHUB_API_URL']}/repos/{environ['GITHUB_REPOSITORY']}/issues"
    try:
        known = next((item for item in comments(api, number, environ) if is_ours(item)), None)
        if known is None:
            call("POST", f"{api}/{number}/comments", environ, {"body": body})
        elif known["body"] != body:
            call("PATCH", f"{api}/comments/{int(known['id'])}", environ, {"body": body})
    except urllib.error.HTTPError as error:
        hint = "the job needs the permission pull-requests: write" if error.code in {401, 403, 404} else ""
        print(f"::warning::the verdict is not in a comment: {error.code} {error.reason}. {hint}")
    except OSError as error:
        print(f"::warning::the verdict is not in a comment: {error}")
    return 0


def pull_request(environ: Mapping[str, str]) -> int | None:
    """Return the number of the pull request, from the event; a number in a branch's name counts for nothing."""
    with open(environ["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
        event = json.load(file)
    number = (event.get("pull_request") or {}).get("number")
    return number if isinstance(number, int) else None


def comment(verdict: str) -> str:
    """Return the text of the comment, cut to the size that GitHub takes."""
    body = f"{MARKER}\n{verdict}"
    return body if len(body) <= LIMIT else body[: LIMIT - len(_CUT)] + _CUT


def comments(api: str, number: int, environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the comments of the pull request, page by page."""
    page = 1
    while found := call("GET", f"{api}/{number}/comments?per_page={_PAGE}&page={page}", environ):
        yield from found
        page += 1
        if len(found) < _PAGE:
            return


def is_ours(item: Mapping[str, Any]) -> bool:
    """Whether the action made the comment: only it begins so, and is a bot's. Anybody can write the marker."""
    user = item.get("user") or {}
    return str(item.get("body", "")).startswith(MARKER) and user.get("type") == "Bot"


def call(method: str, url: str, environ: Mapping[str, str], data: Mapping[str, str] | None = None) -> Any:
    """Return the answer of GitHub, from JSON."""
    request = urllib.request.Request(  # noqa: S310 - the address is GitHub's own, from its environment
        url,
        data=None if data is None else json.dumps(data).encode(),
        method=method,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ))
