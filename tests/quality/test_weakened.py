"""Whether a policy is weaker: all weaker demands are found, stricter ones are not reported, and no path loses any."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality.cases import ADA, BOB, DATA, DIGEST, FILE, MODEL, OTHER, at, facts_of

from mvc.objects.pointer import emit as emit_pointer
from mvc.objects.pointer import file_pointer
from mvc.quality.judge.facts import ModelFacts, ModelVersion, Past
from mvc.quality.judge.judge import judge
from mvc.quality.judge.rules.strictness import loses
from mvc.quality.judge.rules.weakened import weakened
from mvc.quality.policy import policy as policy_module
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import (
    STRICT,
    Assured,
    Bound,
    Companions,
    Defaults,
    Formats,
    Git,
    Pinned,
    Policy,
    Rule,
    Signatures,
    Slices,
    Sources,
    Stage,
    Tag,
    parse_policy,
)
from mvc.quality.reports.report import Dataset, Evaluator, Metric, Model, Report, Source, Used
from mvc.quality.reports.report_document import emit as emit_report

T = TypeVar("T")

HEAD = "mvc-policy: 1\n"
RULE = HEAD + "rules:\n  - match: 'models/**'\n    %s\n"
TWO = RULE + "  - match: '*.onnx'\n    %s\n"


def between(old: str, new: str) -> list[str]:
    """Return what is weaker between two policy files."""
    return weakened(parse_policy(old.encode()), parse_policy(new.encode()))


def rule(old: str, new: str) -> tuple[str, str]:
    return RULE % old, RULE % new


def beside(old: str, new: str) -> tuple[str, str]:
    """Return two policies, the second with one more rule for other paths."""
    return RULE % old, TWO % (old, new)


def defaults(old: str, new: str) -> tuple[str, str]:
    return f"{HEAD}defaults: {old}\n", f"{HEAD}defaults: {new}\n"


def bound(old: str, new: str) -> tuple[str, str]:
    return rule(f"metrics: {{auc: {old}}}", f"metrics: {{auc: {new}}}")


STAGES = HEAD + "stages: {prod: %s}\n"
PIN = f"datasets: [{{id: a, blake3: '{DATA}'}}]"
FALLS = "metrics: {auc: {max_regression: 0.01}}"
RISES = "metrics: {auc: {min: 0.9, max_regression: 0.01}}"
WEAKER = {
    "report no longer required by default": defaults("{}", "{report: optional}"),
    "another tag by default": defaults("{}", "{tag: {pattern: x}}"),
    "no version, where any tag was fine": defaults("{tag: {pattern: x}}", "{}"),
    "tags not unique": defaults("{}", "{tag: {unique: false}}"),
    "tags not monotonic": defaults("{}", "{tag: {monotonic: false}}"),
    "more rollbacks": defaults("{tag: {rollback: deny}}", "{tag: {rollback: registered}}"),
    "larger files": defaults("{}", "{git: {max_blob: 1001kB}}"),
    "fewer files forbidden": defaults("{}", "{git: {forbid: ['*.pt']}}"),
    "files forbidden in another order": defaults("{git: {forbid: [a, b]}}", "{git: {forbid: [b, a]}}"),
    "a pattern taken back": defaults("{git: {forbid: ['*.x']}}", "{git: {forbid: ['*.x', '!a.x']}}"),
    "a pattern taken back in between": defaults("{git: {forbid: [a, b]}}", "{git: {forbid: [a, '!c', b]}}"),
    "more files allowed": defaults("{}", "{git: {allow: [a]}}"),
    "an exception from what is allowed gone": defaults("{git: {allow: [a, '!b']}}", "{git: {allow: [a]}}"),
    "format no longer denied": defaults("{formats: {deny: [onnx, gguf]}}", "{formats: {deny: [onnx]}}"),
    "pickle no longer denied": defaults("{formats: {pickle: deny}}", "{formats: {pickle: scan}}"),
    "more names in pickles": defaults(
        "{formats: {pickle: scan, pickle_allow: [a.b]}}", "{formats: {pickle: scan, pickle_allow: [a.b, a.c]}}",
    ),
    "names in pickles instead of none": rule("formats: {pickle: scan}", "formats: {pickle: scan, pickle_allow: [a.b]}"),
    "names in pickles of a new rule": (
        f"{HEAD}defaults: {{formats: {{pickle: scan}}}}\n",
        f"""{HEAD}defaults: {{formats: {{pickle: scan}}}}
rules: [{{match: a, formats: {{pickle: scan, pickle_allow: [a.b]}}}}]
""",
    ),
    "rule gone": (RULE % "report: required", HEAD),
    "rule for other paths": (RULE % RISES, (RULE % RISES).replace("models/**", "models/*")),
    "report no longer required": rule("report: required", "tag: {}"),
    "report optional all the same": rule(RISES, f"report: optional\n    {RISES}"),
    "tag gone": rule("tag: {pattern: x}", "report: required"),
    "formats gone": rule("formats: {deny: [onnx]}", "report: required"),
    "metric gone": rule("metrics: {auc: {}, f1: {}}", "metrics: {f1: {}}"),
    "metric only of a slice": rule("metrics: {auc: {min: 0.9}}", "metrics: {'auc[a=b]': {min: 0.9}}"),
    "slices gone": rule("slices: {required: [country]}", "slices: {required: []}"),
    "gap wider": rule("slices: {max_gap: {auc: 0.1}}", "slices: {max_gap: {auc: 0.2}}"),
    "gap gone": rule("slices: {max_gap: {auc: 0.1}}", "slices: {max_gap: {f1: 0.1}}"),
    "data set gone": rule(PIN, "report: required"),
    "data set exchanged": rule(PIN, PIN.replace(DATA, OTHER)),
    "data set no longer pinned": rule(PIN, "datasets: [{id: a}]"),
    "data set no longer in full": rule("datasets: [{id: a, full: true}]", "datasets: [{id: a}]"),
    "tokenizer no longer demanded": rule("with: {required: [a, b]}", "with: {required: [a]}"),
    "sources without reports": rule("from: {report: required}", "from: {report: optional}"),
    "sources no longer spoken of": rule("from: {report: required}", "report: required"),
    "metrics on one data set only": rule(RISES, f"{RISES}\n    {PIN}"),
    "metrics on one data set more": rule(f"{RISES}\n    {PIN}", f"{RISES}\n    {PIN[:-1]}, {{id: b}}]"),
    "assurance": rule("evaluator: {assurance: third-party}", "evaluator: {assurance: ci}"),
    "assurance gone": rule("evaluator: {assurance: ci}", "report: required"),
    "fewer signatures": rule("signatures: {min: 2}", "signatures: {min: 1}"),
    "signatures gone": rule("signatures: {min: 1}", "report: required"),
    "older reports": rule("max_age: 30d", "max_age: 31d"),
    "reports of any age": rule("max_age: 30d", "report: required"),
    "min lower": bound("{min: 0.9}", "{min: 0.89}"),
    "min gone": bound("{min: 0.9}", "{}"),
    "max higher": bound("{max: 1}", "{max: 1.1}"),
    "max gone": bound("{max: 1}", "{}"),
    "a warning": bound("{min: 0.9}", "{min: 0.9, severity: warn}"),
    "larger tolerance": bound("{max_regression: 0.01}", "{max_regression: 0.02}"),
    "larger tolerance in percent": bound("{max_regression: 1%}", "{max_regression: 1.5%}"),
    "larger tolerance in standard errors": bound("{max_regression: 2se}", "{max_regression: 3se}"),
    "tolerance of another kind": bound("{max_regression: 0.01}", "{max_regression: 1%}"),
    "tolerance gone": bound("{max_regression: 0.01}", "{}"),
    "against something else": bound("{max_regression: 0, against: best}", "{max_regression: 0}"),
    "against other data": bound("{max_regression: 0}", "{max_regression: 0, allow_dataset_change: true}"),
    "other samples": bound("{min: 0.9}", "{min: 0.9, allow_dataset_change: true}"),
    "direction": bound("{max_regression: 0}", "{max_regression: 0, direction: lower}"),
    "another direction": bound("{max_regression: 0, direction: higher}", "{max_regression: 0, direction: lower}"),
    "direction gone": bound("{max_regression: 0, direction: higher}", "{max_regression: 0}"),
    "direction implied": bound("{max_regression: 0}", "{max_regression: 0, min: 0}"),
    "direction said elsewhere": beside(FALLS, "metrics: {auc: {direction: higher}}"),
    "direction implied elsewhere": beside(FALLS, "metrics: {auc: {min: 0}}"),
    "direction contradicted elsewhere": beside(RISES, "metrics: {auc: {max: 1}}"),
    "direction of a slice contradicted": beside(RISES, "metrics: {'auc[a=b]': {direction: lower}}"),
    "direction no longer told elsewhere": (
        TWO % (FALLS, "metrics: {auc: {min: 0.9}}"), TWO % (FALLS, "metrics: {auc: {min: 0.9, max: 1}}"),
    ),
    "max added that reverses the direction": (
        RULE % RISES, RULE % RISES.replace("min: 0.9", "min: 0.9, max: 1, direction: lower"),
    ),
    "direction said that was implied, where another rule contradicts it": (
        TWO % (RISES, "metrics: {auc: {max: 1}}"),
        TWO % (RISES.replace("min: 0.9", "min: 0.9, direction: higher"), "metrics: {auc: {max: 1}}"),
    ),
    "rule that makes reports optional": beside(RISES, "report: optional"),
    "rule that makes reports optional, with a metric": beside(RISES, "report: optional\n    metrics: {f1: {}}"),
    "rule with a tag of its own": beside(RISES, "tag: {pattern: x}"),
    "rule with fewer demands of a tag": beside(RISES, "tag: {monotonic: false}"),
    "rule with formats of its own": (
        f"{HEAD}defaults: {{formats: {{pickle: deny}}}}\n",
        f"{HEAD}defaults: {{formats: {{pickle: deny}}}}\nrules: [{{match: a, formats: {{deny: [onnx]}}}}]\n",
    ),
    "optional where a rule spoke of the tag alone": rule("tag: {}", "tag: {}\n    report: optional"),
    "evaluator added": (HEAD + "evaluators: {ci: [a]}\n", HEAD + "evaluators: {ci: [a, b]}\n"),
    "evaluators of another kind": (
        HEAD + "evaluators: {ci: [a]}\n", HEAD + "evaluators: {ci: [a], third-party: [b]}\n",
    ),
    "pointers": (HEAD + "pointers: [mvc, dvc]\n", HEAD),
    "stage gone": (STAGES % "{signatures: {min: 1}}", HEAD),
    "stage with fewer signatures": (STAGES % "{signatures: {min: 2}}", STAGES % "{signatures: {min: 1}}"),
    "stage with a lower metric": (STAGES % "{metrics: {auc: {min: 0.9}}}", STAGES % "{metrics: {auc: {min: 0.8}}}"),
    "stage with older reports": (STAGES % "{max_age: 30d}", STAGES % "{max_age: 5w}"),
}


@pytest.mark.parametrize("name", WEAKER)
def test_what_asks_less_is_seen(name: str) -> None:
    old, new = WEAKER[name]
    assert between(old, new)
    assert not between(old, old)
    assert not between(new, new)


NOT_WEAKER = {
    "report required": defaults("{report: optional}", "{}"),
    "tag stricter": defaults("{tag: {unique: false, rollback: history}}", "{tag: {rollback: deny}}"),
    "smaller files": defaults("{git: {max_blob: 1MB}}", "{git: {max_blob: 900kB}}"),
    "the same size in other words": defaults("{git: {max_blob: 1MB}}", "{git: {max_blob: 1000kB}}"),
    "more files forbidden": defaults("{git: {forbid: [a, '!b', c]}}", "{git: {forbid: [x, a, '!b', y, c, z]}}"),
    "fewer files allowed": defaults("{git: {allow: [a, b, c]}}", "{git: {allow: [a, c]}}"),
    "more formats denied": defaults("{formats: {deny: [pickle]}}", "{formats: {deny: [onnx], pickle: deny}}"),
    "fewer names in pickles": defaults(
        "{formats: {pickle: scan, pickle_allow: [a.b, a.c]}}", "{formats: {pickle: scan, pickle_allow: [a.c]}}",
    ),
    "a scan with names instead of none": defaults("{}", "{formats: {pickle: scan, pickle_allow: [a.b]}}"),
    "no pickles instead of names": defaults(
        "{formats: {pickle: scan}}", "{formats: {pickle: deny, pickle_allow: [a.b]}}",
    ),
    "rule that demanded nothing gone": (f"{HEAD}rules: [{{match: a, report: optional}}]\n", HEAD),
    "rule added": beside(RISES, "report: required\n    metrics: {f1: {min: 0.5}}"),
    "rule added that says optional, where that is the default": (
        f"{HEAD}defaults: {{report: optional}}\n",
        f"{HEAD}defaults: {{report: optional}}\nrules: [{{match: a, report: optional}}]\n",
    ),
    "the same metric in another rule": beside(RISES, "metrics: {auc: {min: 0.95}}"),
    "rules in another order": (TWO % (RISES, "tag: {}"), (TWO % ("tag: {}", RISES)).replace("models/**", "x").replace(
        "*.onnx", "models/**").replace("'x'", "'*.onnx'")),
    "min higher": bound("{min: 0.9}", "{min: 0.95}"),
    "max added": bound("{min: 0.9}", "{min: 0.9, max: 1}"),
    "max added where the direction was implied": (
        RULE % RISES, RULE % RISES.replace("min: 0.9", "min: 0.9, max: 1, direction: higher"),
    ),
    "min added where the direction was implied": bound(
        "{max: 9, max_regression: 1}", "{min: 0, max: 9, max_regression: 1, direction: lower}",
    ),
    "direction said that was implied": rule(RISES, RISES.replace("0.9,", "0.9, direction: higher,")),
    "direction implied that was said": rule(RISES.replace("0.9,", "0.9, direction: higher,"), RISES),
    "max added beside another rule of that direction": (
        TWO % (FALLS, "metrics: {auc: {min: 0.9}}"),
        TWO % (FALLS, "metrics: {auc: {min: 0.9, max: 1, direction: higher}}"),
    ),
    "an error": bound("{min: 0.9, severity: warn}", "{min: 0.9}"),
    "smaller tolerance": bound("{max_regression: 1%}", "{max_regression: 0.5%}"),
    "tolerance added": bound("{min: 0.9}", "{min: 0.9, max_regression: 0.1}"),
    "data set pinned": rule("datasets: [{id: a}]", PIN),
    "data set added": rule(PIN, f"{PIN[:-1]}, {{id: b}}]"),
    "more slices": rule("slices: {required: [a]}", "slices: {required: [b, a], max_gap: {auc: 0.1}}"),
    "assurance": rule("evaluator: {assurance: ci}", "evaluator: {assurance: third-party}"),
    "more signatures": rule("report: required", "signatures: {min: 2}"),
    "younger reports": rule("max_age: 1w", "max_age: 7d"),
    "evaluator gone": (HEAD + "evaluators: {ci: [a, b]}\n", HEAD + "evaluators: {ci: [b]}\n"),
    "stage with a higher metric": (STAGES % "{metrics: {auc: {min: 0.9}}}", STAGES % "{metrics: {auc: {min: 0.95}}}"),
    "stage added": (HEAD, STAGES % "{max_age: 30d}"),
    "notes": (HEAD, HEAD + "x-team: search\n"),
}


@pytest.mark.parametrize("name", NOT_WEAKER)
def test_what_asks_more_is_not_called_less(name: str) -> None:
    assert between(*NOT_WEAKER[name]) == []


def test_one_line_for_each_thing_that_is_weaker() -> None:
    (reason,) = between(*bound("{min: 0.9, max: 1}", "{min: 0.8, max: 1}"))
    assert reason == "'models/**': auc: min goes from 0.9 to 0.8"
    assert between(*WEAKER["rule gone"]) == ["rule 'models/**' is removed"]


# No path loses anything.


MATCHES = ("models/**", "*.onnx", "models/a.onnx")
PATHS = ("models/a.onnx", "models/b.bin", "c.onnx", "d")
YES_NO = (True, False)
replace = msgspec.structs.replace


class Maker:
    """Makes random policies and reports from few words, so that they interact."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.one: Callable[..., Any] = lambda *values: self.random.choice(values)

    def some(self, count: int, make: Callable[[], T]) -> list[T]:
        return [make() for _ in range(self.random.randint(0, count))]

    def tag(self) -> Tag:
        rollback = self.one("deny", "registered", "history")
        return Tag(self.one("semver", "semver", ".*"), self.one(*YES_NO), self.one(*YES_NO), rollback)

    def formats(self) -> Formats:
        names = self.some(2, lambda: self.one("a.b", "a.c", "a.d"))
        denied = self.some(2, lambda: self.one("onnx", "pickle", "gguf"))
        return Formats(denied, self.one("allow", "scan", "deny"), names)

    def bound(self) -> Bound:
        return Bound(
            min=self.one(None, 0.0, 0.5, 1.0), max=self.one(None, None, 0.5, 1.0),
            max_regression=self.one(None, 0.0, 0.1, "1%", "50%", "1se", "2se"), against=self.one("base", "best"),
            direction=self.one(None, "higher", "lower"), severity=self.one("error", "error", "warn"),
            allow_dataset_change=self.one(*YES_NO),
        )

    def rule(self) -> Rule:
        sets = [name for name in ("h", "t") if self.random.random() < 0.2]
        pinned = [Pinned(name, self.one("", DATA, OTHER), self.one(*YES_NO)) for name in sets]
        bounds = self.some(2, lambda: (self.one("auc", "auc", "auc[c=*]", "auc[c=x]", "ms"), self.bound()))
        slices = Slices(self.some(1, lambda: "c"), self.one({}, {"auc": 0.1}, {"auc": 0.2}))
        return Rule(
            self.one(*MATCHES), report=self.one(None, "required", "optional"), tag=self.one(None, None, self.tag()),
            formats=self.one(None, None, self.formats()), datasets=pinned, metrics=dict(bounds),
            slices=self.one(None, slices), companions=self.one(None, None, Companions(["vocabulary"])),
            sources=self.one(None, None, Sources("required")),
            evaluator=self.one(None, None, Assured(self.one("ci", "third-party"))),
            signatures=self.one(None, None, Signatures(self.one(1, 2))), max_age=self.one("", "", "1h", "2d"),
        )

    def policy(self) -> Policy:
        defaults = Defaults(self.one("required", "optional"), self.tag(), Git(forbid=[]), self.formats())
        evaluators = {name: [ADA.principal] for name in ("ci", "third-party") if self.one(*YES_NO)}
        return self.sound(lambda: Policy(1, ["mvc"], defaults, evaluators, self.some(3, self.rule)))

    def sound(self, make: Callable[[], Policy]) -> Policy:
        """Return the first policy without a limit above another, and so on."""
        return next(policy for policy in iter(make, None) if not next(policy_module._problems(policy), ""))

    def edited(self, policy: Policy) -> Policy:
        """Return a policy with one part replaced."""
        match self.one("defaults", "evaluators", "more", "rule", "fewer", "key", "bound", "bound", "bound"):
            case "defaults":
                return replace(policy, defaults=self.policy().defaults)
            case "evaluators":
                return replace(policy, evaluators=self.policy().evaluators)
            case "more":
                return replace(policy, rules=[*policy.rules, self.rule()])
            case how if policy.rules:
                place = self.random.randrange(len(policy.rules))
                rules = list(policy.rules)
                rules[place : place + 1] = self.edited_rule(rules[place], how)
                return replace(policy, rules=rules)
        return self.policy()

    def edited_rule(self, rule: Rule, how: str) -> list[Rule]:
        new = self.rule()
        if how == "key":
            key = self.one(*Rule.__struct_fields__)
            return [replace(rule, **{key: getattr(new, key)})]
        if how == "bound" and rule.metrics:
            name, key = self.one(*rule.metrics), self.one(*Bound.__struct_fields__)
            bound = replace(rule.metrics[name], **{key: getattr(self.bound(), key)})
            return [replace(rule, metrics={**rule.metrics, name: bound})]
        return [] if how == "fewer" else [new]

    def pair(self) -> tuple[Policy, Policy]:
        """Return two policies, the second not weaker according to `weakened`."""
        old = new = self.policy()
        for _ in range(40):
            found = self.sound(partial(self.edited, new))
            if not weakened(old, found):
                new = found
        return old, new

    def report(self) -> Report:
        parts = [(data, part) for data in "ht" for part in ({}, {"c": "x"}, {"c": "y"}) if self.one(*YES_NO)]
        metrics = [self.metric(data, part) for data, part in parts]
        return Report(
            1, MODEL, self.one("v1.0.0", "v1.1.0", "x"), created_at=self.one("", "1969-12-31T00:00:00Z"),
            evaluator=self.one(None, Evaluator("ci", "ci")), metrics=[*metrics, Metric("ms", 0.5, dataset="t")],
            datasets=[Dataset("h", self.one(DATA, DATA, OTHER)), Dataset("t", DATA, used=self.one(None, 5))],
            together=self.one([], [Used("vocabulary", DATA)]), sources=self.one([], [Source("base", OTHER)]),
        )

    def metric(self, data: str, part: dict[str, str]) -> Metric:
        better, error = self.one(None, True, True, False), self.one(None, 0.1)
        return Metric("auc", self.one(0.0, 0.5, 0.96, 1.0), better, data, error, part)

    def model(self) -> ModelFacts:
        """Return a signed model that replaces another one."""
        bytes_before = DIGEST._replace(blake3=OTHER)
        report = replace(self.report(), model=Model(*bytes_before))
        before = ModelVersion(PATHS[0], at(emit_pointer(file_pointer(bytes_before))), at(emit_report(report)), "c")
        head = at(emit_report(self.report())) if self.random.random() < 0.9 else None
        signers = self.one((), (ADA,), (ADA, BOB))
        past, reported = Past(before, "path", (before,)), frozenset(self.one((), (OTHER,)))
        return ModelFacts(PATHS[0], at(FILE), head, True, signers=signers, past=past, reported_sources=reported)


def text(policy: Policy) -> bytes:
    """Return a policy as a file: JSON is YAML."""
    data = msgspec.to_builtins(policy)
    return json.dumps({key: value for key, value in data.items() if key != "x-"}).encode()


seeds = st.integers(0, 1 << 32)
MANY = settings(max_examples=120, deadline=None)


@MANY
@given(seeds)
def test_no_path_loses_what_was_demanded_of_it(seed: int) -> None:
    old, new = Maker(seed).pair()
    for path in PATHS:
        assert loses(demands(old, path), demands(new, path)) == [], (old, new)


@MANY
@given(seeds)
def test_nothing_passes_that_did_not_pass(seed: int) -> None:
    """The judge confirms it: where it finds an error by the old policy, it finds one by the new one."""
    maker = Maker(seed)
    pair, model = maker.pair(), maker.model()
    old, new = (judge(facts_of(at(text(policy)), (model,)), 0) for policy in pair)
    assert old.passed or not new.passed, (pair, model)


def test_the_defaults_are_as_strict_as_an_empty_policy() -> None:
    assert weakened(STRICT, parse_policy(HEAD.encode())) == []
    assert weakened(Policy(1, stages={"prod": Stage()}), STRICT) == []
