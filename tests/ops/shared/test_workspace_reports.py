"""Reports in the workspace: found, matched with their pointers, and required by the policy."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from harness import Repo

from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import file_pointer
from mvc.ops.shared.reports import Reports, file_in, matching_report, metric_values, model_of, report_in, state_of
from mvc.project import Project
from mvc.quality.files import POLICY, FileAt

DIGEST = hash_bytes(b"model")
POINTER = file_pointer(DIGEST)
REPORT = f"""\
mvc-eval: 1
tag: "v1.0.0"
model:
  blake3: "{DIGEST.blake3}"
metrics:
  - name: "auc"
    value: 0.9
"""


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("m.bin", "m.bin"),
        ("m.bin.mvc", "m.bin"),
        ("m.bin.eval.yaml", "m.bin"),
        ("m.bin.eval.yaml.sig", "m.bin"),
        ("m.bin.sig", "m.bin.sig"),
        ("m.yaml", "m.yaml"),
    ],
)
def test_a_pointer_and_its_report_mean_the_model(path: str, model: str) -> None:
    assert model_of(path) == model


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (REPORT, "ok"),
        (REPORT.replace('tag: "v1.0.0"\n', ""), "untagged"),
        (REPORT.replace(DIGEST.blake3, hash_bytes(b"other").blake3), "stale"),
        ("[", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_the_state_of_a_report(text: str, state: str) -> None:
    assert state_of(text.encode(), POINTER, "m.eval.yaml") == state


def test_only_a_valid_report_of_the_same_content_matches() -> None:
    report = matching_report(REPORT.encode(), DIGEST.blake3, "m.eval.yaml")
    assert report is not None
    assert metric_values(report) == {"auc": 0.9}
    assert matching_report(REPORT.encode(), hash_bytes(b"other").blake3, "m.eval.yaml") is None
    assert matching_report(b"[", DIGEST.blake3, "m.eval.yaml") is None
    assert matching_report(None, DIGEST.blake3, "m.eval.yaml") is None


def test_what_is_not_a_regular_file_has_its_mode_and_no_content(repo: Repo, project: Project) -> None:
    repo.write("d/file", "x")
    os.symlink("file", repo.path("d/link"))
    os.symlink("d", repo.path("linked"))
    tree = project.tree
    assert file_in(tree, "d/file") == FileAt("100644", b"x")
    assert file_in(tree, "d/none") is None
    assert file_in(tree, "d/link") == file_in(tree, "linked/file") == FileAt("120000", b"")
    assert file_in(tree, "d") == FileAt("040000", b"")
    assert [report_in(tree, path) for path in ("d/file", "d/none", "d/link", "linked/file", "d")] == [
        b"x", None, None, None, None,
    ]


def test_the_policy_is_read_once_for_each_path(repo: Repo, open_fresh: Callable[..., Project]) -> None:
    repo.write(POLICY, 'mvc-policy: 1\nrules:\n  - {match: "**", report: optional}\n')
    with open_fresh() as first:
        reports = Reports(first)
        assert reports.state("m.bin", POINTER) is None
        reports.remember()
    with open_fresh() as second:
        assert second.catalog.verdicts()[POLICY][1] == '{"m.bin": false}'
    repo.write(POLICY, "mvc-policy: 1\n")
    repo.write("n.bin.eval.yaml", REPORT)
    reports = Reports(open_fresh())
    assert reports.state("m.bin", POINTER) == "missing"
    assert reports.state("n.bin", POINTER) == "ok"
