"""The judge: each rule raises its finding and nothing else; nothing unreadable passes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from quality.cases import (
    BASIC,
    CASES,
    CONFLICT,
    DATA,
    DIGEST,
    FILE,
    HOLDOUT,
    OTHER,
    PATH,
    TEST,
    at,
    blob,
    by_country,
    facts_of,
    model,
    one,
    report,
    rule,
)

from mvc.objects.pointer_reader import parse
from mvc.packages import UPGRADE
from mvc.quality import words
from mvc.quality.files import FileAt
from mvc.quality.finding import Finding, Verdict
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import BlobFacts, Facts, ModelFacts
from mvc.quality.judge.judge import judge
from mvc.quality.policy.policy import parse_policy
from mvc.quality.reports.report import Dataset, Metric, Model
from mvc.quality.reports.report_document import parse_report


def said(verdict: Verdict) -> str:
    return ", ".join(f"{finding.severity} {finding.code}" for finding in verdict.findings)


def only(facts: Facts) -> Finding:
    """Return the one finding of facts."""
    (finding,) = judge(facts, 0).findings
    return finding


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_judged_as_the_table_says(name: str) -> None:
    case = CASES[name]
    verdict = judge(case.facts, 0)
    assert said(verdict) == case.found
    assert verdict.passed == ("error" not in case.found)
    if case.says:
        assert any(case.says in finding.message for finding in verdict.findings), verdict.findings


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.found])
def test_every_finding_is_a_line_with_a_line_to_type(name: str) -> None:
    for finding in judge(CASES[name].facts, 0).findings:
        well_formed(finding)
        assert finding.fix


def well_formed(finding: Finding) -> None:
    assert len(finding.message.splitlines()) == 1
    assert len(finding.fix.splitlines()) <= 1
    assert len(finding.message) <= words.MAX_MESSAGE


def test_models_are_judged_by_the_defaults_when_the_policy_cannot_be_read() -> None:
    lax = "mvc-policy: 1\ndefaults: {report: optional}\n"
    assert said(judge(one(policy=lax, report=None), 0)) == ""
    assert said(judge(one(policy=lax + "typo: 1\n", report=None), 0)) == "error MVC401, error MVC101"


def test_findings_stand_in_the_order_of_their_paths() -> None:
    facts = facts_of(None, (model(path="b", report=None), model(path="a", in_cache=False, report=None)))
    assert [finding.path for finding in judge(facts, 0).findings] == [".mvc/policy.yaml", "a", "a", "b"]


def test_the_same_finding_of_two_rules_is_said_once() -> None:
    policy = rule("metrics: {auc: {min: 1}}", more="metrics: {auc: {min: 2}}")
    assert len(judge(one(policy=policy), 0).findings) == 1


# What to type.

EXIT = f'  # or, if it needs none, add a rule to .mvc/policy.yaml: - {{match: "/{PATH}", report: optional}}'
SECONDS = " --metric seconds=NUMBER"
ON_HOLDOUT = " --dataset holdout=data/holdout.csv"
BY_HAND = "  # or write tag: into the report and stage it"
REPORT = f"{PATH}.eval.yaml"
WAYS = " --higher-is-better score  # or --lower-is-better"
STAGED = f"  # or, if it is already evaluated: mvc add {PATH} && git add -- {PATH}.mvc {PATH}.eval.yaml"
MARKED = "git checkout HEAD -- %(file)s  # or MERGE_HEAD; or, once it is fixed: git add -- %(file)s"
MERGE = f"mvc add {PATH}  # merges the lists of both sides"
ALLOW = '  # or allow it in Git: allow: ["/m.onnx"] under defaults, git in .mvc/policy.yaml'


@pytest.mark.parametrize(
    ("facts", "fix"),
    [
        (
            one(report=None),
            f"mvc eval record {PATH} --bump major --metric NAME=NUMBER{EXIT}",
        ),
        (
            one(report=None, policy=rule("report: required")),
            f"mvc eval record {PATH} --bump major --metric NAME=NUMBER",
        ),
        (
            one(report=None, policy=rule("report: required\n    tag: {pattern: x}")),
            f"mvc eval record {PATH} --tag TAG --metric NAME=NUMBER",
        ),
        (one(report(model=Model(DATA))), f"mvc eval record {PATH} --bump patch{SECONDS}{STAGED}"),
        (
            one(report(model=Model(DATA), metrics=[])),
            f"mvc eval record {PATH} --bump patch --metric NAME=NUMBER{STAGED}",
        ),
        (one(report(metrics=[])), f"mvc eval record {PATH} --tag v1.2.0 --metric NAME=NUMBER"),
        (
            one(
                report(Metric("auc", 1), model=Model(DATA), tag="one", datasets=[Dataset("h", DATA, "d h.csv")]),
                policy=rule("tag: {pattern: one}"),
            ),
            f"mvc eval record {PATH} --tag TAG --dataset 'h=d h.csv' --metric auc=NUMBER{STAGED}",
        ),
        (
            one(report(*by_country(A=1, B=1, C=1, D=1), model=Model(DATA))),
            f"mvc eval record {PATH} --bump patch --metrics FILE.json{STAGED}",
        ),
        (
            one(report(tag=""), policy=rule("tag: {pattern: x}")),
            f"mvc eval record {PATH} --tag TAG{SECONDS}{BY_HAND}",
        ),
        (
            one(report(Metric("f1", 1)), policy=rule("metrics: {auc: {}}")),
            f"mvc eval record {PATH} --tag v1.2.0 --metric f1=NUMBER --metric auc=NUMBER",
        ),
        (
            one(report(Metric("auc", 1), tag="first", datasets=[HOLDOUT])),
            f"mvc eval record {PATH} --bump major{ON_HOLDOUT} --metric auc=NUMBER{BY_HAND}",
        ),
        (
            one(
                report(datasets=[HOLDOUT]),
                policy=rule("slices: {required: [k]}\n    datasets: [{id: holdout}]"),
            ),
            f"mvc eval record {PATH} --tag v1.2.0{SECONDS}{ON_HOLDOUT} --metric 'NAME[k=VALUE]@holdout=NUMBER'",
        ),
        (
            one(at(b"elsewhere", "120000")),
            f"mv -n -- {REPORT} {REPORT}.aside && mvc eval record {PATH} --bump major --metric NAME=NUMBER",
        ),
        (one(pointer=at(b"elsewhere", "120000")), f"mv -n -- {PATH}.mvc {PATH}.mvc.aside && mvc add {PATH}"),
        (one(pointer=at(b"", "160000")), f"git rm --cached -- {PATH}.mvc  # then: mvc add {PATH}"),
        (
            one(pointer=None),
            f"git rm --cached -- {PATH}.eval.yaml  # or, if the model stays: mvc add {PATH}",
        ),
        (
            one(policy=rule('metrics: {"auc[country=DE]": {}}')),
            f"mvc eval record {PATH} --tag v1.2.0{SECONDS} --metric 'auc[country=DE]=NUMBER'",
        ),
        (
            one(report(Metric("score", 1)), policy=rule("metrics: {score: {max_regression: 1}}")),
            f"mvc eval record {PATH} --tag v1.2.0 --metric score=NUMBER{WAYS}",
        ),
        (
            one(policy=rule("slices: {required: [country]}")),
            f"mvc eval record {PATH} --tag v1.2.0{SECONDS} --metric 'NAME[country=VALUE]=NUMBER'",
        ),
        (one(policy=rule("datasets: [{id: h}]")), f"mvc eval record {PATH} --tag v1.2.0{SECONDS} --dataset h=PATH"),
        (
            blob("m.onnx"),
            f"git rm --cached -- m.onnx && mvc add m.onnx{ALLOW}",
        ),
        (
            blob(".mvc/big.onnx"),
            f"git rm --cached -- .mvc/big.onnx{ALLOW.replace('m.onnx', '.mvc/big.onnx')}",
        ),
        (one(policy="a\n=======\nb\n"), MARKED % {"file": ".mvc/policy.yaml"}),
        (one(pointer=at(CONFLICT)), MARKED % {"file": f"{PATH}.mvc"}),
        (one(pointer=at(CONFLICT + b'kind: "dir"\n')), MERGE),
        (one(pointer=at(b'mvc: 1\nkind: "dir"\n', conflicted=True)), MERGE),
        (one(at(CONFLICT)), MARKED % {"file": f"{PATH}.eval.yaml"}),
        (one(at(CONFLICT.partition(b"\n")[2])), MARKED % {"file": f"{PATH}.eval.yaml"}),
        (one(pointer=at(b"")), f"mvc add {PATH}"),
        (
            one(pointer=at(b"class X")),
            f'mvc add {PATH}  # or allow it in Git: allow: ["/{PATH}.mvc"] under defaults, git in .mvc/policy.yaml',
        ),
        (blob("a/b.MVC"), f"git rm --cached -- a/b.MVC{ALLOW.replace('m.onnx', 'a/b.MVC')}"),
        (
            one(pointer=at(b"", conflicted=True)),
            f"mvc resolve {PATH} --ours  # or --theirs",
        ),
        (one(in_cache=False), f"mvc pull {PATH} || mvc add {PATH}  # from a remote, or from the workspace"),
        (one(in_git=True), f"git rm -r --cached -- {PATH}"),
        (one(policy=""), "git add -- .mvc/policy.yaml  # once it is fixed"),
        (one(policy="mvc-policy: 2\n"), UPGRADE),
        (one(at(b"mvc-eval: 3\n")), UPGRADE),
        (one(policy=None), "mvc init"),
    ],
)
def test_what_to_type(facts: Facts, fix: str) -> None:
    assert only(facts).fix == fix


def test_a_metric_of_another_data_set_comes_with_that() -> None:
    found = report(Metric("auc", 1, dataset="test"), datasets=[TEST])
    findings = judge(one(found, policy=rule("metrics: {auc: {}}\n    datasets: [{id: holdout}]")), 0).findings
    assert {item.code: item.fix for item in findings}["MVC201"] == (
        f"mvc eval record {PATH} --tag v1.2.0 --dataset test=data/test.csv --metric auc@test=NUMBER"
        " --dataset holdout=PATH --metric auc@holdout=NUMBER"
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (report(Metric("auc", 1)), ""),
        (report(Metric("auc", 1), Metric("f1", 1)), " --metric f1=NUMBER"),
        (report(Metric("auc", 1), datasets=[TEST]), " --dataset test=data/test.csv --metric auc@test=NUMBER"),
        (
            report(Metric("f1", 1), Metric("f1", 1, dataset="holdout"), datasets=[HOLDOUT]),
            " --metric f1@holdout=NUMBER",
        ),
    ],
)
def test_no_metric_stands_twice_in_a_line(found: FileAt, told: str) -> None:
    findings = judge(one(found, policy=rule("metrics: {auc: {}}\n    datasets: [{id: holdout}]")), 0).findings
    place = HOLDOUT.path if HOLDOUT in parse_report(found.raw, "").datasets else "PATH"
    assert {item.code: item.fix for item in findings}["MVC201"] == (
        f"mvc eval record {PATH} --tag v1.2.0{told} --dataset holdout={place} --metric auc@holdout=NUMBER"
    )


def test_the_data_sets_of_the_metrics_are_those_that_a_line_names() -> None:
    many = [Dataset(f"d{number}", DATA, f"d{number}.csv") for number in range(5)]
    found = report(Metric("auc", 1, dataset="d4"), model=Model(DATA), datasets=many)
    assert " --dataset d4=d4.csv" in only(one(found)).fix


def test_a_renamed_model_is_told_where_its_report_is() -> None:
    verdict = judge(CASES["renamed without its report"].facts, 0)
    assert {finding.fix for finding in verdict.findings} == {f"git mv -- {PATH}.eval.yaml models/new.onnx.eval.yaml"}


def test_a_report_of_other_bytes_is_not_taken_for_a_rename() -> None:
    facts = facts_of(at(BASIC.encode()), (model(report(model=Model(DATA)), pointer=None), model(path="b", report=None)))
    assert not any("git mv" in finding.fix for finding in judge(facts, 0).findings)


def test_what_cannot_be_read_is_not_taken_for_a_rename() -> None:
    lost, bad = model(at(b"x"), pointer=None), model(path="b", report=None, pointer=at(b"x"))
    findings = judge(facts_of(at(BASIC.encode()), (lost, bad)), 0).findings
    assert {finding.code for finding in findings} == {"MVC101", "MVC106", "MVC304"}
    assert not any("git mv" in finding.fix for finding in findings)


@pytest.mark.parametrize(
    "name", ["a b.onnx", "it's.onnx", "-x.onnx", "$(id).onnx", "a;b", "数据.onnx", "a\nb", "x\x1b[m", "\udcff", "a\\b"],
)
def test_paths_are_words_for_the_shell(name: str) -> None:
    fix = only(blob(name, policy=f"{BASIC}defaults: {{git: {{forbid: ['*']}}}}\n")).fix
    command = fix.partition(" && ")[0].removeprefix("git rm --cached -- ")
    done = subprocess.run(["bash", "-c", f"printf %s {command}"], capture_output=True, check=True)
    assert done.stdout.decode(errors="surrogateescape").removeprefix(":(literal)") == name


@pytest.mark.parametrize("name", ["a*.onnx", "[x].onnx", ":x", "a?"])
def test_git_takes_no_path_for_a_pattern(name: str) -> None:
    assert f"':(literal){name}'" in fixes.untrack(name)


def test_the_pattern_of_a_path_means_it_alone() -> None:
    for name in ("a*b.csv", "a[1].csv", "a b ", "data/x.csv", "a\\b", "a?"):
        line = fixes.track(name).partition("allow: ")[2].partition(" under")[0]
        policy = f"{BASIC}defaults: {{git: {{forbid: ['*'], allow: {line}}}}}\n"
        assert judge(blob(name, policy=policy), 0).passed, policy
        assert not judge(blob(f"x{name}", policy=policy), 0).passed
        assert not judge(blob(name.translate(str.maketrans("*[?", "xyz")) + "x", policy=policy), 0).passed


def test_the_exit_that_is_shown_is_one() -> None:
    name = "data/a [1]*.csv"
    fix = only(one(path=name, report=None)).fix
    policy = f"{BASIC}rules:\n  {fix.partition('.mvc/policy.yaml: ')[2]}\n"
    assert judge(one(path=name, report=None, policy=policy), 0).findings == ()
    assert not judge(one(path="data/a 1x.csv", report=None, policy=policy), 0).passed


# Any bytes.

POLICY = rule("metrics: {auc: {min: 0.9}}").encode()
VALID = [FILE, report().raw, POLICY, report(*by_country(DE=1)).raw, b"mvc-eval: 1\n"]
texts = st.text(st.sampled_from("{}[]:,-#'\"|>&*!%@ \n\t\r\x85\u2028abmvc01.<=")).map(lambda text: text.encode("utf-8"))


@st.composite
def bytes_near(draw: st.DrawFn) -> bytes:
    """Return random bytes, or valid ones with small changes."""
    raw = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(raw)))
        raw[place : place + draw(st.integers(0, 3))] = draw(texts | st.binary(max_size=3))
    return draw(st.sampled_from([bytes(raw), draw(texts), draw(st.binary(max_size=30))]))


files = st.none() | st.builds(
    FileAt, st.sampled_from(["100644", "100755", "120000", "160000", ""]), bytes_near(), st.just(""), st.booleans(),
)
paths = st.text(max_size=12) | st.sampled_from([PATH, "data/x", "a\udcff", "\x85"])
models = st.builds(ModelFacts, paths, files, files, st.none() | st.booleans(), st.booleans())
blobs = st.builds(BlobFacts, paths, st.integers(0, 1 << 62), st.text(max_size=5))


@given(st.builds(facts_of, files, st.lists(models, max_size=3).map(tuple), st.lists(blobs, max_size=2).map(tuple)))
@settings(deadline=None, max_examples=200)
def test_no_bytes_make_it_fail(facts: Facts) -> None:
    verdict = judge(facts, 0)
    for finding in verdict.findings:
        well_formed(finding)


@given(bytes_near(), st.sampled_from(["100644", "120000"]))
@settings(deadline=None, max_examples=200)
def test_what_passes_can_be_read(raw: bytes, mode: str) -> None:
    file = at(raw, mode)
    if judge(one(pointer=file), 0).passed:
        assert parse(raw).digest == DIGEST
    if judge(one(file), 0).passed:
        assert parse_report(raw, "").model.blake3 == DIGEST.blake3
    if judge(facts_of(file, (model(),)), 0).passed:
        assert parse_policy(raw).format == 1


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(names, names, st.floats(allow_nan=False, allow_infinity=False))
@example("a\nb", "\x85", 0.1)
@settings(deadline=None, max_examples=100)
def test_no_text_in_a_report_breaks_the_line(name: str, tag: str, value: float) -> None:
    slices = [Metric("auc", value, slice={name: tag}), Metric("auc", -1e300, slice={name: "x" + tag})]
    found = report(Metric(name, value), *slices, tag=tag, datasets=[Dataset(name, OTHER)])
    data = f"datasets: [{{id: h}}, {{id: holdout, blake3: '{DATA}'}}]"
    policy = rule(f"{data}\n    metrics: {{auc: {{min: 1}}}}\n    slices: {{max_gap: {{auc: 0.1}}}}")
    for finding in judge(one(found, policy=policy), 0).findings:
        well_formed(finding)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4), st.floats(-1e6, 1e6))
@settings(deadline=None, max_examples=60)
def test_a_limit_holds_on_every_slice(values: list[float], low: float) -> None:
    metrics = [Metric("auc", value, slice={"n": str(number)}) for number, value in enumerate(values)]
    policy = rule(f'metrics: {{"auc[n=*]": {{min: {low!r}}}}}')
    assert judge(one(report(*metrics), policy=policy), 0).passed == (min(values) >= low)
