"""JUnit XML, as test runners write it: the pass rate, and the names of the tests that failed.

Format: https://github.com/testmoapp/junitxml. Read by Expat, which the standard library brings, as a stream. A document
type is refused, so there are no entities and nothing outside of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

from mvc.errors import InvalidFormat
from mvc.quality.reports.readers.found import FoundMetrics, free_name
from mvc.quality.reports.report import Metric, Parameter

_MAX_DEPTH = 32
_MOST_NAMES = 100
"""Failed tests that are named, and suites that are slices."""
_LONGEST_NAME = 200
_SUITES = ("testsuites", "testsuite")
_FAILED = ("failure", "error")
_NOT_RUN = ("notrun", "disabled")
"""The status of a test of GoogleTest, or of Bazel, that did not run."""


def is_xml(raw: bytes) -> bool:
    """Whether a file begins as XML does, in UTF-8 or UTF-16."""
    return raw[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<")


def read(raw: bytes) -> FoundMetrics:
    """Return the pass rate of the tests that ran, and that of each of several suites as a slice.

    Raises:
        InvalidFormat: it is not XML, not JUnit's, or no test ran.
    """
    from xml.parsers import expat  # noqa: PLC0415 - few files need it

    results, parser = _Results(), expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler, parser.EndElementHandler = results.start, results.end
    try:
        parser.Parse(raw, True)  # noqa: FBT003 - it takes no keyword
    except (expat.ExpatError, LookupError, ValueError) as error:  # also about an encoding
        raise InvalidFormat(f"not XML: {error}") from None
    failed = results.failed
    params: dict[str, Parameter] = {"failed": [*failed[:_MOST_NAMES]]} if failed else {}
    more = len(failed) - _MOST_NAMES
    left_out = (f"the names of {more:,} more tests that failed",) if more > 0 else ()
    return FoundMetrics(tuple(results.metrics()), params=params, left_out=left_out)


def _refuse(*_: object) -> NoReturn:
    raise InvalidFormat("the XML has a document type, which JUnit's files have not")


class _Results:
    """The results of the tests in a file, counted while it is parsed."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self._ran: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()
        self._open: list[str] = []
        self._suites: list[str] = []
        self._outcome = ""
        self._name = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if not self._open and tag not in _SUITES:
            raise InvalidFormat(f"not JUnit XML: its root is {tag[:40]!r}, expected 'testsuites'")
        if len(self._open) == _MAX_DEPTH:
            raise InvalidFormat(f"nested deeper than {_MAX_DEPTH}")
        if tag == "testsuite":
            self._suites.append(free_name(attributes.get("name") or "unnamed"))
        elif tag == "testcase":
            names = (attributes.get("classname", ""), attributes.get("name", ""))
            self._name = ".".join(filter(None, names))
            self._outcome = "skipped" if attributes.get("status") in _NOT_RUN else "passed"
        elif self._open and self._open[-1] == "testcase" and (tag in _FAILED or tag == "skipped"):
            self._outcome = "failed" if tag in _FAILED or self._outcome == "failed" else "skipped"
        self._open.append(tag)

    def end(self, tag: str) -> None:
        """End an element."""
        self._open.pop()
        if tag == "testsuite":
            self._suites.pop()
        elif tag == "testcase" and self._outcome != "skipped":
            suite = self._suites[-1] if self._suites else "unnamed"
            self._ran[suite] += 1
            self._passed[suite] += self._outcome == "passed"
            if self._outcome == "failed":
                self.failed.append(self._name[:_LONGEST_NAME])

    def metrics(self) -> Iterator[Metric]:
        """Yield the pass rates."""
        if not (n := self._ran.total()):
            raise InvalidFormat("no test ran")
        yield Metric("pass_rate", self._passed.total() / n, higher_is_better=True, n=n)
        if 1 < len(self._ran) <= _MOST_NAMES:
            for suite, count in self._ran.items():
                rate = self._passed[suite] / count
                yield Metric("pass_rate", rate, higher_is_better=True, slice={"suite": suite}, n=count)
