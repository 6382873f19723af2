"""The policy: `.mvc/policy.yaml`, what hook and gate demand of pointers and reports.

Any YAML layout is allowed, but no unknown key. The defaults are in docs/policy.md, "Defaults".
Format: docs/formats.md, "Policy".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from mvc.errors import InvalidFormat, InvalidName
from mvc.modelfiles import formats
from mvc.objects.names import check_path
from mvc.objects.parsing import patterns
from mvc.quality.document import decode
from mvc.quality.files import POLICY
from mvc.quality.reports.tags import SEMVER

MAX_BYTES = 256 << 10

Demand: TypeAlias = Literal["required", "optional"]
Tolerance: TypeAlias = float | str
"""Absolute, or as text: `"1%"` of the base's value, `"2se"` in standard errors of the base, or `PAIRED`."""
PAIRED = "paired"
"""No worse by a test on the same examples."""


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the document; unknown keys are errors."""


class Tag(_Part, frozen=True):
    """Rules for the tag of a report."""

    pattern: str = "semver"
    """`semver`, or a regular expression that the whole tag must match."""
    unique: bool = True
    """No other content of the model may have the tag."""
    monotonic: bool = True
    """Versions must increase."""
    rollback: Literal["deny", "registered", "history"] = "history"
    """Which earlier pairs of pointer and report may return."""


class Git(_Part, frozen=True):
    """Which files may be committed to Git without mvc."""

    max_blob: str = "1MB"
    forbid: list[str] = field(
        default_factory=lambda: [
            "*.pt", "*.pkl", "*.safetensors", "*.onnx", "*.h5", "*.gguf", "*.joblib", "*.pth", "*.pt2", "*.pte",
            "*.ckpt", "*.pickle", "*.keras", "*.hdf5", "*.tflite", "*.onnx.data", "*.onnx_data", "*.skops", "*.ubj",
            "*.cbm", "*.engine", "*.plan", "*.mlmodel", "*.pdparams", "*.nemo",
        ],
    )
    """Patterns as in `.gitignore`."""
    allow: list[str] = field(default_factory=list)
    """Patterns of exceptions from `forbid` and `max_blob`."""


class Formats(_Part, frozen=True):
    """Which formats a model may have."""

    deny: list[str] = field(default_factory=list)
    """Names of formats, or file patterns."""
    pickle: Literal["allow", "scan", "deny"] = "allow"
    pickle_allow: list[str] = field(default_factory=list)
    """Names that a scanned pickle may use besides those on mvc's list, such as `shop.models.Ranker`."""


class Defaults(_Part, frozen=True):
    """What applies where no matching rule says otherwise."""

    report: Demand = "required"
    tag: Tag = field(default_factory=Tag)
    git: Git = field(default_factory=Git)
    formats: Formats = field(default_factory=Formats)


class Bound(_Part, frozen=True):
    """Limits of a metric."""

    min: float | None = None
    max: float | None = None
    max_regression: Tolerance | None = None
    against: Literal["base", "registered", "best"] = "base"
    direction: Literal["higher", "lower"] | None = None
    """Which direction is better; implied by `min` or `max` when only one of them is set."""
    severity: Literal["error", "warn"] = "error"
    allow_dataset_change: bool = False


class Slices(_Part, frozen=True):
    """Which slices of the data a report must have, and the largest gap between them."""

    required: list[str] = field(default_factory=list)
    """Keys of slices, such as `country`."""
    max_gap: dict[str, float] = field(default_factory=dict)
    """By metric: the largest gap between the best and the worst slice by one key."""


class Pinned(_Part, frozen=True):
    """A data set that the model must be evaluated on."""

    id: str
    blake3: str = ""
    """Its content; empty for any."""
    full: bool = False
    """All of its examples must be used."""


class Companions(_Part, frozen=True):
    """What the model must be evaluated with."""

    required: list[str] = field(default_factory=list)
    """Paths, such as that of its tokenizer."""


class Sources(_Part, frozen=True):
    """What is demanded of the models that a model was derived from."""

    report: Demand = "optional"


class Assured(_Part, frozen=True):
    """Who must have evaluated the model."""

    assurance: Literal["self", "ci", "third-party"] = "self"


class Signatures(_Part, frozen=True):
    """How many signatures a report needs."""

    min: int = 0


class Rule(_Part, frozen=True):
    """What applies to the tracked paths that match. A key that is not set says nothing."""

    match: str
    """A pattern as in `.gitignore`, on tracked paths."""
    report: Demand | None = None
    tag: Tag | None = None
    formats: Formats | None = None
    datasets: list[Pinned] = field(default_factory=list)
    metrics: dict[str, Bound] = field(default_factory=dict)
    """By name, optionally with a slice: `auc`, `auc[country=DE]`, `auc[country=*]`."""
    slices: Slices | None = None
    companions: Companions | None = field(name="with", default=None)
    sources: Sources | None = field(name="from", default=None)
    evaluator: Assured | None = None
    signatures: Signatures | None = None
    max_age: str = ""
    """Maximal age of a report: `30d`."""
    evidence: Literal["predictions", ""] = ""
    """`predictions`: the gate computes the metrics again."""


class Stage(_Part, frozen=True):
    """What a version needs to be promoted to a stage, besides what the rules demand."""

    metrics: dict[str, Bound] = field(default_factory=dict)
    """By name, as in a rule, with `min` and `max`."""
    signatures: Signatures | None = None
    max_age: str = ""

    @property
    def rule(self) -> Rule:
        """The same demands as a rule for all paths."""
        return Rule("**", metrics=self.metrics, signatures=self.signatures, max_age=self.max_age)


class Policy(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A policy. `extra` has its keys that begin with `x-`."""

    format: Literal[1] = field(name="mvc-policy")
    pointers: list[Literal["mvc", "dvc", "lfs"]] = field(default_factory=lambda: ["mvc"])
    defaults: Defaults = field(default_factory=Defaults)
    evaluators: dict[str, list[str]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)
    extra: dict[str, Any] = field(name="x-", default_factory=dict)

    @property
    def has_other_pointers(self) -> bool:
        """Whether pointers of DVC or git-lfs are judged."""
        return not {"dvc", "lfs"}.isdisjoint(self.pointers)


STRICT = Policy(1)
"""The defaults."""

STARTER = """\
# What mvc demands of a commit. Manual: mvc help policy. To check the workspace: mvc eval check
mvc-policy: 1

# Each tracked path needs an evaluation report of its current content, with a tag such as v1.2.0.
defaults:
  report: required
  tag: {pattern: semver}

# Rules override the defaults. If several match a path, the strictest applies.
rules:
  - {match: "data/**", report: optional}
  - {match: "checkpoints/**", report: optional}
  - {match: "runs/**", report: optional}
  - {match: "evals/**", report: optional}
  - {match: "**/checkpoint-*/**", report: optional}
  # - match: "models/ranker/**"
  #   metrics:
  #     auc: {min: 0.90}
"""
"""The policy that `mvc init` writes."""


def starter(pointers: Sequence[str]) -> str:
    """Return the policy that `mvc init` writes where pointers of several kinds are to be judged."""
    line = f"\n# Models that other programs keep are judged as well.\npointers: [{', '.join(pointers)}]\n"
    return STARTER if len(pointers) == 1 else STARTER.replace("mvc-policy: 1\n", f"mvc-policy: 1\n{line}", 1)


_METRIC = re.compile(r"[^\[\]=,]+(?:\[[^\[\]=,]+=[^\[\]=,]+(?:,[^\[\]=,]+=[^\[\]=,]+)*\])?")
_TOLERANCE = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?(?:%|se)")
_SIZE = re.compile(r"([0-9]{1,6})(B|kB|KB|MB|GB|KiB|MiB|GiB)")
_UNITS = {
    "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_AGE = re.compile(r"([0-9]{1,6})([hdw])")
_SECONDS = {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_BLAKE3 = re.compile(r"[0-9a-f]{64}")


def parse_policy(raw: bytes, what: str = POLICY) -> Policy:
    """Return the policy in `raw`; `what` names the file in errors.

    Raises:
        InvalidFormat: with the place and the reason; also for a newer format.
    """
    policy = decode(raw, Policy, "mvc-policy", kind="a policy", what=what, max_bytes=MAX_BYTES)
    if problem := next(_problems(policy), ""):
        raise InvalidFormat(f"{what}: {problem}")
    return policy


def _problems(policy: Policy) -> Iterator[str]:
    """Yield errors that the types do not detect."""
    defaults = policy.defaults
    if _SIZE.fullmatch(defaults.git.max_blob) is None:
        yield f"invalid max_blob {defaults.git.max_blob!r}: expected a size such as 1MB or 512KiB"
    for pattern in (*defaults.git.forbid, *defaults.git.allow):
        yield from _pattern_problem("git", pattern.removeprefix("!"))
    yield from _part_problems("defaults", defaults.tag, defaults.formats)
    for rule in policy.rules:
        yield from _match_problems(rule.match)
        yield from _rule_problems(rule.match, rule)
    for name, stage in policy.stages.items():
        yield from _rule_problems(name, stage.rule)
        for metric, bound in stage.metrics.items():
            if bound.max_regression is not None:
                yield f"{name}: metric {metric!r}: max_regression is for rules; a promotion is compared with nothing"


def _part_problems(where: str, tag: Tag | None, formats_: Formats | None) -> Iterator[str]:
    if tag and tag.pattern != SEMVER and (reason := _expression_problem(tag.pattern)):
        yield f"{where}: invalid tag pattern {tag.pattern!r}: {reason}"
    if formats_ and (reason := formats.problem(formats_.deny)):
        yield f"{where}: formats: {reason}"
    for name in formats_.pickle_allow if formats_ else ():
        if _NAME.fullmatch(name) is None:
            yield f"{where}: formats: invalid name {name!r} in pickle_allow: expected MODULE.NAME, without patterns"


def _expression_problem(text: str) -> str:
    from mvc.quality.policy.expressions import problem  # noqa: PLC0415 - few policies have any

    return problem(text)


def _pattern_problem(where: str, pattern: str) -> Iterator[str]:
    if reason := patterns.problem(pattern):
        yield f"{where}: {reason}"


def _match_problems(pattern: str) -> Iterator[str]:
    if pattern.startswith("!"):
        yield f"invalid match {pattern!r}: '!' is not allowed here"
    yield from _pattern_problem("match", pattern)


def _rule_problems(where: str, rule: Rule) -> Iterator[str]:
    yield from _part_problems(where, rule.tag, rule.formats)
    for name, bound in rule.metrics.items():
        if reason := _name_problem(name) or _bound_problem(bound):
            yield f"{where}: metric {name!r}: {reason}"
    for pinned in rule.datasets:
        if not pinned.id:
            yield f"{where}: a data set has no id"
        if pinned.blake3 and _BLAKE3.fullmatch(pinned.blake3) is None:
            yield f"{where}: invalid blake3 of {pinned.id!r}: expected 64 lower-case hex digits"
    for path in rule.companions.required if rule.companions else ():
        yield from _path_problem(where, path)
    if rule.slices and any(gap < 0 for gap in rule.slices.max_gap.values()):
        yield f"{where}: max_gap must not be negative"
    if rule.signatures and rule.signatures.min < 0:
        yield f"{where}: signatures: min is {rule.signatures.min}, expected at least 0"
    if rule.max_age and _AGE.fullmatch(rule.max_age) is None:
        yield f"{where}: invalid max_age {rule.max_age!r}: expected a duration such as 30d, 12h or 2w"


def _path_problem(where: str, path: str) -> Iterator[str]:
    try:
        check_path(path)
    except InvalidName as error:
        yield f"{where}: with: {error.message}"


def _name_problem(name: str) -> str:
    if _METRIC.fullmatch(name) is None:
        return "expected NAME or NAME[KEY=VALUE]"
    keys = [key.strip() for key in re.findall(r"[\[,]([^=]*)=", name)]
    return "duplicate key" if len(set(keys)) < len(keys) else ""


def _bound_problem(bound: Bound) -> str:
    change = bound.max_regression
    if change == PAIRED:
        if bound.against == "best" or bound.allow_dataset_change:
            return "max_regression: paired compares with base or registered, on the same data"
    elif isinstance(change, str) and _TOLERANCE.fullmatch(change) is None:
        return f'invalid max_regression {change!r}: expected a number, "1%", "2se" or paired'
    if isinstance(change, int | float) and change < 0:
        return f"max_regression is {change}, expected at least 0"
    if bound.min is not None and bound.max is not None:
        if bound.min > bound.max:
            return f"min {bound.min} is above max {bound.max}"
        if change is not None and bound.direction is None:
            return "max_regression with min and max needs a direction: higher or lower"
    return ""


def max_blob(policy: Policy) -> int:
    """Return the maximal size of a file in Git, in bytes."""
    match = _SIZE.fullmatch(policy.defaults.git.max_blob)
    return int(match[1]) * _UNITS[match[2]] if match else 0


def seconds(age: str) -> int:
    """Return a duration such as `30d` in seconds."""
    match = _AGE.fullmatch(age)
    return int(match[1]) * _SECONDS[match[2]] if match else 0


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a policy."""
    (_, components) = msgspec.json.schema_components((Policy,), ref_template="#/$defs/{name}")
    top = components["Policy"]
    del top["properties"]["x-"]
    top["patternProperties"] = {"^x-.": {}}
    components["Git"]["properties"]["max_blob"]["pattern"] = f"^{_SIZE.pattern}$"
    components["Pinned"]["properties"]["blake3"]["pattern"] = f"^({_BLAKE3.pattern})?$"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mvc policy, format 1",
        "$ref": "#/$defs/Policy",
        "$defs": components,
    }
