"""The gate's verdict as an in-toto Statement v1 with the predicate Test Result v0.1, not signed.

Source: https://github.com/in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from mvc.objects.pointer import SUFFIX
from mvc.objects.pointer_reader import pointer_in
from mvc.objects.visible import visible
from mvc.quality.files import POLICY, FileAt
from mvc.quality.finding import Gated
from mvc.quality.render.formats.cases import Case, cases
from mvc.quality.render.json_text import json_text


def render(gated: Gated) -> str:
    """Return a statement about the judged commit, and the pointers and contents of the models of the change."""
    found = cases(gated)
    warned, failed = _names(found, "warned"), _names(found, "failed")
    policy = gated.files.get(POLICY)
    return json_text({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"gitCommit": gated.head}}, *_subjects(gated)],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
            "configuration": [_file(POLICY, policy)] if policy else [],
            "passedTests": _names(found, "passed"),
            "warnedTests": warned,
            "failedTests": failed,
        },
    })


def _names(found: list[Case], result: str) -> list[str]:
    return [f"{case.path}: {case.name}" if case.path else case.name for case in found if case.result == result]


def _subjects(gated: Gated) -> Iterator[dict[str, Any]]:
    """Yield the pointer of each model that is left, and its content if that is a file."""
    for model in gated.models:
        if file := gated.files.get(model.path + SUFFIX):
            yield _file(model.path + SUFFIX, file)
            if (pointer := pointer_in(file.raw)) and pointer.kind == "file":
                digests = {"blake3": pointer.digest.blake3}
                if known := gated.sha256.get(model.path):
                    digests["sha256"] = known
                yield {"name": visible(model.path), "digest": digests}
        elif known := gated.sha256.get(model.path):  # git-lfs names content by it
            yield {"name": visible(model.path), "digest": {"sha256": known}}


def _file(path: str, file: FileAt) -> dict[str, Any]:
    return {"name": visible(path), "digest": {"sha256": sha256(file.raw).hexdigest(), "gitBlob": file.oid}}
