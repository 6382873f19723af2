"""The policy: `.mvc/policy.yaml`, what hook and gate demand of pointers and reports.

Its layout is free, its content strict. What it leaves out has the values of docs/policy.md, "Defaults".
Format: docs/formats.md, "Policy".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from mvc.errors import InvalidFormat
from mvc.modelfiles import formats
from mvc.objects import patterns
from mvc.quality.document import decode
from mvc.quality.files import POLICY
from mvc.quality.reports.tags import SEMVER

MAX_BYTES = 256 << 10

Demand: TypeAlias = Literal["required", "optional"]
Change: TypeAlias = float | str
"""A tolerance: absolute, or as text `"1%"` of the base's value, or `"2se"`, the base's standard errors."""


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Strict: an unknown key is an error."""


class Tag(_Part, frozen=True):
    """What the tag of a report must be."""

    pattern: str = "semver"
    """`semver`, or a regular expression that the whole tag must match."""
    unique: bool = True
    """No other bytes of this model may have it."""
    monotonic: bool = True
    """It must not go down."""
    rollback: Literal["deny", "registered", "history"] = "history"
    """Which earlier pair of pointer and report may come back."""


class Git(_Part, frozen=True):
    """What may be committed as it is, without mvc."""

    max_blob: str = "1MB"
    forbid: list[str] = field(
        default_factory=lambda: ["*.pt", "*.pkl", "*.safetensors", "*.onnx", "*.h5", "*.gguf", "*.joblib"],
    )
    """Patterns as in `.gitignore`."""
    allow: list[str] = field(default_factory=list)
    """Patterns of what may be committed all the same."""


class Formats(_Part, frozen=True):
    """Which formats a model may have."""

    deny: list[str] = field(default_factory=list)
    """Names of formats, or patterns of files."""
    pickle: Literal["allow", "scan", "deny"] = "allow"


class Defaults(_Part, frozen=True):
    """What holds where no matching rule speaks."""

    report: Demand = "required"
    tag: Tag = field(default_factory=Tag)
    git: Git = field(default_factory=Git)
    formats: Formats = field(default_factory=Formats)


class Bound(_Part, frozen=True):
    """What a metric must keep."""

    min: float | None = None
    max: float | None = None
    max_regression: Change | None = None
    against: Literal["base", "registered", "best"] = "base"
    direction: Literal["higher", "lower"] | None = None
    """Which way is better; told by `min` or `max` where only one of them is set."""
    severity: Literal["error", "warn"] = "error"
    allow_dataset_change: bool = False


class Slices(_Part, frozen=True):
    """Which parts of the data a report must tell of, and how far they may lie apart."""

    required: list[str] = field(default_factory=list)
    """Keys of slices, such as `country`."""
    max_gap: dict[str, float] = field(default_factory=dict)
    """By metric: the largest distance between the best and the worst slice of one key."""


class Pinned(_Part, frozen=True):
    """A data set that a report must have used."""

    id: str
    blake3: str = ""
    """Just this content; empty: any."""


class Assured(_Part, frozen=True):
    """Who must have evaluated."""

    assurance: Literal["self", "ci", "third-party"] = "self"


class Signatures(_Part, frozen=True):
    """How many must have signed a report."""

    min: int = 0


class Rule(_Part, frozen=True):
    """What holds for the tracked paths that `match` names. What it leaves out, it does not speak of."""

    match: str
    """A pattern as in `.gitignore`, on tracked paths."""
    report: Demand | None = None
    tag: Tag | None = None
    formats: Formats | None = None
    datasets: list[Pinned] = field(default_factory=list)
    metrics: dict[str, Bound] = field(default_factory=dict)
    """By name, with a slice where it is meant: `auc`, `auc[country=DE]`, `auc[country=*]`."""
    slices: Slices | None = None
    evaluator: Assured | None = None
    signatures: Signatures | None = None
    max_age: str = ""
    """How old a report may be: `30d`."""


class Stage(_Part, frozen=True):
    """What a version must have to be promoted to a stage."""

    signatures: Signatures | None = None
    max_age: str = ""


class Policy(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A policy. `extra` are its keys that begin with `x-`."""

    format: Literal[1] = field(name="mvc-policy")
    pointers: list[Literal["mvc", "dvc", "lfs"]] = field(default_factory=lambda: ["mvc"])
    defaults: Defaults = field(default_factory=Defaults)
    evaluators: dict[str, list[str]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)
    extra: dict[str, Any] = field(name="x-", default_factory=dict)


STRICT = Policy(1)
"""What holds where nothing else is said."""

STARTER = """\
# What mvc demands of a commit: mvc help policy. Try it: mvc eval check
mvc-policy: 1

# A tracked path needs an evaluation report of just these bytes, with a tag such as v1.2.0.
defaults:
  report: required
  tag: {pattern: semver}

# Where rules say otherwise, they count; of all that match a path, the strictest.
rules:
  - {match: "data/**", report: optional}
  - {match: "checkpoints/**", report: optional}
  - {match: "runs/**", report: optional}
  - {match: "**/checkpoint-*/**", report: optional}
  # - match: "models/ranker/**"
  #   metrics:
  #     auc: {min: 0.90}
"""
"""The policy that `mvc init` writes."""

_METRIC = re.compile(r"[^\[\]=,]+(?:\[[^\[\]=,]+=[^\[\]=,]+(?:,[^\[\]=,]+=[^\[\]=,]+)*\])?")
_CHANGE = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:%|se)")
_SIZE = re.compile(r"([0-9]{1,6})(B|kB|KB|MB|GB|KiB|MiB|GiB)")
_UNITS = {
    "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}
_AGE = re.compile(r"([0-9]{1,6})([hdw])")
_SECONDS = {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_BLAKE3 = re.compile(r"[0-9a-f]{64}")


def parse_policy(raw: bytes, what: str = POLICY) -> Policy:
    """Return the policy in `raw`; `what` names the file in errors.

    Raises:
        InvalidFormat: it is none, or of a newer format; the message says where and why.

    """
    policy = decode(raw, Policy, "mvc-policy", kind="policy", what=what, max_bytes=MAX_BYTES)
    if problem := next(_problems(policy), ""):
        raise InvalidFormat(f"{what}: {problem}")
    return policy


def _problems(policy: Policy) -> Iterator[str]:
    """Yield what is wrong beyond the types."""
    defaults = policy.defaults
    if _SIZE.fullmatch(defaults.git.max_blob) is None:
        yield f"max_blob {defaults.git.max_blob!r}: expected a size such as 1MB or 512KiB"
    for pattern in (*defaults.git.forbid, *defaults.git.allow):
        yield from _pattern_problem("git", pattern.removeprefix("!"))
    yield from _part_problems("defaults", defaults.tag, defaults.formats)
    for rule in policy.rules:
        yield from _rule_problems(rule)
    for name, stage in policy.stages.items():
        yield from _age_problem(name, stage.max_age)
        if stage.signatures and stage.signatures.min < 0:
            yield f"{name}: signatures: min is negative"


def _age_problem(where: str, age: str) -> Iterator[str]:
    if age and _AGE.fullmatch(age) is None:
        yield f"max_age of {where} {age!r}: expected a span such as 30d, 12h or 2w"


def _part_problems(where: str, tag: Tag | None, formats_: Formats | None) -> Iterator[str]:
    if tag and tag.pattern != SEMVER and (reason := _expression_problem(tag.pattern)):
        yield f"{where}: tag pattern {tag.pattern!r} {reason}"
    if formats_ and (reason := formats.problem(formats_.deny)):
        yield f"{where}: formats: {reason}"


def _expression_problem(text: str) -> str:
    from mvc.quality.policy.expressions import problem  # noqa: PLC0415 - few policies have any

    return problem(text)


def _pattern_problem(where: str, pattern: str) -> Iterator[str]:
    if reason := patterns.problem(pattern):
        yield f"{where}: {reason}"


def _rule_problems(rule: Rule) -> Iterator[str]:
    where = rule.match
    if where.startswith("!"):
        yield f"match {where!r}: a rule cannot begin with '!'"
    yield from _pattern_problem("match", where)
    yield from _part_problems(where, rule.tag, rule.formats)
    for name, bound in rule.metrics.items():
        if reason := _name_problem(name) or _bound_problem(bound):
            yield f"{where}: metric {name!r}: {reason}"
    for pinned in rule.datasets:
        if not pinned.id:
            yield f"{where}: a data set without an id"
        if pinned.blake3 and _BLAKE3.fullmatch(pinned.blake3) is None:
            yield f"{where}: the blake3 of {pinned.id!r} is not 64 lower-case hex digits"
    if rule.slices and any(gap < 0 for gap in rule.slices.max_gap.values()):
        yield f"{where}: a max_gap is negative"
    if rule.signatures and rule.signatures.min < 0:
        yield f"{where}: signatures: min is negative"
    yield from _age_problem(where, rule.max_age)


def _name_problem(name: str) -> str:
    if _METRIC.fullmatch(name) is None:
        return "expected NAME or NAME[KEY=VALUE]"
    keys = [key.strip() for key in re.findall(r"[\[,]([^=]*)=", name)]
    return "a key stands twice" if len(set(keys)) < len(keys) else ""


def _bound_problem(bound: Bound) -> str:
    change = bound.max_regression
    if isinstance(change, str) and _CHANGE.fullmatch(change) is None:
        return f'max_regression {change!r}: expected a number, "1%" or "2se"'
    if isinstance(change, int | float) and change < 0:
        return "max_regression is negative"
    if bound.min is not None and bound.max is not None:
        if bound.min > bound.max:
            return "min is above max"
        if change is not None and bound.direction is None:
            return "with min and max, max_regression needs a direction: higher or lower"
    return ""


def max_blob(policy: Policy) -> int:
    """Return how many bytes a file in Git may have."""
    match = _SIZE.fullmatch(policy.defaults.git.max_blob)
    return int(match[1]) * _UNITS[match[2]] if match else 0


def seconds(age: str) -> int:
    """Return how many seconds a span such as `30d` has."""
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
