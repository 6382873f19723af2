"""The event loop of all requests, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from functools import cache

_lock = threading.Lock()


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this process, running; a forked child gets its own."""
    with _lock:
        return _started()


@cache
def _started() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="mvc-remotes", daemon=True).start()
    return loop


def _forget() -> None:
    _started.cache_clear()
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget)
