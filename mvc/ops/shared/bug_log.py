"""The log file of a bug in mvc."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime


def write_bug_log(arguments: Sequence[str]) -> str:
    """Write the traceback of the current error to a log file; return its path, or why it was not written."""
    from platformdirs import user_log_path  # noqa: PLC0415

    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    text = f"mvc {arguments!r}\n{sys.version}\n{traceback.format_exc()}"
    try:
        folder = user_log_path("mvc", ensure_exists=True)
        path = folder / f"bug-{time}-{os.getpid()}.log"
        path.write_text(text)
    except OSError as error:
        return f"it could not be written ({error.strerror})"
    return str(path)
