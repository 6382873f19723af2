"""All finding codes: what each means and how to fix it. A code never changes its meaning."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A kind of finding."""

    code: str
    """`MVC` and three digits: 1 reports, 2 metrics, 3 files in Git, 4 policy."""
    title: str
    meaning: str
    fix: str
    """What to do, in words; each finding has the command to type."""
    example: str
    """A finding of the judge: path and message."""


_MODEL = "models/ranker.onnx"


def _code(number: int, title: str, meaning: str, fix: str, example: str) -> Code:
    return Code(f"MVC{number}", title, meaning, fix, example)


_ALL = (
    _code(101, "report missing",
     "A tracked path needs an evaluation report, X.eval.yaml next to X.mvc, and the judged tree has none. A report in "
     "the workspace that is not staged does not count.",
     "Evaluate the model and record it with mvc eval record. If no report is needed, add a rule with report: optional "
     "to the policy.",
     f"{_MODEL}: no evaluation report"),
    _code(102, "report unreadable",
     "The report is not YAML, has an unknown key, a value of a wrong type or a number that is not finite, or was "
     "written by a newer mvc. All of it is ignored.",
     "Fix the file and stage it, or delete it and record the evaluation again.",
     f"{_MODEL}: cannot read the report: not an evaluation report: `mvc-eval: 1` is missing"),
    _code(103, "report of other content",
     "The report was made for other content than the pointer names: the model was trained again, or the report was "
     "copied, without a new evaluation. Or the pointer names a directory's list of files as if that were the model.",
     "Evaluate the current model and record it.",
     f"{_MODEL}: the report is of 0123456789ab…, the pointer of 3edc5c4a5df8…"),
    _code(104, "tag missing",
     "The report does not say which version it is for.",
     "Write tag: into the report, or record the evaluation again with --tag.",
     f"{_MODEL}: the report has no tag"),
    _code(105, "invalid tag",
     "The policy demands a pattern for tags: semver, or a regular expression that the whole tag must match.",
     "Choose a tag that matches.",
     f"{_MODEL}: invalid tag first: expected a version such as v1.2.0"),
    _code(106, "report without its pointer",
     "The report of the model exists, but its pointer is missing or not staged: the model was deleted or renamed "
     "without the report, or the pointer was forgotten.",
     "Delete the report, rename it like the pointer, or stage the pointer. mvc rm and mvc mv change both at once.",
     f"{_MODEL}: report has no pointer: {_MODEL}.eval.yaml exists, {_MODEL}.mvc does not"),
    _code(107, "evaluated with other content",
     "The report names content that the model was evaluated with, such as its tokenizer, and the judged tree has other "
     "content at that path, or none.",
     "Evaluate the model with the current content and record it, or restore the earlier content.",
     f"{_MODEL}: evaluated with models/tokenizer 0123456789ab…, now fedcba987654…"),
    _code(108, "evaluated without a required input",
     "A rule has with: required, and the report does not name that path: which tokenizer the model was evaluated with, "
     "for example, is not known.",
     "Evaluate the model with it, and record that with --with.",
     f"{_MODEL}: the report does not say with which models/tokenizer the model was evaluated"),
    _code(109, "source without a report",
     "A rule demands a report of what the model was derived from, as by a conversion, and neither the judged tree nor "
     "the history has one of exactly that content at its path.",
     "Evaluate the source and record it with mvc eval record.",
     f"{_MODEL}: derived from models/ranker.skops 0123456789ab…, which has no report"),
    _code(120, "earlier version returns",
     "The change restores a pointer and a report that were on the target branch together before. Its tag may be lower "
     "than the current one, and its metrics worse. Limits and signatures still apply. A note: nothing fails.",
     "Nothing. To forbid this, set tag: rollback in the policy.",
     f"{_MODEL}: earlier version v1.2.0 of commit 1234567890ab returns"),
    _code(121, "tag taken",
     "Other content of the model has this tag: on the target branch, in its history with all merged branches, or in a "
     "Git tag. A tag names one version forever.",
     "Record the evaluation with a tag that is free.",
     f"{_MODEL}: tag v1.2.0 is taken by 45fbdda652c1… since commit 1234567890ab; the report's model is 3edc5c4a5df8…"),
    _code(122, "tag not higher",
     "The tag is lower than the one on the target branch, or the same for other content. Tags other than versions are "
     "compared by their numbers, after the same words; a tag without an order counts as not higher.",
     "Record the evaluation with a higher tag. To return to an earlier version, restore its pointer and report "
     "together.",
     f"{_MODEL}: tag v1.2.0 is not higher than the tag before, v1.10.0"),
    _code(123, "earlier version must not return",
     "The change restores an earlier pointer and report, which the policy forbids: with rollback: deny, or with "
     "rollback: registered when no Git tag registers that version.",
     "Add a new version, or change tag: rollback in the policy.",
     f"{_MODEL}: earlier version v1.2.0 of commit 1234567890ab returns: the policy forbids earlier versions to return"),
    _code(124, "assurance too low",
     "A rule demands an evaluation by CI or a third party. The report claims less, or is not signed by one of the "
     "evaluators that the policy lists for this assurance.",
     "Have the model evaluated there, and the report signed by one of the policy's evaluators.",
     f"{_MODEL}: assurance self, expected at least ci"),
    _code(125, "too few signatures",
     "A rule demands more signatures of the report. A key with several names counts once, and so does a name with "
     "several keys. Only signers in the target branch's .mvc/allowed_signers count.",
     "Have others sign the report with mvc eval sign.",
     f"{_MODEL}: 1 of 2 required signatures by different keys and names: ada@example.com"),
    _code(126, "invalid signature",
     "A signature is damaged or of other content, or its key is unknown, expired or revoked. A warning: the signature "
     "is not counted.",
     "Sign again: this drops signatures that no longer match.",
     f"{_MODEL}: invalid signature by ada@example.com SHA256:k1: it is of other content"),
    _code(127, "report too old",
     "A rule has a max_age. The report is older, has no created_at with a time zone, or one more than an hour in the "
     "future.",
     "Evaluate the model again.",
     f"{_MODEL}: the report is 45 days old, expected at most 30 days"),
    _code(128, "report mixed",
     "Git merged two reports line by line, because it merged without mvc: no evaluation has this result.",
     "Take the report of one side, or evaluate the model and record a report. mvc init makes Git merge with mvc.",
     f"{_MODEL}: Git mixed the report from the lines of both sides: it is of no evaluation"),
    _code(201, "metric missing",
     "A rule demands a metric, possibly on a data set or in a slice, and the report does not have it. Missing metrics "
     "never pass.",
     "Measure the metric and record it.",
     f"{_MODEL}: the report has no auc"),
    _code(202, "metric too low",
     "The metric is below min.",
     "Train again, or keep the earlier version. If the limit is wrong, change it in the policy.",
     f"{_MODEL}: auc is 0.88, expected at least 0.9"),
    _code(203, "metric too high",
     "The metric is above max.",
     "Train again, or keep the earlier version. If the limit is wrong, change it in the policy.",
     f"{_MODEL}: p95_ms is 45, expected at most 40"),
    _code(204, "direction unknown",
     "A rule has max_regression for this metric, but neither the policy nor the report says whether higher or lower is "
     "better; or the rules, or the metrics of the report, say both.",
     "Record the metric with --higher-is-better or --lower-is-better, or add direction: to the rule.",
     f"{_MODEL}: neither the policy nor the report says which direction of score is better"),
    _code(205, "slice missing",
     "A rule has slices: required, and the report has no metric sliced by that key.",
     "Measure and record the metric for each value of that key: --metric 'auc[country=DE]=0.91'.",
     f"{_MODEL}: the report has no auc by country"),
    _code(206, "slices too far apart",
     "The gap between the best and the worst slice by one key is larger than max_gap.",
     "Train again, or examine the worst slice. If the limit is wrong, change it in the policy.",
     f"{_MODEL}: gap of 0.07 between auc[country=DE] 0.93 and auc[country=FR] 0.86, expected at most 0.05"),
    _code(207, "data set missing",
     "A rule demands a data set, and the model was not evaluated on it.",
     "Evaluate the model on it and record that with --dataset.",
     f"{_MODEL}: the report has no data set holdout"),
    _code(208, "data set has other content",
     "The policy pins the content of a data set by its blake3, and the model was evaluated on other content.",
     "Check out the pinned data and evaluate again, or pin the new data in the policy.",
     f"{_MODEL}: data set holdout is fedcba987654…, expected 0123456789ab…"),
    _code(209, "no metrics",
     "A report is required, and it has no metric at all, so nothing was evaluated.",
     "Evaluate the model and record at least one metric. If no report is needed, add a rule with report: optional to "
     "the policy.",
     f"{_MODEL}: the report has no metrics"),
    _code(210, "evaluated on a part of the data",
     "A rule demands a data set in full, and the report says that only some of its examples were used.",
     "Evaluate the model on all examples and record it.",
     f"{_MODEL}: 500 of 5,000 examples of data set holdout were evaluated, expected all"),
    _code(220, "nothing to compare with",
     "The model is new, or had no report before, so max_regression, tags and slices are not compared. A note: nothing "
     "fails.",
     "Nothing. If the model existed at another path, give it the same name: mvc add --name.",
     f"{_MODEL}: nothing to compare with: the model is new"),
    _code(221, "metric worse than before",
     "The metric is worse than the one it is compared with, by more than max_regression allows. A relative tolerance "
     "refers to the earlier report.",
     "Train again, or keep the earlier version. If the tolerance is wrong, change it in the policy.",
     f"{_MODEL}: auc is 0.92, before 0.93: worse by 0.01, expected at most 0.005"),
    _code(222, "earlier reports unreadable",
     "The model had reports, but none is readable and matches its model. Where the policy demands a comparison, this "
     "is an error.",
     "Look at the reports of the target branch, and have someone accept the finding with a waiver.",
     f"{_MODEL}: nothing to compare with: no earlier report is readable and matches its model"),
    _code(223, "standard error missing",
     "max_regression is in standard errors, such as 2se, the metric is worse, and the earlier report has no stderr for "
     "it.",
     "Evaluate the earlier version again and record it with stderr, in a separate change.",
     f"{_MODEL}: auc is 0.92, before 0.93 without stderr, which 2se needs"),
    _code(224, "other data than before",
     "A metric with max_regression was measured on other data than before, so the values cannot be compared.",
     "Evaluate on the earlier data. If the data may change, set allow_dataset_change: true in the rule.",
     f"{_MODEL}: auc was measured on holdout fedcba987654… before, now on holdout 0123456789ab…"),
    _code(225, "earlier slice missing",
     "A rule judges all slices by a key, and a slice of the earlier report is missing. Or a rule has max_gap, and "
     "slices that were measured on one data set are now on different ones, so that their gap is unknown.",
     "Measure that slice on the data set of the others, and record it.",
     f"{_MODEL}: auc[country=FR] was measured before, and is not any more"),
    _code(226, "fewer examples or another split",
     "The data set of a judged metric has the content that it had in an earlier report, and the report says that it is "
     "another split, or has fewer examples; or a slice has fewer. What was said before must still be said.",
     "Evaluate on the earlier split and examples. If they may change, set allow_dataset_change: true in the rule.",
     f"{_MODEL}: data set holdout is split train, before test"),
    _code(227, "number not from its predictions",
     "The gate computed the metrics again from the predictions that the report names, and a number differs by more "
     "than 1e-9 of its value, or the predictions give no such metric.",
     "Record the report again with mvc eval score. To find out what differs: mvc eval recompute.",
     f"{_MODEL}: auc is 0.95 in the report, 0.931 by its predictions"),
    _code(228, "predictions missing",
     "A rule has evidence: predictions, and the report names no predictions, so that nobody can compute its metrics "
     "again.",
     "Record the report with mvc eval score.",
     f"{_MODEL}: the policy demands predictions, and the report names none"),
    _code(229, "metrics not computed again",
     "The metrics could not be computed from the predictions: their content is not in the cache or on the remote, or "
     "the file cannot be read. Or a rule has evidence: predictions, and the gate ran without --recompute. An error "
     "where a rule demands it, else a warning.",
     "Run mvc gate --recompute where the remote answers. If the predictions were never pushed: mvc push.",
     f"{_MODEL}: the policy demands that the gate computes the metrics again"),
    _code(230, "not compared example by example",
     "A rule has max_regression: paired, the metric is worse than before, and there is no test: a report names no "
     "predictions, their content is not at hand, they are not of the same examples in the same order, or the gate ran "
     "without --recompute.",
     "Record both versions with mvc eval score on the same data, push the predictions, and run mvc gate --recompute.",
     f"{_MODEL}: auc is 0.92, before 0.93, not compared example by example: the earlier report names no predictions"),
    _code(231, "not shown to be worse",
     "A rule has max_regression: paired, and the metric is worse than before, but by no more than chance explains: p "
     "is at least 0.05 in the test on the same examples. A note: nothing fails.",
     "Nothing. To find smaller differences, evaluate on more examples.",
     f"{_MODEL}: accuracy is 0.929, before 0.93: not shown to be worse, by McNemar: difference -0.001 [-0.009, 0.007], "
     "n = 2,000, p = 0.87"),
    _code(301, "file too large for Git",
     "A file that would be committed as it is is larger than max_blob. Git would keep it in every clone forever.",
     "Track it with mvc. If it belongs into Git, add it to allow.",
     "data/scores.csv: 1,000,001 bytes, at most 1MB are allowed in Git"),
    _code(302, "name not allowed in Git",
     "A pattern in forbid matches the file: it has the name of a model.",
     "Track it with mvc. If it belongs into Git, add it to allow.",
     "tiny.onnx: the policy forbids *.onnx in Git"),
    _code(303, "model by its first bytes",
     "The file begins like a model, whatever its name is, or a file in it does: an archive or compressed file is "
     "unpacked in memory. Plain arrays (.npy) and NetCDF are data, and no models.",
     "Track it with mvc. If it belongs into Git, for example as a test sample, add it to allow.",
     "weights.bin: it is a safetensors file by its first bytes, which is not allowed in Git"),
    _code(304, "pointer unreadable",
     "The pointer is not in canonical form, or has a name that mvc refuses, such as one that ends in .MVC. Pointers "
     "are never edited by hand. A file of another program that ends in .mvc is not a pointer if the policy allows it "
     "in Git.",
     "Write it again with mvc add, or add the other program's file to allow.",
     f"{_MODEL}: cannot read the pointer: not a pointer: expected keys and values"),
    _code(305, "conflict",
     "The pointer or the report has a merge conflict that is not resolved.",
     "Merge the lists of a directory with mvc add; else take one side with mvc resolve.",
     f"{_MODEL}: the pointer has a merge conflict"),
    _code(306, "content not in the cache",
     "The pointer would be committed without its content: some of it is not in the cache. Or the policy denies "
     "formats, and the list of a large directory's files is not in the cache.",
     "Run mvc add where the workspace has the content, or mvc pull where a remote has it.",
     f"{_MODEL}: the cache does not have all of its content"),
    _code(307, "format denied",
     "The policy denies a format, and the name of the model or of a file in its directory has it.",
     "Save the model in another format, or change formats in the policy.",
     "models/old.pkl: it matches pickle, which the policy denies"),
    _code(308, "content beside its pointer",
     "Git has both the pointer and the content: it was added with force, or was there before.",
     "Remove the content from Git; it stays in the workspace and in the cache.",
     f"{_MODEL}: Git has the content as well as the pointer"),
    _code(309, "not a regular file",
     "A pointer, report or policy is a symlink or a submodule, so that it could change without a commit.",
     "Remove it and write it as a file.",
     f"{_MODEL}: the pointer is a symlink, not a regular file"),
    _code(310, "pickle not known to be harmless",
     "The policy demands a pickle scan. Unpickling this file would import or call something that is not on mvc's list "
     "of harmless names, or alter an object in another way than the list says, or it cannot be read to its end. "
     "Nothing was unpickled for this check.",
     "Check where the model comes from. Save it without the listed names, for example as a state dict, or in another "
     "format such as safetensors. If you trust a name, add it to pickle_allow in the policy, in a separate change.",
     "models/ranker.pkl: it would call functions not known to be harmless: posix.system"),
    _code(311, "pickle not scanned",
     "The policy demands a pickle scan, and the content is not in the cache.",
     "Fetch the content with mvc pull, then run the check again.",
     "models/ranker.pkl: the policy demands a pickle scan, and its content is not in the cache"),
    _code(312, "pointer disagrees with its content",
     "A size, an xxh128 or a count in the pointer is not that of the object that its blake3 names, in the cache or, "
     "with mvc gate -r, on the remote: a conflict was resolved by hand, or the pointer was edited. A checkout refuses "
     "such a pointer.",
     "Write it again with mvc add.",
     f"{_MODEL}: the pointer disagrees with its content in the cache: size 5, but the object has 7 bytes"),
    _code(313, "parts of a model do not fit",
     "An index of shards (model.safetensors.index.json) does not name exactly the shards beside it, or is not one; or "
     "an ONNX file has external data that is not in its directory. Judged where the content is in the cache.",
     "Bring the missing files, or remove those that do not belong to the model, then add it again.",
     "models/llm: model.safetensors.index.json names model-00002-of-00002.safetensors, not there"),
    _code(314, "weights apart from their model",
     "An ONNX file has external data, and that is neither in the same tracked directory nor in the with of the report. "
     "So the model could change without its pointer. Judged where the content is in the cache.",
     "Track both as one directory. Or track the data as well, and record that with --with.",
     f"{_MODEL}: it has weights in {_MODEL}.data, tracked neither with it nor in `with` of its report"),
    _code(321, "not on the remote",
     "The gate asked the remote (mvc gate -r) for all objects of the changed models, and some are missing or have "
     "another size. After the merge the model could not be fetched.",
     "Push it from the clone where the model was added.",
     f"{_MODEL}: not on remote prod: 1 of 1 object, 7 bytes"),
    _code(322, "remote not asked",
     "The gate could not ask the remote: it has no credentials, as for a pull request from a fork, or the remote did "
     "not answer. A warning: everything else was judged.",
     "Give the job credentials, or check the remote with mvc remote test.",
     ": unverified: cannot ask remote prod: no credentials"),
    _code(323, "duplicate path",
     "Two tracked paths, or a tracked path or a file of mvc and a file of Git, are equal on file systems that ignore "
     "case or Unicode composition, or one is inside the other. There, a checkout would overwrite one with the other.",
     "Move one of them.",
     f"{_MODEL}: models/Ranker.onnx differs only by case or Unicode composition"),
    _code(324, "duplicate name",
     "Two pointers have the same name, or names that differ only by case. In the registry, a name is one model.",
     "Give one of them another name.",
     f"{_MODEL}: other has the name ranker as well"),
    _code(325, "moved out of a rule",
     "The model was moved to a path where the policy demands less. Or something replaced it: a tracked directory that "
     "contains its path, a path that differs only by case, or another model that takes its name. Or only its case "
     "keeps it out of a rule.",
     "Move it back, or demand the same of the new path in the policy, in a separate change.",
     "drafts/a: it was moved from models/a, where the policy demands more: auc"),
    _code(326, "model exchanged",
     "One model is deleted and another added under one rule with metrics, and nothing shows that one succeeds the "
     "other. A worse model could replace it without a comparison.",
     "If it is the same model, give it the same name, or move it before it is trained again. If not, delete the old "
     "one in a separate change.",
     f"{_MODEL}: it is new, and models/old.onnx is deleted, under one rule with metrics"),
    _code(327, "other file in place of a model",
     "A model with a required report is deleted, and the change adds a file, symlink or submodule at, above or below "
     "its path, or a file that leaves it to DVC; or the change leaves the path of a tracked model to DVC as well. "
     "Readers of that path would get content that was not judged.",
     "Track the new file with mvc as well, or add it in a later change; also a link to the model's new path.",
     f"{_MODEL}: it is no longer tracked, and Git has {_MODEL} in its place, which is not judged"),
    _code(328, "content kept by DVC or Git LFS",
     "A rule demands a report of this path, and the change leaves its content to Git LFS or DVC: by a pointer of LFS, "
     "a .dvc file or an output in a dvc.yaml. mvc judges only content that it tracks.",
     "Track the content with mvc. If it is not a model, add its path to allow.",
     f"{_MODEL}: a rule demands a report of it, and Git LFS keeps its content, which is not judged"),
    _code(401, "policy unreadable",
     "The policy is not YAML, has an unknown key or an invalid value, or is in conflict. This is an error, and the "
     "defaults apply.",
     "Fix .mvc/policy.yaml and stage it.",
     ".mvc/policy.yaml: cannot read the policy: not a policy: `mvc-policy: 1` is missing; the defaults apply"),
    _code(402, "no policy",
     "The tree has no .mvc/policy.yaml, so the defaults apply: every tracked path needs a report with a tag. A note: "
     "nothing fails.",
     "Run mvc init, which writes a policy to start with.",
     ".mvc/policy.yaml: there is no policy, the defaults apply"),
    _code(411, "policy file weakened",
     "The change weakens, breaks or deletes the policy, the signers or the revoked keys, or adds a waiver. Anything "
     "not plainly at least as strict counts as weakened.",
     "Undo the change, or have one of the target branch's signers sign it with mvc eval sign.",
     ".mvc/policy.yaml: weakened: 'models/**': auc: min goes from 0.9 to 0.8"),
    _code(412, "policy file changed",
     "The policy, the signers, the revoked keys or the waivers are changed, and not weakened; or a signer of the "
     "target branch signed the change. A note.",
     "Nothing; review the change.",
     ".mvc/policy.yaml: changed, not weakened"),
    _code(413, "workflow changed",
     "A file that may decide whether and how the gate runs is changed: a file of any CI system or one that it names, "
     "the pre-commit configuration, .mvc/config.yaml or CODEOWNERS. A warning: mvc cannot judge its effect.",
     "Review the change, or require a review with CODEOWNERS.",
     ".github/workflows/gate.yaml: this file was changed, and may decide whether and how the gate runs: review it"),
    _code(414, "policy file of the target branch unreadable",
     "The signers, the revoked keys or the waivers of the target branch are unreadable, so that signatures and waivers "
     "cannot be checked.",
     "Fix the file.",
     ".mvc/waivers.yaml: unreadable on the target branch: not a list of waivers: `mvc-waivers: 1` is missing"),
    _code(415, "waived",
     "A waiver of the target branch accepts a finding of exactly this model and report. A note replaces the finding.",
     "Nothing, until the waiver expires.",
     f"{_MODEL}: MVC202 is waived by ada@example.com until 2027-01-31: known, fixed in v1.3 (auc is 0.88, expected at "
     "least 0.9)"),
    _code(416, "waiver expired",
     "A waiver matches the finding, but its last day has passed. A warning; the finding stays.",
     "Fix the finding, or have a signer sign a waiver with a later day.",
     f"{_MODEL}: waiver of MVC202 by ada@example.com expired on 1969-12-01"),
    _code(417, "judged by its own policy",
     "The target branch has no policy, or an unreadable one that the change fixes (at least as strict as the defaults, "
     "or signed). So the change is judged by its own policy. A note.",
     "Nothing; review the policy.",
     ".mvc/policy.yaml: the target branch has no policy: the change is judged by its own"),
)

CODES = {item.code: item for item in _ALL}


def find(text: str) -> Code | None:
    """Return the code that a user typed: `MVC101`, `mvc101` or `101`."""
    return CODES.get(f"MVC{text.upper().removeprefix('MVC')}")


def near(text: str) -> list[str]:
    """Return up to three codes similar to `text`, by number or by words of the title."""
    from difflib import get_close_matches  # noqa: PLC0415 - import time

    word = text.lower().removeprefix("mvc")
    by_title = [item.code for item in CODES.values() if len(word) > 2 and word in item.title]  # noqa: PLR2004 - words
    digits = word.translate(str.maketrans("oil", "011"))
    by_number = get_close_matches(f"MVC{digits}", CODES, cutoff=0.8)
    return list(dict.fromkeys([*by_title, *by_number]))[:3]
