"""`mvc eval run`: runs an evaluation, and records what it measured."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MvcError, SourceChanged, UsageError
from mvc.fs.scratch import Scratch
from mvc.ops.reports.provenance import gather, here, of_python
from mvc.ops.reports.record import Examined, Recorded, RecordOptions, check_options, examine, write
from mvc.project import Project
from mvc.quality.reports.report import Environment

MODEL = "MVC_MODEL"
METRICS = "MVC_METRICS"
PATIENCE = 2
"""Seconds after Ctrl-C in which the command may end by itself: a terminal has told it, too."""
PROBING = 30
"""Seconds in which a Python must say what it is."""
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*(?:\.exe)?", re.IGNORECASE)


class _Run(NamedTuple):
    """A command, and where it runs."""

    command: Sequence[str]
    cwd: str
    environ: dict[str, str]

    @property
    def text(self) -> str:
        return shlex.join(self.command)


def run(project: Project, path: str, command: Sequence[str], options: RecordOptions, now: float) -> Recorded:
    """Run `command`, and record the metrics that it writes to the file that `MVC_METRICS` names.

    Raises:
        UsageError: there is no such command, the options are wrong, or the metrics cannot be read.
        MvcError: the command failed, wrote nothing, or model or data changed meanwhile. Nothing was recorded.

    """
    check_options(options)
    before = examine(project, path, options)
    with Scratch(f"{project.home}/tmp") as scratch:
        metrics = f"{scratch.name()}.json"
        environ = {**project.around.environ, MODEL: f"{project.root}/{before.path}", METRICS: metrics}
        run_ = _Run(command, project.around.cwd, environ)
        provenance = gather(project, run_.text, _environment(run_), now)
        known = _stamp(project, options.file)
        _execute(run_, before.path)
        options = _with_written(project, metrics, options, known, run_)
        after = examine(project, path, options)
        _check_unchanged(before, after)
        return write(project, after, options, provenance)


def _environment(run_: _Run) -> Environment:
    """Return the environment of the command where it is a Python, which can be asked; else just the platform."""
    if _PYTHON.fullmatch(os.path.basename(run_.command[0])):
        with suppress(OSError, subprocess.SubprocessError):
            if found := of_python(lambda program: _ask(run_, program)):
                return found
    return Environment(platform=here(evaluating=False).platform)


def _ask(run_: _Run, program: str) -> str:
    done = subprocess.run(  # noqa: S603 - what the user runs anyway
        [run_.command[0], "-c", program],
        cwd=run_.cwd, env=run_.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PROBING,
    )
    return done.stdout.decode(errors="replace")


# The command.


def _execute(run_: _Run, model: str) -> None:
    """Run the command to its end; its output goes where ours does.

    Raises:
        UsageError: there is no such command.
        MvcError: it failed.

    """
    try:
        process = subprocess.Popen(run_.command, cwd=run_.cwd, env=run_.environ)  # noqa: S603 - that is the user's wish
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        line = "mvc eval run MODEL --tag TAG -- COMMAND"
        raise UsageError(f"{run_.command[0]} cannot be run: {reason}", line) from None
    if code := _wait(process):
        how = f"was ended by {_signal(-code)}" if code < 0 else f"ended with exit code {code}"
        line = f"{MODEL}={shlex.quote(model)} {METRICS}=metrics.json {run_.text}"
        raise MvcError(f"{run_.command[0]} {how}: no report was written", f"{line}  # runs it alone")


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return how the command ended. Ctrl-C ends it first: it may want to clean up."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()
        raise
    finally:
        if process.poll() is None:  # Ctrl-C once more
            process.kill()
            process.wait()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# What it left.


def _stamp(project: Project, file: str) -> tuple[int, ...]:
    """Return what tells one version of a file from the next; nothing when there is none."""
    try:
        status = os.stat(os.path.join(project.around.cwd, file))
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _with_written(
    project: Project, metrics: str, options: RecordOptions, known: tuple[int, ...], run_: _Run,
) -> RecordOptions:
    """Name the file with what the command measured: the one that it was told, or the one that the user names.

    Raises:
        MvcError: it wrote neither.

    """
    if os.path.exists(metrics):
        return options._replace(file=metrics, called=METRICS)
    if options.file and _stamp(project, options.file) not in ((), known):
        return options
    where = options.file or f"the file that {METRICS} names"
    line = f"""json.dump({{"auc": auc}}, open(os.environ["{METRICS}"], "w"))"""
    raise MvcError(f"{run_.command[0]} wrote nothing to {where}: no report was written", f"{line}  # in Python")


def _check_unchanged(before: Examined, after: Examined) -> None:
    for path, digest in before.bytes_of.items():
        if after.bytes_of[path] != digest:
            message = f"{path} changed while it was evaluated: no report was written"
            raise SourceChanged(message, "run the command again")
