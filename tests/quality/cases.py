"""Facts and the findings about them: one table for the tests of the judge, the codes and their documentation."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from msgspec.structs import replace

from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import Pointer, dir_pointer, emit, file_pointer
from mvc.quality.files import POLICY, REVOKED, SIGNERS, WAIVERS, FileAt
from mvc.quality.judge.facts import (
    BlobFacts,
    BroughtFile,
    Companions,
    Difference,
    Facts,
    GivenTags,
    IncompleteModel,
    Landing,
    ModelFacts,
    ModelVersion,
    PairedTest,
    PairedTests,
    Parts,
    Past,
    PickleScan,
    PolicyFileChange,
    Recomputed,
    RemoteFacts,
    Signer,
    TrackedName,
)
from mvc.quality.judge.rules.policy_files import judging_policy
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.report import Dataset, Evaluator, Metric, Model, Predictions, Report, Source, Used
from mvc.quality.reports.report_document import emit as emit_report

PATH = "models/ranker.onnx"
DIGEST = hash_bytes(b"weights")
DATA = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
MODEL = Model(*DIGEST)
FILE = emit(file_pointer(DIGEST))
BASIC = "mvc-policy: 1\n"
CONFLICT = b"<<<<<<< HEAD\nmvc: 1\n=======\nmvc: 1\n>>>>>>> theirs\n"


def at(raw: bytes, mode: str = "100644", *, conflicted: bool = False) -> FileAt:
    """Return a file of the judged tree."""
    return FileAt(mode, raw, conflicted=conflicted)


def report(*metrics: Metric, **said: Any) -> FileAt:
    """Return a report of the model, by default with tag v1.2.0 and a metric that no rule asks for."""
    said = {"model": MODEL, "tag": "v1.2.0", "metrics": list(metrics) or [Metric("seconds", 1)], **said}
    return at(emit_report(Report(1, **said)))


def model(found: FileAt | None = None, path: str = PATH, **changed: Any) -> ModelFacts:
    """Return the facts of a model with a good pointer and, by default, a good report."""
    return ModelFacts(path, **{"pointer": at(FILE), "report": found or report(), "in_cache": True, **changed})


def facts_of(
    policy: FileAt | None,
    models: tuple[ModelFacts, ...] = (),
    blobs: tuple[BlobFacts, ...] = (),
    landing: Landing | None = None,
) -> Facts:
    """Return facts with the policy that judges them."""
    parsed = read_policy(policy)
    return Facts(judging_policy(parsed, landing) if landing else parsed, models, blobs, landing)


def one(found: FileAt | None = None, policy: str | None = BASIC, **changed: Any) -> Facts:
    """Return facts of one model."""
    return facts_of(None if policy is None else at(policy.encode()), (model(found, **changed),))


def rule(text: str, defaults: str = "{}", more: str = "") -> str:
    """Return a policy with one rule for all models, and `more` for just this one."""
    second = f"  - {{match: '*.onnx', {more}}}\n" if more else ""
    return f"{BASIC}defaults: {defaults}\nrules:\n  - match: 'models/**'\n    {text}\n{second}"


def directory(*names: str) -> FileAt:
    """Return the pointer of a directory."""
    return at(emit(dir_pointer(Manifest.of(Entry(name, *hash_bytes(name.encode()), exec=False) for name in names))))


def by_country(name: str = "auc", **values: float) -> list[Metric]:
    """Return a metric of several countries."""
    return [Metric(name, value, slice={"country": country}) for country, value in values.items()]


def blob(path: str, size: int = 1, kind: str = "", policy: str = BASIC) -> Facts:
    """Return facts of one file that would be committed as it is."""
    return facts_of(at(policy.encode()), (), (BlobFacts(path, size, kind),))


def moved(path: str, size: int = 1, kind: str = "", *, policy: str = BASIC, **said: Any) -> Facts:
    """Return facts of one file that Git has, or had, elsewhere."""
    return facts_of(at(policy.encode()), (), (BlobFacts(path, size, kind, **said),))


def on_two_data_sets() -> FileAt:
    """Return a report with a good metric on one of two data sets."""
    good, bad = Metric("auc", 0.95, dataset="holdout"), Metric("auc", 0.8, dataset="test")
    return report(good, bad, datasets=[HOLDOUT, TEST])


MANIFEST = hash_bytes(b"manifest")
LARGE = at(emit(Pointer("dir", MANIFEST, files=300, total=9)))
LARGE_REPORT = report(model=Model(*MANIFEST))
PICKLES = rule("formats: {pickle: deny}")
PICKLE = "models/ranker.pkl"
SCANNED = rule("formats: {pickle: scan}")
HOLDOUT = Dataset("holdout", DATA, "data/holdout.csv")
TEST = Dataset("test", OTHER, "data/test.csv")
BIG = Dataset("holdout", DATA, "data/holdout.csv", "test", 5000)
IN_FULL = rule("datasets: [{id: holdout, full: true}]")
NEEDS_TOKENIZER = rule("with: {required: [models/tokenizer]}")
NEEDS_SOURCE = rule("from: {report: required}")
SOURCE = Source("models/ranker.skops", DATA, "mvc convert --to onnx")
BIG_TRAIN = replace(BIG, split="train")
GIT = f"{BASIC}defaults: {{git: %s}}\n"


TOKENIZER = Used("models/tokenizer", DATA)


def beside(used: Used, now: str, moved: tuple[str, ...] = ()) -> Facts:
    """Return facts of a model that the change does not touch, and of what is now at `models/tokenizer`."""
    facts = Companions(model(report(together=[used])), (("models/tokenizer", now),), moved)
    return facts_of(at(BASIC.encode()))._replace(companions=(facts,))


# Signers and policy files.


def signed(text: str, *by: Signer, evaluators: str = "{ci: [ci@example.com]}", **said: Any) -> Facts:
    """Return facts of one model under a rule, with a signed report."""
    policy = rule(text).replace("rules:", f"evaluators: {evaluators}\nrules:")
    return one(report(**said), policy, signers=by)


def landing(*changes: PolicyFileChange, policy: str = BASIC, **said: Any) -> Facts:
    """Return facts of a change that touches no model."""
    return facts_of(at(policy.encode()), landing=Landing(policy_files=changes, **said))


def lines(
    path: str, old: str | None, new: str | None, by: Signer | None = None, policy: str = BASIC, **said: Any,
) -> Facts:
    """Return facts of a change of one policy file."""
    files = (None if text is None else at(text.encode()) for text in (old, new))
    return landing(PolicyFileChange(path, *files, (by,) if by else ()), policy=policy, **said)


def policy_change(old: str, new: str | None, by: Signer | None = None) -> Facts:
    """Return facts of a change of the policy, judged by the old one."""
    return lines(POLICY, old, new, by, old)


LOW = report(Metric("auc", 0.88))


def waiver(**changed: str) -> str:
    """Return a file with one waiver, of MVC202."""
    values = {
        "code": "MVC202", "model": DIGEST.blake3, "report": hash_bytes(LOW.raw).blake3,
        "reason": "known, fixed in v1.3", "owner": "ada@example.com", "expires": "2027-01-31", **changed,
    }
    body = "".join(f"    {key}: {json.dumps(text)}\n" for key, text in values.items())
    return f"mvc-waivers: 1\nwaivers:\n  -{body[3:]}"


def waiving(text: str, found: FileAt | None = LOW, policy: str = rule("metrics: {auc: {min: 0.9}}")) -> Facts:
    """Return facts of a model with a metric that is too low, and waivers on base."""
    return one(policy=policy, report=found)._replace(landing=Landing(waivers=at(text.encode())))


def in_the_hook(*waivers: str) -> Facts:
    """Return the same facts as the hook has them: waivers of the commit's parents, and no base."""
    return waiving("")._replace(landing=None, landed_waivers=tuple(at(text.encode()) for text in waivers))


ADA, BOB = Signer("ada@example.com", "SHA256:k1"), Signer("bob@example.com", "SHA256:k2")
BY_CI = Signer("ci@example.com", "SHA256:k3")
CI = "evaluator: {assurance: ci}"
MONTH = "max_age: 30d"
FALLING = rule("metrics: {auc: {min: 0.9, max_regression: 0.1}}")
CONTRADICTED = rule("metrics: {auc: {min: 0.9, max_regression: 0.1}}", more="metrics: {auc: {max: 1}}")
UNDIRECTED = rule("metrics: {auc: {max_regression: 0.1}}", more="metrics: {auc: {min: 0.9}, f1: {max: 1}}")
FLOOR = rule("metrics: {auc: {min: 0.9}}")
WORKFLOW = ".github/workflows/gate.yaml"
LISTED_A, LISTED_B = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{char * 43}" for char in "AQ")
KEY_A, KEY_B = f"ada@example.com {LISTED_A}", f"bob@example.com {LISTED_B}"


# Earlier versions.


EARLIER = hash_bytes(b"earlier")
OLDER = hash_bytes(b"older")


def version(found: FileAt | None, *, of: Digest = EARLIER, **changed: Any) -> ModelVersion:
    """Return a current or earlier version of the model on base."""
    return ModelVersion(PATH, at(emit(file_pointer(of))), found, "1234567890abcdef")._replace(**changed)


def earlier(*metrics: Metric, of: Digest = EARLIER, **said: Any) -> FileAt:
    """Return the report of an earlier version, with tag v1.1.0 by default."""
    return report(*metrics, **{"model": Model(*of), "tag": "v1.1.0", **said})


def after(
    *before: ModelVersion, text: str = "report: required", more: str = "", new: FileAt | None = None, **said: Any,
) -> Facts:
    """Return facts of one model with earlier versions, newest first, under one or two rules."""
    past = Past(before[0] if before else None, "path" if before else "", before)._replace(**said)
    return one(new, rule(text, more=more), past=past)


def knowing(found: FileAt | None = None, policy: str = BASIC, **tags: Any) -> Facts:
    """Return facts of one model as the hook has them, with the tags that were given before."""
    facts = one(found, policy)
    return facts._replace(given=(GivenTags(facts.models[0], **tags),))


def step(text: str, old: Metric | list[Metric], new: Metric | list[Metric], more: str = "") -> Facts:
    """Return facts of one model with other metrics before, under a rule, for `auc` by default."""
    olds, news = (item if isinstance(item, list) else [item] for item in (old, new))
    text = text if text.startswith(("metrics", "slices")) else f"metrics: {{auc: {{{text}}}}}"
    return after(version(earlier(*olds)), text=text, more=more, new=report(*news))


def on_other_data(text: str, new: FileAt, *then: Dataset) -> Facts:
    """Return facts of a model that had 0.9 on some data sets, under a rule for `auc`."""
    metrics = [auc(0.9, dataset=item.id) for item in then] if then[1:] else [auc(0.9)]
    old = version(earlier(*metrics, datasets=list(then)))
    return after(old, text=f"metrics: {{auc: {{{text}}}}}", new=new)


def auc(value: float, **said: Any) -> Metric:
    """Return a metric with the direction higher."""
    return Metric("auc", value, **{"higher_is_better": True, **said})


def sampled(
    old: Dataset | list[Dataset], new: Dataset | list[Dataset], text: str = "metrics: {auc: {min: 0.5}}",
    *older: ModelVersion, sliced: tuple[int, int] | None = None,
) -> Facts:
    """Return facts of a model that was evaluated on the first of some data sets, and is now on the first of others.

    `sliced` is the number of examples of a slice then and now, if the metric is of one.
    """
    olds, news = (item if isinstance(item, list) else [item] for item in (old, new))
    parts = [{"slice": {"country": "DE"}, "n": n} for n in sliced] if sliced else [{}, {}]
    then, now = (auc(0.9, dataset=items[0].id, **part) for items, part in zip((olds, news), parts, strict=True))
    return after(version(earlier(then, datasets=olds)), *older, text=text, new=report(now, datasets=news))


def left(
    *files: str, policy: str = BASIC, path: str = PATH, mode: str = "100644", evaluated: bool = True,
) -> Facts:
    """Return facts of a change that deletes a model and adds files to Git."""
    placed = tuple(BroughtFile(file, mode, (file[:-4],) if file.endswith(".dvc") else ()) for file in files)
    return landing(policy=policy, gone=(version(earlier() if evaluated else None, path=path),), files=placed)


def claiming(file: str, *claims: str, policy: str = BASIC, **said: Any) -> Facts:
    """Return facts of a change that adds a file which leaves paths to DVC or Git LFS."""
    return landing(policy=policy, files=(BroughtFile(file, claims=claims),), **said)


def spelled(*files: str) -> Facts:
    """Return facts of a change that adds files to Git beside a tracked path."""
    return landing(tracked=(TrackedName(PATH),), files=tuple(map(BroughtFile, files)))


def moving(*tracked: TrackedName, gone: tuple[ModelVersion, ...] = (), policy: str = BASIC, **changed: Any) -> Facts:
    """Return facts of one model among several tracked ones."""
    facts = one(policy=policy, **{"past": Past(), **changed})
    return facts._replace(landing=Landing(tracked=(TrackedName(facts.models[0].path), *tracked), gone=gone))


PREDICTIONS = Predictions("evals/ranker.csv", DATA, 2000, truth="truth", predicted="predicted")
EARLIER_PREDICTIONS = replace(PREDICTIONS, blake3=OTHER)
EVIDENCE = "evidence: predictions"


def computed(value: float = 0.95, text: str = "", found: Recomputed | None = None, **said: Any) -> Facts:
    """Return facts of one model with an AUC by its predictions, as the gate has them."""
    new = report(auc(value), **{"predictions": PREDICTIONS, **said})
    return one(new, rule(text or "report: required"), past=Past(version(earlier())), recomputed=found)


def paired(
    *tests: PairedTest, new: Metric = Metric("auc", 0.92), old: Predictions | None = EARLIER_PREDICTIONS, **said: Any,
) -> Facts:
    """Return facts of one model with a metric that was 0.93, or its accuracy, and tests against the earlier version."""
    text = f"metrics: {{{new.name}: {{max_regression: paired, direction: higher}}}}"
    before = version(earlier(replace(new, value=0.93), predictions=old))
    facts = after(before, text=text, new=report(new, predictions=PREDICTIONS))
    found = said.get("found", (PairedTests(OTHER, tests),))
    return facts._replace(models=(facts.models[0]._replace(paired=found),))


LOSSY = "metrics: {auc: {max_regression: 0.1}}"
BROKEN = at(b"mvc-eval: 1\nmetrics: [")
BY_KEY = 'metrics: {"auc[country=*]": {min: 0.5}}'
FOREIGN = f"{BASIC}defaults: {{git: {{allow: ['*.mvc']}}}}\n"
SECOND = version(earlier(tag="v1.9.0"))
AGAIN = version(report(), of=DIGEST)
GONE = version(earlier())
_BOTH = dir_pointer(Manifest.of([Entry("a", *DIGEST, exec=False)]))
_AS_DIRECTORY = Past(version(report(model=Model(*_BOTH.digest)), pointer=at(emit(_BOTH))), "path")
REGISTERED = tuple(
    version(earlier(auc(value), of=OLDER, tag=tag), of=OLDER, tag=f"ranker@{tag}", ancestor=tag != "v9.0.0")
    for value, tag in ((0.91, "v1.0.0"), (0.1, "v0.9.0"), (0.99, "v9.0.0"))
)
UNTAGGED = tuple(item._replace(tag="") for item in REGISTERED)
"""The same as the target branch has them."""


class Case(NamedTuple):
    """Facts, severities and codes of the findings, and a part of one message."""

    facts: Facts
    found: str = ""
    says: str = ""


CASES = {
    "all good": Case(one()),
    "nothing at all": Case(facts_of(None)),
    "nothing but a policy": Case(facts_of(at(BASIC.encode()))),
    "executable files are regular": Case(one(at(report().raw, "100755"), pointer=at(FILE, "100755"))),
    # Reports.
    "report missing": Case(one(report=None), "error MVC101"),
    "report missing, and optional": Case(one(report=None, policy=rule("report: optional"))),
    "report missing, and optional by default": Case(one(report=None, policy=BASIC + "defaults: {report: optional}\n")),
    "report missing, and a metric asked for": Case(
        one(report=None, policy=rule("metrics: {auc: {min: 0}}", "{report: optional}")), "error MVC101",
    ),
    "report missing under a rule that asks for metrics of those there are": Case(
        one(report=None, policy=rule("report: optional\n    metrics: {auc: {min: 0}}")),
    ),
    "report empty": Case(one(at(b"")), "error MVC102"),
    "report of something else": Case(one(at(b"a: 1\n")), "error MVC102"),
    "report with an unknown key": Case(one(at(report().raw + b"metric: 1\n")), "error MVC102", "metric"),
    "report with NaN": Case(
        one(at(report().raw + b"metrics: [{name: auc, value: .nan}]\n"), policy=rule("metrics: {auc: {min: 0}}")),
        "error MVC102",
    ),
    "report with a boolean": Case(one(at(report().raw + b"metrics: [{name: auc, value: true}]\n")), "error MVC102"),
    "report of a newer mvc": Case(one(at(b"mvc-eval: 3\n")), "error MVC102", "newer"),
    "report of other bytes": Case(one(report(model=Model(DATA))), "error MVC103"),
    "report of bytes that begin alike": Case(
        one(report(model=Model(DIGEST.blake3[:60] + "0000"))), "error MVC103", DIGEST.blake3,
    ),
    "report with lines of both sides": Case(one(mixed=True), "error MVC128"),
    "report of one side of a merge": Case(
        one(report(model=Model(DATA)), merged=""), "error MVC103", "the merge of both sides needs a report of its own",
    ),
    "report with another size": Case(one(report(model=Model(DIGEST.blake3, size=8))), "error MVC103", "8"),
    "report with another xxh128": Case(one(report(model=Model(DIGEST.blake3, "0" * 32))), "error MVC103", "xxh128"),
    "report with nothing but the blake3": Case(one(report(model=Model(DIGEST.blake3)))),
    "report of other bytes, and metrics of theirs": Case(
        one(report(model=Model(DATA)), policy=rule("metrics: {auc: {min: 0.9}}")), "error MVC103",
    ),
    "stale report of an optional path": Case(
        one(report(model=Model(DATA)), policy=rule("report: optional")), "error MVC103",
    ),
    "tag missing": Case(one(report(tag="")), "error MVC104"),
    "tag no version": Case(one(report(tag="first")), "error MVC105"),
    "tag without a v": Case(one(report(tag="1.2.0"))),
    "tag with a line break": Case(one(report(tag="v1\n2")), "error MVC105", "v1\\n2"),
    "tag of a pattern": Case(one(report(tag="2026-11"), policy=rule('tag: {pattern: "[0-9]{4}-[0-9]{2}"}'))),
    "tag that only begins like the pattern": Case(
        one(report(tag="2026-115"), policy=rule('tag: {pattern: "[0-9]{4}-[0-9]{2}"}')), "error MVC105", "[0-9]{4}",
    ),
    "tag of a rule, not of the default": Case(
        one(report(tag="x"), policy=rule("tag: {pattern: x}", "{tag: {pattern: y}}")),
    ),
    "tag that must fit two rules": Case(
        one(policy=rule("tag: {pattern: semver}", more="tag: {pattern: 'v[2-9].*'}")),
        "error MVC105", "v[2-9].*",
    ),
    "tag too long for any pattern": Case(one(report(tag="v" * 300), policy=rule("tag: {pattern: v+}")), "error MVC105"),
    "report without a pointer": Case(one(pointer=None), "error MVC106"),
    "neither": Case(one(pointer=None, report=None)),
    "renamed without its report": Case(
        facts_of(at(BASIC.encode()), (model(pointer=None), model(path="models/new.onnx", report=None))),
        "error MVC101, error MVC106",
    ),
    # What a report was evaluated with.
    "evaluated with other content": Case(
        beside(TOKENIZER, OTHER), "error MVC107", "evaluated with models/tokenizer 0123456789ab…, now fedcba987654…",
    ),
    "evaluated with what is gone": Case(beside(TOKENIZER, ""), "error MVC107", "which is not tracked"),
    "evaluated with what was moved": Case(beside(TOKENIZER, "", moved=(DATA,))),
    "evaluated with what was moved, and other content is in its place": Case(
        beside(TOKENIZER, OTHER, moved=(DATA,)), "error MVC107",
    ),
    "evaluated with the same content": Case(beside(TOKENIZER, DATA)),
    "evaluated with what is not known": Case(beside(Used("README.md", DATA), OTHER)),
    "evaluated with other content, and waived": Case(
        beside(TOKENIZER, OTHER)._replace(landed_waivers=(at(waiver(
            code="MVC107", report=hash_bytes(report(together=[TOKENIZER]).raw).blake3,
        ).encode()),)),
        "note MVC415",
    ),
    "evaluated with other content, in a report that cannot be read": Case(
        facts_of(at(BASIC.encode()))._replace(companions=(Companions(model(BROKEN), (("models/tokenizer", OTHER),)),)),
    ),
    "evaluated with what a rule demands": Case(one(report(together=[TOKENIZER]), policy=NEEDS_TOKENIZER)),
    "not evaluated with what a rule demands": Case(
        one(report(), policy=NEEDS_TOKENIZER), "error MVC108", "with which models/tokenizer",
    ),
    "without a report, which a rule demands by its inputs": Case(
        one(report=None, policy=NEEDS_TOKENIZER.replace("{}", "{report: optional}")),
        "error MVC101",
    ),
    "evaluated with one of two that two rules demand": Case(
        one(report(together=[TOKENIZER]), policy=rule(
            "with: {required: [models/tokenizer]}", more="with: {required: [models/vocabulary]}",
        )),
        "error MVC108", "models/vocabulary",
    ),
    # What a model was derived from.
    "derived from what has a report": Case(
        one(report(sources=[SOURCE]), policy=NEEDS_SOURCE, reported_sources=frozenset({DATA})),
    ),
    "derived from what has none": Case(
        one(report(sources=[SOURCE]), policy=NEEDS_SOURCE, reported_sources=frozenset({OTHER})),
        "error MVC109", "derived from models/ranker.skops 0123456789ab…, which has no report",
    ),
    "derived from two, one of them without a report": Case(
        one(
            report(sources=[SOURCE, Source("base", OTHER)]), policy=NEEDS_SOURCE,
            reported_sources=frozenset({DATA}),
        ),
        "error MVC109", "derived from base",
    ),
    "derived from what has none, where no rule asks": Case(
        one(report(sources=[SOURCE]), reported_sources=frozenset()),
    ),
    "derived from what has none, where a rule asks for something else": Case(
        one(report(sources=[SOURCE], together=[TOKENIZER]), policy=NEEDS_TOKENIZER, reported_sources=frozenset()),
    ),
    "derived from nothing": Case(one(report(), policy=NEEDS_SOURCE, reported_sources=frozenset())),
    # Metrics.
    "metric good": Case(one(report(Metric("auc", 0.9)), policy=rule("metrics: {auc: {min: 0.9, max: 0.9}}"))),
    "no metrics": Case(one(report(metrics=[])), "error MVC209", "the report has no metrics"),
    "no metrics, and a rule that asks for none": Case(
        one(report(metrics=[], datasets=[HOLDOUT]), rule("datasets: [{id: holdout}]")), "error MVC209",
    ),
    "no metrics where a missing one is a warning": Case(
        one(report(metrics=[]), rule("metrics: {auc: {severity: warn}}")), "warning MVC201, error MVC209",
    ),
    "no metrics where a rule asks for one": Case(one(report(metrics=[]), rule("metrics: {auc: {}}")), "error MVC201"),
    "no metrics of other bytes": Case(one(report(metrics=[], model=Model(OTHER))), "error MVC103"),
    "no metrics where no report is needed": Case(one(report(metrics=[]), rule("report: optional"))),
    "one slice and nothing else": Case(one(report(*by_country(DE=0.9)))),
    "metric missing": Case(one(policy=rule("metrics: {auc: {min: 0.9}}")), "error MVC201"),
    "metric missing without limits": Case(one(policy=rule("metrics: {auc: {}}")), "error MVC201"),
    "metric missing, a warning": Case(one(policy=rule("metrics: {auc: {min: 1, severity: warn}}")), "warning MVC201"),
    "metric only in a slice": Case(
        one(report(*by_country(DE=0.95)), policy=rule("metrics: {auc: {min: 0.9}}")), "error MVC201",
    ),
    "metric too low": Case(
        one(report(Metric("auc", 0.88)), policy=rule("metrics: {auc: {min: 0.90}}")), "error MVC202",
    ),
    "metric with an at sign": Case(
        one(report(Metric("ndcg@10", 0.3)), policy=rule("metrics: {ndcg@10: {min: 0.4}}")), "error MVC202", "ndcg@10",
    ),
    "metric too low, a warning": Case(
        one(report(Metric("auc", 0.88)), policy=rule("metrics: {auc: {min: 0.9, severity: warn}}")), "warning MVC202",
    ),
    "two limits, one only warns": Case(
        one(
            report(Metric("auc", 0.91)),
            policy=rule("metrics: {auc: {min: 0.95, severity: warn}}", more="metrics: {auc: {min: 0.9}}"),
        ),
        "warning MVC202", "0.95",
    ),
    "metric too high": Case(
        one(report(Metric("p95_ms", 45)), policy=rule("metrics: {p95_ms: {max: 40}}")), "error MVC203",
    ),
    "negative metric": Case(
        one(report(Metric("loglik", -5)), policy=rule("metrics: {loglik: {min: -4.5}}")), "error MVC202", "-4.5",
    ),
    "metric just below": Case(
        one(report(Metric("auc", 0.8999999999999999)), policy=rule("metrics: {auc: {min: 0.9}}")),
        "error MVC202", "0.8999999999999999",
    ),
    "metric of each data set": Case(
        one(
            on_two_data_sets(),
            policy=rule("metrics: {auc: {min: 0.9}}"),
        ),
        "error MVC202", "auc@test",
    ),
    "metric of the data set that the rule names": Case(
        one(
            on_two_data_sets(),
            policy=rule("metrics: {auc: {min: 0.9}}\n    datasets: [{id: holdout}]"),
        ),
    ),
    "metric missing on the data set that the rule names": Case(
        one(
            report(Metric("auc", 0.95, dataset="test"), datasets=[HOLDOUT, TEST]),
            policy=rule("metrics: {auc: {min: 0.9}}\n    datasets: [{id: holdout}]"),
        ),
        "error MVC201", "auc@holdout",
    ),
    "metric of the only data set": Case(
        one(
            report(Metric("auc", 0.95), datasets=[HOLDOUT]),
            policy=rule("metrics: {auc: {min: 0.9}}\n    datasets: [{id: holdout}]"),
        ),
    ),
    "metric of nobody knows which data set": Case(
        one(
            report(Metric("auc", 0.95), datasets=[HOLDOUT, TEST]),
            policy=rule("metrics: {auc: {min: 0.9}}\n    datasets: [{id: holdout}]"),
        ),
        "error MVC201", "auc@holdout",
    ),
    "direction unknown": Case(
        one(report(Metric("score", 1)), policy=rule("metrics: {score: {max_regression: 0.1}}")), "error MVC204",
    ),
    "direction from the report": Case(
        one(
            report(Metric("score", 1, higher_is_better=False)),
            policy=rule("metrics: {score: {max_regression: 0.1}}"),
        ),
    ),
    "direction from the limit": Case(
        one(report(Metric("score", 1)), policy=rule("metrics: {score: {min: 0, max_regression: '1%'}}")),
    ),
    "direction from the rule": Case(
        one(report(Metric("score", 1)), policy=rule("metrics: {score: {direction: lower, max_regression: 2se}}")),
    ),
    "direction both ways in the report": Case(
        one(
            report(
                Metric("score", 1, higher_is_better=False, dataset="holdout"),
                Metric("score", 1, higher_is_better=True, dataset="test"),
                datasets=[HOLDOUT, TEST],
            ),
            policy=rule("metrics: {score: {max_regression: 0.1}}"),
        ),
        "error MVC204",
    ),
    "direction both ways in the rules": Case(
        one(
            report(Metric("score", 1)),
            policy=rule("metrics: {score: {min: 0, max_regression: 0.1}}", more="metrics: {score: {max: 2}}"),
        ),
        "error MVC204",
    ),
    # Slices.
    "slices good": Case(
        one(report(*by_country(DE=0.93, FR=0.9)), policy=rule('metrics: {"auc[country=*]": {min: 0.9}}')),
    ),
    "no slices, and none demanded": Case(one(policy=rule('metrics: {"auc[country=*]": {min: 0.9}}'))),
    "one of the slices too low": Case(
        one(report(*by_country(DE=0.93, FR=0.8)), policy=rule('metrics: {"auc[country=*]": {min: 0.9}}')),
        "error MVC202", "auc[country=FR]",
    ),
    "a slice that is demanded": Case(
        one(report(*by_country(FR=0.93)), policy=rule('metrics: {"auc[country=DE]": {min: 0.9}}')),
        "error MVC201", "auc[country=DE]",
    ),
    "a slice that is demanded, too low": Case(
        one(report(*by_country(DE=0.8)), policy=rule('metrics: {"auc[country=DE]": {min: 0.9}}')), "error MVC202",
    ),
    "a finer slice is another": Case(
        one(
            report(Metric("auc", 0.1, slice={"country": "DE", "age": "30"})),
            policy=rule('metrics: {"auc[country=*]": {min: 0.9}, "auc[age=30, country=*]": {max: 0}}'),
        ),
        "error MVC203",
    ),
    "slices demanded": Case(
        one(
            report(Metric("auc", 0.9)),
            policy=rule('slices: {required: [country]}\n    metrics: {"auc[country=*]": {min: 0.9}}'),
        ),
        "error MVC205",
    ),
    "slices demanded, of another metric": Case(
        one(
            report(*by_country("f1", DE=1)),
            policy=rule('slices: {required: [country]}\n    metrics: {"auc[country=*]": {min: 0.9}}'),
        ),
        "error MVC205",
    ),
    "slices demanded, of any metric": Case(
        one(report(*by_country("f1", DE=1)), policy=rule("slices: {required: [country]}")),
    ),
    "slices demanded, and there are none": Case(
        one(report(Metric("auc", 1)), policy=rule("slices: {required: [country]}")),
        "error MVC205", "no metric by country",
    ),
    "slices on another data set": Case(
        one(
            report(Metric("auc", 1, dataset="test", slice={"country": "DE"}), datasets=[HOLDOUT, TEST]),
            policy=rule("slices: {required: [country]}\n    datasets: [{id: holdout}]"),
        ),
        "error MVC205", "on holdout",
    ),
    "gap too large": Case(
        one(report(*by_country(DE=0.93, FR=0.86)), policy=rule("slices: {max_gap: {auc: 0.05}}")), "error MVC206",
    ),
    "gap as large as it may be": Case(
        one(report(*by_country(DE=0.93, FR=0.88)), policy=rule("slices: {max_gap: {auc: 0.05}}")),
    ),
    "gap of different keys": Case(
        one(
            report(*by_country(DE=0.9), Metric("auc", 0.1, slice={"age": "30"}), Metric("auc", 0.5)),
            policy=rule("slices: {max_gap: {auc: 0.05}}"),
        ),
    ),
    "gap of a metric that is not there": Case(
        one(report(*by_country("f1", DE=0.9)), policy=rule("slices: {max_gap: {auc: 0.05}}")), "error MVC201",
    ),
    "gap between data sets": Case(
        one(
            report(
                Metric("auc", 0.9, dataset="holdout", slice={"country": "DE"}),
                Metric("auc", 0.1, dataset="test", slice={"country": "DE"}),
                datasets=[HOLDOUT, TEST],
            ),
            policy=rule("slices: {max_gap: {auc: 0.05}}"),
        ),
    ),
    "the smaller of two gaps": Case(
        one(
            report(*by_country(DE=0.93, FR=0.9)),
            policy=rule("slices: {max_gap: {auc: 0.05}}", more="slices: {max_gap: {auc: 0.02}}"),
        ),
        "error MVC206", "0.02",
    ),
    # Parts of a model.
    "weights apart": Case(
        one(parts=Parts((("models/ranker.onnx.data", False),))), "error MVC314",
        "weights in models/ranker.onnx.data, tracked neither",
    ),
    "weights apart, in many files": Case(
        one(parts=Parts(tuple((f"models/{number}", True) for number in range(4)))), "error MVC314", "and 3 more files",
    ),
    "weights apart, named by the report": Case(one(
        report(together=[Used("models/ranker.onnx.data", DATA)]), parts=Parts((("models/ranker.onnx.data", True),)),
    )),
    "weights apart, in a directory that the report names": Case(
        one(report(together=[Used("models/data", DATA)]), parts=Parts((("models/data/1", True),))),
    ),
    "weights apart, named by a report of other content": Case(
        one(
            report(model=Model(OTHER), together=[Used("models/ranker.onnx.data", DATA)]),
            parts=Parts((("models/ranker.onnx.data", True),)),
        ),
        "error MVC103, error MVC314",
    ),
    "shard missing": Case(
        facts_of(at(BASIC.encode()), (model(path="models/llm", parts=Parts(
            problems=("model.safetensors.index.json names model-00002-of-00002.safetensors, not there",),
        )),)),
        "error MVC313",
    ),
    "weights outside": Case(
        one(parts=Parts(outside=("it has weights at '../w', outside of its folder",))), "error MVC313",
    ),
    # Data sets.
    "data set missing": Case(one(policy=rule("datasets: [{id: holdout}]")), "error MVC207"),
    "data set there": Case(one(report(datasets=[HOLDOUT]), policy=rule("datasets: [{id: holdout}]"))),
    "data set pinned": Case(
        one(report(datasets=[HOLDOUT]), policy=rule(f"datasets: [{{id: holdout, blake3: '{DATA}'}}]")),
    ),
    "data set of other content": Case(
        one(
            report(datasets=[Dataset("holdout", OTHER)]), policy=rule(f"datasets: [{{id: holdout, blake3: '{DATA}'}}]"),
        ),
        "error MVC208",
    ),
    "data set in full": Case(one(report(datasets=[replace(BIG, used=5000)]), policy=IN_FULL)),
    "data set of which nothing says how much was used": Case(one(report(datasets=[BIG]), policy=IN_FULL)),
    "data set in part": Case(
        one(report(datasets=[replace(BIG, used=500)]), policy=IN_FULL),
        "error MVC210", "500 of 5,000 examples of data set holdout",
    ),
    "data set in part, of an unknown number": Case(
        one(report(datasets=[replace(BIG, n=None, used=500)]), policy=IN_FULL),
        "error MVC210", "500 of an unknown number of examples",
    ),
    "data set in part, where that is allowed": Case(
        one(report(datasets=[replace(BIG, used=500)]), policy=rule("datasets: [{id: holdout}]")),
    ),
    # Files in Git.
    "small file": Case(blob("data/scores.csv", 1_000_000)),
    "large file": Case(blob("data/scores.csv", 1_000_001), "error MVC301"),
    "large file, larger limit": Case(blob("data/scores.csv", 1_000_001, policy=GIT % "{max_blob: 1MiB}")),
    "forbidden pattern": Case(blob("tiny.onnx"), "error MVC302"),
    **{
        f"forbidden by default: {name}": Case(blob(f"models/Prod{name}"), "error MVC302")
        for name in (
            ".PTH", ".pt2", ".pte", ".skops", ".ubj", ".keras", ".engine", ".plan", ".ckpt", ".onnx.data", ".pickle",
            ".hdf5", ".tflite", ".onnx_data", ".cbm", ".mlmodel",
        )
    },
    **{f"allowed by default: {name}": Case(blob(f"models/prod{name}")) for name in (".npy", ".nc", ".onnx.md", ".csv")},
    "forbidden pattern, of a policy": Case(
        blob("a/b.bin", policy=GIT % "{forbid: ['*.bin']}"), "error MVC302", "*.bin",
    ),
    "forbidden pattern, in capitals": Case(blob("A/TINY.Onnx"), "error MVC302", "*.onnx"),
    "pattern taken back, not in capitals": Case(
        blob("a/B.bin", policy=GIT % "{forbid: ['*.bin', '!a/b.bin']}"), "error MVC302",
    ),
    "pattern taken back": Case(blob("a/b.bin", policy=GIT % "{forbid: ['*.bin', '!a/b.bin']}")),
    "model by its bytes": Case(blob("weights.bin", kind="safetensors"), "error MVC303"),
    "all three": Case(blob("m.onnx", 5_000_000, "onnx"), "error MVC301, error MVC302, error MVC303"),
    "allowed": Case(blob("tests/m.onnx", 5_000_000, "onnx", GIT % "{allow: ['/tests/*.onnx']}")),
    "large file that comes back": Case(moved("data/scores.csv", 5_000_000, restored=True)),
    "large model that comes back": Case(
        moved("m.onnx", 5_000_000, "onnx", restored=True), "error MVC302, error MVC303",
    ),
    "moved from where it was not allowed either": Case(moved("b/m.onnx", kind="onnx", moved_from=("a/m.onnx",))),
    "moved from where only its name was allowed": Case(
        moved("a/m.onnx", kind="onnx", moved_from=("a/m.bin",)), "error MVC302, error MVC303",
    ),
    "moved from where it was allowed": Case(
        moved("m.onnx", moved_from=("tests/m.onnx",), policy=GIT % "{allow: ['/tests/*']}"), "error MVC302",
    ),
    "moved from two paths, one of them not allowed": Case(
        moved("m.onnx", moved_from=("tests/m.onnx", "n.onnx"), policy=GIT % "{allow: ['/tests/*']}"),
    ),
    "moved to where a rule demands a report": Case(
        moved("models/m.onnx", moved_from=("m.onnx",), policy=rule("report: required")), "error MVC302",
    ),
    "moved within where a rule demands a report": Case(
        moved("models/b/m.onnx", moved_from=("models/a/m.onnx",), policy=rule("report: required")),
    ),
    "pointer of rubbish": Case(one(pointer=at(b"junk")), "error MVC304"),
    "a file of another program that ends like a pointer": Case(
        one(pointer=at(b"class X"), report=None, policy=FOREIGN),
    ),
    "a file of another program that is not allowed": Case(
        one(pointer=at(b"class X"), report=None), "error MVC101, error MVC304", "not a pointer",
    ),
    "an allowed file that is a pointer": Case(one(report=None, policy=FOREIGN), "error MVC101"),
    "an allowed file that was a pointer": Case(
        one(pointer=at(FILE + b"\n"), report=None, policy=FOREIGN), "error MVC101, error MVC304",
    ),
    "an allowed file that is a pointer in conflict": Case(
        one(pointer=at(CONFLICT), report=None, policy=FOREIGN), "error MVC101, error MVC305",
    ),
    "an allowed file in place of a pointer": Case(
        after(version(earlier()), text="report: optional", new=None)._replace(
            models=(model(None, pointer=at(b"x"), report=None, past=Past(version(earlier()), "path")),),
            policy=read_policy(at(FOREIGN.encode())),
        ),
        "error MVC101, error MVC304",
    ),
    "an allowed file with a report": Case(one(pointer=at(b"class X"), policy=FOREIGN), "error MVC304"),
    "an allowed file with content beside it": Case(
        one(pointer=at(b"class X"), report=None, in_git=True, policy=FOREIGN), "error MVC101, error MVC304",
    ),
    "an allowed file that is a symlink": Case(
        one(pointer=at(b"class X", "120000"), report=None, policy=FOREIGN), "error MVC101, error MVC309",
    ),
    "pointer not in its one spelling": Case(one(pointer=at(FILE + b"\n")), "error MVC304", "canonical form"),
    "pointer of a refused name": Case(one(path="models/aux.onnx"), "error MVC304", "Windows"),
    "pointer of a name in two lines": Case(one(path="a\nb"), "error MVC304"),
    "pointer and report missing": Case(one(pointer=at(b""), report=None), "error MVC101, error MVC304"),
    "pointer in conflict": Case(one(pointer=at(FILE, conflicted=True)), "error MVC305"),
    "pointer with the marks of a conflict": Case(one(pointer=at(CONFLICT)), "error MVC305"),
    "report in conflict": Case(one(at(b"", conflicted=True)), "error MVC305", "report"),
    "report with the marks of a conflict": Case(one(at(CONFLICT.replace(b"\n", b"\r\n"))), "error MVC305", "report"),
    "report that speaks of conflicts": Case(one(report(desc="a\n<<<<<<< HEAD\nb"))),
    "content not in the cache": Case(one(in_cache=False), "error MVC306"),
    "cache not asked": Case(one(in_cache=None)),
    "format denied": Case(
        one(path="models/old.pkl", policy=rule("formats: {pickle: deny}")), "error MVC307",
    ),
    "format denied by name": Case(one(policy=rule("formats: {deny: [onnx]}")), "error MVC307", "it matches onnx"),
    "format denied by name, in capitals": Case(
        one(policy=PICKLES, path="models/EVIL.PKL"), "error MVC307", "it matches pickle",
    ),
    "format denied by pattern, in capitals": Case(one(policy=rule("formats: {deny: ['RANK*']}")), "error MVC307"),
    "format denied by pattern": Case(one(policy=rule("formats: {deny: ['rank*']}")), "error MVC307", "rank*"),
    "format denied inside of a directory": Case(
        one(
            report(model=Model(dir_pointer(Manifest.of([Entry("a/m.pkl", *DIGEST, exec=False)])).digest.blake3)),
            path="models/bert",
            pointer=at(emit(dir_pointer(Manifest.of([Entry("a/m.pkl", *DIGEST, exec=False)])))),
            policy=BASIC + "defaults: {formats: {deny: [pickle]}}\n",
        ),
        "error MVC307", "models/bert/a/m.pkl",
    ),
    "format denied in a directory that lists no files": Case(
        one(LARGE_REPORT, path="models/m", pointer=LARGE, files=("a.onnx", "b.pkl"), policy=PICKLES),
        "error MVC307", "models/m/b.pkl",
    ),
    "format denied in a directory whose files are unknown": Case(
        one(LARGE_REPORT, path="models/m", pointer=LARGE, policy=PICKLES), "error MVC306", "list of its files",
    ),
    "no format denied in a directory whose files are unknown": Case(
        one(LARGE_REPORT, path="models/m", pointer=LARGE),
    ),
    "another format denied": Case(one(policy=rule("formats: {deny: [hdf5, gguf]}"))),
    "pickle that is harmless": Case(one(path=PICKLE, policy=SCANNED, pickle_scans=())),
    "pickle that calls something": Case(
        one(path=PICKLE, policy=SCANNED, pickle_scans=(PickleScan("", ("posix.system",)),)), "error MVC310",
        "posix.system",
    ),
    "pickle that calls many things": Case(
        one(path=PICKLE, policy=SCANNED, pickle_scans=(PickleScan("", tuple(f"m.f{number}" for number in range(9))),)),
        "error MVC310", "m.f4 and 4 more",
    ),
    "pickle that calls what would break the line": Case(
        one(path=PICKLE, policy=SCANNED, pickle_scans=(PickleScan("", ("os.a\nb" + "c" * 900,)),)),
        "error MVC310", "os.a\\nbccc",
    ),
    "pickle without an end": Case(
        one(path=PICKLE, policy=SCANNED, pickle_scans=(PickleScan("", problem="it is cut off"),)), "error MVC310",
        "cut off",
    ),
    "pickle that nobody could look at": Case(
        one(path=PICKLE, policy=SCANNED, pickle_scans=(PickleScan("", absent=True),)), "error MVC311",
        "not in the cache",
    ),
    "pickle that nobody looked at": Case(one(path=PICKLE, policy=SCANNED)),
    "pickle that calls something, and need not be scanned": Case(
        one(path=PICKLE, pickle_scans=(PickleScan("", ("posix.system",)),)),
    ),
    "pickles in a directory": Case(
        one(
            path="models/m", policy=SCANNED,
            pickle_scans=(
                PickleScan("a.pkl", ("os.a",)), PickleScan("b.pkl", ("os.b",)), PickleScan("c.pkl", absent=True),
            ),
        ),
        "error MVC310, error MVC311", "models/m/a.pkl would call functions not known to be harmless: os.a; and 1 more",
    ),
    "content beside its pointer": Case(one(in_git=True), "error MVC308"),
    "content of a directory beside its pointer": Case(
        one(pointer=directory("a"), report=None, policy=rule("report: optional"), in_git=True), "error MVC308",
    ),
    "pointer a symlink": Case(one(pointer=at(b"elsewhere", "120000")), "error MVC309"),
    "pointer a submodule": Case(one(pointer=at(b"", "160000")), "error MVC309", "submodule"),
    "report a symlink": Case(one(at(b"elsewhere", "120000")), "error MVC309", "report"),
    "policy a symlink": Case(facts_of(at(b"x", "120000"), (model(),)), "error MVC309", "policy"),
    "another size than in the cache": Case(
        one(in_cache=False, mismatch="size 5, but the object has 7 bytes"), "error MVC312",
    ),
    "another size than on the remote": Case(
        one()._replace(remote=RemoteFacts("prod", (IncompleteModel(PATH, mismatch="files 5, but it lists 7"),))),
        "error MVC312", "on remote prod",
    ),
    "not on the remote": Case(
        one()._replace(remote=RemoteFacts("prod", (IncompleteModel(PATH, 1, 1, 7),))), "error MVC321", "1 of 1 object",
    ),
    "not on the remote, nobody knows what": Case(
        one()._replace(remote=RemoteFacts("prod", (IncompleteModel(PATH, problem="its list cannot be used"),))),
        "error MVC321",
    ),
    "damaged on the remote": Case(
        one()._replace(remote=RemoteFacts("prod", (IncompleteModel(PATH, problem="it cannot be read", damaged=True),))),
        "error MVC321",
    ),
    "the remote not asked": Case(
        one()._replace(remote=RemoteFacts("prod", problem="no credentials")), "warning MVC322",
    ),
    # The policy.
    "policy unreadable": Case(one(policy="a: 1\n"), "error MVC401"),
    "policy empty": Case(one(policy=""), "error MVC401"),
    "policy unreadable, and a report missing": Case(
        one(policy="rules: [", report=None), "error MVC401, error MVC101",
    ),
    "policy in conflict": Case(
        facts_of(at(BASIC.encode(), conflicted=True), (model(),)), "error MVC401", "in conflict",
    ),
    "policy with the marks of a conflict": Case(facts_of(at(CONFLICT), (model(),)), "error MVC401", "in conflict"),
    "policy of a newer mvc": Case(one(policy="mvc-policy: 2\n"), "error MVC401", "newer"),
    "no policy": Case(one(policy=None), "note MVC402"),
    "no policy, and a report missing": Case(one(policy=None, report=None), "note MVC402, error MVC101"),
    "no policy, and a file": Case(facts_of(None, (), (BlobFacts("m.onnx", 1),)), "error MVC302"),
    # Earlier versions.
    "nothing before": Case(after(), "note MVC220", "the model is new"),
    "no report before": Case(after(version(None)), "note MVC220", "the version before has no report"),
    "another version": Case(after(version(earlier()))),
    "better": Case(step("max_regression: 0", auc(0.9), auc(0.91))),
    "as good": Case(step("max_regression: 0", auc(0.9), auc(0.9))),
    "worse, as much as it may be": Case(step("max_regression: 0.005", auc(0.93), auc(0.925))),
    "worse": Case(step("max_regression: 0.005", auc(0.93), auc(0.92)), "error MVC221", "0.01, expected at most 0.005"),
    "worse by a bit": Case(step("max_regression: 0.005", auc(0.93), auc(0.9249999999999999)), "error MVC221"),
    "worse, a warning": Case(step("max_regression: 0, severity: warn", auc(0.9), auc(0.8)), "warning MVC221"),
    "worse where lower is better": Case(
        step("metrics: {ms: {max: 40, max_regression: '5%'}}", Metric("ms", 30), Metric("ms", 31.6)), "error MVC221",
    ),
    "higher where lower is better, as much as it may be": Case(
        step("metrics: {ms: {max: 40, max_regression: '5%'}}", Metric("ms", 30), Metric("ms", 31.5)),
    ),
    "worse than a negative value": Case(
        step("direction: higher, max_regression: '1%'", auc(-100), auc(-101.1)), "error MVC221", "1% (1)",
    ),
    "worse than a negative value, as much as it may be": Case(
        step("direction: higher, max_regression: '1%'", auc(-100), auc(-101)),
    ),
    "worse than nothing": Case(step("max_regression: '50%'", auc(0), auc(-0.1)), "error MVC221", "50% (0)"),
    "worse by three standard errors": Case(
        step("max_regression: 2se", auc(0.93, stderr=0.004), auc(0.918, stderr=0.5)), "error MVC221", "2se (0.008)",
    ),
    "worse by two standard errors": Case(step("max_regression: 2se", auc(0.93, stderr=0.004), auc(0.922))),
    "worse by nobody knows how many standard errors": Case(
        step("max_regression: 2se", auc(0.93), auc(0.92, stderr=0.5)), "error MVC223",
    ),
    "better by nobody knows how many standard errors": Case(step("max_regression: 2se", auc(0.93), auc(0.93))),
    "worse by two rules, one only warns": Case(
        step("max_regression: 0.05", auc(0.9), auc(0.89), "metrics: {auc: {max_regression: 0, severity: warn}}"),
        "warning MVC221",
    ),
    "worse by the second of two tolerances": Case(
        step("max_regression: 0.05", auc(0.9), auc(0.89), "metrics: {auc: {max_regression: '1%'}}"),
        "error MVC221", "at most 1%",
    ),
    "worse than the registered version": Case(
        after(
            version(earlier(auc(0.9))), *UNTAGGED, new=report(auc(0.89)), registered=REGISTERED,
            text="metrics: {auc: {max_regression: 0.01, against: registered}}",
        ),
        "error MVC221", "in the registered version 0.91",
    ),
    "worse than the registered version, where a Git tag calls an old one the highest": Case(
        after(
            version(earlier(auc(0.9))), *UNTAGGED, new=report(auc(0.89)),
            registered=(*REGISTERED, REGISTERED[1]._replace(tag="ranker@v8.0.0")),
            text="metrics: {auc: {max_regression: 0.01, against: registered}}",
        ),
        "error MVC221", "in the registered version 0.91",
    ),
    "worse than the registered version, where a merged branch has a higher one that is worse": Case(
        after(
            version(earlier(auc(0.9))), UNTAGGED[0], new=report(auc(0.89)),
            registered=(REGISTERED[0], version(earlier(auc(0.1), tag="v8.0.0"), tag="ranker@v8.0.0")),
            text="metrics: {auc: {max_regression: 0.01, against: registered}}",
        ),
        "error MVC221", "in the registered version 0.91",
    ),
    "earlier pointer that cannot be read": Case(
        after(version(earlier(auc(0.9)), pointer=at(b"mvc: 1")), new=report(auc(0.1)), text=LOSSY),
        "error MVC222",
    ),
    "earlier pointer that is a symlink": Case(
        after(version(earlier(auc(0.9)), pointer=at(FILE, "120000")), new=report(auc(0.1)), text=LOSSY),
        "error MVC222",
    ),
    "earlier report without a pointer": Case(
        after(version(earlier(auc(0.9)), pointer=None), new=report(auc(0.1)), text=LOSSY), "error MVC222",
    ),
    "worse than before, where nothing is registered": Case(
        step("max_regression: 0.01, against: registered", auc(0.9), auc(0.8)), "error MVC221", "version 0.9",
    ),
    "worse than what only a Git tag knows": Case(
        after(new=report(auc(0.8)), registered=REGISTERED[-1:], text="metrics: {auc: {max_regression: 0.01}}"),
        "error MVC122, error MVC221", "v9.0.0",
    ),
    "worse than the best": Case(
        after(
            version(earlier(auc(0.9))), version(earlier(auc(0.95), of=OLDER), of=OLDER), new=report(auc(0.91)),
            text="metrics: {auc: {max_regression: 0.01, against: best}}",
        ),
        "error MVC221", "at best 0.95",
    ),
    "worse than the best, where lower is better": Case(
        after(
            version(earlier(auc(0.9))), version(earlier(auc(0.8), of=OLDER), of=OLDER), new=report(auc(0.9)),
            text="metrics: {auc: {direction: lower, max_regression: 0.01, against: best}}",
        ),
        "error MVC221", "at best 0.8",
    ),
    "worse than the best on other data": Case(
        after(
            version(earlier(auc(0.9), datasets=[HOLDOUT])),
            version(earlier(auc(0.95), of=OLDER, datasets=[Dataset("holdout", OTHER)]), of=OLDER),
            new=report(auc(0.91), datasets=[HOLDOUT]), text="metrics: {auc: {max_regression: 0.01, against: best}}",
        ),
    ),
    "worse than the report before the broken one": Case(
        after(
            version(BROKEN), version(earlier(auc(0.95))), new=report(auc(0.9)),
            text="metrics: {auc: {max_regression: 0.01}}",
        ),
        "error MVC221",
    ),
    "worse than the report before one of other bytes": Case(
        after(
            version(earlier(auc(0.1), of=OLDER)), version(earlier(auc(0.95))), new=report(auc(0.9)),
            text="metrics: {auc: {max_regression: 0.01}}",
        ),
        "error MVC221",
    ),
    "broken before, and a comparison asked for": Case(
        after(version(BROKEN), text="metrics: {auc: {max_regression: 0.01, min: 0}}", new=report(auc(0.9))),
        "error MVC222",
    ),
    "broken before, and a comparison that warns": Case(
        after(version(BROKEN), text="metrics: {auc: {max_regression: 0, severity: warn}}", new=report(auc(0.9))),
        "warning MVC222",
    ),
    "broken before, and nothing asked for": Case(after(version(BROKEN)), "note MVC222"),
    "a symlink before": Case(
        after(version(at(b"x", "120000")), text="slices: {required: [country]}", new=report(*by_country(DE=1))),
        "error MVC222",
    ),
    "direction that only the new report says": Case(
        step("max_regression: 0.1", Metric("auc", 0.9), auc(0.9)), "error MVC204", "nor the report before",
    ),
    "direction that only the report before says": Case(step("max_regression: 0.1", auc(0.9), Metric("auc", 0.9))),
    "worse in the direction that the report before says": Case(
        step("max_regression: 0.1", auc(0.9), Metric("auc", 0.7)), "error MVC221",
    ),
    "direction turned around": Case(
        step("max_regression: 0.1", auc(0.9), auc(0.9, higher_is_better=False)), "error MVC204",
        "according to the one before",
    ),
    "direction turned around, where the policy says it": Case(
        step("max_regression: 0.1, direction: higher", auc(0.9), auc(0.9, higher_is_better=False)),
    ),
    "a metric that was not there before": Case(step("max_regression: 0.1", Metric("f1", 1), auc(0.1))),
    "another split": Case(
        sampled(BIG, BIG_TRAIN), "error MVC226", "data set holdout is split train, before test",
    ),
    "no split any more": Case(sampled(BIG, replace(BIG, split="")), "error MVC226", "is split unknown, before test"),
    "the same split in other letters": Case(sampled(BIG, replace(BIG, split=" Test"))),
    "a split that nobody said before": Case(sampled(replace(BIG, split=""), BIG_TRAIN)),
    "fewer examples": Case(sampled(BIG, replace(BIG, n=4999)), "error MVC226", "has 4,999 examples, before 5,000"),
    "an unknown number of examples": Case(sampled(BIG, replace(BIG, n=None)), "error MVC226", "unknown number"),
    "more examples": Case(sampled(BIG, replace(BIG, n=5001))),
    "a number of examples that nobody said before": Case(sampled(replace(BIG, n=None), replace(BIG, n=1))),
    "fewer examples of other data": Case(sampled(BIG, replace(BIG, blake3=OTHER, n=5))),
    "fewer examples under another id": Case(sampled(BIG, replace(BIG, id="test", n=5)), "error MVC226"),
    "another split that the earlier report has beside": Case(
        sampled([BIG, replace(BIG_TRAIN, id="fit")], [replace(BIG_TRAIN, id="fit"), BIG]),
        "error MVC226", "split train",
    ),
    "fewer examples in a slice": Case(
        sampled(BIG, BIG, BY_KEY, sliced=(610, 5)),
        "error MVC226", "auc[country=DE]@holdout has 5 examples, before 610",
    ),
    "fewer examples in a slice, whose gap is judged": Case(
        sampled(
            BIG, BIG, "slices: {max_gap: {auc: 0.5}}\n    metrics: {auc: {severity: warn}}", sliced=(610, 5),
        ),
        "warning MVC201, error MVC226",
    ),
    "fewer examples in a slice, and a gap of another metric": Case(
        sampled(BIG, BIG, "slices: {max_gap: {f1: 0.5}}\n    metrics: {f1: {}}", sliced=(610, 5)), "error MVC201",
    ),
    "fewer examples in a slice, and a gap on another data set": Case(
        sampled(
            BIG, BIG, "slices: {max_gap: {auc: 0.5}}\n    datasets: [{id: test}]\n    metrics: {auc: {}}",
            sliced=(610, 5),
        ),
        "error MVC201, error MVC207",
    ),
    "fewer examples in a slice, and another key must exist": Case(
        sampled(BIG, BIG, "slices: {required: [age]}", sliced=(610, 5)), "error MVC205",
    ),
    "fewer examples in a slice that must exist on another data set": Case(
        sampled(BIG, BIG, "slices: {required: [country]}\n    datasets: [{id: test}]", sliced=(610, 5)),
        "error MVC205, error MVC207",
    ),
    "fewer examples in a slice that must exist": Case(
        sampled(BIG, BIG, "slices: {required: [country]}", sliced=(610, 5)),
        "error MVC226",
    ),
    "fewer examples, which the policy allows": Case(
        sampled(BIG, replace(BIG_TRAIN, n=5), "metrics: {auc: {min: 0.5, allow_dataset_change: true}}"),
    ),
    "fewer examples, which one of two rules allows": Case(
        after(
            version(earlier(auc(0.9), datasets=[BIG])), new=report(auc(0.9), datasets=[replace(BIG, n=5)]),
            text="metrics: {auc: {min: 0.5, allow_dataset_change: true}}", more="metrics: {auc: {min: 0.5}}",
        ),
        "error MVC226",
    ),
    "fewer examples, a warning": Case(
        sampled(BIG, replace(BIG, n=5), "metrics: {auc: {min: 0.5, severity: warn}}"), "warning MVC226",
    ),
    "fewer examples of a metric that no rule asks for": Case(
        sampled(BIG, replace(BIG, n=5), "metrics: {auc: {min: 0.5}}\n    datasets: [{id: test}]"),
        "error MVC201, error MVC207",
    ),
    "fewer examples of two data sets that no metric names": Case(
        after(
            version(earlier(auc(0.9), datasets=[BIG, TEST])),
            new=report(auc(0.9), datasets=[replace(BIG, n=5), TEST]), text="metrics: {auc: {min: 0.5}}",
        ),
        "error MVC226",
    ),
    "fewer examples than before the last report, which had other data": Case(
        sampled(
            TEST, replace(BIG, n=5), "metrics: {auc: {min: 0.5}}",
            version(earlier(auc(0.9, dataset="holdout"), datasets=[BIG], of=OLDER), of=OLDER),
        ),
        "error MVC226",
    ),
    "fewer examples of an earlier version that returns": Case(
        after(
            version(earlier(auc(0.9), datasets=[BIG], tag="v1.9.0")),
            version(report(auc(0.8), datasets=[replace(BIG, n=5)]), of=DIGEST),
            new=report(auc(0.8), datasets=[replace(BIG, n=5)]), text="metrics: {auc: {min: 0.5}}",
        ),
        "note MVC120",
    ),
    "measured on other data": Case(
        on_other_data("max_regression: 0.1", report(auc(0.9), datasets=[HOLDOUT]), Dataset("holdout", OTHER)),
        "error MVC224", "holdout 0123456789ab…",
    ),
    "measured on other data, which may be": Case(
        on_other_data(
            "max_regression: 0.1, allow_dataset_change: true",
            report(auc(0.7), datasets=[HOLDOUT]), Dataset("holdout", OTHER),
        ),
        "error MVC221",
    ),
    "measured on other data, where nothing is compared": Case(
        on_other_data("min: 0", report(auc(0.1), datasets=[HOLDOUT]), Dataset("holdout", OTHER)),
    ),
    "measured on the same data by another name": Case(
        on_other_data("max_regression: 0", report(auc(0.9), datasets=[HOLDOUT]), Dataset("test", DATA)),
    ),
    "measured on unnamed data": Case(
        on_other_data("max_regression: 0.1", report(auc(0.9)), HOLDOUT), "error MVC224", "unnamed data",
    ),
    "measured on less data": Case(
        on_other_data("max_regression: 0", report(auc(0.9), datasets=[HOLDOUT]), HOLDOUT, TEST),
        "error MVC224", "on test fedcba987654… before, and is not any more",
    ),
    "measured on more data": Case(
        on_other_data(
            "max_regression: 0",
            report(auc(0.9, dataset="holdout"), auc(0.1, dataset="test"), datasets=[HOLDOUT, TEST]), HOLDOUT,
        ),
    ),
    "worse on one of two data sets": Case(
        on_other_data(
            "max_regression: 0",
            report(auc(0.9, dataset="holdout"), auc(0.8, dataset="test"), datasets=[HOLDOUT, TEST]), HOLDOUT, TEST,
        ),
        "error MVC221", "auc@test",
    ),
    "a slice of before is gone": Case(
        step(BY_KEY, by_country(DE=0.9, FR=0.9), by_country(DE=0.9)), "error MVC225", "auc[country=FR]",
    ),
    "a slice of before is gone, a warning": Case(
        step(BY_KEY.replace("0.5", "0.5, severity: warn"), by_country(DE=0.9, FR=0.9), by_country(DE=0.9)),
        "warning MVC225",
    ),
    "a slice of before is gone, demanded by its key": Case(
        step("slices: {required: [country]}", by_country(DE=0.9, FR=0.9), by_country(DE=0.9)), "error MVC225",
    ),
    "a slice of before is gone, and with it the gap": Case(
        step("slices: {max_gap: {auc: 0.2}}", by_country(DE=0.9, FR=0.8), by_country(DE=0.9)), "error MVC225",
    ),
    "a slice of before is gone, no rule is about it": Case(
        step("min: 0", [auc(0.9), *by_country(DE=0.9, FR=0.9)], [auc(0.9), *by_country(DE=0.9)]),
    ),
    "a slice of another metric is gone": Case(
        step(BY_KEY, [*by_country(DE=0.9), *by_country("f1", FR=0.8)], by_country(DE=0.9)),
    ),
    "a slice is new": Case(step(BY_KEY, by_country(DE=0.9), by_country(DE=0.9, FR=0.6))),
    "a slice is worse": Case(
        step(
            'metrics: {"auc[country=*]": {direction: higher, max_regression: 0.01}}',
            by_country(DE=0.9, FR=0.9), by_country(DE=0.9, FR=0.8),
        ),
        "error MVC221", "auc[country=FR]",
    ),
    # Tags, and versions that return.
    "tag of other bytes": Case(
        after(version(earlier(tag="v1.2.0"))), "error MVC121, error MVC122", "1234567890ab",
    ),
    "tag of other bytes, once": Case(
        after(version(earlier()), version(earlier(of=OLDER, tag="v1.2.0"), of=OLDER)), "error MVC121",
    ),
    "tag of other bytes, without its v": Case(
        after(version(earlier()), version(earlier(of=OLDER, tag="1.2.0"), of=OLDER)), "error MVC121",
    ),
    "tag of other bytes, spelled otherwise": Case(
        after(
            version(earlier()),
            version(at(earlier(of=OLDER, tag="v1.2.0").raw.replace(b"v1.2.0", b"v1\\x2e2.0")), of=OLDER),
        ),
        "error MVC121",
    ),
    "tag of other bytes in two lines": Case(
        after(
            version(earlier()),
            version(at(earlier(of=OLDER, tag="it's a").raw.replace(b'"it\'s a"', b"'it''s\n  a'")), of=OLDER),
            text="tag: {pattern: '.*', monotonic: false}", new=report(tag="it's a"),
        ),
        "error MVC121",
    ),
    "tag that Git has for other bytes": Case(
        after(version(earlier()), registered=(version(None, of=OLDER, tag="ranker@v1.2.0", ancestor=False),)),
        "error MVC121", "Git tag ranker@v1.2.0",
    ),
    "tag of other bytes, which may be": Case(
        after(version(earlier()), version(earlier(of=OLDER, tag="v1.2.0"), of=OLDER), text="tag: {unique: false}"),
    ),
    "tag of the same bytes": Case(after(version(report(desc="before"), of=DIGEST))),
    "tag lower": Case(after(version(earlier(tag="v1.10.0"))), "error MVC122", "higher than the tag before, v1.10.0"),
    "tag lower, of the same bytes": Case(after(version(report(tag="v1.3.0"), of=DIGEST)), "error MVC122"),
    "tag lower, which may be": Case(after(version(earlier(tag="v1.10.0")), text="tag: {monotonic: false}")),
    "tag of another build": Case(after(version(earlier(tag="v1.2.0+a"))), "error MVC122"),
    "tag of other bytes that landed, in the hook": Case(
        knowing(versions=(version(earlier(tag="v1.2.0"), pointer=None),)), "error MVC121", "since commit 1234567890ab",
    ),
    "tag that Git has for other bytes, in the hook": Case(
        knowing(registered=(version(None, of=OLDER, tag="ranker@v1.2.0"),)), "error MVC121", "Git tag ranker@v1.2.0",
    ),
    "other tags, in the hook": Case(
        knowing(versions=(version(earlier(), pointer=None),), registered=(version(None, tag="ranker@v9.0.0"),)),
    ),
    "tag of other bytes that landed, where tags need not be unique": Case(
        knowing(policy=rule("tag: {unique: false}"), versions=(version(earlier(tag="v1.2.0")),)),
    ),
    "no tag, in the hook": Case(knowing(report(tag=""), versions=(version(earlier(tag="v1.2.0")),)), "error MVC104"),
    "tag of other bytes in a stale report, in the hook": Case(
        knowing(report(model=Model(OTHER)), versions=(version(earlier(tag="v1.2.0")),)), "error MVC103",
    ),
    "tag without an order": Case(
        after(version(earlier(tag="b")), text="tag: {pattern: '[ab]'}", new=report(tag="a")),
        "error MVC122", "tag a has no order with the tag before, b",
    ),
    "tag without an order, which the policy does not ask for": Case(
        after(version(earlier(tag="b")), text="tag: {pattern: '[ab]', monotonic: false}", new=report(tag="a")),
    ),
    "tag that goes down past semver": Case(
        after(version(earlier(tag="v2.0.0")), text="tag: {pattern: 'v[0-9.]+'}", new=report(tag="v1.0")),
        "error MVC122", "tag v1.0 is not higher than the tag before, v2.0.0",
    ),
    "tag that goes up past semver": Case(
        after(version(earlier(tag="ranker-9")), text="tag: {pattern: 'ranker-[0-9]+'}", new=report(tag="ranker-10")),
    ),
    "first tag of another pattern": Case(
        after(version(earlier(tag="summer")), new=report(tag="v1.0.0")),
    ),
    "tag of other bytes in another case": Case(
        after(
            version(earlier(tag="Ranker-9")), version(earlier(of=OLDER, tag="ranker-9"), of=OLDER),
            text="tag: {pattern: '.*', monotonic: false}", new=report(tag="RANKER-9"),
        ),
        "error MVC121",
    ),
    "earlier version": Case(
        after(
            version(earlier(auc(1), tag="v1.9.0")), version(report(auc(0.8)), of=DIGEST), new=report(auc(0.8)),
            text="metrics: {auc: {max_regression: 0, min: 0.5}}",
        ),
        "note MVC120", "v1.2.0 of commit 1234567890ab returns",
    ),
    "earlier version below the minimum": Case(
        after(
            version(earlier(auc(1), tag="v1.9.0")), version(report(auc(0.8)), of=DIGEST), new=report(auc(0.8)),
            text="metrics: {auc: {min: 0.9}}",
        ),
        "note MVC120, error MVC202",
    ),
    "earlier version, deleted since": Case(after(AGAIN, found="history"), "note MVC120"),
    "earlier version that may not come back": Case(
        after(SECOND, AGAIN, text="tag: {rollback: deny}"), "error MVC123", "forbids earlier versions to return",
    ),
    "earlier version that is not registered": Case(
        after(SECOND, AGAIN, text="tag: {rollback: registered}"), "error MVC123", "Git tag",
    ),
    "earlier version that a Git tag registers as another": Case(
        after(SECOND, AGAIN, text="tag: {rollback: registered}", registered=(AGAIN._replace(tag="ranker@v9.0.0"),)),
        "error MVC123", "Git tag",
    ),
    "earlier version that is registered": Case(
        after(SECOND, AGAIN, text="tag: {rollback: registered}", registered=(AGAIN._replace(tag="ranker@v1.2.0"),)),
        "note MVC120", "ranker@v1.2.0",
    ),
    "earlier pointer under another report": Case(
        after(SECOND, version(report(desc="then"), of=DIGEST)), "error MVC122",
    ),
    "earlier report of other bytes": Case(after(SECOND, version(report(), of=OLDER)), "error MVC122"),
    "nothing changed": Case(after(AGAIN, version(earlier()), text="tag: {rollback: deny}")),
    "a directory that becomes a file of the same digest": Case(
        one(report(model=Model(*_BOTH.digest)), pointer=at(emit(file_pointer(_BOTH.digest))), past=_AS_DIRECTORY),
        "error MVC103", "the report is of a directory, the pointer of a file",
    ),
    "a file that becomes a directory of the same digest": Case(
        one(
            report(model=Model(*_BOTH.digest)), pointer=at(emit(_BOTH)),
            past=Past(version(report(model=Model(*_BOTH.digest)), of=_BOTH.digest), "path"),
        ),
        "error MVC103", "the pointer of a directory",
    ),
    "a directory that was a file once": Case(
        one(
            report(model=Model(*_BOTH.digest)), pointer=at(emit(_BOTH)),
            past=Past(None, "", (version(earlier(), of=_BOTH.digest),)),
        ),
        "error MVC103, note MVC222",
    ),
    "a directory that a Git tag registers as a file": Case(
        one(
            report(model=Model(*_BOTH.digest)), pointer=at(emit(_BOTH)),
            past=Past(registered=(version(earlier(), of=_BOTH.digest, tag="m@v1.0.0"),)),
        ),
        "error MVC103, note MVC222",
    ),
    "a directory that becomes a file without a report": Case(
        one(None, rule("report: optional"), report=None, pointer=at(emit(file_pointer(_BOTH.digest))),
            past=_AS_DIRECTORY),
        "error MVC103",
    ),
    "a directory that becomes a file of other bytes": Case(one(report(tag="v1.3.0"), past=_AS_DIRECTORY)),
    "a directory that stays": Case(
        one(report(model=Model(*_BOTH.digest)), pointer=at(emit(_BOTH)), past=_AS_DIRECTORY),
    ),
    "tag of a model with an at sign in its file name": Case(
        after(
            new=report(tag="v1.0.0"), registered=(version(None, of=OLDER, tag="foo@bar@v1.0.0"),),
        ),
        "error MVC121, note MVC220", "v1.0.0",
    ),
    # The tree as a whole.
    "a path apart": Case(moving(TrackedName("models/other.onnx")), "note MVC220"),
    "a path but for case": Case(moving(TrackedName("models/Ranker.onnx")), "note MVC220, error MVC323", "Ranker"),
    "a path but for an accent": Case(
        moving(TrackedName("models/caf\u00e9"), path="models/cafe\u0301"), "note MVC220, error MVC323",
    ),
    "paths but for case, elsewhere": Case(moving(TrackedName("a"), TrackedName("A")), "note MVC220"),
    "a path in a tracked directory": Case(moving(TrackedName("models")), "note MVC220, error MVC323", "inside models"),
    "a name of two models": Case(
        moving(TrackedName(PATH, "ranker"), TrackedName("other", "ranker")), "note MVC220, error MVC324",
    ),
    "a name of two models, but for case": Case(
        moving(TrackedName(PATH, "ranker"), TrackedName("other", "Ranker")), "note MVC220, error MVC324", "name Ranker",
    ),
    "a pointer but for case": Case(spelled(f"{PATH}.MVC"), "error MVC323", f"from {PATH}.mvc"),
    "a report but for case": Case(spelled("models/Ranker.onnx.eval.yaml"), "error MVC323"),
    "signatures but for case": Case(spelled(f"{PATH}.eval.yaml.SIG"), "error MVC323"),
    "content but for case": Case(spelled("Models/ranker.onnx"), "error MVC323", f"from {PATH}"),
    "content of a directory but for case": Case(spelled("models/RANKER.onnx/a"), "error MVC323"),
    "a policy but for case": Case(spelled(".MVC/policy.yaml"), "error MVC323", "from .mvc/policy.yaml"),
    "settings but for case": Case(spelled(".mvc/Config.yaml"), "error MVC323"),
    "signers but for case": Case(spelled(".mvc/allowed_signers.Sig"), "error MVC323"),
    "files of mvc as they are": Case(
        spelled(f"{PATH}.mvc", f"{PATH}.eval.yaml", f"{PATH}.eval.yaml.sig", POLICY, f"{PATH}/a", "a.mvc", "models/b"),
    ),
    "a lone pointer but for case": Case(blob("models/new.MVC"), "error MVC304", "end in .mvc"),
    "a lone pointer but for case, allowed": Case(blob("src/new.Mvc", policy=GIT % "{allow: ['/src/**']}")),
    "a lone pointer": Case(blob("models/new.mvc")),
    "out of a rule but for case": Case(
        moving(policy=FLOOR, path="Models/a"), "note MVC220, error MVC325", "only its case keeps it out of a rule",
    ),
    "out of a rule but for an accent": Case(
        moving(policy=rule("signatures: {min: 1}").replace("models", "caf\u00e9"), path="cafe\u0301/a"),
        "note MVC220, error MVC325", "1 signature",
    ),
    "out of a rule but for case, and the rule demands no more": Case(
        moving(policy=rule("report: optional"), path="Models/a"), "note MVC220",
    ),
    "a name of two models, elsewhere": Case(moving(TrackedName("a", "x"), TrackedName("b", "x")), "note MVC220"),
    "moved out of a rule": Case(
        moving(policy=FLOOR, past=Past(version(earlier(), path="models/a"), "rename"), path="drafts/a"), "error MVC325",
    ),
    "moved within a rule": Case(
        moving(policy=PICKLES, past=Past(version(earlier(), path="models/a"), "rename"), path="models/b"),
    ),
    "exchanged": Case(
        moving(policy=FLOOR, found=report(auc(1)), gone=(version(None, path="models/old.onnx"),)),
        "note MVC220, error MVC326",
    ),
    "exchanged under no rule with metrics": Case(
        moving(policy=PICKLES, gone=(version(None, path="models/old.onnx"),)), "note MVC220",
    ),
    "exchanged under two rules": Case(
        moving(policy=FLOOR, found=report(auc(1)), gone=(version(None, path="old.onnx"),)), "note MVC220",
    ),
    "succeeded": Case(
        moving(
            policy=FLOOR, found=report(auc(1)), gone=(version(None, path="models/old.onnx"),),
            past=Past(version(earlier(), path="models/old.onnx"), "name"),
        ),
    ),
    "exchanged under the name of one that stays": Case(
        moving(
            TrackedName("models/b"), policy=FLOOR, found=report(auc(1)), gone=(version(None, path="models/old.onnx"),),
            past=Past(version(earlier(), path="models/b"), "name"),
        ),
        "error MVC326",
    ),
    "a file where a model was": Case(left(PATH), "error MVC327"),
    "a file where data was": Case(
        left("data/a", path="data/a", policy=f"{BASIC}rules:\n  - {{match: 'data/**', report: optional}}\n"),
    ),
    "a file above, below, beside": Case(left("models", "models/ranker.onnx.txt"), "error MVC327", "models"),
    "a file in the directory that was a model": Case(left(f"{PATH}/a/b"), "error MVC327"),
    "files beside what was a model": Case(left("models/a", f"{PATH}.txt", f"{PATH}/.gitignore", "dvc", ".dvc/config")),
    "harmless files in what was a model": Case(
        left(f"{PATH}/.gitkeep", f"{PATH}/.gitattributes", f"{PATH}/README.md", f"{PATH}/a/LICENSE"),
    ),
    "links in what was a model": Case(left(f"{PATH}/.gitignore", mode="120000"), "error MVC327"),
    "a pointer of DVC's in what was a model": Case(left(f"{PATH}/README.dvc"), "error MVC327"),
    "a model that was called as what does no harm": Case(left("models/README", path="models/README"), "error MVC327"),
    "a file where a model was that nobody evaluated": Case(left(PATH, evaluated=False)),
    "a file of DVC's": Case(left(f"{PATH}.dvc"), "error MVC327"),
    "a file of DVC's for the directory": Case(left("models.dvc"), "error MVC327"),
    "a file of DVC's with another name": Case(claiming("a.dvc", PATH, gone=(GONE,)), "error MVC327", "a.dvc in its"),
    "a file of DVC's for what is below": Case(claiming("a.dvc", f"{PATH}/a/b", gone=(GONE,)), "error MVC327"),
    "a file of DVC's for what is above": Case(claiming("a.dvc", "models", gone=(GONE,)), "error MVC327"),
    "a file of DVC's for what is beside": Case(claiming("a.dvc", "models/a", gone=(GONE,))),
    "a path that DVC is given as well": Case(
        claiming("a.dvc", PATH, tracked=(TrackedName(PATH),)), "error MVC327", f"a.dvc leaves {PATH} to DVC",
    ),
    "a path that DVC is given as well, but for case": Case(
        claiming("a.dvc", PATH.upper(), tracked=(TrackedName(PATH),)), "error MVC327",
    ),
    "a directory that DVC is given, with a tracked path in it": Case(
        claiming("a.dvc", "models", tracked=(TrackedName(PATH),)), "error MVC327",
    ),
    "a part of a tracked path that DVC is given": Case(
        claiming("a.dvc", f"{PATH}/part", tracked=(TrackedName(PATH),)), "error MVC327",
    ),
    "a path beside a tracked one that DVC is given": Case(
        claiming("a.dvc", f"{PATH}.txt", tracked=(TrackedName(PATH),)),
    ),
    "a path of a rule that DVC is given": Case(
        claiming("a.dvc", "models/b", policy=FLOOR), "error MVC328", "a.dvc leaves it to DVC",
    ),
    "a path of a rule that LFS is given": Case(
        claiming("models/b", "models/b", policy=FLOOR), "error MVC328", "Git LFS keeps its content",
    ),
    "a path of a rule that LFS is given, allowed": Case(
        claiming("models/b", "models/b", policy=FLOOR.replace("{}", "{git: {allow: ['*b']}}")),
    ),
    "a path of no rule that LFS is given": Case(claiming("b.png", "b.png", policy=FLOOR)),
    "a path of a rule that demands no report": Case(
        claiming("models/b", "models/b", policy=rule("report: optional")),
    ),
    "a path that LFS is given in the place of a model": Case(
        claiming(PATH, PATH, policy=FLOOR, gone=(GONE,)), "error MVC327",
    ),
    "a path that LFS is given in the place of a model that needed no report": Case(
        claiming(PATH, PATH, policy=FLOOR, gone=(GONE._replace(report=None),)), "error MVC328",
    ),
    # Signatures, assurance, age.
    "signed": Case(signed("signatures: {min: 1}", ADA)),
    "signed by two": Case(signed("signatures: {min: 2}", ADA, BOB)),
    "signed by nobody, and nobody need": Case(signed("report: required")),
    "signed by nobody": Case(signed("signatures: {min: 1}"), "error MVC125", "0 of 1 required signatures"),
    "signed by too few": Case(signed("signatures: {min: 2}", ADA), "error MVC125"),
    "signed with one key under two names": Case(
        signed("signatures: {min: 2}", ADA, Signer("bob@example.com", ADA.key)), "error MVC125",
    ),
    "signed with two keys of one name": Case(
        signed("signatures: {min: 2}", ADA, Signer(ADA.principal, BOB.key)), "error MVC125",
    ),
    "signed by one and by one who does not count": Case(
        signed("signatures: {min: 2}", ADA, BOB._replace(problem="the key is revoked")),
        "error MVC125, warning MVC126", "revoked",
    ),
    "signed by nobody who counts": Case(
        signed("report: required", ADA._replace(problem="it is of other content")), "warning MVC126",
    ),
    "signed by nobody knows whom": Case(
        signed("report: required", Signer("", "", "it is damaged")), "warning MVC126", "signature: it is damaged",
    ),
    "signatures under a stale report": Case(
        signed("signatures: {min: 1}", model=Model(DATA)), "error MVC103",
    ),
    "signatures that nobody looked at": Case(one(policy=rule("signatures: {min: 1}"))),
    "assurance of the author": Case(signed(CI, ADA), "error MVC124"),
    "assurance of ci": Case(signed(CI, BY_CI, evaluator=Evaluator("ci", "ci"))),
    "assurance more than demanded": Case(
        signed(CI, BY_CI, evaluators="{third-party: [ci@example.com]}", evaluator=Evaluator("ci", "third-party")),
    ),
    "assurance less than demanded": Case(
        signed("evaluator: {assurance: third-party}", BY_CI, evaluator=Evaluator("ci", "ci")),
        "error MVC124", "assurance ci, expected at least third-party",
    ),
    "assurance that nobody signed": Case(signed(CI, evaluator=Evaluator("ci", "ci")), "error MVC124", "not signed"),
    "assurance that another signed": Case(signed(CI, ADA, evaluator=Evaluator("ci", "ci")), "error MVC124"),
    "assurance under a signature that does not count": Case(
        signed(CI, BY_CI._replace(problem="the key has expired"), evaluator=Evaluator("ci", "ci")),
        "error MVC124, warning MVC126",
    ),
    "assurance of one who counts for another": Case(
        signed(CI, BY_CI, evaluator=Evaluator("ci", "third-party")), "error MVC124", "third-party",
    ),
    "assurance that nobody demands": Case(signed("report: required", evaluator=Evaluator("ci", "ci"))),
    "young": Case(signed(MONTH, created_at="1969-12-02T00:00:01Z")),
    "as old as it may be": Case(signed(MONTH, created_at="1969-12-02T00:00:00Z")),
    "too old by a second": Case(signed(MONTH, created_at="1969-12-01T23:59:59+00:00"), "error MVC127"),
    "too old": Case(signed(MONTH, created_at="1969-11-16T23:00:00+01:00"), "error MVC127", "45 days old"),
    "too old by hours": Case(signed("max_age: 12h", created_at="1969-12-31T00:00:00Z"), "error MVC127", "24 hours"),
    "from the future, a little": Case(signed(MONTH, created_at="1970-01-01T01:00:00Z")),
    "from the future": Case(signed(MONTH, created_at="1970-01-01T01:00:01Z"), "error MVC127", "in the future"),
    "without a date": Case(signed(MONTH), "error MVC127", "missing"),
    "without a zone": Case(signed(MONTH, created_at="1969-12-31T00:00:00"), "error MVC127", "expected a time with"),
    "with a date that is none": Case(signed(MONTH, created_at="lately"), "error MVC127", "'lately'"),
    "young, and nobody asked who signed it": Case(one(report(created_at="1969-12-31T00:00:00Z"), rule(MONTH))),
    "too old, and nobody asked who signed it": Case(
        one(report(created_at="1969-11-16T23:00:00+01:00"), rule(MONTH)), "error MVC127", "45 days old",
    ),
    "too old, of other bytes, and nobody asked who signed it": Case(
        one(report(model=Model(DATA), created_at="1969-11-16T23:00:00+01:00"), rule(MONTH)), "error MVC103",
    ),
    "with a date before all others": Case(signed(MONTH, created_at="0001-01-01T00:00:00+23:59"), "error MVC127"),
    # Policy files.
    "policy weakened": Case(policy_change(FLOOR, FLOOR.replace("0.9", "0.8")), "error MVC411"),
    "policy that no longer demands predictions": Case(
        policy_change(rule(EVIDENCE), rule("report: required")), "error MVC411", "evidence: predictions",
    ),
    "policy weakened, and signed": Case(
        policy_change(FLOOR, FLOOR.replace("0.9", "0.8"), ADA), "note MVC412", "signed by ada@example.com",
    ),
    "policy weakened, and signed in vain": Case(
        policy_change(FLOOR, FLOOR.replace("0.9", "0.8"), ADA._replace(problem="it is of other content")),
        "warning MVC126, error MVC411",
    ),
    "policy stricter": Case(policy_change(FLOOR, FLOOR.replace("0.9", "0.95")), "note MVC412"),
    "policy with a direction that was implied": Case(
        policy_change(FALLING, FALLING.replace("min: 0.9", "min: 0.9, max: 1, direction: higher")), "note MVC412",
    ),
    "policy with a direction that was said": Case(
        policy_change(FALLING.replace("min: 0.9", "min: 0.9, direction: higher"), FALLING), "note MVC412",
    ),
    "policy with a direction beside a rule without one": Case(
        policy_change(UNDIRECTED, UNDIRECTED.replace("min: 0.9", "min: 0.9, max: 1, direction: higher")), "note MVC412",
    ),
    "policy with the other direction": Case(
        policy_change(FALLING, FALLING.replace("min: 0.9", "min: 0.9, direction: lower")), "error MVC411", "direction",
    ),
    "policy with a direction that another rule contradicts": Case(
        policy_change(CONTRADICTED, CONTRADICTED.replace("min: 0.9", "min: 0.9, direction: higher")),
        "error MVC411", "direction",
    ),
    "policy with a direction that was implied, of one of two metrics": Case(
        policy_change(
            FALLING.replace("auc:", "f1: {min: 0.5}, auc:"),
            FALLING.replace("auc:", "f1: {min: 0.5}, auc:").replace("min: 0.9", "min: 0.9, direction: higher"),
        ),
        "note MVC412",
    ),
    "policy deleted": Case(policy_change(FLOOR, None), "error MVC411", "deleted"),
    "policy deleted, and signed": Case(policy_change(FLOOR, None, ADA), "note MVC412"),
    "policy broken": Case(policy_change(FLOOR, "a: 1\n"), "error MVC411", "unreadable: not a policy"),
    "policy broken, and signed": Case(policy_change(FLOOR, "a: 1\n", ADA), "error MVC411"),
    "policy becomes a symlink": Case(
        landing(PolicyFileChange(POLICY, at(FLOOR.encode()), at(b"x", "120000"))), "error MVC411", "not a regular file",
    ),
    "policy mended": Case(
        landing(PolicyFileChange(POLICY, at(b"junk"), at(BASIC.encode())), policy="junk"), "note MVC412, note MVC417",
    ),
    "first policy": Case(
        landing(PolicyFileChange(POLICY, None, at(FLOOR.encode())), own_policy=True), "note MVC417",
    ),
    "first policy, and broken": Case(
        landing(PolicyFileChange(POLICY, None, at(b"x")), own_policy=True, policy="x"),
        "error MVC401, error MVC411, note MVC417",
    ),
    "first signers": Case(lines(SIGNERS, None, KEY_A), "note MVC412"),
    "first signers where signatures are demanded": Case(
        lines(SIGNERS, None, KEY_A, policy=rule("signatures: {min: 1}")), "error MVC411", "new signers",
    ),
    "first signers where a stage demands signatures": Case(
        lines(SIGNERS, None, KEY_A, policy=BASIC + "stages: {prod: {signatures: {min: 1}}}\n"), "error MVC411",
    ),
    "first signers where assurance is demanded": Case(
        lines(SIGNERS, "# none yet", KEY_A, policy=rule(CI)), "error MVC411",
    ),
    "first signers with the first policy, which demands them": Case(
        lines(SIGNERS, None, KEY_A, policy=rule("signatures: {min: 1}"), own_policy=True), "note MVC412, note MVC417",
    ),
    "signer added": Case(lines(SIGNERS, KEY_A, f"{KEY_A}\n{KEY_B}"), "error MVC411", "bob"),
    "signer added, and signed": Case(lines(SIGNERS, KEY_A, f"{KEY_A}\n{KEY_B}", by=ADA), "note MVC412"),
    "signer with another key": Case(lines(SIGNERS, KEY_A, KEY_A.replace("IAAA", "IAAB")), "error MVC411"),
    "signer with another option": Case(
        lines(SIGNERS, KEY_A, KEY_A.replace(" ssh", ' valid-before="20300101" ssh')), "error MVC411",
    ),
    "signer taken away": Case(lines(SIGNERS, f"{KEY_A}\n{KEY_B}", KEY_B), "note MVC412"),
    "signers in another order, and a comment": Case(
        lines(SIGNERS, f"{KEY_A}\n{KEY_B}", f"# all\n{KEY_B}\n\n{KEY_A} ada\n"), "note MVC412",
    ),
    "last signer taken away": Case(lines(SIGNERS, KEY_A, "# nobody"), "error MVC411", "all signers removed"),
    "signers deleted": Case(lines(SIGNERS, KEY_A, None), "error MVC411", "deleted"),
    "signers broken": Case(lines(SIGNERS, KEY_A, f"{KEY_A}\nrubbish"), "error MVC411", "rubbish"),
    "signers mended": Case(lines(SIGNERS, f"{KEY_A}\nrubbish", KEY_A), "error MVC411", "new signers"),
    "signers unreadable": Case(landing(signers=at(b"rubbish")), "error MVC414", "rubbish"),
    "signers a symlink": Case(landing(signers=at(KEY_A.encode(), "120000")), "error MVC414"),
    "signers readable": Case(landing(signers=at(KEY_A.encode()), revoked=at(LISTED_B.encode()))),
    "key revoked": Case(lines(REVOKED, LISTED_A, f"{LISTED_A}\n{LISTED_B}"), "note MVC412"),
    "first key revoked": Case(lines(REVOKED, None, LISTED_A), "note MVC412"),
    "key no longer revoked": Case(lines(REVOKED, f"{LISTED_A}\n{LISTED_B}", LISTED_B), "error MVC411", "SHA256:"),
    "revoked keys deleted": Case(lines(REVOKED, LISTED_A, None), "error MVC411"),
    "revoked keys broken": Case(lines(REVOKED, LISTED_A, f"{LISTED_A}\nrubbish"), "error MVC411"),
    "revoked keys as another list": Case(
        lines(REVOKED, LISTED_A, "SSHKRL\n\0 and more"), "error MVC411", "it is unknown which keys",
    ),
    "revoked keys as a first list of the other kind": Case(lines(REVOKED, None, "SSHKRL\n\0 and more"), "note MVC412"),
    "revoked keys unreadable": Case(landing(revoked=at(b"rubbish")), "error MVC414"),
    "waiver added": Case(lines(WAIVERS, None, waiver()), "error MVC411", "new waiver of MVC202"),
    "waiver prolonged": Case(lines(WAIVERS, waiver(), waiver(expires="2028-01-31")), "error MVC411", "2028"),
    "waiver shortened": Case(lines(WAIVERS, waiver(), waiver(expires="2026-01-31")), "note MVC412"),
    "waiver by somebody else": Case(lines(WAIVERS, waiver(), waiver(owner="bob@example.com")), "error MVC411"),
    "waiver added, and signed": Case(lines(WAIVERS, None, waiver(), by=ADA), "note MVC412"),
    "waiver taken away": Case(lines(WAIVERS, waiver(), "mvc-waivers: 1\n"), "note MVC412"),
    "waivers deleted": Case(lines(WAIVERS, waiver(), None), "note MVC412"),
    "waivers broken": Case(lines(WAIVERS, waiver(), "waivers: []\n"), "error MVC411"),
    "waivers mended": Case(lines(WAIVERS, "x", "mvc-waivers: 1\n", waivers=at(b"x")), "note MVC412"),
    "workflow changed": Case(lines(WORKFLOW, "a", "b"), "warning MVC413"),
    "workflow added": Case(lines(WORKFLOW, None, "b"), "warning MVC413", "added"),
    "workflow deleted": Case(lines(WORKFLOW, "a", None), "warning MVC413", "deleted"),
    # Predictions.
    "computed again, and the same": Case(computed(found=Recomputed(("auc",)))),
    "computed again, and another": Case(
        computed(found=Recomputed(("auc",), (Difference("auc", 0.95, 0.931),))),
        "error MVC227", "0.931 by its predictions",
    ),
    "computed again, and not there": Case(
        computed(found=Recomputed(("auc",), (Difference("auc[country=XX]", 0.95, None),))), "error MVC227", "not there",
    ),
    "not asked to be computed again": Case(computed()),
    "not computed again": Case(computed(found=Recomputed(problem="no rows")), "warning MVC229", "no rows"),
    "not computed again, though demanded": Case(
        computed(found=Recomputed(problem="no rows"), text=EVIDENCE), "error MVC229", "no rows",
    ),
    "demanded, and nobody asked": Case(computed(text=EVIDENCE), "error MVC229", "the policy demands"),
    "demanded, and without predictions": Case(computed(text=EVIDENCE, predictions=None), "error MVC228"),
    "demanded, and without predictions in the hook": Case(one(policy=rule(EVIDENCE)), "error MVC228"),
    "demanded of a metric that is of other data": Case(
        computed(
            text=f"{EVIDENCE}\n    metrics: {{auc: {{min: 0.5}}, p95_ms: {{max: 40}}}}", found=Recomputed(("f1",)),
            metrics=[auc(0.95, dataset="holdout"), Metric("p95_ms", 12)], datasets=[HOLDOUT],
        ),
        "error MVC227", "auc@holdout is not of the data",
    ),
    "report missing under a rule that asks for evidence": Case(
        one(report=None, policy=rule(EVIDENCE, "{report: optional}")), "error MVC101",
    ),
    "worse by a test": Case(
        paired(PairedTest("auc", "paired bootstrap", 2000, 0.003, -0.01, (-0.016, -0.004))),
        "error MVC221", "p = 0.003",
    ),
    "worse, and by no test": Case(
        paired(
            PairedTest("accuracy", "McNemar", 2000, 0.8741, -0.001, (-0.009, 0.007)), new=Metric("accuracy", 0.929),
        ),
        "note MVC231", "not shown to be worse, by McNemar",
    ),
    "worse, by a test that is just at the level": Case(
        paired(PairedTest("auc", "paired bootstrap", 2000, 0.05, -0.01, (-0.02, 0))), "note MVC231",
    ),
    "as good, and untested": Case(paired(new=Metric("auc", 0.93), found=())),
    "better, and untested": Case(paired(new=Metric("auc", 0.94), found=())),
    "worse, where the earlier version has no predictions": Case(paired(old=None), "error MVC230", "the earlier report"),
    "worse, where the gate did not compute": Case(paired(found=()), "error MVC230", "without --recompute"),
    "worse, where the examples differ": Case(
        paired(found=(PairedTests(OTHER, problem="other rows"),)), "error MVC230", "other rows",
    ),
    "worse, where nothing tests the metric": Case(paired(), "error MVC230", "no test of it"),
    "a test against the best": Case(
        one(policy=rule("metrics: {auc: {max_regression: paired, against: best}}")),
        "error MVC401", "base or registered",
    ),
    # Waivers.
    "waived": Case(waiving(waiver()), "note MVC415"),
    "waived in the hook": Case(in_the_hook(waiver()), "note MVC415"),
    "waived in the hook by one of two parents": Case(in_the_hook("mvc-waivers: 1\n", waiver()), "note MVC415"),
    "waived in the hook until yesterday": Case(
        in_the_hook(waiver(expires="1969-12-31")), "error MVC202, warning MVC416",
    ),
    "waived in the hook by a file that cannot be read": Case(in_the_hook("x"), "error MVC202"),
    "waived on the last day": Case(waiving(waiver(expires="1970-01-01")), "note MVC415"),
    "waived until yesterday": Case(waiving(waiver(expires="1969-12-31")), "error MVC202, warning MVC416"),
    "waiver expired": Case(waiving(waiver(expires="1969-12-01")), "error MVC202, warning MVC416"),
    "waived twice, one waiver has expired": Case(
        waiving(waiver(expires="1969-12-01") + waiver().partition("waivers:\n")[2]), "note MVC415",
    ),
    "waiver of another code": Case(waiving(waiver(code="MVC203")), "error MVC202"),
    "waiver of another model": Case(waiving(waiver(model=OTHER)), "error MVC202"),
    "waiver of another report": Case(waiving(waiver(report=OTHER)), "error MVC202"),
    "waiver of no report, and there is one": Case(waiving(waiver(report="")), "error MVC202"),
    "report missing, and waived": Case(
        waiving(waiver(code="MVC101", report=""), found=None), "note MVC415", "MVC101",
    ),
    "waiver where nothing is wrong": Case(waiving(waiver(), policy=BASIC)),
    "waiver of a warning": Case(
        waiving(waiver(), policy=rule("metrics: {auc: {min: 0.9, severity: warn}}")), "warning MVC202",
    ),
    "waivers unreadable": Case(waiving("a: 1\n"), "error MVC414, error MVC202"),
    "waivers a symlink": Case(landing(waivers=at(b"x", "120000")), "error MVC414", "regular file"),
    "waiver of what cannot be waived": Case(waiving(waiver(code="MVC304")), "error MVC414, error MVC202", "MVC304"),
}
