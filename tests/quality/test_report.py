"""The report: strict to read, in any layout, and equal when it is written and read."""

from __future__ import annotations

import json
import re
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
import yaml
from formats.second_report import read_report
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mvc.errors import InvalidFormat
from mvc.quality.reports import report_document as reports
from mvc.quality.reports.glance import glance
from mvc.quality.reports.report import (
    Code,
    Dataset,
    Environment,
    Evaluator,
    Metric,
    Model,
    Predictions,
    Report,
    Run,
    Source,
    Tensor,
    Tensors,
    Train,
    Used,
    label,
)
from mvc.quality.reports.report_document import emit, from_json, parse_report, plain, to_json

DIGEST = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4

FULL = Report(
    1,
    Model(DIGEST, "00112233445566778899aabbccddeeff", 1234567, "ranker"),
    tag="v1.3.0",
    task="text-ranking",
    desc="distilled",
    created_at="2026-11-21T10:00:00Z",
    evaluator=Evaluator("ada@example.com"),
    code=Code("c0ffee", False, "python eval.py"),
    environment=Environment("3.11.7", "Linux", {"scikit-learn": "1.9.1"}),
    run=Run("mlflow", "17", "https://mlflow.example.com/17"),
    params={"seed": 42, "lr": 1e-05, "layers": [1, 2.5, "x", None, True]},
    together=[Used("models/tokenizer", OTHER)],
    train=Train([Used("data/train.csv", OTHER)]),
    datasets=[Dataset("holdout", OTHER, "data/holdout.csv", "test", 5000)],
    metrics=[
        Metric("auc", 0.931, True, "holdout", 0.004),
        Metric("auc", 0.902, True, "holdout", slice={"country": "DE"}, n=610),
    ],
    artifacts=[Used("cm.png", OTHER)],
    limitations='Tried on short texts only.\n\nSarcasm: "unknown".',
    extra={"x-team": {"name": "search", "pager": [1, 2]}},
)

SECOND = replace(
    FULL,
    format=2,
    environment=Environment("3.11.7", "Linux", {"scikit-learn": "1.9.1"}, "NVIDIA H200"),
    tensors=Tensors([Tensor("x:0", "float32", [None, 4])], [Tensor("label")], {"F32": 23440896}),
    sources=[Source("models/ranker.skops", OTHER, "mvc convert --to onnx", {"opset": 17})],
    datasets=[Dataset("holdout", OTHER, "data/holdout.csv", "test", 5000, 500)],
    predictions=Predictions("evals/holdout.parquet", OTHER, 500, "holdout", "label", "pred", ["p1"]),
    metrics=[Metric("auc", 0.931, True, "holdout", 0.004, ci=(0.923, 0.939), method="DeLong")],
)
"""With all keys of format 2."""


def small(text: str = "") -> bytes:
    """Return a minimal report with `text` below it."""
    return f"mvc-eval: 1\nmodel: {{blake3: {DIGEST!r}}}\n{dedent(text)}".encode()


def refused(text: str) -> str:
    """Return why a small report with `text` is refused."""
    with pytest.raises(InvalidFormat) as caught:
        parse_report(small(text), "m.eval.yaml")
    assert caught.value.message.startswith("m.eval.yaml: ")
    return caught.value.message.removeprefix("m.eval.yaml: ")


# Writing.


def test_a_report_is_written_as_the_page_shows_it() -> None:
    assert emit(FULL).decode() == dedent(f"""\
        mvc-eval: 1
        model: {{name: "ranker", blake3: "{DIGEST}", xxh128: "00112233445566778899aabbccddeeff", size: 1234567}}
        tag: "v1.3.0"
        task: "text-ranking"
        desc: "distilled"
        created_at: "2026-11-21T10:00:00Z"
        evaluator: {{id: "ada@example.com", assurance: "self"}}
        code: {{commit: "c0ffee", dirty: false, command: "python eval.py"}}
        environment: {{python: "3.11.7", platform: "Linux", packages: {{scikit-learn: "1.9.1"}}}}
        run: {{kind: "mlflow", id: "17", url: "https://mlflow.example.com/17"}}
        params: {{seed: 42, lr: 1.0e-05, layers: [1, 2.5, "x", null, true]}}
        with:
          - {{path: "models/tokenizer", blake3: "{OTHER}"}}
        train: {{data: [{{path: "data/train.csv", blake3: "{OTHER}"}}]}}
        datasets:
          - {{id: "holdout", path: "data/holdout.csv", blake3: "{OTHER}", split: "test", n: 5000}}
        metrics:
          - {{name: "auc", value: 0.931, higher_is_better: true, dataset: "holdout", stderr: 0.004}}
          - {{name: "auc", value: 0.902, higher_is_better: true, dataset: "holdout", slice: {{country: "DE"}}, n: 610}}
        artifacts:
          - {{path: "cm.png", blake3: "{OTHER}"}}
        limitations: |-
          Tried on short texts only.

          Sarcasm: "unknown".
        x-team: {{name: "search", pager: [1, 2]}}
        """)


def test_a_report_of_format_2_is_written_as_the_page_shows_it() -> None:
    first, second = emit(FULL).decode().splitlines(), emit(SECOND).decode().splitlines()
    assert [line for line in second if line not in first] == [
        "mvc-eval: 2",
        'environment: {python: "3.11.7", platform: "Linux", packages: {scikit-learn: "1.9.1"}, device: "NVIDIA H200"}',
        (
            'tensors: {inputs: [{name: "x:0", type: "float32", shape: [null, 4]}], outputs: [{name: "label"}], '
            "weights: {F32: 23440896}}"
        ),
        "from:",
        f'  - {{path: "models/ranker.skops", blake3: "{OTHER}", by: "mvc convert --to onnx", params: {{opset: 17}}}}',
        f'  - {{id: "holdout", path: "data/holdout.csv", blake3: "{OTHER}", split: "test", n: 5000, used: 500}}',
        (
            f'predictions: {{path: "evals/holdout.parquet", blake3: "{OTHER}", n: 500, dataset: "holdout", '
            'truth: "label", predicted: "pred", scores: ["p1"]}'
        ),
        (
            '  - {name: "auc", value: 0.931, higher_is_better: true, dataset: "holdout", stderr: 0.004, '
            'ci: [0.923, 0.939], method: "DeLong"}'
        ),
    ]


@pytest.mark.parametrize("report", [FULL, SECOND])
def test_a_report_that_was_written_reads_as_it_was(report: Report) -> None:
    assert parse_report(emit(report), "m") == report
    assert emit(parse_report(emit(report), "m")) == emit(report)


def test_a_report_is_written_in_the_lowest_format_that_has_its_keys() -> None:
    assert emit(replace(FULL, format=2)) == emit(FULL)
    assert emit(replace(SECOND, format=1)) == emit(SECOND)
    by_hand = emit(FULL).replace(b"mvc-eval: 1", b"mvc-eval: 2")
    assert parse_report(by_hand, "m") == replace(FULL, format=2)


def test_other_readers_of_yaml_read_the_same_numbers() -> None:
    values = [1e-05, 1e22, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 93.0]
    report = Report(1, Model(DIGEST), metrics=[Metric(f"m{i}", value) for i, value in enumerate(values)])
    assert [item["value"] for item in yaml.safe_load(emit(report))["metrics"]] == values


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["a\nb", " a\nb", "a\n\n b", "a\n", "\na", "a \nb", "a\t\nb", "- a\n# b", "null", "\N{ROCKET}\n\u2028", "a\r\n"],
)
words = texts.filter(bool)
keys = texts.filter(lambda key: key != "<<")  # refused when read, quoted or not
digests = st.sampled_from([DIGEST, OTHER])
integers = st.integers(-(10**19) + 1, 10**19 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = texts | integers | numbers | st.booleans() | st.none()
useds = st.lists(st.builds(Used, texts, digests), max_size=2)
params = st.dictionaries(keys, scalars | st.lists(scalars, max_size=2), max_size=2)
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2), max_leaves=5,
)
optional = st.none() | integers


@st.composite
def any_report(draw: Any) -> Report:
    ids = draw(st.lists(words, max_size=3, unique=True))
    metrics = draw(st.lists(
        st.builds(
            Metric, words, numbers, st.none() | st.booleans(), st.sampled_from(["", *ids]),
            st.none() | numbers.map(abs), st.dictionaries(keys, texts, max_size=2), optional,
        ),
        max_size=4, unique_by=lambda item: (item.name, item.dataset, tuple(sorted(item.slice.items()))),
    ))
    report = Report(
        1,
        draw(st.builds(Model, digests, texts, optional, texts, texts, texts)),
        *draw(st.tuples(texts, texts, texts, texts)),
        draw(st.none() | st.builds(Evaluator, texts, st.sampled_from(["self", "ci", "third-party"]))),
        draw(st.none() | st.builds(Code, texts, st.none() | st.booleans(), texts)),
        draw(st.none() | st.builds(Environment, texts, texts, st.dictionaries(keys, texts, max_size=2))),
        draw(st.none() | st.builds(Run, texts, texts, texts)),
        draw(params),
        together=draw(useds),
        train=draw(st.none() | st.builds(Train, useds)),
        datasets=[Dataset(name, *draw(st.tuples(digests, texts, texts, optional))) for name in ids],
        metrics=metrics,
        artifacts=draw(useds),
        limitations=draw(texts),
        extra=draw(st.dictionaries(words.map("x-".__add__), data, max_size=2)),
    )
    return draw(st.just(report) | with_later_keys(report))


@st.composite
def with_later_keys(draw: Any, report: Report) -> Report:
    """Return the report with some keys of format 2."""
    ids = st.sampled_from(["", *(item.id for item in report.datasets)])
    columns = st.lists(texts.filter(bool), max_size=2)
    of_rows = st.builds(
        Predictions, texts, digests, optional, ids, texts, texts, columns, st.sampled_from(["", "regression"]),
        texts, texts, texts, columns,
    )
    tensors = st.lists(st.builds(Tensor, texts, texts, st.lists(optional, max_size=2)), max_size=2)
    environment, intervals = report.environment, st.none() | st.tuples(numbers, numbers).map(sorted).map(tuple)
    newer = replace(
        report,
        environment=environment and replace(environment, device=draw(texts)),
        tensors=draw(st.none() | st.builds(Tensors, tensors, tensors, st.dictionaries(keys, integers, max_size=2))),
        sources=draw(st.lists(st.builds(Source, texts, digests, texts, params), max_size=2)),
        predictions=draw(st.none() | of_rows),
        datasets=[replace(item, used=draw(st.none() | st.just(item.n or 0))) for item in report.datasets],
        metrics=[replace(item, ci=draw(intervals), method=draw(texts)) for item in report.metrics],
    )
    return replace(newer, format=plain(newer)["mvc-eval"])


@given(any_report())
def test_every_report_reads_as_it_was_written(report: Report) -> None:
    raw = emit(report)
    assert parse_report(raw, "m") == report
    assert read_report(raw) == json.loads(json.dumps(plain(report)))


@given(any_report())
def test_every_report_is_the_same_as_json(report: Report) -> None:
    text = to_json(report)
    assert from_json(text) == report if text else "-9" in repr(report)  # an integer below those of 64 bits


@st.composite
def edited(draw: Any) -> bytes:
    """Return a report as mvc writes it, with some characters replaced."""
    text = emit(draw(any_report())).decode()
    start = draw(st.integers(0, len(text)))
    put = draw(st.text('"\\\n{}[]:,- <#&*!|>0123456789.eE+abcdefxntrul\x07\x85\u2028', max_size=4))
    return (text[:start] + put + text[start + draw(st.integers(0, 3)) :]).encode()


@given(edited())
def test_what_is_read_without_yaml_is_what_yaml_reads(raw: bytes) -> None:
    if (found := reports._read_emitted(raw)) is not None:
        assert found == reports.decode_yaml(raw, "m")


def test_what_mvc_writes_is_read_without_yaml() -> None:
    second = emit(replace(SECOND, model=Model(DIGEST), limitations="", extra={}))
    assert reports._read_emitted(second) == reports.decode_yaml(second, "m")
    raw = emit(Report(
        1, Model(DIGEST, name="m: [x], {y} # z"), tag="v1.0.0", desc="a, b: c",
        params={"seed": 42, "lr": 0.1, "dropout": None, "shuffle": True, "sizes": [1, "2", -3.5]},
        datasets=[Dataset("holdout", OTHER, n=5)],
        metrics=[Metric("auc", 0.5, dataset="holdout", slice={"country": "DE"})],
    ))
    assert reports._read_emitted(raw) == reports.decode_yaml(raw, "m")


@pytest.mark.parametrize("params", ['{"<<": 1}', f'{{"{"k" * 1025}": 1}}', "{k: 12345678901234567890}", "{k: 1, k: 1}"])
def test_what_yaml_refuses_is_not_read_without_it(params: str) -> None:
    raw = f'mvc-eval: 1\nmodel: {{blake3: "{DIGEST}"}}\nparams: {params}\n'.encode()
    assert reports._read_emitted(raw) is None
    with pytest.raises(InvalidFormat):
        parse_report(raw, "m")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_not_written(value: float) -> None:
    with pytest.raises(InvalidFormat, match="finite"):
        emit(Report(1, Model(DIGEST), metrics=[Metric("auc", value)]))


def test_what_is_not_utf8_is_not_written() -> None:
    with pytest.raises(InvalidFormat, match="UTF-8"):
        emit(Report(1, Model(DIGEST), desc="\udcff"))


def test_what_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(InvalidFormat, match="bytes, expected at most"):
        emit(Report(1, Model(DIGEST), desc="x" * reports.MAX_BYTES))
    with pytest.raises(InvalidFormat, match="'holdout' is not in"):
        emit(Report(1, Model(DIGEST), metrics=[Metric("auc", 0.5, dataset="holdout")]))


# Reading.


@pytest.mark.parametrize(("text", "reason"), [
    ("tag: 1.10", "tag: expected text, found 1.1: quote it"),
    ("tagg: v1", "unknown key `tagg`"),
    ("metrics: [{name: auc, value: .nan}]", 'metrics[0].value: expected a number, found ".nan": use a finite number'),
    ("metrics: [{name: auc, value: true}]", "metrics[0].value: expected a number, found true"),
    ("metrics: [{name: auc}]", "metrics[0]: missing key `value`"),
    ("metrics: [{name: '', value: 1}]", "a metric has no name"),
    ("metrics: [{name: auc, value: 1}, {name: auc, value: 1}]", "duplicate metric auc"),
    ("metrics: [{name: auc, value: 1, dataset: a}]", "'a' is not in `datasets`"),
    ("metrics: [{name: auc, value: 1, stderr: -1}]", "stderr of auc is -1.0"),
    (f"datasets: [{{id: a, blake3: {DIGEST!r}}}, {{id: a, blake3: {DIGEST!r}}}]", "duplicate data set 'a'"),
    ("datasets: [{id: a, blake3: abc}]", "invalid blake3 of data set 'a': expected 64 lower-case hex digits"),
    ("train: {data: [{path: a, blake3: abc}]}", "invalid blake3 of 'a'"),
    ("x-: {tag: v9}", "invalid key 'x-'"),
    ("1: 2", "key '1' is not a string: quote it"),
    ("null: 2", "key 'null' is not a string: quote it"),
    ("tag: v1\ntag: v2", "duplicate key 'tag'"),
    ("x-a: &a 1", "anchors"),
    ("x-a: [[[[[[[[[1]]]]]]]]]", "nested deeper than 8"),
])
def test_a_report_that_says_anything_else_is_refused(text: str, reason: str) -> None:
    assert reason in refused(text)


def test_what_is_no_report_or_a_newer_one_is_named_as_such() -> None:
    for raw in (b"", b"[]", b"a: 1", b"<<<<<<< HEAD\n"):
        with pytest.raises(InvalidFormat):
            parse_report(raw, "m")
    with pytest.raises(InvalidFormat, match="newer mvc") as caught:
        parse_report(b"mvc-eval: 3\nother: 1\n", "m")
    assert "upgrade" in caught.value.fix


LATER = [
    ("from: [{path: a, blake3: %s}]", "from"),
    ("from: []", "from"),
    ("tensors: {weights: {F32: 6}}", "tensors"),
    ("predictions: {path: a, blake3: %s}", "predictions"),
    ("environment: {device: H200}", "environment.device"),
    ("datasets: [{id: b, blake3: %s}, {id: a, blake3: %s, used: 1}]", "datasets.used"),
    ("metrics: [{name: auc, value: 1, ci: [0, 2]}]", "metrics.ci"),
    ("metrics: [{name: auc, value: 1, method: DeLong}]", "metrics.method"),
]


@pytest.mark.parametrize(("text", "key"), LATER)
def test_a_key_of_format_2_is_refused_in_format_1(text: str, key: str) -> None:
    text = text.replace("%s", repr(DIGEST))
    assert refused(text) == f"key `{key}` needs `mvc-eval: 2`, found 1"
    newer = small(text).replace(b"mvc-eval: 1", b"mvc-eval: 2")
    assert parse_report(newer, "m").format == 2
    is_valid = jsonschema.Draft202012Validator(reports.schema()).is_valid
    assert not is_valid(yaml.safe_load(small(text)))
    assert is_valid(yaml.safe_load(newer))
    with pytest.raises(ValueError, match="not as in"):
        read_report(small(text))
    assert read_report(newer)


@pytest.mark.parametrize(("text", "reason"), [
    ("tensors: {inputs: [{name: x, shape: [x]}]}", "tensors.inputs[0].shape[0]: expected"),
    ("tensors: {weights: {F32: many}}", "tensors.weights.F32: expected"),
    ("from: [{path: a, blake3: abc}]", "invalid blake3 of 'a'"),
    ("from: [{path: a, blake3: %s, params: {a: {b: 1}}}]", "from[0].params.a: expected "),
    ("predictions: {path: a, blake3: abc}", "invalid blake3 of predictions"),
    ("predictions: {path: a, blake3: %s, dataset: a}", "predictions: data set 'a' is not in `datasets`"),
    ("predictions: {path: a, blake3: %s, columns: [a]}", "predictions: unknown key `columns`"),
    ("predictions: {path: a, blake3: %s, scores: ['']}", "predictions.scores[0]: expected a text that is not empty"),
    ("datasets: [{id: a, blake3: %s, n: 5, used: 6}]", "data set 'a': used is 6, expected at most n, 5"),
    ("metrics: [{name: auc, value: 1, ci: [1, 0]}]", "ci of auc is [1.0, 0.0], expected the lower end first"),
    ("metrics: [{name: auc, value: 1, ci: [1]}]", "metrics[0].ci"),
    ("metrics: [{name: auc, value: 1, ci: [0, .inf]}]", "metrics[0].ci[1]: expected a number"),
])
def test_a_report_of_format_2_that_says_anything_else_is_refused(text: str, reason: str) -> None:
    raw = small(text.replace("%s", repr(DIGEST))).replace(b"mvc-eval: 1", b"mvc-eval: 2")
    with pytest.raises(InvalidFormat, match=re.escape(f"m: {reason}")):
        parse_report(raw, "m")
    with pytest.raises(ValueError, match="not as in"):
        read_report(raw)


def test_the_layout_is_free() -> None:
    report = parse_report(small("""
        # by hand
        metrics:
          - name: auc
            value: 1   # an integer is a number, too
        x-note: kept
    """), "m")
    assert report.metrics == [Metric("auc", 1.0)]
    assert report.extra == {"x-note": "kept"}


def test_a_metric_is_named_as_on_the_command_line() -> None:
    assert label(Metric("auc", 1, slice={"b": "2", "a": "1"}, dataset="holdout")) == "auc[a=1,b=2]@holdout"


def test_the_schema_takes_what_mvc_writes_and_refuses_what_it_refuses() -> None:
    schema = reports.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validate = jsonschema.Draft202012Validator(schema).is_valid
    assert validate(yaml.safe_load(emit(FULL)))
    assert validate(yaml.safe_load(emit(SECOND)))
    assert not validate({"mvc-eval": 1, "model": {"blake3": DIGEST}, "tagg": "v1"})
    assert not validate({"mvc-eval": 1, "model": {"blake3": "abc"}})
    assert not validate({"mvc-eval": 1, "model": {"blake3": DIGEST}, "x-": {}})


# At a glance.


@given(any_report())
def test_a_glance_sees_what_reading_sees(report: Report) -> None:
    raw = emit(report)
    assert glance(raw, "m") == (report.model.blake3, report.tag)


@pytest.mark.parametrize("text", ["tag: v1\ntag: v2\n", "<<<<<<< HEAD\n", "\ttask: x\n", "model: {}\n"])
def test_a_glance_reads_all_where_the_layout_is_not_ours(text: str) -> None:
    with pytest.raises(InvalidFormat):
        glance(emit(Report(1, Model(DIGEST), tag="v1")) + text.encode(), "m")
    assert glance(small("tag: v1.0.0 # by hand"), "m") == (DIGEST, "v1.0.0")
