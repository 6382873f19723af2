"""The gate's verdict as JUnit XML, which most CI systems show as test results.

There is no standard; this is what Jenkins reads: https://github.com/jenkinsci/xunit-plugin, junit-10.xsd.
"""

from __future__ import annotations

from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mvc.quality.finding import Gated
from mvc.quality.render.formats.cases import Case, cases

_GATE = "mvc gate"


def render(gated: Gated) -> str:
    """Return a suite for each path. JUnit has no warnings: these are skipped tests, as notes are."""
    found = cases(gated)
    root = Element("testsuites", {"name": _GATE, **_counts(found)})
    for path, of_path in groupby(found, key=lambda case: case.path):
        suite = [*of_path]
        skipped = _count(suite, "skipped", "warned")
        parent = SubElement(root, "testsuite", {"name": path or _GATE, "skipped": skipped, **_counts(suite)})
        for case in suite:
            _add(parent, case)
    indent(root)
    # In ASCII, so that a log of any encoding can have it. `visible` left no character that XML forbids.
    text: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return text.decode() + "\n"


def _counts(found: list[Case]) -> dict[str, str]:
    return {"tests": str(len(found)), "failures": _count(found, "failed"), "errors": "0"}


def _count(found: list[Case], *results: str) -> str:
    return str(sum(case.result in results for case in found))


def _add(parent: Element, case: Case) -> None:
    element = SubElement(parent, "testcase", classname=case.path or _GATE, name=case.name)
    if case.result != "passed":
        tag = "failure" if case.result == "failed" else "skipped"
        SubElement(element, tag, message=case.lines[0]).text = "\n".join(case.lines)
