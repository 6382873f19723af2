"""`mvc eval run`: runs an evaluation, and records the metrics that it writes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice, pairwise
from typing import NamedTuple

from mvc.errors import MvcError, SourceChanged, UsageError
from mvc.fs.files import as_error
from mvc.fs.scratch import Scratch
from mvc.ops.reports.evaluated import Evaluated, examine
from mvc.ops.reports.options import RecordOptions, arguments
from mvc.ops.reports.provenance import gather, here, of_python
from mvc.ops.reports.record import Recorded, rehearse, write
from mvc.ops.reports.remarks import Remark
from mvc.project import Project
from mvc.quality.reports.report import Environment
from mvc.scm.staging import NotStaged

MODEL = "MVC_MODEL"
METRICS = "MVC_METRICS"
PATIENCE = 2
"""Seconds to wait for the command after Ctrl-C, which the terminal sends to it as well."""
PROBING = 30
"""Seconds to wait for a Python to print its version and packages."""
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*(?:\.exe)?", re.IGNORECASE)


class _Evaluation(NamedTuple):
    """The command that evaluates, and where it runs."""

    command: Sequence[str]
    cwd: str
    environ: dict[str, str]

    @property
    def line(self) -> str:
        return shlex.join(self.command)

    def scripts(self) -> list[str]:
        """Return the files that may be code: the program, a Python module, and the first file of the arguments."""
        program, *words = self.command
        modules = [word.replace(".", "/") for option, word in pairwise(words) if option == "-m"]
        files = (word for word in words if os.path.isfile(os.path.join(self.cwd, word)))
        names = [program, *islice(files, 1), *(f"{name}{end}" for name in modules for end in (".py", "/__main__.py"))]
        return [os.path.join(self.cwd, name) for name in names]

    def environment(self) -> Environment:
        """Return the environment of the command if it runs Python; otherwise only the platform."""
        if _PYTHON.fullmatch(os.path.basename(self.command[0])):
            with suppress(OSError, subprocess.SubprocessError):
                if found := of_python(self._run_in_python):
                    return found
        return Environment(platform=here(evaluating=False).platform)

    def _run_in_python(self, program: str) -> str:
        done = subprocess.run(  # noqa: S603 - the user's command
            [self.command[0], "-c", program],
            cwd=self.cwd, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PROBING,
        )
        return done.stdout.decode(errors="replace")

    def execute(self, model: str) -> None:
        """Run the command to its end; its output is not captured.

        Raises:
            UsageError: the command cannot be run.
            MvcError: it failed.
        """
        try:
            process = subprocess.Popen(self.command, cwd=self.cwd, env=self.environ)  # noqa: S603 - the user's command
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            line = "mvc eval run MODEL --tag TAG -- COMMAND"
            raise UsageError(f"{self.command[0]} cannot be run: {reason}", line) from None
        if code := _wait(process):
            how = f"was killed by {_signal(-code)}" if code < 0 else f"exited with code {code}"
            line = f"{MODEL}={shlex.quote(model)} {METRICS}=metrics.json {self.line}"
            raise MvcError(f"{self.command[0]} {how}: no report was written", f"{line}  # runs it alone")


def run(
    project: Project, path: str, command: Sequence[str], options: RecordOptions, now: float,
    warn: Callable[[Sequence[Remark]], None],
) -> Recorded:
    """Run `command`, and record the metrics that it writes to the file that `MVC_METRICS` names.

    What can be known before is checked before, and `warn` is told what the policy would refuse. Metrics that cannot
    be recorded are kept.

    Raises:
        UsageError: the command does not exist, an option is wrong, or the metrics cannot be read.
        MvcError: the command failed or wrote no metrics, or model or data changed meanwhile. Nothing was recorded.
    """
    options.check()
    before = examine(project, path, options._replace(artifacts=()))  # the command writes them
    with Scratch(f"{project.home}/tmp") as scratch:
        metrics = f"{scratch.name()}.json"
        environ = {**project.around.environ, MODEL: f"{project.root}/{before.path}", METRICS: metrics}
        evaluation = _Evaluation(command, project.around.cwd, environ)
        environment, scripts = evaluation.environment(), evaluation.scripts()
        provenance = gather(project.git, evaluation.line, environment, now, scripts, options.assurance)
        warn(rehearse(project, before, options, provenance))
        named = os.path.join(project.around.cwd, options.file) if options.file else ""
        stat_data = _stat_data(named)
        kept = f"{project.home}/unrecorded/{os.path.basename(before.path)}-{int(now)}-{os.getpid()}.json"
        with _keeping(metrics, kept):
            evaluation.execute(before.path)
            if not os.path.exists(metrics) and _stat_data(named) in ((), stat_data):
                raise _no_metrics(command[0], options.file)
            after = examine(project, path, options)
            _check_unchanged(before, after)
        measured = options._replace(file=metrics, file_label=METRICS) if os.path.exists(metrics) else options
        with _keeping(metrics, kept, _recording(project, before.path, options)):
            return write(project, after, measured, provenance)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code. On Ctrl-C the command may clean up and end first."""
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


# The metrics.


@contextmanager
def _keeping(metrics: str, kept: str, again: str = "") -> Iterator[None]:
    """Move the file `metrics` to `kept` if it is not recorded, and say so; the line `again` records it from there."""
    try:
        yield
    except NotStaged:  # they are recorded
        raise
    except (MvcError, OSError) as error:
        if not os.path.exists(metrics):
            raise
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        os.rename(metrics, kept)
        problem = error if isinstance(error, MvcError) else as_error(error, "the report")
        line = f"{again} --metrics {shlex.quote(kept)}  # {problem.fix}" if again else problem.fix
        told = MvcError(f"{problem.message}; the metrics are in {kept}", line)
        told.exit_code = problem.exit_code
        raise told from None


def _recording(project: Project, path: str, options: RecordOptions) -> str:
    """Return the line that records a file of metrics, without the file."""
    return f"{project.shell.line('mvc eval record', path)} {shlex.join(arguments(options, project.shell))}"


def _stat_data(path: str) -> tuple[int, ...]:
    """Return the stat data that change with the content; empty when there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _no_metrics(program: str, file: str) -> MvcError:
    where = file or f"the file that {METRICS} names"
    line = f"""json.dump({{"auc": auc}}, open(os.environ["{METRICS}"], "w"))"""
    return MvcError(f"{program} wrote no metrics to {where}: no report was written", f"{line}  # in Python")


def _check_unchanged(before: Evaluated, after: Evaluated) -> None:
    for path, digest in before.blake3_by_path.items():
        if after.blake3_by_path[path] != digest:
            message = f"{path} changed during the evaluation: no report was written"
            raise SourceChanged(message, "run the command again")
