"""`mvc eval record`: writes the evaluation report of a model, with the digests of model and data."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import aside_line
from mvc.fs.tree import Replacement, replace_files
from mvc.objects.names import check_path
from mvc.ops.reports.evaluated import Evaluated, examine, hash_content, read_small, refuse_other_than_model
from mvc.ops.reports.given_metrics import given_metrics, with_directions, with_stated
from mvc.ops.reports.options import RecordOptions
from mvc.ops.reports.provenance import Provenance
from mvc.ops.reports.remarks import ABOUT_TAGS, Remark, missing_metrics, policy_remarks
from mvc.ops.shared.evidence.given_tags import ReportHistory, tags_of
from mvc.ops.shared.reports import file_in, model_of
from mvc.project import Project, Shell
from mvc.quality.files import POLICY, SUFFIX, FileAt
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.policy.demands import demands
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.parity import with_parity, without_parity
from mvc.quality.reports.readers.found import FoundMetrics
from mvc.quality.reports.report import ABOUT_RUN, Dataset, Model, Predictions, Report, Train, Used
from mvc.quality.reports.report_document import emit, parse_report
from mvc.quality.reports.tags import Bump, fits, next_tag, parse_version
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import committed_file, head
from mvc.scm.index import conflict_blobs, staged_file
from mvc.scm.refs import local_base
from mvc.scm.staging import await_release, locked, stage
from mvc.workspace.scan import scan
from mvc.workspace.tracked import Tracked


class Recorded(NamedTuple):
    """A report that was written."""

    path: str
    """The model."""
    file: str
    report: Report
    remarks: tuple[Remark, ...] = ()
    unstaged: tuple[str, ...] = ()
    """Report and pointer, if they differ from Git's index."""


def record(project: Project, path: str, options: RecordOptions, provenance: Provenance) -> Recorded:
    """Write the report of the model at `path` (from the top of the worktree), and stage it.

    Raises:
        UsageError: an option is wrong, or the metrics cannot be read.
        MvcError: model or data cannot be read, or the report cannot be written.
    """
    options.check()
    evaluated = examine(project, path, options)
    recorded = write(project, evaluated, options, provenance)
    return recorded._replace(remarks=(*_age_remarks(project, evaluated.path, options.file), *recorded.remarks))


def _age_remarks(project: Project, path: str, file: str) -> Iterator[Remark]:
    """Warn if the metrics file is older than the model."""
    if file:
        groups = scan(project.tree, path, project.links).groups
        newest = max((time for files in groups for time in files.mtimes), default=0)
        if os.stat(os.path.join(project.around.cwd, file)).st_mtime_ns < newest:
            yield Remark(f"{file} is older than {path}: it may be about earlier content")


def check(project: Project, path: str, options: RecordOptions) -> None:
    """Check what can be known before the model is added.

    Raises:
        UsageError: an option is wrong, `path` cannot be a model, or the earlier report cannot be read.
    """
    options.check()
    refuse_other_than_model(project, model_of(path), project.tracked())
    file = model_of(path) + SUFFIX
    _parse_earlier(project, file, _latest_in_conflict(project, file) or read_small(project, file))


class _Draft(NamedTuple):
    """A report, and the bytes of the earlier one."""

    old: bytes | None
    report: Report
    metrics: FoundMetrics
    remarks: tuple[Remark, ...]
    """What the earlier one had and this one lacks."""


def rehearse(project: Project, evaluated: Evaluated, options: RecordOptions, provenance: Provenance) -> list[Remark]:
    """Check what can be known before the metrics are measured; return the warnings about model, data and tag.

    Raises:
        UsageError: as `write` would for any metrics.
        MvcError: the report could not be written or staged.
    """
    known = options._replace(file="", data=None, higher=(), lower=())
    draft = _draft(project, evaluated, known, provenance)
    judged = policy_remarks(project, evaluated.path, evaluated.pointer, emit(draft.report))
    _check_writable(project, evaluated.path + SUFFIX)
    if options.stage and not await_release(lock := f"{project.layout.git_dir}/index.lock"):
        raise locked("nothing was run", lock, project.root)
    return [*evaluated.remarks, *draft.remarks, *(item for item in judged if item.message.startswith(ABOUT_TAGS))]


def write(project: Project, evaluated: Evaluated, options: RecordOptions, provenance: Provenance) -> Recorded:
    """Write the report of what was evaluated, and stage it.

    Raises:
        UsageError: the metrics or the earlier report cannot be read.
        MvcError: the report cannot be written.
    """
    file = evaluated.path + SUFFIX
    with project.locks.worktree():
        draft = _draft(project, evaluated, options, provenance)
        report, new = draft.report, emit(draft.report)
        with project.staging() as staging:
            replace_files(project.tree, staging, [Replacement(file, draft.old, new)])
        if options.stage:
            stage(project.git, [file])
    judged = policy_remarks(project, evaluated.path, evaluated.pointer, new)
    remarks = [*evaluated.remarks, *_remarks(draft, options.source), *draft.remarks, *judged]
    if not draft.metrics.metrics and not any(remark.message.startswith("MVC2") for remark in judged):
        remarks.append(missing_metrics(project, evaluated.path, report))
    unstaged = [*_unstaged_pointer(project, evaluated.item), *([] if options.stage else [file])]
    return Recorded(evaluated.path, file, report, tuple(remarks), tuple(unstaged))


def _draft(project: Project, evaluated: Evaluated, options: RecordOptions, provenance: Provenance) -> _Draft:
    file = evaluated.path + SUFFIX
    old, in_conflict = read_small(project, file), _latest_in_conflict(project, file)
    raw = old if in_conflict is None else in_conflict
    earlier, gone = _with_current_digests(project, _parse_earlier(project, file, raw))
    if options.bump:
        options = options._replace(tag=_next_tag(project, evaluated, options.bump, earlier.tag, raw, in_conflict))
    metrics = given_metrics(project.around.cwd, options, [item.id for item in evaluated.datasets])
    report = replace(build(evaluated, options, metrics, earlier), **provenance._asdict())
    lacking = () if options.derived else _lacking_datasets(project.shell, earlier, report)  # a conversion needs none
    return _Draft(old, report, metrics, (*gone, *lacking))


def _lacking_datasets(shell: Shell, earlier: Report, report: Report) -> Iterator[Remark]:
    """Say which data sets are left out, as metrics of other data are not comparable."""
    ids = {item.id for item in report.datasets}
    if lacking := [item for item in without_parity(earlier).datasets if item.id not in ids]:
        names = ", ".join(item.id for item in lacking)
        words = (shlex.quote(f"{item.id}={shell.show(item.path) if item.path else 'PATH'}") for item in lacking)
        fix = " ".join(f"--dataset {word}" for word in words)
        yield Remark(f"the earlier report has data sets that this one lacks: {names}", fix)


def _check_writable(project: Project, file: str) -> None:
    folder = os.path.dirname(f"{project.root}/{file}")
    if not os.access(folder, os.W_OK):
        raise MvcError(f"{folder} is not writable: the report could not be written", f"ls -ld {shlex.quote(folder)}")


def _remarks(draft: _Draft, source: str) -> Iterator[Remark]:
    metrics = draft.metrics
    if metrics.skipped:
        yield Remark(f"skipped non-numeric entries: {', '.join(metrics.skipped)}")
    if metrics.no_errors:
        yield Remark(f"{source}: omitted standard errors: {', '.join(metrics.no_errors)}")
    yield from (Remark(f"{source}: not in the report: {text}") for text in metrics.left_out)
    limited = [item for item in metrics.data if item.is_limited]
    if limited and not any(item.used for item in draft.report.datasets):
        amounts = ", ".join(f"{item.used:,} of {item.n:,} examples of {item.id}" for item in limited)
        told = f"{source} is of a part of the data: {amounts}"
        yield Remark(told, f"--dataset {shlex.quote(f'{limited[0].id}=PATH')}  # then the report says so")


def _unstaged_pointer(project: Project, item: Tracked | None) -> list[str]:
    """Return the pointer, if the index does not have it as the workspace does."""
    if item is None or item.pointer is None or item.condition:
        return []
    return [] if staged_file(project.git, item.pointer_path) == item.raw else [item.pointer_path]


# The earlier report.


def _latest_in_conflict(project: Project, file: str) -> bytes | None:
    """Return the report with the higher version of both sides, if Git has the report in conflict; else None."""
    stages = conflict_blobs(project.git, file)
    sides = read_blobs(project.git, [stages[stage] for stage in (2, 3) if stage in stages])
    return max(sides, default=None, key=lambda raw: version.rank if (version := parse_version(tag_of(raw))) else ())


def _parse_earlier(project: Project, file: str, raw: bytes | None) -> Report:
    """Return the earlier report; an empty one if there is none."""
    try:
        return Report(1, Model("")) if raw is None else parse_report(raw, file)
    except InvalidFormat as error:
        line = aside_line(project.shell.show(file))
        raise UsageError(f"the earlier report cannot be read: {error.message}", f"{line}  # or edit it") from None


def _with_current_digests(project: Project, earlier: Report) -> tuple[Report, list[Remark]]:
    """Return the report with new digests of the other files that it names; a remark for each missing one."""
    remarks: list[Remark] = []

    def current(files: Iterable[Used]) -> Iterator[Used]:
        for item in files:
            try:
                digest, _ = hash_content(project, check_path(item.path))  # a report may name any path
                yield Used(item.path, digest.blake3)
            except (MvcError, OSError):
                remarks.append(Remark(f"{item.path} no longer exists; it was removed from the report"))

    renewed = replace(earlier, together=list(current(earlier.together)), artifacts=list(current(earlier.artifacts)))
    return renewed, remarks


# The new report.


def build(evaluated: Evaluated, options: RecordOptions, metrics: FoundMetrics, earlier: Report) -> Report:
    """Return the report without its provenance; it keeps what users wrote in the `earlier` one.

    Raises:
        UsageError: an option names a metric that is not given.
    """
    pointer = evaluated.item.pointer if evaluated.item else None
    same_model = earlier.model.blake3 == evaluated.digest.blake3
    report = replace(
        earlier,
        model=Model(
            *evaluated.digest, name=(pointer.notes.name if pointer else "") or earlier.model.name,
            md5=evaluated.others.md5 if evaluated.others else "",
            sha256=evaluated.others.sha256 if evaluated.others else "",
        ),
        tag=options.tag,
        task=(metrics.task or earlier.task) if options.task is None else options.task,
        desc=earlier.desc if options.desc is None else options.desc,
        run=options.run or metrics.run,
        sources=list(evaluated.sources) or (earlier.sources if same_model else []),
        together=_added_to(earlier.together, evaluated.together),
        predictions=options.predictions,
        params={**metrics.params, **dict(options.params)},
        tensors=evaluated.tensors,
        train=Train(list(evaluated.train)) if evaluated.train else earlier.train if same_model else None,
        datasets=with_stated(
            (_with_notes(item, earlier.datasets, options.predictions) for item in evaluated.datasets),
            metrics.data, options.source,
        ),
        metrics=with_directions(metrics.metrics, options, earlier.metrics),
        artifacts=_added_to(earlier.artifacts, evaluated.artifacts),
        extra={**_written_by_users(earlier.extra), **({ABOUT_RUN: options.about_run} if options.about_run else {})},
    )
    return with_parity(earlier, report) if same_model else report


def _written_by_users(extra: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != ABOUT_RUN}


def _added_to(earlier: Iterable[Used], given: Iterable[Used]) -> list[Used]:
    """Return the earlier files and the given ones, each path once."""
    return list({item.path: item for item in (*earlier, *given)}.values())


def _next_tag(
    project: Project, evaluated: Evaluated, part: Bump, recorded: str, raw: bytes | None, in_conflict: bytes | None,
) -> str:
    """Return the tag after the last committed one; `raw` is the report in the workspace, with the tag `recorded`.

    For a report in conflict both are `in_conflict`.

    Raises:
        UsageError: the last tag is not a version, and the policy wants none.
    """
    path, commit = evaluated.path, head(project.git)
    model = ModelFacts(path, evaluated.pointer, None if raw is None else FileAt("100644", raw))
    history = ReportHistory(project.git, [commit or "", local_base(project.git)])
    there = in_conflict or (committed_file(project.git, commit, path + SUFFIX) if commit else None)
    last = tag_of(there) if there is not None else recorded if history.paths_of(model) else ""
    tag = next_tag(part, last, recorded, tags_of(history.given(model)))
    if last and parse_version(last) is None and not _is_wanted(project, path, tag):
        raise UsageError(f"the last tag is {last!r}, not a semantic version: it has no {part} number", "--tag TAG")
    return tag


def tag_of(raw: bytes) -> str:
    """Return the tag of the report in `raw`; empty if it has none, or cannot be read."""
    try:
        return parse_report(raw, "").tag
    except InvalidFormat:
        return ""


def _is_wanted(project: Project, path: str, tag: str) -> bool:
    policy = read_policy(file_in(project.tree, POLICY)).policy
    return all(fits(item.pattern, tag) for item in demands(policy, path).tags)


def _with_notes(item: Dataset, earlier: Iterable[Dataset], predictions: Predictions | None) -> Dataset:
    """Return the data set with split and size as the earlier report has them for the same content.

    If there are predictions of fewer examples, it says how many were evaluated.
    """
    same = (known for known in earlier if (known.id, known.blake3) == (item.id, item.blake3))
    item = next((replace(item, split=known.split, n=known.n) for known in same), item)
    rows = predictions.n if predictions else None
    return item if rows is None or item.n is None or rows >= item.n else replace(item, used=rows)
