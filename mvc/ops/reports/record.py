"""`mvc eval record`: the evaluation report of a model, bound to the model's bytes as they are."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import UnsafePath, as_error
from mvc.fs.tree import Replacement, replace_files
from mvc.objects.digest import Digest
from mvc.ops.reports.provenance import Provenance
from mvc.ops.shared.finding_lines import relative_findings
from mvc.ops.shared.reports import file_in, model_of
from mvc.ops.shared.workspace_content import observe_path, same_content
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, POLICY, SUFFIX, FileAt
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Facts, ModelFacts
from mvc.quality.judge.judge import judge
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.directions import higher_is_better
from mvc.quality.reports.metric_files import MAX_BYTES as MAX_METRICS_BYTES
from mvc.quality.reports.metric_files import FoundMetrics, find_metrics, read_metrics
from mvc.quality.reports.metrics import parse_metric
from mvc.quality.reports.report import Dataset, Metric, Model, Parameter, Report, Train, Used, emit, label, parse_report
from mvc.quality.reports.tags import Bump, Version, bumped, parse_version
from mvc.scm.index import staged_file
from mvc.scm.staging import stage
from mvc.workspace.observe import Observed
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import Tracked, holder_of


class RecordOptions(NamedTuple):
    """What to record."""

    tag: str = ""
    bump: Bump | None = None
    """Instead of a tag: the one after the last."""
    metrics: tuple[str, ...] = ()
    """As on the command line: `auc[country=DE]=0.9`."""
    data: object = None
    """Metrics as plain data, of any shape that a file may have."""
    file: str = ""
    """A file with metrics, from where the user is."""
    called: str = ""
    """What the file is called in errors; empty: by its name."""
    higher: tuple[str, ...] = ()
    """Names of metrics of which more is better."""
    lower: tuple[str, ...] = ()
    datasets: tuple[tuple[str, str], ...] = ()
    """Id and path, from the top of the worktree."""
    train: tuple[str, ...] = ()
    params: tuple[tuple[str, Parameter], ...] = ()
    task: str | None = None
    """None keeps what the report has; so does `desc`."""
    desc: str | None = None
    stage: bool = True


class Remark(NamedTuple):
    """What is not as it should be, though the report was written; and what to type."""

    message: str
    fix: str = ""
    refused: bool = False
    """Whether the hook would refuse the commit for it."""


class Recorded(NamedTuple):
    """A report that was written."""

    path: str
    """The model."""
    file: str
    report: Report
    remarks: tuple[Remark, ...] = ()
    unstaged: tuple[str, ...] = ()
    """Which of report and pointer Git's index does not have as they are."""


class Examined(NamedTuple):
    """What is evaluated, as it lies in the workspace."""

    path: str
    item: Tracked | None
    """None when the model is not tracked."""
    digest: Digest
    datasets: tuple[Dataset, ...]
    train: tuple[Used, ...]
    remarks: tuple[Remark, ...]

    @property
    def bytes_of(self) -> dict[str, str]:
        """The blake3 of everything, by path."""
        evaluated_on = {item.path: item.blake3 for item in self.datasets}
        trained_on = {item.path: item.blake3 for item in self.train}
        return {self.path: self.digest.blake3, **evaluated_on, **trained_on}


def record(project: Project, path: str, options: RecordOptions, provenance: Provenance) -> Recorded:
    """Write the report of the model at `path` (from the top of the worktree), and stage it.

    Raises:
        UsageError: the options are wrong, or the metrics cannot be read.
        MvcError: model or data cannot be read, or the report not be written.

    """
    check_options(options)
    return write(project, examine(project, path, options), options, provenance)


def check_options(options: RecordOptions) -> None:
    """Refuse what can be known to be wrong before anything is read.

    Raises:
        UsageError: with what is wrong.

    """
    if bool(options.tag) == bool(options.bump):
        what = "--tag and --bump exclude each other" if options.tag else "a report needs a tag"
        raise UsageError(what, "mvc eval record MODEL --tag v1.0.0, or --bump minor")
    ids = [name for name, _ in options.datasets]
    for name in ids:
        if not name or ids.count(name) > 1 or set(name) & set("@[],= "):
            reason = "stands twice" if name and ids.count(name) > 1 else "is no id of a data set"
            raise UsageError(f"{name!r} {reason}", "--dataset holdout=PATH")
    names = [name for name, _ in options.params]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"the parameter {twice!r} is given twice", "mvc eval record --help")
    if both := set(options.higher) & set(options.lower):
        raise UsageError(f"{min(both)} cannot be better both ways", "mvc eval record --help")


# What is evaluated.


def examine(project: Project, path: str, options: RecordOptions) -> Examined:
    """Return model and data as they lie in the workspace: hashed now, or known by their stamps.

    Tracked data that is not there is what its pointer stands for.

    Raises:
        MvcError: one is not there, or cannot be read.

    """
    path = model_of(path)
    if not path:
        raise UsageError("the whole worktree is no model", "mvc eval record MODEL --tag v1.0.0")
    tracked = project.tracked()
    if holder := holder_of(tracked, path):
        line = project.shell.line("mvc eval record", holder)
        raise UsageError(f"{path} is a part of {holder}, which is evaluated as a whole", f"{line} --tag v1.0.0")
    remarks: list[Remark] = []
    item = tracked.get(path)
    if item is None and (below := next((name for name in tracked if name.startswith(f"{path}/")), None)):
        line = f"{project.shell.line('mvc eval record', below)} --tag v1.0.0"
        raise UsageError(f"{path} is not tracked itself: reports are of the tracked paths in it", line)
    digest = _digest(project, path, item, remarks)
    if item is None:
        remarks.append(Remark(f"{path} is not tracked", project.shell.line("mvc add", path)))
    remarks = [remark._replace(refused=True) for remark in remarks]
    data = {name: _data(project, name, tracked.get(name), remarks).blake3 for name in _data_paths(options)}
    project.catalog.flush()
    return Examined(
        path,
        item,
        digest,
        tuple(Dataset(name, data[place], place) for name, place in options.datasets),
        tuple(Used(place, data[place]) for place in options.train),
        tuple(remarks),
    )


def _data_paths(options: RecordOptions) -> list[str]:
    return list(dict.fromkeys([*(place for _, place in options.datasets), *options.train]))


def _data(project: Project, path: str, item: Tracked | None, remarks: list[Remark]) -> Digest:
    """Return the digest of data; where nothing lies at its path, that of its pointer, as nothing contradicts it."""
    if item is not None and item.pointer is not None and project.tree.lstat(path) is None:
        return item.pointer.digest
    return _digest(project, path, item, remarks)


def _digest(project: Project, path: str, item: Tracked | None, remarks: list[Remark]) -> Digest:
    """Return the digest of what lies at `path`; a remark is made when its pointer is of something else."""
    try:
        observed = observe_path(project, path)
    except OSError as error:
        raise as_error(error, path) from None
    if refused := refusal(path, observed.scan, project.shell.show):
        raise refused
    if observed.digest is None:
        raise _absent(project, path, item)
    if item is not None and not _fits(item, observed):
        remarks.append(Remark(f"{path} differs from its pointer", project.shell.line("mvc add", path)))
    return observed.digest


def _fits(item: Tracked, observed: Observed) -> bool:
    return item.pointer is not None and same_content(item.pointer, observed)


def _absent(project: Project, path: str, item: Tracked | None) -> MvcError:
    if item is not None:
        return MvcError(f"{path} is tracked, but not there", project.shell.line("mvc checkout", path))
    return UsageError(f"{path} does not exist", "mvc ls  # lists what is tracked")


# The report.


def write(project: Project, examined: Examined, options: RecordOptions, provenance: Provenance) -> Recorded:
    """Write the report of what was examined, and stage it.

    Raises:
        UsageError: the metrics cannot be read, or the report that is there.
        MvcError: the report cannot be written.

    """
    file = examined.path + SUFFIX
    with project.locks.worktree():
        raw = _there(project, file)
        earlier = _earlier(project, file, raw)
        found = _found(project, options, [item.id for item in examined.datasets])
        report, remarks = _report(project, examined, options, (found, earlier))
        report = _with_provenance(report, provenance)
        new = emit(report)
        with project.staging() as staging:
            replace_files(project.tree, staging, [Replacement(file, raw, new)])
        if options.stage:
            stage(project.git, [file])
    all_remarks = (*examined.remarks, *remarks, *_judged(project, examined, new))
    unstaged = (*_unstaged(project, examined.item), *(() if options.stage else (file,)))
    return Recorded(examined.path, file, report, all_remarks, unstaged)


def _unstaged(project: Project, item: Tracked | None) -> tuple[str, ...]:
    """Return the pointer, if the index has not what the workspace has."""
    if item is None or item.pointer is None or item.condition:
        return ()
    return () if staged_file(project.git, item.pointer_path) == item.raw else (item.pointer_path,)


def _there(project: Project, file: str) -> bytes | None:
    try:
        return project.tree.read(file, MAX_BYTES + 1)
    except UnsafePath as error:
        raise UsageError(error.message, project.shell.line("rm -r --", file)) from None


def _earlier(project: Project, file: str, raw: bytes | None) -> Report | None:
    """Return the report that is there: what people wrote in it is kept."""
    try:
        return None if raw is None else parse_report(raw, file)
    except InvalidFormat as error:
        line = project.shell.line("rm --", file)
        raise UsageError(f"the report that is there cannot be read: {error.message}", f"mend it, or {line}") from None


def _report(
    project: Project, examined: Examined, options: RecordOptions, given: tuple[FoundMetrics, Report | None],
) -> tuple[Report, list[Remark]]:
    found, earlier = given
    same = earlier is not None and earlier.model.blake3 == examined.digest.blake3
    old = earlier or Report(1, Model(""))
    remarks: list[Remark] = []
    report = Report(
        1,
        Model(*examined.digest, name=_name(examined, old)),
        tag=options.tag or _next(options.bump, old.tag),
        task=old.task if options.task is None else options.task,
        desc=old.desc if options.desc is None else options.desc,
        run=found.run,
        params=dict(options.params),
        together=_renewed(project, old.together, remarks),
        train=Train(list(examined.train)) if examined.train else old.train if same else None,
        datasets=[_dataset(item, old) for item in examined.datasets],
        metrics=_metrics(found.metrics, options, old),
        artifacts=_renewed(project, old.artifacts, remarks),
        limitations=old.limitations,
        extra=old.extra,
    )
    return report, [*_remarks(project, examined.path, report, found), *remarks]


def _with_provenance(report: Report, provenance: Provenance) -> Report:
    from msgspec.structs import replace  # noqa: PLC0415 - import time

    return replace(report, **provenance._asdict())


def _name(examined: Examined, old: Report) -> str:
    pointer = examined.item.pointer if examined.item else None
    return (pointer.notes.name if pointer else "") or old.model.name


def _next(part: Bump | None, tag: str) -> str:
    """Return the tag after `tag`.

    Raises:
        UsageError: that is no semantic version.

    """
    version = parse_version(tag) if tag else Version(0, 0, 0)
    if version is None or part is None:
        raise UsageError(f"the last tag is {tag!r}, which has no {part} number to raise", "--tag v1.0.0")
    return bumped(version, part)


def _dataset(item: Dataset, old: Report) -> Dataset:
    """Return the data set with what people wrote of the same one before."""
    for known in old.datasets:
        if (known.id, known.blake3) == (item.id, item.blake3):
            return Dataset(item.id, item.blake3, item.path, known.split, known.n)
    return item


def _renewed(project: Project, used: Iterable[Used], remarks: list[Remark]) -> list[Used]:
    """Return what the report names besides, with the digests of now; what is gone is left out, with a remark."""
    renewed = []
    for item in used:
        try:
            renewed.append(Used(item.path, _digest(project, _checked(item.path), None, []).blake3))
        except (MvcError, OSError):
            remarks.append(Remark(f"{item.path} is not there any more, and was taken out of the report"))
    return renewed


def _checked(path: str) -> str:
    """Return a path that a report names, checked: it comes from outside.

    Raises:
        InvalidName: it could lie anywhere.

    """
    from mvc.objects.names import check_path  # noqa: PLC0415 - few reports name any

    return check_path(path)


# Its metrics.


def _found(project: Project, options: RecordOptions, ids: Collection[str]) -> FoundMetrics:
    """Return the metrics that are given; those of the command line take the place of others."""
    found = FoundMetrics(())
    if options.file:
        found = read_metrics(_read_file(project, options.file), options.called or options.file, ids)
    elif options.data is not None:
        found = find_metrics(options.data, "metrics", ids)
    words = _distinct((parse_metric(word, ids) for word in options.metrics), ids)
    others = _distinct(found.metrics, ids)
    return found._replace(metrics=tuple({**others, **words}.values()))


def _distinct(metrics: Iterable[Metric], ids: Collection[str]) -> dict[str, Metric]:
    """Return metrics by what the report will call them: each of its data set where there is just one.

    Raises:
        UsageError: two of them are the same one.

    """
    from msgspec.structs import replace  # noqa: PLC0415 - import time

    only = next(iter(ids)) if len(ids) == 1 else ""
    named: dict[str, Metric] = {}
    for metric in metrics:
        placed = replace(metric, dataset=metric.dataset or only)
        if (name := label(placed)) in named:
            raise UsageError(f"the metric {name} is given twice", f"--metric {shlex.quote(f'{name}=NUMBER')}  # once")
        named[name] = placed
    return named


def _read_file(project: Project, path: str) -> bytes:
    full = os.path.join(project.around.cwd, path)
    try:
        with open(full, "rb") as file:
            return file.read(MAX_METRICS_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "--metrics FILE.json") from None


def _metrics(metrics: Iterable[Metric], options: RecordOptions, old: Report) -> list[Metric]:
    """Return the metrics, each with its better direction."""
    from msgspec.structs import replace  # noqa: PLC0415 - import time

    known = {item.name: item.higher_is_better for item in old.metrics}
    told = {**dict.fromkeys(options.higher, True), **dict.fromkeys(options.lower, False)}
    finished = [replace(item, higher_is_better=_better(item, told, known)) for item in metrics]
    for name in told:
        if name not in {item.name for item in finished}:
            raise UsageError(f"there is no metric {name!r} to be better", f"--metric {shlex.quote(f'{name}=NUMBER')}")
    return finished


def _better(metric: Metric, told: Mapping[str, bool], known: Mapping[str, bool | None]) -> bool | None:
    """Return which way is better: as told now, as the file says, as the earlier report has it, as the name tells."""
    guesses = (told.get(metric.name), metric.higher_is_better, known.get(metric.name), higher_is_better(metric.name))
    return next((guess for guess in guesses if guess is not None), None)


# What is to be said.


def _remarks(project: Project, path: str, report: Report, found: FoundMetrics) -> list[Remark]:
    remarks = []
    if not found.metrics:
        lacking = Finding("", "warning", path, "the report has no metrics", fixes.metric(path, report, "NAME"))
        remarks += [Remark(item.message, item.fix) for item in relative_findings(project.shell, [lacking])]
    if found.skipped:
        remarks.append(Remark(f"skipped non-numeric entries: {', '.join(found.skipped)}"))
    return remarks


_ABOUT_REPORTS = ("MVC1", "MVC2", "MVC401")
_SAID = ("MVC103", "MVC106", "MVC127")
"""A pointer of other bytes, or none: that is said already, with the line that mends it. What was made now is young."""


def _judged(project: Project, examined: Examined, raw: bytes) -> list[Remark]:
    """Return what the policy would refuse: it is for the commit to do that."""
    item = examined.item
    pointer = FileAt("100644", item.raw) if item and item.pointer else None
    model = ModelFacts(examined.path, pointer, FileAt("100644", raw))
    found = judge(Facts(read_policy(file_in(project.tree, POLICY)), (model,)), 0).findings
    told = [item for item in found if item.code.startswith(_ABOUT_REPORTS) and item.code not in _SAID]
    return [
        Remark(f"{item.code} {item.message}", item.fix, refused=item.severity == "error")
        for item in relative_findings(project.shell, told)
    ]
