"""What a conversion was asked for, and what can be checked before anything is read."""

from __future__ import annotations

import os
import shlex
from math import inf
from typing import NamedTuple

from mvc.errors import InvalidFormat, UsageError
from mvc.ops.lifecycle.files import check_folder, check_rows
from mvc.ops.shared.selection import unusable
from mvc.ops.shared.workspace_content import check_unchanged
from mvc.project import Project, Shell
from mvc.runtime.conversion.targets import TARGETS, Limits, Target, targets_from
from mvc.workspace.tracked import holder_of


class Request(NamedTuple):
    """What to convert, and to what."""

    source: str
    """As the user typed it."""
    target: str
    """From the top of the worktree: the file to write."""
    to: str
    data: str | None
    """As `target`: the sample."""
    limits: Limits
    trust: bool = False

    @property
    def format(self) -> Target:
        """The format to convert to."""
        return TARGETS[self.to]

    def line(self, shell: Shell) -> str:
        """Return the command."""
        words = ["mvc", "convert", self.source, shell.show(self.target), "--to", self.to]
        usual = self.format.limits
        options = {
            "--data": "" if self.data is None else shell.show(self.data),
            "--atol": str(self.limits.absolute) if self.limits.absolute != usual.absolute else "",
            "--rtol": str(self.limits.relative) if self.limits.relative != usual.relative else "",
            "--min-agreement": str(self.limits.agreement) if self.limits.agreement != usual.agreement else "",
        }
        given = [word for name, text in options.items() if text for word in (name, text)]
        return shlex.join([*words, *given, *["--trust"] * self.trust])


def limits_of(to: str, absolute: float | None, relative: float | None, agreement: float | None) -> Limits:
    """Return the limits that a user gave, and those of the format for the others.

    Raises:
        UsageError: there is no such format, or a limit is not one.
    """
    if to not in TARGETS:
        message = f"--to {to}: expected {', '.join(TARGETS)}" if to else "no format is given"
        raise UsageError(message, "mvc convert SRC OUT.onnx --to onnx --data SAMPLE.csv")
    usual = TARGETS[to].limits
    for name, value, most in (("atol", absolute, inf), ("rtol", relative, inf), ("min-agreement", agreement, 1)):
        if (value is not None and not 0 <= value <= most) or value == inf:
            expected = "from 0 to 1" if most == 1 else "of at least 0"
            raise UsageError(f"--{name} {value:g}: expected a finite number {expected}", f"--{name} 0.01")
    return Limits(*(
        default if value is None else value
        for value, default in zip((absolute, relative, agreement), usual, strict=True)
    ))


def check_request(project: Project, request: Request) -> None:
    """Check target and sample.

    Raises:
        UsageError: the target cannot be written, or the sample does not fit the format.
    """
    shell, target, wanted = project.shell, request.target, request.format
    shown = shell.show(target)
    if not target.lower().endswith(wanted.ending):
        other = request._replace(target=os.path.splitext(target)[0] + wanted.ending)
        raise UsageError(f"{shown}: --to {request.to} writes files named *{wanted.ending}", other.line(shell))
    if wanted.is_run and request.data is None:
        line = f"{request.line(shell)} --data SAMPLE.csv  # rows that the model takes"
        raise UsageError(f"--to {request.to} compares the outputs on a sample, and none is given", line)
    if request.data is not None and not wanted.is_run:
        line = request._replace(data=None).line(shell)
        raise UsageError(f"--to {request.to} compares the arrays themselves: it takes no --data", line)
    if request.data is not None:
        check_rows(project, request.data, "--data SAMPLE.csv")
    check_folder(project, target)
    _check_tracked(project, target)


def _check_tracked(project: Project, target: str) -> None:
    """Refuse a target whose present content would be lost, or that is no file of its own."""
    tracked = project.tracked()
    if holder := holder_of(tracked, target):
        raise UsageError(f"{target} is inside {holder}, which is tracked as a whole", "choose another file")
    item = tracked.get(target)
    if os.path.isdir(f"{project.root}/{target}") or (item and item.pointer and item.pointer.kind == "dir"):
        raise UsageError(f"{target} is a directory, expected a file", "choose another file")
    if item and item.pointer is None:
        raise unusable(project, item)
    if item and item.pointer:
        check_unchanged(project, target, item.pointer)


def check_source(request: Request, kind: str, name: str) -> None:
    """Check that a file `name` of the format `kind` can be converted.

    Raises:
        InvalidFormat: it cannot.
    """
    if kind in request.format.sources:
        return
    what = f"has the format {kind}" if kind else "has no format that mvc knows"
    if possible := " or ".join(targets_from(kind)):
        message = f"{name} {what}: --to {request.to} converts {', '.join(request.format.sources)}"
        raise InvalidFormat(message, f"choose --to {possible}")
    raise InvalidFormat(f"{name} {what}, and cannot be converted")
