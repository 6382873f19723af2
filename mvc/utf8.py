"""Names of files are bytes that mean UTF-8, whatever the locale: as in Git, and in pointers on other machines."""

from __future__ import annotations

import os
import sys

IS_UTF8 = sys.getfilesystemencoding() == "utf-8"
"""Whether this Python reads and writes names as UTF-8; it decides that when it starts."""


def ensure_utf8() -> None:
    """Start this program again, in Python's UTF-8 mode, if the locale has another encoding. Costs 20 ms then.

    The option, unlike `PYTHONUTF8`, does not reach the programs that it runs.
    """
    if not IS_UTF8 and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - the same Python
