"""Names and messages of a pull request that would break out of a format, or command the CI system that reads it."""

from __future__ import annotations

import re

from quality.cases import DATA, FILE, MODEL, directory

from mvc.errors import InvalidFormat, InvalidName
from mvc.objects.pointer_reader import parse
from mvc.quality.files import FileAt, ModelFiles
from mvc.quality.finding import Comparison, Finding, Gated, Judged
from mvc.quality.reports.report import Dataset, Metric, Model, Report, Train, Used
from mvc.quality.reports.report_document import emit

HOSTILE = (
    "a | b", "`code`", "``` fence", "@somebody", "<script>alert(1)</script>", "<!-- -->", "![x](https://example.com/x)",
    "line\nbreak", "\r::error::x", "::set-output name=x::y", "##[error]x", "##vso[task.complete]x", "\u202egnp.exe",
    "\x1b[31m", "#12", "/close", "\\", "\\|", "[x]: y", "&amp;", "~~~~", "$math$", " ", "",
    "%0A::error::x", "%250A", "a,line=7,title=x", "]]>", "\x00\x08\x0b\ufffe\uffff", "\udce9", '"quoted" \'text\'',
    "x\n# EOF\nmvc_gate_passed 1", 'a"} 1\n', "\x85\u2028\u2029", "../../etc/passwd", "/etc/passwd", "C:\\x", "a b?#%",
    "https://example.com/", "javascript:alert(1)", "[click](javascript:alert(1))", "$(touch ran)", "{{ secrets }}",
)


def commands_no_ci(told: str) -> bool:
    """Whether what was written is no command to a CI system that prints it."""
    return told.isascii() and not re.search(r"^\s*::|##\[|##vso\[", told, re.MULTILINE)


def gated_of(text: str) -> Gated:
    """Return a verdict with `text` wherever a pull request can have it."""
    row = Comparison(text, 0.931, 0.902, text, passed=False, codes=("MVC221",))
    good = row._replace(metric=f"{text}[a=b]", passed=True)
    rows = (row, good, good._replace(metric=f"{text}2", rule=""))
    model = Judged(text, "renamed", text, text, text, rows, text, text)
    findings = (
        Finding("MVC221", "error", text, text, text),
        Finding("MVC413", "warning", text, text, text),
        Finding("MVC415", "note", text, text, text),
    )
    pointer = FileAt("100644", b"mvc: 1\n", "1" * 40)
    return Gated(
        False, "a" * 40, "b" * 40, (model,), findings, files={f"{text}.mvc": pointer}, versions={text: _versions(text)},
    )


def _versions(text: str) -> tuple[ModelFiles, ...]:
    """Return versions of a model whose reports have `text` wherever they can."""
    try:
        return tuple(_files(text, value) for value in (0.902, 0.931, 0.9))
    except InvalidFormat:
        return ()


def _files(text: str, value: float) -> ModelFiles:
    metric = Metric(text, value, stderr=0.01)
    pointer, model = _directory(text, value)
    report = Report(
        1, model, datasets=[Dataset(text, DATA), Dataset(f"{text}{value}", DATA, n=9)],
        metrics=[metric, Metric(text, value, slice={text: text})], train=Train([Used(f"{text}{value}", DATA)]),
    )
    return ModelFiles(FileAt("100644", pointer), FileAt("100644", emit(report)))


def _directory(text: str, value: float) -> tuple[bytes, Model]:
    """Return the pointer of a directory with a file called `text`, if that is allowed, and its model."""
    try:
        raw = directory(f"{text}{value}", "a").raw
        return raw, Model(parse(raw).digest.blake3)
    except (InvalidFormat, InvalidName, UnicodeEncodeError):
        return FILE, MODEL
