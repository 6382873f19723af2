"""The lines to type that mend a finding. Paths are from the top of the worktree; words in capitals are to be filled in.

A line ends in a comment where there is another way out.
"""

from __future__ import annotations

import json
import re
import shlex

from mvc.objects import pointer as pointers
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.policy.demands import Demands, SliceDemand
from mvc.quality.policy.policy import Pinned
from mvc.quality.reports.report import Metric, Report, label
from mvc.quality.reports.tags import FIRST, SEMVER, parse_version

_OWN = ".mvc/"
_LONG = 80
"""Characters of a name that is worth repeating."""
_FEW = 3
"""Data sets and metrics that are repeated."""
_COMMIT = 12
"""Digits of a commit that are shown."""


# Pointers and files.


def track(path: str) -> str:
    """Take a file out of Git and give it to mvc, unless it lies where mvc's own files do."""
    line = untrack(path) if path.startswith(_OWN) else f"{untrack(path)} && mvc add {_path(path)}"
    return f"{line}  # or let Git have it: allow: [{_pattern(path)}] under defaults, git in {POLICY}"


def untrack(path: str, then: str = "", *, recursive: bool = False) -> str:
    """Take a path out of the next commit and leave it in the workspace."""
    return _with(f"git rm {'-r ' if recursive else ''}--cached -- {_pathspec(path)}", then)


def stage(path: str, when: str = "") -> str:
    """Stage a file."""
    return _with(f"git add -- {_pathspec(path)}", when)


def rename(old: str, new: str) -> str:
    """Give a file another name."""
    return f"git mv -- {_word(old)} {_word(new)}"


def settle(path: str) -> str:
    """Settle a conflict that Git knows of."""
    return f"git checkout --ours -- {_pathspec(path)} && git add -- {_pathspec(path)}  # or --theirs"


def unmarked(path: str) -> str:
    """Take one side of a conflict of which the marks were staged."""
    file = _pathspec(path)
    return f"git checkout HEAD -- {file}  # or MERGE_HEAD; or, once it is mended: git add -- {file}"


def add(path: str) -> str:
    """Write a pointer anew."""
    return f"mvc add {_path(path)}"


def bring(path: str) -> str:
    """Get the content into the cache."""
    return _with(add(path), f"or, when a remote has it: mvc pull {_path(path)}")


def other_format(path: str) -> str:
    """Take a model of a denied format out of the next commit."""
    return untrack(path + pointers.SUFFIX, "then save the model in another format")


def scan(path: str) -> str:
    """Get the content here, so that it can be looked at."""
    return f"mvc pull {_path(path)}  # then judge once more"


# Reports.


def first_report(path: str, demanded: Demands) -> str:
    """Record a model's first report, or say in the policy that it needs none."""
    line = f"{_record(path)} --tag {_first_tag(demanded)}{_measured('NAME')}"
    if not demanded.by_default:
        return line
    return f"{line}  # or, if it needs none, a rule in {POLICY}: - {{match: {_pattern(path)}, report: optional}}"


def next_report(path: str, report: Report, when: str = "") -> str:
    """Record a report of other bytes than those of `report`; without `when`, or stage what is there of them."""
    tag = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    files = f"{_pathspec(path + pointers.SUFFIX)} {_pathspec(path + SUFFIX)}"
    otherwise = f"or, if these are evaluated already: {add(path)} && git add -- {files}"
    return _with(f"{_record(path)} {tag}{_evidence(report)}", when or otherwise)


def another_tag(path: str, report: Report, demanded: Demands) -> str:
    """Give a report a tag that fits; who writes it by hand need not say all else again."""
    line = f"{_record(path)} --tag {_first_tag(demanded)}{_evidence(report)}"
    return _with(line, "or write tag: into the report and stage it")


def metric(path: str, report: Report, name: str, place: str = "") -> str:
    """Record a metric besides, spelled as on the command line; of the data set `place` where one is meant."""
    if not place:
        return _again(path, report) + _measured(name)
    wanted = f"{name}@{place}"
    return f"{_again(path, report, place, wanted)}{_on(report, place)}{_measured(wanted)}"


def direction(path: str, report: Report, name: str) -> str:
    """Say which way a metric is better."""
    return f"{_again(path, report)} --higher-is-better {_word(name, 'NAME')}  # or --lower-is-better"


def sliced(path: str, report: Report, wanted: SliceDemand, place: str = "") -> str:
    """Record a metric by a key."""
    return metric(path, report, f"{wanted.metric or 'NAME'}[{wanted.key}=VALUE]", place)


def dataset(path: str, report: Report, pinned: Pinned) -> str:
    """Record what was evaluated on."""
    return f"{_again(path, report, pinned.id)} --dataset {_word(f'{pinned.id}=PATH', 'ID=PATH')}"


def anew(path: str, what: str, *, submodule: bool = False) -> str:
    """Write a pointer or report in the place of what is no file."""
    file = path + (pointers.SUFFIX if what == "pointer" else SUFFIX)
    line = add(path) if what == "pointer" else f"{_record(path)} --tag {FIRST}{_measured('NAME')}"
    return untrack(file, f"then: {line}") if submodule else f"rm -f -- {_word(file)} && {line}"


def mended(path: str, what: str) -> str:
    """Replace a pointer or report that cannot be read."""
    return add(path) if what == "pointer" else stage(path + SUFFIX, "once it is mended")


def _again(path: str, report: Report, anew: str = "", wanted: str = "") -> str:
    """Record a report of the same bytes, which may keep its tag; data set `anew` and metric `wanted` are to follow."""
    tag = _word(report.tag, "TAG") if report.tag else FIRST
    return f"{_record(path)} --tag {tag}{_evidence(report, anew, wanted)}"


def _evidence(report: Report, anew: str = "", wanted: str = "") -> str:
    """Return the options that say what `report` says: a new one takes over neither data sets nor metrics."""
    used = {item.dataset for item in report.metrics}
    ids = sorted((item.id for item in report.datasets if item.id != anew), key=lambda name: name not in used)
    names = [spelled for name, spelled in _names(report, anew).items() if name != wanted]
    few = "".join(map(_measured, names)) if len(names) <= _FEW else " --metrics FILE.json"
    return "".join(_on(report, name) for name in ids[:_FEW]) + few


def _names(report: Report, anew: str) -> dict[str, str]:
    """Return how a line spells the metrics of `report`, by what they are then: each of the only data set, if any."""
    before = [item.id for item in report.datasets]
    then = [*before, anew] if anew and anew not in before else before
    home = (before or then)[0] if len(before or then) == 1 else ""
    placed = [Metric(item.name, 0, dataset=item.dataset or home, slice=item.slice) for item in report.metrics]
    names = dict(zip(map(label, placed), map(label, report.metrics), strict=True))
    return names if len(then) == 1 else dict(zip(names, names, strict=True))


def _on(report: Report, place: str) -> str:
    """Return the option that names a data set, with its path where the report knows it."""
    known = next((item.path for item in report.datasets if item.id == place), "")
    pair = f"{place}={known or 'PATH'}"
    return f" --dataset {_word(pair, 'ID=PATH')}"


def _measured(name: str) -> str:
    return f" --metric {_word(f'{name}=NUMBER', 'NAME=NUMBER')}"


def _record(path: str) -> str:
    return f"mvc eval record {_path(path)}"


def _first_tag(demanded: Demands) -> str:
    return FIRST if all(tag.pattern == SEMVER for tag in demanded.tags) else "TAG"


# Words of a command line.


def _with(line: str, remark: str) -> str:
    return f"{line}  # {remark}" if remark else line


def _path(path: str) -> str:
    """Return a path for mvc, which must not take it for an option."""
    return _word(f"./{path}" if path.startswith("-") else path)


def _pathspec(path: str) -> str:
    """Return a path for Git, which must not take it for a pattern."""
    return _word(f":(literal){path}" if re.match(r":|.*[*?\[\\]", path, re.DOTALL) else path)


def _pattern(path: str) -> str:
    """Return the pattern that means a path alone, as a policy spells it."""
    return json.dumps("/" + re.sub(r"([\\*?\[ ])", r"\\\1", path), ensure_ascii=not path.isprintable())


def _word(text: str, instead: str = "") -> str:
    """Return `text` as one word for the shell, in one line; `instead` where it is no name that people type."""
    if instead and (len(text) > _LONG or not text.isprintable()):
        return instead
    if text.isprintable():
        return shlex.quote(text)
    codes = text.encode("utf-8", "surrogateescape") if _is_file_name(text) else b"?"
    plain = (chr(code) if 0x20 <= code < 0x7F and code not in b"'\\" else f"\\x{code:02x}" for code in codes)  # noqa: PLR2004 - ASCII
    return f"$'{''.join(plain)}'"


def _is_file_name(text: str) -> bool:
    """Whether it can be told in bytes."""
    return not any("\ud800" <= char < "\udc80" or "\udcff" < char <= "\udfff" for char in text)


# Signatures, and what guards the models.


def sign(path: str, remark: str = "") -> str:
    """Sign a report."""
    return _with(f"mvc eval sign {_path(path)}", remark)


def assured(path: str, assurance: str) -> str:
    """Have a report signed by somebody whose word counts."""
    return sign(path, f"by one of evaluators: {assurance}, the report with evaluator: {{assurance: {assurance}}}")


def evaluated_again(path: str, report: Report) -> str:
    """Evaluate the same bytes once more."""
    return _again(path, report)


def signed_change(path: str, base: str) -> str:
    """Take the change of a guarded file back, or have it signed; `base` is a commit that has the file, if any has."""
    back = f"git checkout {base[:_COMMIT]} -- {_pathspec(path)}" if base else untrack(path)
    return f"{back}  # or, by a signer: mvc eval sign {_path(path)}"


def mended_file(path: str) -> str:
    """Mend a guarded file."""
    return stage(path, "once it is mended")


def edited(path: str) -> str:
    """Change a guarded file, which takes a signature."""
    return f"mvc eval sign {_path(path)}  # once it is changed; or mend what is wrong"


def looked_at(path: str) -> str:
    """Look at what a change does to a file."""
    return f"git log -p -- {_pathspec(path)}"


# Beside what was before.


def shown(path: str) -> str:
    """Look at a report."""
    return f"mvc eval show {_path(path)}"


def versions(path: str) -> str:
    """Look at what there was of a model."""
    return f"mvc log {_path(path)}"


def past_of(path: str) -> str:
    """Look for what is wrong with a report that the target branch has."""
    return f"git log --first-parent -p -- {_pathspec(path + SUFFIX)}  # then waive it: docs/policy.md, Waivers"


def policy_direction(name: str) -> str:
    """Say in the policy which way a metric is better."""
    when = f"once its rule for {_word(name, 'the metric')} has direction: higher, or lower"
    return stage(POLICY, f"{when}, in a change of its own")


def same_data(path: str, report: Report, place: str) -> str:
    """Record what was measured on the data of before."""
    line = _again(path, report, place) + _on(report, place or "ID")
    return f"{line}  # with the data of before; or allow_dataset_change: true in {POLICY}"


def with_stderr(path: str) -> str:
    """Give the report of before a standard error."""
    return f"{_record(path)} --metrics FILE.json  # of what was before, with stderr, in a change of its own"


def higher_tag(path: str, report: Report) -> str:
    """Record the same under a higher tag."""
    bump = "--bump patch" if parse_version(report.tag) else "--tag TAG"
    return f"{_record(path)} {bump}{_evidence(report)}"


def newer(path: str) -> str:
    """Record a version of what had one."""
    return f"{_record(path)} --bump patch{_measured('NAME')}  # of newer bytes"


def succeed(path: str, old: str, base: str) -> str:
    """Take a model out in a change of its own, or let another be its successor; the commit `base` has the old one."""
    files = f"{_pathspec(old + pointers.SUFFIX)} {_pathspec(old + SUFFIX)}"
    return f"git checkout {base[:_COMMIT]} -- {files}  # or give {_path(path)} the name of the old: mvc add --name NAME"


def tracked_again(path: str, file: str) -> str:
    """Track a model again, in the place of which Git has `file`; or let that come in a later change."""
    return untrack(file, f"then: {add(path)}; or leave {_pathspec(file)} to a later change")


def tracked_apart(path: str, old: str) -> str:
    """Track a model again, in the place of which mvc tracks something spelled otherwise, or a directory."""
    return untrack(path + pointers.SUFFIX, f"then: {add(old)}; or have the same demanded of {_pattern(path)}, first")


def another_path(path: str) -> str:
    """Move a model."""
    return f"mvc mv {_path(path)} NEW"


def another_name(path: str) -> str:
    """Give a model another name."""
    return f"mvc add {_path(path)} --name NAME"


def move_back(path: str, old: str) -> str:
    """Take a move back."""
    return f"mvc mv {_path(path)} {_path(old)}  # or have the same demanded of {_pattern(path)} in {POLICY}, first"


def explained(code: str) -> str:
    """Read what a finding means."""
    return f"mvc explain {code}"


# What only the gate sees.


def out_of_history(path: str, commit: str) -> str:
    """Take a file out of the commit that brings it: Git keeps what a later one deletes."""
    return f"git rebase -i {_word(commit[:12], 'COMMIT')}^  # edit it: git rm --cached -- {_pathspec(path)}"


def push(path: str, remote: str, *, repair: bool = False) -> str:
    """Bring a model to a remote, or what is wrong there of it."""
    command = "mvc push --repair" if repair else "mvc push"
    return f"{command} {_path(path)} -r {_word(remote, 'NAME')}  # where the model was added"


def test_remote(remote: str) -> str:
    """See why a remote does not answer."""
    return f"mvc remote test {_word(remote, 'NAME')}"
