"""`mvc audit`: who did what to models, out of Git's history, tags and waivers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

from mvc.objects.pointer import path_of
from mvc.ops.shared.audit.commits import committed
from mvc.ops.shared.audit.entry import Signature, Verifying, Wanted
from mvc.ops.shared.audit.history import ModelHistory, read_history
from mvc.ops.shared.versions.dates import date_of, start_of
from mvc.ops.shared.versions.read import read_registry
from mvc.ops.shared.versions.tag_signatures import Keys, signature_problem
from mvc.project import Project
from mvc.registry.audit import AuditEntry
from mvc.registry.event import Event
from mvc.registry.kinds import event_kinds
from mvc.registry.state import Model
from mvc.scm.incomplete import lacks_history


def audit(project: Project, now: float, since: str = "", model: str = "") -> tuple[AuditEntry, ...]:
    """Return what was done to all models, or to one, newest first; signatures as of `now`, in seconds since the epoch.

    What tags say is not compared with their commits: `verify_tags` does that.

    Raises:
        UsageError: the date is invalid.
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    earliest = start_of(since) if since else float("-inf")

    def wanted(time: int, name: str) -> bool:
        return time >= earliest and model in ("", name)

    models = read_registry(project).models.values()
    return stream(project, models, lambda: read_history(project), now, wanted)


def stream(
    project: Project, models: Iterable[Model], history: Callable[[], ModelHistory], now: float,
    wanted: Wanted = lambda time, name: True,  # noqa: ARG005
) -> tuple[AuditEntry, ...]:
    """Return what the events of `models`, and the commits of their history, did that is wanted; as in `audit`.

    Raises:
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    if lack := lacks_history(project.git):
        project.around.remark(f"{lack.what}, so events may be missing", lack.fix)
    verifying = Verifying(Keys.read(project), now)
    tagged = [pair for item in models for pair in _tagged(project, verifying, item, wanted)]
    found = sorted([*committed(project, verifying, history(), wanted), *tagged], key=itemgetter(0))
    return tuple(entry for _, entry in reversed(found))


def _tagged(
    project: Project, verifying: Verifying, model: Model, wanted: Wanted,
) -> Iterator[tuple[int, AuditEntry]]:
    """Yield the events of a model's tags that are wanted, each with its time, the oldest first."""
    kinds, version_of = event_kinds(model), model.version_names()
    for time, event in model.moments:
        if wanted(time, model.name):
            claim = event.trailers
            yield time, AuditEntry(
                date_of(event), kinds[event.oid], model.name, path_of(claim.pointer), version_of(event), event.stage,
                event.author, event.commit, event.tag, claim.blake3, *_signature(project, verifying, event),
                event.message,
            )


def _signature(project: Project, verifying: Verifying, event: Event) -> Signature:
    if not event.is_signed:
        return Signature()
    return Signature.of(signature_problem(project, verifying.keys, event, verifying.now))
