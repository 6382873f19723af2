"""The commands that fix a finding. Paths are relative to the worktree; words in capitals are placeholders.

A comment at the end of a line names an alternative.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from mvc.objects import pointer as pointers
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.policy.demands import Demands, SliceDemand
from mvc.quality.policy.policy import Pinned
from mvc.quality.reports.report import Metric, Report, label
from mvc.quality.reports.tags import SEMVER, parse_version

_OWN = ".mvc/"
_FIRST = "--bump major"
"""The option for the tag of a first report: v1.0.0, unless that is taken."""
_LONG = 80
"""Characters of a name; longer ones become a placeholder."""
_FEW = 3
"""Data sets and metrics that are repeated in a command."""
_COMMIT = 12
"""Digits of a commit."""


# Pointers and files.


def track(path: str) -> str:
    """Move a file from Git to mvc, or only out of Git when it is below `.mvc/`."""
    return allowed(path, untrack(path) if path.startswith(_OWN) else f"{untrack(path)} && mvc add {_path(path)}")


def allowed(path: str, line: str) -> str:
    """Do something, or allow a file in Git."""
    return f"{line}  # or allow it in Git: allow: [{_pattern(path)}] under defaults, git in {POLICY}"


def untrack(path: str, then: str = "", *, recursive: bool = False) -> str:
    """Remove a path from the index and leave it in the workspace."""
    return _with(f"git rm {'-r ' if recursive else ''}--cached -- {_pathspec(path)}", then)


def stage(path: str, when: str = "") -> str:
    """Stage a file."""
    return _with(f"git add -- {_pathspec(path)}", when)


def renamed(line: str, old: str, new: str) -> str:
    """Return a line that names the file `new` where it named `old`."""
    for written in (_pathspec, _word):
        line = line.replace(written(old), written(new))
    return line


def rename(old: str, new: str) -> str:
    """Rename a file."""
    return f"git mv -- {_word(old)} {_word(new)}"


def settle(path: str) -> str:
    """Resolve a conflict in the index."""
    return f"mvc resolve {_path(path)} --ours  # or --theirs"


def unmarked(path: str) -> str:
    """Take one side of a conflict whose marks were staged."""
    file = _pathspec(path)
    return f"git checkout HEAD -- {file}  # or MERGE_HEAD; or, once it is fixed: git add -- {file}"


def merge(path: str) -> str:
    """Merge the lists of files in a directory's pointer."""
    return f"mvc add {_path(path)}  # merges the lists of both sides"


def add(path: str) -> str:
    """Write a pointer again."""
    return f"mvc add {_path(path)}"


def corrected(path: str) -> str:
    """Write a pointer again where the content is."""
    return f"{add(path)}  # in the clone that has the model"


def bring(path: str) -> str:
    """Bring the content into the cache."""
    return f"mvc pull {_path(path)} || {add(path)}  # from a remote, or from the workspace"


def other_format(path: str) -> str:
    """Remove a model of a denied format from the index."""
    return untrack(path + pointers.SUFFIX, "then save the model in another format")


def completed(path: str) -> str:
    """Add a model again."""
    return f"{add(path)}  # once its files are complete"


def saved_beside() -> str:
    """Save an ONNX model with its weights in its own folder."""
    return "onnx.save(MODEL, FILE, save_as_external_data=True)  # in Python: with the weights beside FILE"


def in_one_directory(path: str, others: Mapping[str, bool], *, has_report: bool) -> str:
    """Track a file and its external data as a directory, a new one if they are not in one already; its report follows.

    `others` says of each path whether it is tracked on its own.
    """
    folder, new = path.rpartition("/")[0], path.rpartition(".")[0]
    is_new = not folder or (len(others) <= _FEW and all(other.rpartition("/")[0] == folder for other in others))
    target = new if is_new else folder
    tracked = [path, *(other for other, is_tracked in others.items() if is_tracked)]
    files = " ".join(_word(file) for file in (path, *others))
    steps = (
        rename(path + SUFFIX, target + SUFFIX) if has_report else "",
        f"mvc rm --keep {' '.join(map(_path, tracked))}",
        f"mkdir {_word(new)} && mv -n -- {files} {_word(new)}" if is_new else "",
        add(target),
    )
    return " && ".join(filter(None, steps))


def scan(path: str) -> str:
    """Fetch the content, so that it can be scanned."""
    return f"mvc pull {_path(path)}  # then run the check again"


# Reports.


def first_report(path: str, demanded: Demands) -> str:
    """Record a model's first report, or make it optional in the policy."""
    line = f"{_record(path)} {_first_tag(demanded)}{_measured('NAME')}"
    if not demanded.by_default:
        return line
    return f"{line}  # or, if it needs none, add a rule to {POLICY}: - {{match: {_pattern(path)}, report: optional}}"


def next_report(path: str, report: Report, when: str = "") -> str:
    """Record a report of other content than that of `report`. Without `when`, the alternative is to stage it."""
    tag = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    files = f"{_pathspec(path + pointers.SUFFIX)} {_pathspec(path + SUFFIX)}"
    otherwise = f"or, if it is already evaluated: {add(path)} && git add -- {files}"
    if report.predictions:
        return _with(scored(path, report), when or otherwise)
    return _with(f"{_record(path)} {tag}{_evidence(report)}", when or otherwise)


def scored(path: str, report: Report) -> str:
    """Compute the metrics from predictions: those that the report names, in the same way."""
    tag = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    line = f"mvc eval score {_path(path)} {tag} --predictions"
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
    options = "".join(f" {name} {_word(text, 'COL')}" for name, text in words if text)
    on = _on(report, found.dataset) if found.dataset else ""
    return f"{line} {_word(found.path, 'FILE')}{options}{on}"


def recomputed() -> str:
    """Compute the metrics again at the gate."""
    return "mvc gate --recompute"


def of_merge(path: str, commit: str, line: str) -> str:
    """Evaluate what a merge made: bring it into the workspace, and type `line`. With `commit`, merge that first."""
    if commit:
        return f"git merge {_word(commit[:_COMMIT])}  # which then says what to evaluate"
    return f"mvc checkout {_path(path)} && {line}"


def one_of_both(path: str) -> str:
    """Take the report of one side of a merge, or record a new one."""
    return f"git checkout HEAD -- {_pathspec(path)}  # or MERGE_HEAD; or mvc eval record, for an evaluation of your own"


def another_tag(path: str, report: Report, demanded: Demands) -> str:
    """Record the report again with a valid tag, or write the tag by hand."""
    line = f"{_record(path)} {_first_tag(demanded)}{_evidence(report)}"
    return _with(line, "or write tag: into the report and stage it")


def metric(path: str, report: Report, name: str, dataset: str = "") -> str:
    """Record one more metric, named as on the command line; on `dataset` if it is not empty."""
    if not dataset:
        return _again(path, report, new_metric=name) + _measured(name)
    wanted = f"{name}@{dataset}"
    return f"{_again(path, report, dataset, wanted)}{_on(report, dataset)}{_measured(wanted)}"


def direction(path: str, report: Report, name: str) -> str:
    """Record which direction of a metric is better."""
    return f"{_again(path, report)} --higher-is-better {_word(name, 'NAME')}  # or --lower-is-better"


def sliced(path: str, report: Report, wanted: SliceDemand, dataset: str = "") -> str:
    """Record a metric sliced by a key."""
    return metric(path, report, f"{wanted.metric or 'NAME'}[{wanted.key}=VALUE]", dataset)


def missing_dataset(path: str, report: Report, pinned: Pinned) -> str:
    """Record one more data set."""
    return f"{_again(path, report, pinned.id)} --dataset {_word(f'{pinned.id}=PATH', 'ID=PATH')}"


def evaluated_in_full(path: str, report: Report) -> str:
    """Evaluate the same content again, on all examples."""
    return f"{_again(path, report)}  # once it is evaluated on all of it"


def evaluated_with(path: str, report: Report, other: str) -> str:
    """Record what the model was evaluated with."""
    return f"{_again(path, report)} --with {_path(other)}"


def of_source(path: str) -> str:
    """Record a report of what a model was derived from."""
    return f"{_record(path)} --bump patch{_measured('NAME')}  # and commit it with this change, or before"


def rewritten(path: str, what: str, *, submodule: bool = False) -> str:
    """Write a pointer or report in place of a symlink, directory or submodule."""
    file = path + (pointers.SUFFIX if what == "pointer" else SUFFIX)
    line = add(path) if what == "pointer" else f"{_record(path)} {_FIRST}{_measured('NAME')}"
    return untrack(file, f"then: {line}") if submodule else f"{_aside(file)} && {line}"


def replaced(path: str, what: str) -> str:
    """Replace an unreadable pointer or report."""
    return add(path) if what == "pointer" else stage(path + SUFFIX, "once it is fixed")


def _again(path: str, report: Report, new_dataset: str = "", new_metric: str = "") -> str:
    """Record a report of the same content with the same tag; the caller adds `new_dataset` and `new_metric`."""
    tag = f"--tag {_word(report.tag, 'TAG')}" if report.tag else _FIRST
    return f"{_record(path)} {tag}{_evidence(report, new_dataset, new_metric)}"


def _evidence(report: Report, new_dataset: str = "", new_metric: str = "") -> str:
    """Return the options that repeat the data sets and metrics of `report`, which a new report does not inherit."""
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
    return f" --dataset {_word(pair, 'ID=PATH')}"


def _measured(name: str) -> str:
    return f" --metric {_word(f'{name}=NUMBER', 'NAME=NUMBER')}"


def _record(path: str) -> str:
    return f"mvc eval record {_path(path)}"


def _first_tag(demanded: Demands) -> str:
    return _FIRST if all(tag.pattern == SEMVER for tag in demanded.tags) else "--tag TAG"


# Words of a command line.


def _aside(file: str) -> str:
    """Rename a file out of the way."""
    return f"mv -n -- {_word(file)} {_word(f'{file}.aside')}"


def _with(line: str, remark: str) -> str:
    return f"{line}  # {remark}" if remark else line


def _path(path: str) -> str:
    """Return a path that mvc does not read as an option."""
    return _word(f"./{path}" if path.startswith("-") else path)


def _pathspec(path: str) -> str:
    """Return a path that Git does not read as a pattern."""
    return _word(f":(literal){path}" if re.match(r":|.*[*?\[\\]", path, re.DOTALL) else path)


def _pattern(path: str) -> str:
    """Return the policy pattern that matches only this path."""
    return json.dumps("/" + re.sub(r"([\\*?\[ ])", r"\\\1", path), ensure_ascii=not path.isprintable())


def _word(text: str, placeholder: str = "") -> str:
    """Return `text` as one shell word in one line, or `placeholder` when it is unsuitable."""
    if placeholder and (len(text) > _LONG or not text.isprintable()):
        return placeholder
    if text.isprintable():
        return shlex.quote(text)
    codes = text.encode("utf-8", "surrogateescape") if _is_file_name(text) else b"?"
    plain = (chr(code) if 0x20 <= code < 0x7F and code not in b"'\\" else f"\\x{code:02x}" for code in codes)  # noqa: PLR2004 - ASCII
    return f"$'{''.join(plain)}'"


def _is_file_name(text: str) -> bool:
    """Whether it can be encoded to bytes."""
    return not any("\ud800" <= char < "\udc80" or "\udcff" < char <= "\udfff" for char in text)


# Signatures and policy files.


def sign(path: str, remark: str = "") -> str:
    """Sign a report."""
    return _with(f"mvc eval sign {_path(path)}", remark)


def assured(path: str, assurance: str) -> str:
    """Have a report signed by one of the policy's evaluators."""
    return sign(path, f"by one of evaluators: {assurance}, with evaluator: {{assurance: {assurance}}} in the report")


def evaluated_again(path: str, report: Report) -> str:
    """Evaluate the same content again."""
    return _again(path, report)


def signed_change(path: str, base: str) -> str:
    """Undo the change of a policy file, or have it signed; `base` is a commit with the old file, or empty."""
    back = f"git restore --source={base[:_COMMIT]} --staged -- {_pathspec(path)}" if base else untrack(path)
    return f"{back}  # or, by a signer: mvc eval sign {_path(path)}"


def stage_fixed(path: str) -> str:
    """Stage a file that was fixed."""
    return stage(path, "once it is fixed")


def edited(path: str) -> str:
    """Change a policy file and sign the change."""
    return f"mvc eval sign {_path(path)}  # once it is changed; or fix the finding"


def looked_at(path: str) -> str:
    """Review the changes of a file."""
    return f"git log -p -- {_pathspec(path)}"


# Comparison with earlier versions.


def shown(path: str) -> str:
    """Show a report."""
    return f"mvc eval show {_path(path)}"


def versions(path: str) -> str:
    """List the versions of a model."""
    return f"mvc log {_path(path)}"


def past_of(path: str) -> str:
    """Look at the reports of the target branch."""
    return f"git log --first-parent -p -- {_pathspec(path + SUFFIX)}  # then waive it: docs/policy.md, Waivers"


def policy_direction(name: str) -> str:
    """Say in the policy which direction of a metric is better."""
    when = f"once its rule for {_word(name, 'the metric')} has direction: higher, or lower"
    return stage(POLICY, f"{when}, in a separate change")


def same_data(path: str, report: Report, dataset: str) -> str:
    """Record the metrics again, measured on the earlier data."""
    line = _again(path, report, dataset) + _on(report, dataset or "ID")
    return f"{line}  # on the earlier data; or set allow_dataset_change: true in {POLICY}"


def same_sample(path: str) -> str:
    """Stage a report that names the earlier split and number of examples."""
    return stage(path + SUFFIX, f"once it has split and n as before; or set allow_dataset_change: true in {POLICY}")


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


def succeed(path: str, old: str, base: str) -> str:
    """Restore the old model from the commit `base`, or make the new one its successor."""
    files = f"{_pathspec(old + pointers.SUFFIX)} {_pathspec(old + SUFFIX)}"
    return f"git checkout {base[:_COMMIT]} -- {files}  # or give {_path(path)} its name: mvc add --name NAME"


def tracked_again(path: str, file: str) -> str:
    """Track a model again in place of `file` in Git; or add that in a later change."""
    return untrack(file, f"then: {add(path)}; or leave {_pathspec(file)} to a later change")


def tracked_instead(path: str, file: str) -> str:
    """Track a path that `file` leaves to DVC or Git LFS."""
    return allowed(path, f"{untrack(file)} && mvc add {_path(path)}")


def tracked_apart(path: str, old: str) -> str:
    """Track a model again in place of a directory, or of a path with another case."""
    return untrack(path + pointers.SUFFIX, f"then: {add(old)}; or demand the same of {_pattern(path)} first")


def another_path(path: str) -> str:
    """Move a model."""
    return f"mvc mv {_path(path)} NEW"


def another_name(path: str) -> str:
    """Rename a model."""
    return f"mvc add {_path(path)} --name NAME"


def move_back(path: str, old: str) -> str:
    """Undo a move."""
    return f"mvc mv {_path(path)} {_path(old)}  # or demand the same of {_pattern(path)} in {POLICY} first"


def explained(code: str) -> str:
    """Explain a code."""
    return f"mvc explain {code}"


# Findings of the gate only.


def out_of_history(path: str, commit: str) -> str:
    """Remove a file from the commit that adds it: deleting it later keeps it in the history."""
    return f"git rebase -i {_word(commit[:_COMMIT], 'COMMIT')}^  # edit it: git rm --cached -- {_pathspec(path)}"


def push(path: str, remote: str, *, repair: bool = False, rev: str = "") -> str:
    """Push a model, or repair it on the remote; that of the commit `rev`, if it is given."""
    command = f"mvc push{' --repair' if repair else ''}{f' --rev {rev}' if rev else ''}"
    return f"{command} {_path(path)} -r {_word(remote, 'NAME')}  # from the clone that has the model"


def test_remote(remote: str) -> str:
    """Test a remote."""
    return f"mvc remote test {_word(remote, 'NAME')}"
