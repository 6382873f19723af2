"""Mutants of the judge that change no verdict, and why."""

from __future__ import annotations

WORDS = {
    "landing._tag": "the tag that the table shows",
    "judge._way_out": "the line to type",
    "moves._few": "several words, in a message",
    "landing._name": "the name that the table shows",
    "landing._entered": "what the last line counts",
    "judge._with_renames": "a better line to type, once the findings are there",
    "judge._digests": "serves that line",
    "figures._missing": "a message",
    "references.history": "the versions that the review shows",
    "regressions._data": "the data sets, in a message",
    "regressions._rule": "what the table shows of the policy",
    "regressions._allowance": "the same",
    "succession._since": "where a tag was given, in a message",
    "regressions._allowed": "a tolerance, in a message",
    "regressions._other_rows": "rows of metrics that no rule asks for",
    "succession._described": "an earlier version, in a message",
    "trust.span": "a span of time, in a message",
    "policy_files.workflow": "how a file changed, in a message; it is a warning however it did",
    "policy_files._harmless": "how a file changed, in a note",
    "policy_files._joined": "several reasons, in a message",
    "pickled._named": "a message",
    "pickled._unread": "a message",
    "pickled._absent": "a message",
    "paired._missing": "why there is no test, in a message",
}
"""Functions that only choose words, by name."""

ONLY_IN_THE_HOOK = {
    "parts.judge_parts": "the content is in the cache; tests/e2e/test_model_parts.py has the gate, too",
    "judge._of_given_tags": "at the gate the past of a model has more",
}
"""Rules that no pull request needs, by name."""

_IN_A_MESSAGE = "chooses the words of a finding"
_IN_A_FIX = "chooses the line to type"

EQUIVALENT = {
    "parsed_policy.read_policy: file.has_conflict_marks  ->  not file.has_conflict_marks": _IN_A_MESSAGE,
    "parsed_policy.read_policy: error.fix or fix  ->  error.fix and fix": _IN_A_FIX,
    "judge.judge_blob: blob.commit  ->  not blob.commit": "says in which commit",
    "model._of_content: facts.report is not None  ->  facts.report is None": _IN_A_FIX,
    "evidence.judge_recomputed: found.fix or report_fixes.scored(model.path, report)"
    "  ->  found.fix and report_fixes.scored(model.path, report)": _IN_A_FIX,
    "parts.judge_parts: rest  ->  not rest": _IN_A_MESSAGE,
    "model._of_content: file == model.path  ->  file != model.path": _IN_A_MESSAGE,
    "model._of_report: model.facts.merged is not None  ->  model.facts.merged is None": _IN_A_MESSAGE,
    "model._of_report: is_merged  ->  not is_merged": _IN_A_MESSAGE,
    "model._after_merge: merged is None  ->  merged is not None": _IN_A_FIX,
    "model._of_tag: pattern == SEMVER  ->  pattern != SEMVER": _IN_A_MESSAGE,
    "model._parsed: what == 'report'  ->  what != 'report'": "the file's name in a message; the code is chosen below",
    "model._parsed: file.mode == SUBMODULE  ->  file.mode != SUBMODULE": _IN_A_FIX,
    "model._parsed: error.fix or report_fixes.replaced(path, what)"
    "  ->  error.fix and report_fixes.replaced(path, what)": _IN_A_FIX,
    "model._parsed: what == 'pointer'  ->  what != 'pointer'": _IN_A_FIX,
    "model._parsed: not file.raw.startswith(b'mvc: ')  ->  bool(file.raw.startswith(b'mvc: '))": _IN_A_FIX,
    "model._parsed: foreign  ->  not foreign": _IN_A_FIX,
    "model._parsed: lists_files  ->  not lists_files": _IN_A_FIX,
    "model._parsed: what == 'pointer' and is_directory(file.raw)  ->  what == 'pointer' or is_directory(file.raw)":
        _IN_A_FIX,
    "model._parsed: what == 'pointer' and file.raw and (not file.raw.startswith(b'mvc: ')) and (tool_of(name) == 'mvc')"
    "  ->  what == 'pointer' or file.raw or (not file.raw.startswith(b'mvc: ')) or (tool_of(name) == 'mvc')": _IN_A_FIX,
    "judge.judge: not policy.has_other_pointers  ->  bool(policy.has_other_pointers)": _IN_A_FIX,
    "model._parsed: tool_of(name) == 'mvc'  ->  tool_of(name) != 'mvc'": _IN_A_FIX,
    "figures._slice: wanted.metric or 'metric'  ->  wanted.metric and 'metric'": _IN_A_MESSAGE,
    "figures._slice: dataset  ->  not dataset": _IN_A_MESSAGE,
    "regressions._newness: reports.past.before is None  ->  reports.past.before is not None": _IN_A_MESSAGE,
    "samples._changed_split: clipped(new.split) or 'unknown'  ->  clipped(new.split) and 'unknown'": _IN_A_MESSAGE,
    "succession._lower: order is None  ->  order is not None": _IN_A_MESSAGE,
    "companions.judge_companions: now  ->  not now": _IN_A_MESSAGE,
    "moves._twins: item != path  ->  item == path": "names the wrong twin in a message",
    "moves._namesakes: item != path  ->  item == path": "names the wrong namesake in a message",
    "moves._namesakes: names[other] == names[path]  ->  names[other] != names[path]": _IN_A_MESSAGE,
    "moves._unjudged: file.path == claim  ->  file.path != claim": _IN_A_MESSAGE,
    "moves._exchanged: new and gone  ->  new or gone": "saves a loop that would find nothing",
    "strictness._of_report: old.signatures > 1  ->  old.signatures >= 1": _IN_A_MESSAGE,
    "strictness._of_report: old.signatures > 1  ->  old.signatures <= 1": _IN_A_MESSAGE,
    "trust.too_few: counting  ->  not counting": _IN_A_MESSAGE,
    "trust.too_few: demanded.signatures > 1  ->  demanded.signatures >= 1": _IN_A_MESSAGE,
    "trust.too_few: demanded.signatures > 1  ->  demanded.signatures <= 1": _IN_A_MESSAGE,
    "trust.not_counting: who  ->  not who": _IN_A_MESSAGE,
    "trust.too_old: report.created_at  ->  not report.created_at": _IN_A_MESSAGE,
    "policy_files.is_policy_file: path in POLICY_FILES or is_workflow(path)"
    "  ->  path in POLICY_FILES and is_workflow(path)": "asked when the facts are collected",
    "policy_files.is_policy_file: path in POLICY_FILES  ->  path not in POLICY_FILES":
        "asked when the facts are collected",
    "policy_files._refused: change.old  ->  not change.old": _IN_A_FIX,
    "policy_files._problem: return 'it is in conflict'  ->  return ''": "at the gate a tree has no conflicts",
    "weakened._of_trust: new_age or 'none'  ->  new_age and 'none'": _IN_A_MESSAGE,
    "weakened._bound: new.min is None  ->  new.min is not None": _IN_A_MESSAGE,
    "weakened._bound: new.max is None  ->  new.max is not None": _IN_A_MESSAGE,
    "waivers.digests_of: return None  ->  return 'mutated'": "no text is equal to the pair that it is compared with",
    "pushed._incomplete: item.needed == 1  ->  item.needed != 1": _IN_A_MESSAGE,
    "pushed._incomplete: item.problem or f'not on remote {remote.name}: {count}'"
    "  ->  item.problem and f'not on remote {remote.name}: {count}'": _IN_A_MESSAGE,
    "pushed._unverified: remote.fix or fixes.test_remote(remote.name)"
    "  ->  remote.fix and fixes.test_remote(remote.name)": _IN_A_FIX,
    "pickled.judge_pickles: items[0].file  ->  not items[0].file": _IN_A_MESSAGE,
    "pickled.judge_pickles: items[1:]  ->  not items[1:]": _IN_A_MESSAGE,
}
"""All other such mutants, by name."""
