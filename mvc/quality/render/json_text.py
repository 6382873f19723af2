"""JSON as a CI log may show it."""

from __future__ import annotations

import json


def json_text(document: object) -> str:
    """Return a document in ASCII, without `##[` and `##vso[`, which some CI systems take for a command in any line."""
    return json.dumps(document, indent=2).replace("##", "#\\u0023") + "\n"
