"""The options of `mvc eval record` and `mvc eval run`, and what can be checked before anything is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any, NamedTuple

from mvc.errors import UsageError
from mvc.project import Shell
from mvc.quality.reports.report import Assurance, Dataset, Metric, Parameter, Predictions, Run, Source
from mvc.quality.reports.tags import Bump


class RecordOptions(NamedTuple):
    """What to record."""

    tag: str = ""
    bump: Bump | None = None
    """Instead of a tag: which number of the last tag to raise."""
    metrics: tuple[str, ...] = ()
    """As on the command line: `auc[country=DE]=0.9`."""
    data: object = None
    """Metrics as plain data, in any shape that a metrics file may have."""
    file: str = ""
    """A metrics file, relative to the user's directory."""
    measured: tuple[Metric, ...] = ()
    """Metrics that were computed from `predictions`."""
    predictions: Predictions | None = None
    artifacts: tuple[str, ...] = ()
    """Files that the evaluation wrote."""
    file_label: str = ""
    """The name of that file in errors; empty: `file`."""
    higher: tuple[str, ...] = ()
    """Metrics where higher is better."""
    lower: tuple[str, ...] = ()
    """Metrics where lower is better."""
    datasets: tuple[tuple[str, str], ...] = ()
    """Id and path, from the top of the worktree."""
    stated: tuple[Dataset, ...] = ()
    """Data sets with the digests that another program states."""
    train: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    """Other paths that the model is evaluated with."""
    sources: tuple[str, ...] = ()
    """What the model was derived from, each as a REF."""
    derived: tuple[Source, ...] = ()
    """The same, of a model that mvc itself has converted."""
    params: tuple[tuple[str, Parameter], ...] = ()
    run: Run | None = None
    """The run of a tracking server; None for that of the metrics file."""
    about_run: Mapping[str, Any] = MappingProxyType({})
    """What a tracking server says about the run besides."""
    task: str | None = None
    """None keeps the earlier report's; the same holds for `desc`."""
    desc: str | None = None
    assurance: Assurance = "self"
    stage: bool = True

    @property
    def source(self) -> str:
        """The name of the metrics file or data, for messages."""
        return self.file_label or self.file or "metrics"

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            UsageError: one is wrong.
        """
        if bool(self.tag) == bool(self.bump):
            message = "--tag and --bump exclude each other" if self.tag else "a report needs a tag"
            raise UsageError(message, "--bump minor  # or --tag TAG")
        ids = [name for name, _ in self.datasets]
        for name in ids:
            if not name or set(name) & set("@[],= "):
                raise UsageError(f"invalid data set id {name!r}", "--dataset holdout=PATH")
        if twice := _first_duplicate(ids):
            raise UsageError(f"duplicate data set id {twice!r}", "--dataset holdout=PATH")
        if twice := _first_duplicate(name for name, _ in self.params):
            raise UsageError(f"duplicate parameter {twice!r}", "mvc eval record --help")
        for name, value in self.params:
            if isinstance(value, float) and not isfinite(value):
                raise UsageError(f"parameter {name!r} is {value}, expected a finite number", f"--param {name}=NUMBER")
        if both := set(self.higher) & set(self.lower):
            message = f"--higher-is-better and --lower-is-better exclude each other: {min(both)}"
            raise UsageError(message, "mvc eval record --help")


def _first_duplicate(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")


def arguments(options: RecordOptions, shell: Shell) -> list[str]:
    """Return the options as words of a command line, without those about the metrics of a file."""
    texts: list[tuple[str, str | None]] = [
        ("--tag", options.tag or None),
        ("--bump", options.bump),
        *(("--metric", metric) for metric in options.metrics),
        *(("--dataset", f"{name}={shell.show(path)}") for name, path in options.datasets),
        *(("--train", shell.show(path)) for path in options.train),
        *(("--with", shell.show(path)) for path in options.together),
        *(("--from", reference) for reference in options.sources),
        *(("--artifact", shell.show(path)) for path in options.artifacts),
        *(("--param", f"{name}={_shown(value)}") for name, value in options.params),
        ("--task", options.task),
        ("-m", options.desc),
        ("--assurance", options.assurance if options.assurance != "self" else None),
    ]
    words = [word for name, text in texts if text is not None for word in (name, text)]
    return words if options.stage else [*words, "--no-stage"]


def _shown(value: Parameter) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
