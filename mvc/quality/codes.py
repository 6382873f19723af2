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
    close = get_close_matches(f"MVC{said}", CODES, cutoff=0.8)
    return list(dict.fromkeys([*titled, *close]))[:3]
