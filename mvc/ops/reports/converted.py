"""What the report of a converted model says: its source, and what was measured when it was converted."""

from __future__ import annotations

from mvc.ops.reports.evaluated import hash_content
from mvc.ops.reports.options import RecordOptions
from mvc.ops.reports.record import tag_of
from mvc.ops.shared.reports import matching_report, report_in
from mvc.ops.shared.versions.read import files_at
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.quality.reports.parity import without_parity
from mvc.quality.reports.report import Source
from mvc.quality.reports.tags import Bump, compare, parse_version


def with_earlier(project: Project, path: str, options: RecordOptions, commit: str) -> RecordOptions:
    """Return the options for the report of the model at `path`, with a version.

    It was converted from what `options` name, of `commit`, or of the workspace if that is empty. A report that is
    already of this content keeps what else it says.
    """
    raw = report_in(project.tree, path + SUFFIX)
    digest, _ = hash_content(project, path)
    if own := matching_report(raw, digest.blake3, path):
        kept = without_parity(own)
        return options._replace(
            tag=own.tag, bump=None if own.tag else "patch", predictions=own.predictions,
            params=tuple(own.params.items()), measured=(*kept.metrics, *options.measured),
            stated=(*kept.datasets, *options.stated),
        )
    tag, bump = _version(tag_of(raw or b""), _source_tag(project, options.derived[0], commit))
    return options._replace(tag=tag, bump=bump)


def _version(old: str, of_source: str) -> tuple[str, Bump | None]:
    """Return the source's tag, unless the target's last one is as high: then how to raise that."""
    if of_source and (parse_version(old) is None or compare(of_source, old) == 1):
        return of_source, None
    return "", "patch" if old else "major"


def _source_tag(project: Project, source: Source, commit: str) -> str:
    found = files_at(project, commit, source.path) if commit else None
    raw = found.report if found else None if commit else report_in(project.tree, source.path + SUFFIX)
    report = matching_report(raw, source.blake3, source.path)
    return report.tag if report else ""
