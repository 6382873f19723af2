"""The commands that fix a finding by a report: recorded, computed or staged again.

Paths are relative to the worktree; words in capitals are placeholders.
"""

from __future__ import annotations

from mvc.objects import pointer as pointers
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.judge.fixes import add, path_word, pathspec, pattern, short, stage, untrack, with_remark, word
from mvc.quality.policy.demands import Demands, SliceDemand
from mvc.quality.policy.policy import Pinned
from mvc.quality.reports.report import Metric, Report, label
from mvc.quality.reports.tags import SEMVER, parse_version

_FIRST = "--bump major"
"""The option for the tag of a first report: v1.0.0, unless that is taken."""
_FEW = 3
"""Data sets and metrics that are repeated in a command."""


def first_report(path: str, demanded: Demands) -> str:
    """Record a model's first report, or make it optional in the policy."""
    line = f"{_record(path)} {_first_tag(demanded)}{_measured('NAME')}"
    if not demanded.by_default:
        return line
    return f"{line}  # or, if it needs none, add a rule to {POLICY}: - {{match: {pattern(path)}, report: optional}}"


def next_report(path: str, report: Report, when: str = "") -> str:
    """Record a report of other content than that of `report`. Without `when`, the alternative is to stage it."""
    tag = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    files = f"{pathspec(path + pointers.SUFFIX)} {pathspec(path + SUFFIX)}"
    otherwise = f"or, if it is already evaluated: {add(path)} && git add -- {files}"
    if report.predictions:
        return with_remark(scored(path, report), when or otherwise)
    return with_remark(f"{_record(path)} {tag}{_evidence(report)}", when or otherwise)


def scored(path: str, report: Report) -> str:
    """Compute the metrics from predictions: those that the report names, in the same way."""
    tag = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    line = f"mvc eval score {path_word(path)} {tag} --predictions"
    found = report.predictions
    if found is None:
        return f"{line} FILE"
    slices = {key for item in report.metrics if len(item.slice) == 1 for key in item.slice}
    words = [
        ("--task", found.task), ("--truth", found.truth if found.truth != "truth" else ""),
        ("--predicted", found.predicted if found.predicted != "predicted" else ""),
        ("--score", ",".join(found.scores)), ("--positive", found.positive), ("--group", found.group),
        ("--weight", found.weight), *(("--sensitive", column) for column in found.sensitive),
        *(("--slice", column) for column in sorted(slices - {"class", *found.sensitive})),
    ]
    options = "".join(f" {name} {word(text, 'COL')}" for name, text in words if text)
    on = _on(report, found.dataset) if found.dataset else ""
    return f"{line} {word(found.path, 'FILE')}{options}{on}"


def of_merge(path: str, commit: str, line: str) -> str:
    """Evaluate what a merge made: bring it into the workspace, and type `line`. With `commit`, merge that first."""
    if commit:
        return f"git merge {word(short(commit))}  # which then says what to evaluate"
    return f"mvc checkout {path_word(path)} && {line}"


def another_tag(path: str, report: Report, demanded: Demands) -> str:
    """Record the report again with a valid tag, or write the tag by hand."""
    line = f"{_record(path)} {_first_tag(demanded)}{_evidence(report)}"
    return with_remark(line, "or write tag: into the report and stage it")


def metric(path: str, report: Report, name: str, dataset: str = "") -> str:
    """Record one more metric, named as on the command line; on `dataset` if it is not empty."""
    if not dataset:
        return _again(path, report, new_metric=name) + _measured(name)
    wanted = f"{name}@{dataset}"
    return f"{_again(path, report, dataset, wanted)}{_on(report, dataset)}{_measured(wanted)}"


def direction(path: str, report: Report, name: str) -> str:
    """Record which direction of a metric is better."""
    return f"{_again(path, report)} --higher-is-better {word(name, 'NAME')}  # or --lower-is-better"


def sliced(path: str, report: Report, wanted: SliceDemand, dataset: str = "") -> str:
    """Record a metric sliced by a key."""
    return metric(path, report, f"{wanted.metric or 'NAME'}[{wanted.key}=VALUE]", dataset)


def missing_dataset(path: str, report: Report, pinned: Pinned) -> str:
    """Record one more data set."""
    return f"{_again(path, report, pinned.id)} --dataset {word(f'{pinned.id}=PATH', 'ID=PATH')}"


def evaluated_in_full(path: str, report: Report) -> str:
    """Evaluate the same content again, on all examples."""
    return f"{_again(path, report)}  # once it is evaluated on all of it"


def evaluated_with(path: str, report: Report, other: str) -> str:
    """Record what the model was evaluated with."""
    return f"{_again(path, report)} --with {path_word(other)}"


def of_source(path: str) -> str:
    """Record a report of what a model was derived from."""
    return f"{_record(path)} --bump patch{_measured('NAME')}  # and commit it with this change, or before"


def rewritten(path: str, what: str, *, submodule: bool = False) -> str:
    """Write a pointer or report in place of a symlink, directory or submodule."""
    file = path + (pointers.SUFFIX if what == "pointer" else SUFFIX)
    line = add(path) if what == "pointer" else f"{_record(path)} {_FIRST}{_measured('NAME')}"
    return untrack(file, f"then: {line}") if submodule else f"mv -n -- {word(file)} {word(f'{file}.aside')} && {line}"


def replaced(path: str, what: str) -> str:
    """Replace an unreadable pointer or report."""
    return add(path) if what == "pointer" else stage(path + SUFFIX, "once it is fixed")


def evaluated_again(path: str, report: Report) -> str:
    """Evaluate the same content again."""
    return _again(path, report)


def same_data(path: str, report: Report, dataset: str) -> str:
    """Record the metrics again, measured on the earlier data."""
    line = _again(path, report, dataset) + _on(report, dataset or "ID")
    return f"{line}  # on the earlier data; or set allow_dataset_change: true in {POLICY}"


def with_stderr(path: str) -> str:
    """Add standard errors to the earlier report."""
    return f"{_record(path)} --metrics FILE.json  # of the earlier version, with stderr, in a separate change"


def higher_tag(path: str, report: Report) -> str:
    """Record the report again with a higher tag."""
    bump = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    return f"{_record(path)} {bump}{_evidence(report)}"


def newer(path: str) -> str:
    """Record a new version."""
    return f"{_record(path)} --bump patch{_measured('NAME')}  # of a newer model"


def _again(path: str, report: Report, new_dataset: str = "", new_metric: str = "") -> str:
    """Record a report of the same content with the same tag; the caller adds `new_dataset` and `new_metric`."""
    tag = f"--tag {word(report.tag, 'TAG')}" if report.tag else _FIRST
    return f"{_record(path)} {tag}{_evidence(report, new_dataset, new_metric)}"


def _evidence(report: Report, new_dataset: str = "", new_metric: str = "") -> str:
    """Return the options that repeat the data sets and metrics of `report`, which a new report does not inherit."""
    from mvc.quality.reports.parity import without_parity  # noqa: PLC0415 - import time: only with a finding

    report = without_parity(report)
    used = {item.dataset for item in report.metrics}
    ids = sorted((item.id for item in report.datasets if item.id != new_dataset), key=lambda name: name not in used)
    names = [spelled for name, spelled in _names(report, new_dataset).items() if name != new_metric]
    if not report.metrics and not new_metric:
        names = ["NAME"]
    few = "".join(map(_measured, names)) if len(names) <= _FEW else " --metrics FILE.json"
    return "".join(_on(report, name) for name in ids[:_FEW]) + few


def _names(report: Report, new_dataset: str) -> dict[str, str]:
    """Return the metrics of `report` as spelled in a command, by their label in the new report."""
    before = [item.id for item in report.datasets]
    then = [*before, new_dataset] if new_dataset and new_dataset not in before else before
    home = (before or then)[0] if len(before or then) == 1 else ""
    placed = [Metric(item.name, 0, dataset=item.dataset or home, slice=item.slice) for item in report.metrics]
    names = dict(zip(map(label, placed), map(label, report.metrics), strict=True))
    return names if len(then) == 1 else dict(zip(names, names, strict=True))


def _on(report: Report, dataset: str) -> str:
    """Return the option for a data set, with its path where the report has it."""
    known = next((item.path for item in report.datasets if item.id == dataset), "")
    pair = f"{dataset}={known or 'PATH'}"
    return f" --dataset {word(pair, 'ID=PATH')}"


def _measured(name: str) -> str:
    return f" --metric {word(f'{name}=NUMBER', 'NAME=NUMBER')}"


def _record(path: str) -> str:
    return f"mvc eval record {path_word(path)}"


def _first_tag(demanded: Demands) -> str:
    return _FIRST if all(tag.pattern == SEMVER for tag in demanded.tags) else "--tag TAG"
