"""What both demos share: a shell that prints each command with its real output, and the user's files.

A demo exits with 0 only if every step succeeded with the expected output.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

HERE = Path(__file__).resolve().parent


def environment(home: Path) -> dict[str, str]:
    """Return an environment without the user's Git and mvc settings."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("GIT_", "MVC_", "XDG_"))}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return {**kept, "PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


class Shell:
    """Runs commands in a repository, and checks their output."""

    def __init__(self, root: Path) -> None:
        """Create an empty directory for the repository. What `start` starts ends with the context."""
        self.root = root
        self.repo = root / "repository"
        self.repo.mkdir()
        self.environment = environment(root)
        self._started = ExitStack()

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def type(self, line: str, *expected: str, code: int = 0) -> str:
        """Run `line`, print it with its output, and return the output.

        Raises:
            SystemExit: its exit code is not `code`, or its output lacks one of `expected`.

        """
        print(f"$ {line}", flush=True)
        done = self._run(line)
        print(done.stdout + (f"exit code {code}\n" if code else ""), flush=True)
        if done.returncode != code:
            sys.exit(f"demo failed: `{line}` exited with {done.returncode}")
        for text in expected:
            if text not in done.stdout:
                sys.exit(f"demo failed: the output of `{line}` lacks {text!r}")
        return done.stdout

    def quietly(self, line: str) -> str:
        """Run `line`, print nothing, and return its output."""
        done = self._run(line)
        done.check_returncode()
        return done.stdout

    def start(self, line: str, log: str) -> None:
        """Start a server, whose output goes to the file `log` beside the repository; it ends with this shell."""
        print(f"$ {line} >../{log} 2>&1 &\n", flush=True)
        server = subprocess.Popen(
            ["bash", "-c", f"exec {line} >../{log} 2>&1"],
            cwd=self.repo, env=self.environment, stdin=subprocess.DEVNULL,
        )
        self._started.callback(server.wait)
        self._started.callback(server.terminate)

    def wait_for(self, line: str) -> None:
        """Run `line` again and again until it succeeds.

        Raises:
            SystemExit: it did not within two minutes.

        """
        end = time.monotonic() + 120
        while self._run(line).returncode:
            if time.monotonic() > end:
                for log in self.root.glob("*.log"):
                    print(f"{log.name}: {log.read_text()[-2000:]}")
                sys.exit(f"demo failed: `{line}` did not succeed in time")
            time.sleep(0.2)

    def _run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.repo, env=self.environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )


def put_files_there(repo: Path) -> None:
    """Copy the user's files: scripts, and data of 569 tumours, each small or large. Part of it comes later."""
    for name in ("train.py", "evaluate.sh", "score.py", "rot.py"):
        shutil.copy(HERE / name, repo)
    (repo / "models").mkdir()
    data = load_breast_cancer(as_frame=True)
    size = np.where(data.data["mean radius"] < data.data["mean radius"].median(), "small", "large")
    rows = data.data.assign(size=size, truth=data.target_names[data.target]).sample(frac=1, random_state=0)
    (repo / "data/tumours").mkdir(parents=True)
    parts = {"data/tumours/train-1": 0, "train-2": 120, "train-3": 240, "train-4": 280, "data/tumours/test": 320}
    for name, (start, end) in zip(parts, pairwise([*parts.values(), None]), strict=True):
        rows[start:end].to_csv(repo / f"{name}.csv", index=False)


def title(text: str) -> None:
    """Print the title of the next steps."""
    print(f"--- {text}\n")
