"""`mvc serve`: everything is proven and loaded, then served until a signal comes."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.progress import SILENT
from mvc.ops.lifecycle.serving.follow import Followed, Follower
from mvc.ops.lifecycle.serving.serve import NotServed, Options, ProvenContent, prepare
from mvc.ops.lifecycle.serving.target import Target, find_target, split_name
from mvc.project import Project, Surroundings
from mvc.serving.answers import Answers
from mvc.serving.inference import Inference
from mvc.serving.loaded import Loaded, Served
from mvc.serving.metrics import Metrics
from mvc.serving.prediction_log.log import LogOptions, PredictionLog, check_columns, check_folder
from mvc.serving.protocols.address import Address, check_free
from mvc.serving.work import Limits


class Prepared(NamedTuple):
    """A model that may be served."""

    target: Target
    loaded: Loaded


class Setup(NamedTuple):
    """How models are served."""

    options: Options
    limits: Limits
    address: Address
    follow: float | None
    """Seconds between two looks at the registry; None for no look."""
    log: LogOptions | None = None


def prepare_all(project: Project, texts: Sequence[str], setup: Setup) -> list[Prepared]:
    """Return what each `REF[=NAME]` names, proven, loaded and tried.

    Raises:
        MvcError: one of them cannot be served, a port is taken, or the log cannot be written.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # else clients could write lines to stderr
    check_free(setup.address)
    named = [split_name(project, text) for text in texts]
    targets = [find_target(project, ref, signed=setup.options.signed) for ref, _ in named]
    if setup.follow is not None and not any(target.followed for target in targets):
        message = "--follow: no REF names a version or a stage, so the registry says nothing of it"
        raise UsageError(message, "mvc serve --help")
    if setup.log:
        check_folder(setup.log)
    options = setup.options._replace(prove=_then_import(setup.options.prove))
    try:
        found = [
            Prepared(target, prepare(project, target, name, options))
            for target, (_, name) in zip(targets, named, strict=True)
        ]
    except NotServed as failure:
        raise failure.error from None
    names = [item.loaded.address for item in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two models are named {twice}", "mvc serve --help")
    return found


def _then_import(prove: Callable[[Project, str], ProvenContent]) -> Callable[[Project, str], ProvenContent]:
    """Return what also begins to import the server, in a thread: that takes a second, as loading a model may."""
    def run(project: Project, text: str) -> ProvenContent:
        content = prove(project, text)
        threading.Thread(target=import_module, args=("mvc.serving.protocols.server",)).start()
        return content

    return run


def run(
    around: Surroundings,
    prepared: Sequence[Prepared],
    setup: Setup,
    started: Callable[[Address], None],
    say: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT; `started` is called with the real ports, `say` with what happens later.

    Raises:
        UsageError: a port is taken, or a column that must not be logged is unknown.
        MvcError: the folder of the log cannot be written.
    """
    from mvc.serving.protocols import server  # noqa: PLC0415 - see `_then_import`

    answers = Answers(say)
    metrics = Metrics(answers)
    models = {item.loaded.address: Served(item.loaded) for item in prepared}
    followed = [Followed(item.target, models[item.loaded.address]) for item in prepared if item.target.followed]
    stop = threading.Event()
    for item in prepared:
        metrics.serves(item.loaded)

    def begin(address: Address) -> None:
        gc.freeze()  # modules and models stay: looking at them again and again costs every hundredth request
        gc.enable()  # unlike other commands, a server is not short-lived
        started(address)
        if setup.follow is not None:
            follower = _follower(around, followed, setup.options, metrics, say)
            threading.Thread(target=follower.run, args=(setup.follow, stop), daemon=True).start()

    try:
        with _log(setup, prepared, answers, metrics, say):
            is_idle = server.run(
                setup.address, setup.limits, lambda work: Inference(models, work, metrics, answers), begin,
            )
    finally:
        stop.set()
    if not is_idle:
        sys.stdout.flush()
        os._exit(0)


def _follower(
    around: Surroundings, models: list[Followed], options: Options, metrics: Metrics, say: Callable[[str], None],
) -> Follower:
    """Return what follows the registry: it writes only by `say`. Begin its series."""
    for model in models:
        metrics.follows(model.served.name)
    quiet = around._replace(progress=SILENT, waiting=lambda _: None, remark=lambda *_: None)
    return Follower(quiet, models, options, metrics, say)


def _log(
    setup: Setup, prepared: Sequence[Prepared], answers: Answers, metrics: Metrics, say: Callable[[str], None],
) -> AbstractContextManager[PredictionLog | None]:
    if setup.log is None:
        return nullcontext()

    def tell(message: str, fix: str) -> None:
        say(message)
        if fix:
            say(f"  try: {fix}")

    check_columns(setup.log, [item.loaded.model.inputs for item in prepared])
    return PredictionLog(setup.log, metrics, tell, answers)
