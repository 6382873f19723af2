"""`mvc gate --format in-toto`: read by the attestation framework's own bindings."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Predicate
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message
from quality.hostile import HOSTILE, commands_no_ci, gated_of

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Manifest
from mvc.objects.pointer import dir_pointer, emit, file_pointer
from mvc.quality.files import POLICY, FileAt
from mvc.quality.finding import Comparison, Finding, Gated, Judged
from mvc.quality.render.formats.in_toto import render

DIGITS = {"gitCommit": 40, "gitBlob": 40, "sha256": 64, "blake3": 64}
DIGEST = hash_bytes(b"weights")
POINTER = FileAt("100644", emit(file_pointer(DIGEST)), "1" * 40)
FOLDER = FileAt("100644", emit(dir_pointer(Manifest.of([]))), "2" * 40)


def statement(text: str) -> Any:
    """Return a valid statement; the bindings know each field of Statement and Test Result, and no other."""
    read: Any = json.loads(text)
    Statement.copy_from_pb(json_format.Parse(text, Message())).validate()
    json_format.ParseDict(read["predicate"], Predicate())
    assert read["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    names = [subject["name"] for subject in read["subject"] if "name" in subject]
    assert len(set(names)) == len(names)
    for item in (*read["subject"], *read["predicate"]["configuration"]):
        assert all(re.fullmatch(f"[0-9a-f]{{{DIGITS[kind]}}}", digest) for kind, digest in item["digest"].items())
    return read


def test_models_are_subjects_and_the_policy_is_the_configuration() -> None:
    policy = FileAt("100644", b"mvc-policy: 1\n", "3" * 40)
    models = (Judged("d", "added"), Judged("gone", "deleted"), Judged("m", "changed"), Judged("n", "changed"))
    bad = POINTER._replace(raw=b"bad")
    read = statement(render(Gated(
        True, "a" * 40, "b" * 40, models, sha256={"m": "5" * 64},
        files={POLICY: policy, "d.mvc": FOLDER, "m.mvc": POINTER, "n.mvc": bad, "other.mvc": POINTER},
    )))

    def file(name: str, at: FileAt) -> dict[str, Any]:
        return {"name": name, "digest": {"sha256": hashlib.sha256(at.raw).hexdigest(), "gitBlob": at.oid}}

    assert read["subject"] == [
        {"digest": {"gitCommit": "b" * 40}}, file("d.mvc", FOLDER), file("m.mvc", POINTER),
        {"name": "m", "digest": {"blake3": DIGEST.blake3, "sha256": "5" * 64}}, file("n.mvc", bad),
    ]
    assert read["predicate"]["configuration"] == [file(POLICY, policy)]
    without = statement(render(Gated(True, "", "b" * 40, models, files={"m.mvc": POINTER})))
    assert without["subject"][2]["digest"] == {"blake3": DIGEST.blake3}
    assert without["predicate"]["configuration"] == []


@pytest.mark.parametrize(("severities", "judged", "result"), [
    ((), True, "PASSED"), (("note",), True, "PASSED"), (("warning", "note"), True, "WARNED"),
    (("error", "warning"), True, "FAILED"), ((), False, "WARNED"),
])
def test_the_result(severities: tuple[Any, ...], judged: bool, result: str) -> None:
    findings = tuple(Finding("MVC202", severity, "m", "wrong") for severity in severities)
    read = statement(render(Gated("error" not in severities, "a" * 40, "b" * 40, (), findings, judged)))
    assert read["predicate"]["result"] == result


def test_tests_have_the_names_of_metrics_and_codes() -> None:
    rows = (Comparison("auc", 0.9, 0.9, "≥ 0.8", passed=True), Comparison("mse", 1, 2, "", passed=True))
    findings = (Finding("MVC204", "error", "m", "x"), Finding("MVC322", "warning", "", "unverified"))
    read = statement(render(Gated(False, "a" * 40, "b" * 40, (Judged("m", "added", comparisons=rows),), findings)))
    predicate = read["predicate"]
    assert predicate["passedTests"] == ["m: auc ≥ 0.8"]
    assert predicate["warnedTests"] == ["MVC322 remote not asked"]
    assert predicate["failedTests"] == ["m: MVC204 direction unknown"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_text(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('#:[]"\\\n\r '))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    told = render(gated_of(text))
    assert commands_no_ci(told)
    read = statement(told)
    names = [subject.get("name", "") for subject in read["subject"]]
    predicate = read["predicate"]
    tests = [name for kind in ("passedTests", "warnedTests", "failedTests") for name in predicate[kind]]
    assert all(name.isprintable() for name in (*names, *tests))
    assert (len(predicate["warnedTests"]), len(predicate["failedTests"]), predicate["result"]) == (1, 1, "FAILED")
