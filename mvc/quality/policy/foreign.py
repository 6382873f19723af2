"""Files of other programs that end in `.mvc`: no pointers, if the policy allows them in Git."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mvc.objects.parsing import patterns
from mvc.quality.files import FileAt
from mvc.workspace.tracked import Tracked

if TYPE_CHECKING:
    from mvc.quality.policy.policy import Policy


def is_foreign(policy: Policy, path: str, raw: bytes) -> bool:
    """Whether the file `path`, with the content `raw`, is another program's."""
    return bool(patterns.last(policy.defaults.git.allow, path)) and not _is_of_mvc(raw)


def without_foreign(tracked: dict[str, Tracked], policy: Callable[[], bytes | None]) -> dict[str, Tracked]:
    """Return the tracked paths without files of other programs. The policy is read only if there may be any."""
    odd = {path for path, item in tracked.items() if item.condition == "invalid" and not _is_of_mvc(item.raw)}
    if not odd:
        return tracked
    from mvc.quality.policy.parsed_policy import read_policy  # noqa: PLC0415 - YAML takes 30 ms

    raw = policy()
    found = read_policy(None if raw is None else FileAt("100644", raw)).policy
    return {
        path: item for path, item in tracked.items()
        if path not in odd or not is_foreign(found, item.pointer_path, item.raw)
    }


def _is_of_mvc(raw: bytes) -> bool:
    """Whether a pointer is valid, or was: emptied, damaged or in conflict."""
    return not raw or re.match(rb"mvc: |<{7} ", raw) is not None
