"""Every finding code: what it means and what to do. A code is never given to another rule."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A rule that can be broken."""

    code: str
    """`MVC` and three digits: 1 reports, 2 metrics, 3 files in Git, 4 policy."""
    title: str
    meaning: str
    fix: str
    """What to do, in words; each finding has the line to type."""
    example: str
    """A finding, as the judge words it: path and message."""


_MODEL = "models/ranker.onnx"


def _code(number: int, title: str, meaning: str, fix: str, example: str) -> Code:
    return Code(f"MVC{number}", title, meaning, fix, example)


_ALL = (
    _code(
        101, "report missing",
        "A tracked path needs an evaluation report, X.eval.yaml beside X.mvc, and the judged tree has none. "
        "A report that lies in the workspace but is not staged does not count.",
        "Evaluate the model and record it with mvc eval record. If no report is needed, say so in the policy, "
        "with a rule that has report: optional.",
        f"{_MODEL}: it has no evaluation report",
    ),
    _code(
        102, "report unreadable",
        "The report is no YAML, has a key that no report has, a value of a wrong type or a number that is not "
        "finite, or was written by a newer mvc. Nothing in it counts.",
        "Mend the file and stage it, or delete it and record the evaluation again.",
        f"{_MODEL}: the report cannot be read: no evaluation report: it has no `mvc-eval: 1`",
    ),
    _code(
        103, "report of other bytes",
        "The report was made of other content than the pointer stands for: the model was trained again, or the "
        "report was copied, and the evaluation was not done again.",
        "Evaluate the model as it is now and record that.",
        f"{_MODEL}: the report is of 0123456789ab…, the pointer says 3edc5c4a5df8…",
    ),
    _code(
        104, "tag missing",
        "The report does not say which version it is for.",
        "Write tag: into it, or record the evaluation again with --tag.",
        f"{_MODEL}: the report has no tag",
    ),
    _code(
        105, "tag does not fit",
        "The policy says what a tag looks like: semver, or a regular expression that the whole tag must match.",
        "Choose a tag that fits.",
        f"{_MODEL}: the report's tag is first, expected a version such as v1.2.0",
    ),
    _code(
        106, "report without its pointer",
        "The model's pointer is gone or not staged, and its report is there. So it was deleted or renamed "
        "without the report, or the pointer was forgotten.",
        "Take the report out, rename it like the pointer, or stage the pointer. mvc rm and mvc mv do both at once.",
        f"{_MODEL}: its report is there, its pointer is not",
    ),
    _code(
        120, "earlier version comes back",
        "The change brings back a pointer and a report that stood together on the target branch before. Its tag "
        "may be lower than the one now, its metrics worse: it was there. Limits and signatures hold. A note; it fails "
        "nothing.",
        "Nothing. If earlier versions are not to come back, say so in the policy: tag, rollback.",
        f"{_MODEL}: the earlier version v1.2.0 of commit 1234567890ab comes back",
    ),
    _code(
        121, "tag taken",
        "Other bytes of the model have this tag: on the target branch, in its history with all that was merged, or by "
        "a Git tag. A tag means one version for ever.",
        "Record the evaluation under a tag that is free.",
        f"{_MODEL}: the tag v1.2.0 is that of 45fbdda652c1… since commit 1234567890ab, and the report's model "
        "is 3edc5c4a5df8…",
    ),
    _code(
        122, "tag goes down",
        "The version in the tag is lower than the one on the target branch, or the same for other bytes.",
        "Record the evaluation under a higher tag. To go back to an earlier version, bring back pointer and report "
        "together.",
        f"{_MODEL}: the tag v1.2.0 does not come after v1.10.0, the one before",
    ),
    _code(
        123, "earlier version may not come back",
        "The change brings back an earlier pointer and report, and the policy forbids it: it has rollback: deny, or "
        "rollback: registered and no Git tag registers that version.",
        "Land a new version, or change tag: rollback in the policy.",
        f"{_MODEL}: the earlier version v1.2.0 of commit 1234567890ab comes back, and the policy lets none come back",
    ),
    _code(
        124, "assurance not vouched for",
        "A rule demands that CI or a third party evaluated. What the report claims is less; or nobody whom the policy "
        "names under evaluators for this assurance has signed it.",
        "Have the model evaluated there, and the report signed by whoever the policy names.",
        f"{_MODEL}: the report claims the assurance self, the policy demands ci",
    ),
    _code(
        125, "too few signatures",
        "A rule demands more signatures under the report. One key under several names is one signer, and so is one "
        "name with several keys; only the target branch's .mvc/allowed_signers say whose signature counts.",
        "Have others sign it, with mvc eval sign.",
        f"{_MODEL}: 1 has signed it: ada@example.com; the policy demands 2, each with a key and a name of their own",
    ),
    _code(
        126, "signature that does not count",
        "A signature is of other bytes or damaged, or its key is unknown, has expired or is revoked. A warning; what "
        "a rule demands is counted without it.",
        "Sign once more: signatures that no longer fit are dropped then.",
        f"{_MODEL}: a signature by ada@example.com SHA256:k1 does not count: it is of other bytes",
    ),
    _code(
        127, "report too old",
        "A rule has a max_age. The report is older, or has no created_at with a time zone, or one that is more than an "
        "hour ahead.",
        "Evaluate the model once more.",
        f"{_MODEL}: the report is 45 days old, 30 days at most are allowed",
    ),
    _code(
        201, "metric missing",
        "A rule asks for a metric, on a data set or in a slice perhaps, and the report does not have it. "
        "What is missing never passes.",
        "Measure it and record it.",
        f"{_MODEL}: the report has no auc",
    ),
    _code(
        202, "metric too low",
        "The metric is below min.",
        "Train again, or keep the version that was there. If the limit is wrong, change it in the policy.",
        f"{_MODEL}: auc is 0.88, at least 0.9 is required",
    ),
    _code(
        203, "metric too high",
        "The metric is above max.",
        "Train again, or keep the version that was there. If the limit is wrong, change it in the policy.",
        f"{_MODEL}: p95_ms is 45, at most 40 is allowed",
    ),
    _code(
        204, "direction unknown",
        "A rule has max_regression for this metric, and nobody says whether higher or lower is better; or the "
        "rules, or the report's lines, say both.",
        "Record the metric with --higher-is-better or --lower-is-better, or write direction: into the rule.",
        f"{_MODEL}: neither policy nor report says which way score is better",
    ),
    _code(
        205, "slice missing",
        "A rule has slices: required, and the report has no metric by that key.",
        "Measure it for each value of that key and record that: --metric 'auc[country=DE]=0.91'.",
        f"{_MODEL}: the report has no auc by country",
    ),
    _code(
        206, "slices too far apart",
        "The best and the worst slice of one key lie further apart than max_gap.",
        "Train again, or look at the worst slice. If the limit is wrong, change it in the policy.",
        f"{_MODEL}: auc[country=DE] 0.93 and auc[country=FR] 0.86 lie 0.07 apart, at most 0.05 is allowed",
    ),
    _code(
        207, "data set missing",
        "A rule names a data set, and the model was not evaluated on it.",
        "Evaluate the model on it and record that with --dataset.",
        f"{_MODEL}: the report has no data set holdout",
    ),
    _code(
        208, "data set has other content",
        "The policy pins the content of a data set by its blake3, and the report was made with other content.",
        "Check out the data that is pinned and evaluate again; or pin the new data in the policy.",
        f"{_MODEL}: the data set holdout is fedcba987654…, the policy says 0123456789ab…",
    ),
    _code(
        220, "nothing to compare with",
        "The model is new, or had no report before: max_regression, tags and slices have nothing to be held against. "
        "A note; it fails nothing.",
        "Nothing. If the model was there under another path, give it the name that it had: mvc add --name.",
        f"{_MODEL}: it is new, so there is nothing to compare it with",
    ),
    _code(
        221, "metric worse than before",
        "The metric is worse than the one it is held against by more than max_regression allows. The tolerance is "
        "taken from the old report.",
        "Train again, or keep the version that was there. If the tolerance is wrong, change it in the policy.",
        f"{_MODEL}: auc is 0.92, before 0.93: worse by 0.01, at most 0.005 is allowed",
    ),
    _code(
        222, "reports before unreadable",
        "The model had reports, and none of them can be read and is of its model's bytes. What cannot be compared does "
        "not pass where the policy asks for a comparison.",
        "Look at what the target branch has, and let somebody answer for it with a waiver.",
        f"{_MODEL}: no report before can be read and is of its model's bytes, so there is nothing to compare it with",
    ),
    _code(
        223, "standard error missing",
        "max_regression is in standard errors, as 2se, the metric is worse, and the report before has no stderr of "
        "it.",
        "Evaluate the version before once more and record it with stderr, in a change of its own.",
        f"{_MODEL}: auc is 0.92, before 0.93 without the stderr that 2se needs",
    ),
    _code(
        224, "other data than before",
        "A metric with max_regression was measured on other data than before, so the two values say nothing about "
        "the model.",
        "Evaluate on the data of before. If the data may change, say allow_dataset_change: true in the rule.",
        f"{_MODEL}: auc was measured on holdout fedcba987654… before, now on holdout 0123456789ab…",
    ),
    _code(
        225, "slice of before missing",
        "A rule judges all slices by a key, and one that the report before had is not in this one. Or a rule has "
        "max_gap, and slices that were measured on one data set no longer are, so that nobody sees how far they lie "
        "apart.",
        "Measure that slice, on the data set of the others, and record it.",
        f"{_MODEL}: auc[country=FR] was there before, and is not now",
    ),
    _code(
        301, "file too large for Git",
        "A file that would enter Git as it is has more bytes than max_blob. Git keeps it in every clone for ever.",
        "Give it to mvc. If Git should have it, name it under allow.",
        "data/scores.csv: it has 1,000,001 bytes, Git may have 1MB of a file",
    ),
    _code(
        302, "file kept out of Git by its name",
        "A pattern under forbid means the file: by its name it is a model.",
        "Give it to mvc. If Git should have it, name it under allow.",
        "tiny.onnx: the policy keeps *.onnx out of Git",
    ),
    _code(
        303, "model by its first bytes",
        "Whatever its name is, the file begins as a model does.",
        "Give it to mvc. If Git should have it, as a test's sample perhaps, name it under allow.",
        "weights.bin: by its first bytes it is safetensors, which stays out of Git",
    ),
    _code(
        304, "pointer unreadable",
        "The pointer is not as mvc writes it, or it stands for a name that mvc refuses. A pointer has one spelling "
        "and is never edited by hand.",
        "Write it again with mvc add.",
        f"{_MODEL}: the pointer cannot be read: not a pointer: expected keys and values",
    ),
    _code(
        305, "conflict",
        "Git could not merge the pointer or the report, and nobody has said yet which side counts.",
        "Take one side for both of them and stage it. A report of the other side's bytes is MVC103.",
        f"{_MODEL}: the pointer is in conflict: Git could not merge it",
    ),
    _code(
        306, "content not in the cache",
        "The pointer would be committed, and nobody could get what it stands for: not all of it is in the cache. Or "
        "the policy denies formats, and the cache does not hold the list of a large directory's files.",
        "mvc add stores it where the workspace still has it, mvc pull where a remote has it.",
        f"{_MODEL}: the cache does not hold what its pointer stands for",
    ),
    _code(
        307, "format denied",
        "The policy denies a format, and by its name the model, or a file in its directory, has it.",
        "Save the model in another format, or change formats in the policy.",
        "models/old.pkl: it is pickle, which the policy denies",
    ),
    _code(
        308, "content beside its pointer",
        "Git has both the pointer and what it stands for: it was forced in, or was there before.",
        "Take the content out of Git; it stays in the workspace and in the cache.",
        f"{_MODEL}: Git has the content itself, beside its pointer",
    ),
    _code(
        309, "no regular file",
        "A pointer, report or policy is a symlink or a submodule. What it says could change without a commit.",
        "Take it out and write it as a file.",
        f"{_MODEL}: the pointer is a symlink, no regular file",
    ),
    _code(
        310, "pickle not known to be harmless",
        "The policy has pickles scanned. This one would import or call something that is not on mvc's list of what is "
        "harmless when it is unpickled; or it cannot be read to its end, so that nobody can say what it does. Nothing "
        "was unpickled to find that out.",
        "Look at where the model comes from. Save it without what is named, as a state dict perhaps, or in another "
        "format, such as safetensors.",
        "models/ranker.pkl: it would call what is not known to be harmless: posix.system",
    ),
    _code(
        311, "pickle not scanned",
        "The policy has pickles scanned, and the cache does not hold the content, so nobody has looked at it.",
        "Get the content with mvc pull, then judge once more.",
        "models/ranker.pkl: the policy has pickles scanned, and its content is not in the cache",
    ),
    _code(
        321, "not on the remote",
        "The gate asked the remote (mvc gate -r) for every object that a model of the change needs, and some are not "
        "there, or have another size. Whoever merges it could not get the model.",
        "Push it from the clone where the model was added.",
        f"{_MODEL}: 1 of 1 object, 7 bytes, not on the remote prod",
    ),
    _code(
        322, "remote not asked",
        "The gate was to ask a remote and could not: it has no credentials, as for a pull request from a fork, or the "
        "remote did not answer. A warning: all else was judged.",
        "Give the job credentials, or check the remote with mvc remote test.",
        ": unverified: the remote prod could not be asked: no credentials",
    ),
    _code(
        323, "path stands twice",
        "Two tracked paths are one where a file system ignores case or the form of an accent, or one lies inside of "
        "the other. A checkout there overwrites one with the other.",
        "Move one of them.",
        f"{_MODEL}: where case and composition do not count, it is models/Ranker.onnx",
    ),
    _code(
        324, "name given twice",
        "Two pointers have the same name. A name means one model in the registry.",
        "Give one of them another name.",
        f"{_MODEL}: its name ranker is that of other, too",
    ),
    _code(
        325, "moved out of a rule",
        "The model was moved to a path of which the policy demands less than of the old one. Or something else took "
        "its place: a directory in which it lay is tracked as a whole, or a path that differs by case only.",
        "Move it back, or let the policy demand the same of the new path, in a change of its own.",
        "drafts/a: it was models/a, of which the policy demands more: auc",
    ),
    _code(
        326, "model exchanged",
        "One model is deleted and another added under one rule that has metrics, and nothing shows that the one "
        "succeeds the other. So a worse one could take its place without a comparison.",
        "If it is the same model, give it the same name, or move it before it is trained again. If not, delete the old "
        "one in a change of its own.",
        f"{_MODEL}: it is new and models/old.onnx is gone, under one rule with metrics",
    ),
    _code(
        327, "something else in its place",
        "A model that needed a report and had one is gone, and the change brings something else to its place: a file, "
        "a symlink or a submodule at its path, above or below it, or a pointer of DVC's. Whoever reads that path would "
        "get what nobody judged.",
        "Give that to mvc as well, or leave it to a later change; so also a link to where the model has moved.",
        f"{_MODEL}: it is no longer tracked, and in its place Git has {_MODEL}, which nobody judges",
    ),
    _code(
        401, "policy unreadable",
        "The policy is no YAML, has an unknown key or a wrong value, or is in conflict. Rather than let all pass, "
        "the defaults hold, and this is an error besides.",
        "Mend .mvc/policy.yaml and stage it.",
        ".mvc/policy.yaml: the policy cannot be read: no policy: it has no `mvc-policy: 1`; the defaults hold",
    ),
    _code(
        402, "no policy",
        "The tree has no .mvc/policy.yaml, so the defaults hold: every tracked path needs a report with a tag. "
        "A note; it fails nothing.",
        "mvc init writes a policy to begin with.",
        ".mvc/policy.yaml: there is no policy, so the defaults hold",
    ),
    _code(
        411, "guards weakened",
        "The change weakens, breaks or deletes what judges it: the policy, the signers, the revoked keys; or it adds a "
        "waiver. What is not plainly at least as strict counts as weakened.",
        "Leave it as it is; or have one of the target branch's signers sign the change, with mvc eval sign.",
        ".mvc/policy.yaml: it is weakened: 'models/**': auc: min goes from 0.9 to 0.8",
    ),
    _code(
        412, "guards changed",
        "The policy, the signers, the revoked keys or the waivers are changed, and not weakened; or a signer of the "
        "target branch signed it. A note.",
        "Nothing; look at it.",
        ".mvc/policy.yaml: it is changed, and not weakened",
    ),
    _code(
        413, "workflow changed",
        "A file that may decide whether and how the gate runs is changed: a workflow, the hooks of pre-commit, "
        ".mvc/config.yaml or CODEOWNERS. A warning: mvc cannot tell what it does.",
        "Look at it, or have CODEOWNERS demand that somebody does.",
        ".github/workflows/gate.yaml: this is changed, and it may decide whether and how the gate runs: look at it",
    ),
    _code(
        414, "guards of the target branch unreadable",
        "The signers, the revoked keys or the waivers of the target branch cannot be read, so nobody can tell whose "
        "signature counts, or what is waived.",
        "Mend the file.",
        ".mvc/waivers.yaml: the waivers of the target branch cannot be read: no list of waivers: it has no "
        "`mvc-waivers: 1`",
    ),
    _code(
        415, "waived",
        "A waiver of the target branch covers a finding of just this model and report. A note in its place.",
        "Nothing, until the waiver expires.",
        f"{_MODEL}: MVC202 is waived by ada@example.com until 2027-01-31: known, fixed in v1.3 (auc is 0.88, at least "
        "0.9 is required)",
    ),
    _code(
        416, "waiver expired",
        "A waiver would cover a finding, and its last day has passed. A warning; the finding stays.",
        "Mend what was waived; or have a signer sign a waiver with another day.",
        f"{_MODEL}: the waiver of MVC202 by ada@example.com has expired on 1969-12-01",
    ),
    _code(
        417, "judged by its own policy",
        "The target branch has no policy, or one that cannot be read and that the change mends: with nothing weaker "
        "than the defaults, or signed. So the change is judged by the one that it brings. A note.",
        "Nothing; look at the policy.",
        ".mvc/policy.yaml: the target branch has no policy: the change is judged by its own",
    ),
)

CODES = {item.code: item for item in _ALL}
"""By code, in their order."""


def find(text: str) -> Code | None:
    """Return the code that somebody typed: `MVC101`, `mvc101` or `101`."""
    return CODES.get(f"MVC{text.upper().removeprefix('MVC')}")


def near(text: str) -> list[str]:
    """Return up to three codes that somebody who typed `text` may have meant, by number or by words of the title."""
    from difflib import get_close_matches  # noqa: PLC0415 - import time

    said = text.lower().removeprefix("mvc")
    titled = [item.code for item in CODES.values() if len(said) > 2 and said in item.title]  # noqa: PLR2004 - words
    digits = said.translate(str.maketrans("oil", "011"))
    close = get_close_matches(f"MVC{digits}", CODES, cutoff=0.8)
    return list(dict.fromkeys([*titled, *close]))[:3]
