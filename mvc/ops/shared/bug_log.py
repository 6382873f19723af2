"""What is left of a bug: a log file, to be sent with a report."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime


def write_bug_log(arguments: Sequence[str]) -> str:
    """Write the traceback of the error that is being handled to a log file; its path, or why there is none."""
    from platformdirs import user_log_path  # noqa: PLC0415

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    text = f"mvc {arguments!r}\n{sys.version}\n{traceback.format_exc()}"
    try:
        folder = user_log_path("mvc", ensure_exists=True)
        path = folder / f"bug-{stamp}-{os.getpid()}.log"
        path.write_text(text)
    except OSError as error:
        return f"it could not be written ({error.strerror})"
    return str(path)
