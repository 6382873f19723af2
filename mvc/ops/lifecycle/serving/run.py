"""`mvc serve`: everything is proven and loaded, then served until a signal comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.progress import SILENT
from mvc.ops.lifecycle.serving.follow import Followed, Follower
from mvc.ops.lifecycle.serving.serve import NotServed, Options, prepare
from mvc.ops.lifecycle.serving.target import Target, find_target, split_name
from mvc.project import Project, Surroundings
from mvc.serving.inference import Inference, Log
from mvc.serving.loaded import Loaded, Served
from mvc.serving.metrics import Metrics
from mvc.serving.protocols.address import Address
from mvc.serving.work import Limits, Work


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


def prepare_all(project: Project, texts: Sequence[str], setup: Setup) -> list[Prepared]:
    """Return what each `REF[=NAME]` names, proven, loaded and tried.

    Raises:
        MvcError: one of them cannot be served.
    """
    named = [split_name(project, text) for text in texts]
    targets = [find_target(project, ref, signed=setup.options.signed) for ref, _ in named]
    if setup.follow is not None and not any(target.followed for target in targets):
        message = "--follow: no REF names a version or a stage, so the registry says nothing of it"
        raise UsageError(message, "mvc serve --help")
    server = "mvc.serving.protocols.server"  # its import takes a second, as hashing may
    threading.Thread(target=import_module, args=(server,)).start()
    try:
        found = [
            Prepared(target, prepare(project, target, name, setup.options))
            for target, (_, name) in zip(targets, named, strict=True)
        ]
    except NotServed as failure:
        raise failure.error from None
    names = [item.loaded.identity.model for item in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two models are named {twice}", "mvc serve --help")
    return found


def run(
    around: Surroundings,
    prepared: Sequence[Prepared],
    setup: Setup,
    started: Callable[[Address], None],
    say: Callable[[str], None],
    log_to: Callable[[Metrics], Log] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `started` is called with the real ports, `say` with what happens later.

    Raises:
        UsageError: a port is taken.
    """
    from mvc.serving.protocols import server  # noqa: PLC0415 - see `prepare_all`

    metrics = Metrics()
    models = {item.loaded.identity.model: Served(item.loaded) for item in prepared}
    followed = [Followed(item.target, models[item.loaded.identity.model]) for item in prepared if item.target.followed]
    log = log_to(metrics) if log_to else None
    stop = threading.Event()
    for item in prepared:
        metrics.serves(item.loaded)

    def begin(address: Address) -> None:
        started(address)
        if setup.follow is not None:
            for model in followed:
                metrics.follows(model.served.name)
            quiet = around._replace(progress=SILENT, waiting=lambda _: None, remark=lambda *_: None)
            follower = Follower(quiet, followed, setup.options, metrics, say)
            threading.Thread(target=follower.run, args=(setup.follow, stop), daemon=True).start()

    def make(work: Work) -> Inference:
        return Inference(models, work, metrics, log)

    try:
        server.run(setup.address, setup.limits, make, begin)
    finally:
        stop.set()
