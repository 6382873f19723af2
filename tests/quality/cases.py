"""Facts, and what the judge finds in them: one table for the judge, the codes and their documentation."""

from __future__ import annotations

from typing import Any, NamedTuple

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import Pointer, dir_pointer, emit, file_pointer
from mvc.quality.facts import BlobFacts, Facts, FileAt, ModelFacts
from mvc.quality.report import Dataset, Metric, Model, Report
from mvc.quality.report import emit as emit_report

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
    """Return a report of the model, with tag v1.2.0 unless told otherwise."""
    return at(emit_report(Report(1, **{"model": MODEL, "tag": "v1.2.0", "metrics": list(metrics), **said})))


def model(found: FileAt | None = None, path: str = PATH, **changed: Any) -> ModelFacts:
    """Return the facts of a model with a good pointer and, unless told otherwise, a good report."""
    return ModelFacts(path, **{"pointer": at(FILE), "report": found or report(), "kept": True, **changed})


def one(found: FileAt | None = None, policy: str | None = BASIC, **changed: Any) -> Facts:
    """Return facts of one model."""
    return Facts(None if policy is None else at(policy.encode()), (model(found, **changed),))


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
    """Return facts of one file that would enter Git."""
    return Facts(at(policy.encode()), (), (BlobFacts(path, size, kind),))


def on_two_data_sets() -> FileAt:
    """Return a report in which the metric is good on one of two data sets."""
    good, bad = Metric("auc", 0.95, dataset="holdout"), Metric("auc", 0.8, dataset="test")
    return report(good, bad, datasets=[HOLDOUT, TEST])


MANIFEST = hash_bytes(b"manifest")
LARGE = at(emit(Pointer("dir", MANIFEST, files=300, total=9)))
LARGE_REPORT = report(model=Model(*MANIFEST))
PICKLES = rule("formats: {pickle: deny}")
HOLDOUT = Dataset("holdout", DATA, "data/holdout.csv")
TEST = Dataset("test", OTHER, "data/test.csv")
GIT = f"{BASIC}defaults: {{git: %s}}\n"


class Case(NamedTuple):
    """Facts, what is found in them (severity and code), and a part of what is said of the first."""

    facts: Facts
    found: str = ""
    says: str = ""


CASES = {
    "all good": Case(one()),
    "nothing at all": Case(Facts(None)),
    "nothing but a policy": Case(Facts(at(BASIC.encode()))),
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
    "report of a newer mvc": Case(one(at(b"mvc-eval: 2\n")), "error MVC102", "newer"),
    "report of other bytes": Case(one(report(model=Model(DATA))), "error MVC103"),
    "report of bytes that begin alike": Case(
        one(report(model=Model(DIGEST.blake3[:60] + "0000"))), "error MVC103", DIGEST.blake3,
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
        Facts(at(BASIC.encode()), (model(pointer=None), model(path="models/new.onnx", report=None))),
        "error MVC101, error MVC106",
    ),
    # Metrics.
    "metric good": Case(one(report(Metric("auc", 0.9)), policy=rule("metrics: {auc: {min: 0.9, max: 0.9}}"))),
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
    "two limits, of which one warns": Case(
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
    # Files in Git.
    "small file": Case(blob("data/scores.csv", 1_000_000)),
    "large file": Case(blob("data/scores.csv", 1_000_001), "error MVC301"),
    "large file, larger limit": Case(blob("data/scores.csv", 1_000_001, policy=GIT % "{max_blob: 1MiB}")),
    "forbidden pattern": Case(blob("tiny.onnx"), "error MVC302"),
    "forbidden pattern, of a policy": Case(
        blob("a/b.bin", policy=GIT % "{forbid: ['*.bin']}"), "error MVC302", "*.bin",
    ),
    "pattern taken back": Case(blob("a/b.bin", policy=GIT % "{forbid: ['*.bin', '!a/b.bin']}")),
    "model by its bytes": Case(blob("weights.bin", kind="safetensors"), "error MVC303"),
    "all three": Case(blob("m.onnx", 5_000_000, "onnx"), "error MVC301, error MVC302, error MVC303"),
    "allowed": Case(blob("tests/m.onnx", 5_000_000, "onnx", GIT % "{allow: ['/tests/*.onnx']}")),
    "pointer of rubbish": Case(one(pointer=at(b"junk")), "error MVC304"),
    "pointer not in its one spelling": Case(one(pointer=at(FILE + b"\n")), "error MVC304", "spelling"),
    "pointer of a refused name": Case(one(path="models/aux.onnx"), "error MVC304", "Windows"),
    "pointer of a name in two lines": Case(one(path="a\nb"), "error MVC304"),
    "pointer and report missing": Case(one(pointer=at(b""), report=None), "error MVC101, error MVC304"),
    "pointer in conflict": Case(one(pointer=at(FILE, conflicted=True)), "error MVC305"),
    "pointer with the marks of a conflict": Case(one(pointer=at(CONFLICT)), "error MVC305"),
    "report in conflict": Case(one(at(b"", conflicted=True)), "error MVC305", "report"),
    "report with the marks of a conflict": Case(one(at(CONFLICT.replace(b"\n", b"\r\n"))), "error MVC305", "report"),
    "report that speaks of conflicts": Case(one(report(desc="a\n<<<<<<< HEAD\nb"))),
    "content not in the cache": Case(one(kept=False), "error MVC306"),
    "cache not asked": Case(one(kept=None)),
    "format denied": Case(
        one(path="models/old.pkl", policy=rule("formats: {pickle: deny}")), "error MVC307",
    ),
    "format denied by name": Case(one(policy=rule("formats: {deny: [onnx]}")), "error MVC307", "it is onnx"),
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
    "format denied in a directory of which nobody knows the files": Case(
        one(LARGE_REPORT, path="models/m", pointer=LARGE, policy=PICKLES), "error MVC306", "list of its files",
    ),
    "no format denied in a directory of which nobody knows the files": Case(
        one(LARGE_REPORT, path="models/m", pointer=LARGE),
    ),
    "another format denied": Case(one(policy=rule("formats: {deny: [hdf5, gguf]}"))),
    "content beside its pointer": Case(one(in_git=True), "error MVC308"),
    "content of a directory beside its pointer": Case(
        one(pointer=directory("a"), report=None, policy=rule("report: optional"), in_git=True), "error MVC308",
    ),
    "pointer a symlink": Case(one(pointer=at(b"elsewhere", "120000")), "error MVC309"),
    "pointer a submodule": Case(one(pointer=at(b"", "160000")), "error MVC309", "submodule"),
    "report a symlink": Case(one(at(b"elsewhere", "120000")), "error MVC309", "report"),
    "policy a symlink": Case(Facts(at(b"x", "120000"), (model(),)), "error MVC309", "policy"),
    # The policy.
    "policy unreadable": Case(one(policy="a: 1\n"), "error MVC401"),
    "policy empty": Case(one(policy=""), "error MVC401"),
    "policy unreadable, and a report missing": Case(
        one(policy="rules: [", report=None), "error MVC401, error MVC101",
    ),
    "policy in conflict": Case(
        Facts(at(BASIC.encode(), conflicted=True), (model(),)), "error MVC401", "in conflict",
    ),
    "policy with the marks of a conflict": Case(Facts(at(CONFLICT), (model(),)), "error MVC401", "in conflict"),
    "policy of a newer mvc": Case(one(policy="mvc-policy: 2\n"), "error MVC401", "newer"),
    "no policy": Case(one(policy=None), "note MVC402"),
    "no policy, and a report missing": Case(one(policy=None, report=None), "note MVC402, error MVC101"),
    "no policy, and a file": Case(Facts(None, (), (BlobFacts("m.onnx", 1),)), "error MVC302"),
}
