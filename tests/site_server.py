"""`mvc site --serve`, as a user starts it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from harness import MVC, Repo
from processes import said


@contextmanager
def served(repo: Repo, *options: str) -> Iterator[str]:
    """Serve the site of a repository on a free port, and return its address; Ctrl-C ends it."""
    command = [MVC, "site", "--serve", "--port", "0", *options]
    with subprocess.Popen(command, cwd=repo.root, env=repo.environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            while not (line := said(process)).startswith("serving "):
                assert line, process.poll()
            yield line.split()[1].removesuffix("index.html")
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
