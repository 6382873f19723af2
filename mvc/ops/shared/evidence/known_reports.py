"""Reports that were judged before: the catalog has them parsed, so that each is read as YAML once."""

from __future__ import annotations

from contextlib import suppress

from blake3 import blake3
from msgspec import MsgspecError

from mvc._version import __version__
from mvc.project import Project
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import decode_yaml, from_json, parse_report, to_json

_BATCH = 1000
"""Reports that are recorded at once."""


class KnownReports:
    """Parses reports. The catalog is used only for those in another layout than mvc's: opening it takes 4 ms."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._new = 0

    def parse(self, raw: bytes, what: str) -> Report:
        """Return the report in `raw`; arguments and errors as in `parse_report`."""
        return parse_report(raw, what, self._decode)

    def remember(self) -> None:
        """Record the reports that were read as YAML."""
        if self._new:
            self._project.catalog.flush()
            self._new = 0

    def _decode(self, raw: bytes, what: str) -> Report:
        name = blake3(f"{__version__} ".encode() + raw).hexdigest()
        if known := self._project.catalog.report(name):
            with suppress(MsgspecError):
                return from_json(known)
        report = decode_yaml(raw, what)
        if text := to_json(report):
            self._project.catalog.set_report(name, text)
            self._new += 1
        if self._new == _BATCH:
            self.remember()
        return report
