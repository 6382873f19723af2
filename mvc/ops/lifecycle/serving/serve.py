"""`mvc serve`: proves a model, loads it, and tries it, before anything is served."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from mvc.errors import InvalidFormat, MvcError, first_line
from mvc.objects.pointer import Pointer
from mvc.ops.lifecycle.loading import load_proven
from mvc.ops.lifecycle.serving.target import Target, default_name, fits_address
from mvc.ops.shared.reports import matching_report, report_at
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.runtime.predictor import Predictor
from mvc.serving.loaded import Identity, Loaded
from mvc.serving.metrics import Reason
from mvc.serving.problem import Problem
from mvc.serving.tensor_model import replay, smoke, tensor_model


class ProvenContent(Protocol):
    """A copy of content whose bytes were all compared with the pointer."""

    @property
    def file(self) -> str:
        """Where it is."""
        ...

    @property
    def path(self) -> str:
        """The tracked path."""
        ...

    @property
    def commit(self) -> str:
        """Empty for the workspace's pointer."""
        ...

    @property
    def pointer(self) -> Pointer:
        """What proves it."""
        ...


class Options(NamedTuple):
    """How models are loaded."""

    prove: Callable[[Project, str], ProvenContent]
    signed: bool = False
    trust: bool = False
    loader: str = ""


class NotServed(Exception):
    """What went wrong between the registry and the first request, where, and with which version, if one was tried."""

    def __init__(self, reason: Reason, error: MvcError, version: str = "") -> None:
        super().__init__(error.message)
        self.reason, self.error, self.version = reason, error, version


@contextmanager
def failing(reason: Reason) -> Iterator[None]:
    """Tell where an error is from.

    Raises:
        NotServed: there was one.
    """
    try:
        yield
    except NotServed:
        raise
    except MvcError as error:
        raise NotServed(reason, error) from error
    except Problem as problem:
        raise NotServed(reason, InvalidFormat(problem.message)) from problem
    except BaseException as error:  # a model may run any code
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise  # a signal, which no other thread gets
        raise NotServed(reason, MvcError(f"{type(error).__name__}: {first_line(error)}")) from error


def prepare(
    project: Project, target: Target, name: str, options: Options, before: Loaded | None = None,
) -> Loaded:
    """Return a model that answered a request; its bytes are proven. `name` is empty for its own.

    If it is to take the place of the one `before`, it must also answer a row that this one answered.

    Raises:
        NotServed: its content is wrong or not there, or it cannot be loaded or run.
    """
    with failing("content"):
        found = options.prove(project, target.text)
    with failing("load"):
        model = tensor_model(_loaded(project, found.file, target.ref, options))
    with failing("smoke"):
        smoke(model)
        sample = replay(model, before.sample) if before else {}
    blake3 = found.pointer.digest.blake3
    name = name or default_name(target, found.path, found.pointer.notes.name)
    identity = Identity(name, target.version or _reported(project, found) or blake3[:12], blake3)
    return Loaded(identity, model, target.ref, target.stage, found.path, target.text, sample)


def _reported(project: Project, found: ProvenContent) -> str:
    """Return the version in the report of this content that is beside it; empty without one that fits an address."""
    file = found.path + REPORT
    report = matching_report(report_at(project, found.commit, file), found.pointer.identity, file)
    return report.tag if report and fits_address(report.tag) else ""


def _loaded(project: Project, file: str, ref: str, options: Options) -> Predictor:
    line = f"mvc serve {shlex.quote(ref)}"
    return load_proven(file, line, trust=options.trust, loader=options.loader, folder=project.around.cwd)
