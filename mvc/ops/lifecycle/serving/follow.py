"""`mvc serve --follow`: asks the registry what is to be served, and swaps models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple

from mvc.errors import MvcError, first_line
from mvc.ops.lifecycle.serving.serve import NotServed, Options, failing, prepare
from mvc.ops.lifecycle.serving.target import Standing, Target, look_again
from mvc.ops.shared.versions.online import online
from mvc.project import Project, Surroundings
from mvc.scm.tags import fetch_tags, push_target
from mvc.serving.loaded import Loaded, Served
from mvc.serving.metrics import Metrics, Reason

FETCH_SECONDS = 30
"""How long a Git remote may take to answer."""


class Followed(NamedTuple):
    """A model that follows the registry."""

    target: Target
    served: Served


@dataclass
class Follower:
    """Looks at the registry, again and again."""

    around: Surroundings
    models: list[Followed]
    options: Options
    metrics: Metrics
    say: Callable[[str], None]
    _said: dict[str, str] = field(default_factory=dict)
    _bad: dict[str, tuple[Reason, str]] = field(default_factory=dict)
    """By content that cannot be served: why, as text. It is not tried twice."""

    def run(self, seconds: float, stop: Event) -> None:
        """Look every so many seconds, until `stop` is set."""
        while not stop.wait(seconds):
            try:
                self.look()
            except BaseException as error:  # noqa: BLE001 - no later promotion would be seen
                self._go_on(error)

    def look(self) -> None:
        """Serve what the registry says now. What fails leaves a model as it is, and is told once."""
        fetched = self._fetched()
        for model in self.models:
            try:
                with failing("other"):
                    self._look_at(model, fetched)
            except NotServed as failure:
                self._tell_failed(model.served, failure)

    def _look_at(self, model: Followed, fetched: NotServed | None) -> None:
        with failing("git"), Project.find(self.around) as project:
            standing = look_again(project, model.target, signed=self.options.signed)
        self._tell_retired(model, standing)
        self._swap(model, standing.target)
        if fetched:
            raise fetched
        name = model.served.name
        self.metrics.followed(name)
        self._say_once(name, "")

    def _tell_failed(self, served: Served, failure: NotServed) -> None:
        self.metrics.follow_failed(served.name, failure.reason)
        but = f", not {failure.version}" if failure.version else ""
        text = f"{served.name}: still serves {served.now.identity.version}{but}: {failure.error.message}"
        self._say_once(served.name, text)

    def _go_on(self, error: BaseException) -> None:
        """Count and tell an unexpected error; the next look is at its time."""
        for model in self.models:
            self.metrics.follow_failed(model.served.name, "other")
        self._say_once("", f"--follow has an error, and goes on: {type(error).__name__}: {first_line(error)}")

    def _fetched(self) -> NotServed | None:
        """Fetch the tags of the models; return why that failed."""
        names = {model.target.followed.base for model in self.models if model.target.followed}
        globs = [f"{name.replace(':', '=')}{mark}*" for name in sorted(names) for mark in "@#"]
        try:
            with failing("git"), Project.find(self.around) as project:
                if remote := push_target(project.git):
                    fetch_tags(online(project), remote, globs, FETCH_SECONDS)
        except NotServed as failure:
            return failure
        return None

    def _tell_retired(self, model: Followed, standing: Standing) -> None:
        served = model.served
        is_same = standing.target is None or standing.target.version == served.now.identity.version
        retired = standing.retired and is_same
        if retired and not served.retired:
            what = "holds nothing" if standing.target is None else "is retired"
            self.say(f"{served.name}: {model.target.ref} {what}; still serves {served.now.identity.version}")
        served.retired = retired
        self.metrics.retired(served.now, is_retired=retired)

    def _swap(self, model: Followed, target: Target | None) -> None:
        served = model.served
        if target is None or target.text == served.now.text:
            return
        before = served.now
        loaded = served.now = self._prepared(target, before)
        self.metrics.swapped(before, loaded)
        version, blake3 = loaded.identity[1:]
        self.say(f"{served.name}: serves {version} now (blake3 {blake3[:12]}), not {before.identity.version}")

    def _prepared(self, target: Target, before: Loaded) -> Loaded:
        """Return the model that takes the place of `before`.

        Only the text of an error is kept: its traceback has the model that failed, which may be large.
        """
        why = self._bad.get(target.text)
        if why is None:
            try:
                with failing("git"), Project.find(self.around) as project:
                    return prepare(project, target, before.identity.model, self.options, before)
            except NotServed as failure:
                why = failure.reason, failure.error.message
        reason, message = why
        if reason in ("load", "smoke"):
            self._bad[target.text] = why
        raise NotServed(reason, MvcError(message), target.version)

    def _say_once(self, name: str, text: str) -> None:
        if text and self._said.get(name) != text:
            self.say(text)
        self._said[name] = text
