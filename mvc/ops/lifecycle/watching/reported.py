"""The registered versions of a model, with their reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, Refused
from mvc.ops.shared.versions.read import VersionFiles, read_registry, version_files
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.quality.reports.report import Metric, Report
from mvc.quality.reports.report_document import parse_report
from mvc.registry.state import Version


class Reported(NamedTuple):
    """A registered version."""

    version: str
    blake3: str
    retired: bool
    path: str
    """The tracked path of the model."""
    report: Report | None
    """None without one that can be read."""

    def metrics(self) -> Mapping[str, Metric]:
        """Return the metrics of the data that the model was evaluated on, by name and slice."""
        if self.report is None:
            return {}
        found: dict[str, Metric] = {}
        for item in self.report.predicted or self.report.metrics:
            found.setdefault(name_of(item), item)
        return found


def name_of(metric: Metric) -> str:
    """Return name and slice of a metric, whatever its data: `auc[country=DE]`."""
    return f"{metric.name}[{slice_of(metric)}]" if metric.slice else metric.name


def slice_of(metric: Metric) -> str:
    """Return the slice of a metric as the label of a series: `country=DE`; empty for all of the data."""
    return ",".join(f"{key}={text}" for key, text in sorted(metric.slice.items()))


def read_reported(project: Project, name: str) -> dict[str, Reported]:
    """Return the versions of a model by name, the newest first; none of a model that the registry does not have.

    A version whose tag is forged is told as a remark, and left out.

    Raises:
        MvcError: Git cannot read the tags.
    """
    model = read_registry(project, name).models.get(name)
    versions = sorted(model.versions.values(), key=lambda item: item.rank, reverse=True) if model else []
    return {item.version: item for item in _reported(project, versions)}


def _reported(project: Project, versions: list[Version]) -> Iterator[Reported]:
    for item in versions:
        try:
            files = version_files(project, item.event)
        except (CorruptObject, Refused) as error:
            project.around.remark(error.message, error.fix)
            continue
        yield Reported(item.name, files.blake3, item.retired is not None, files.path, _report(project, files))


def _report(project: Project, files: VersionFiles) -> Report | None:
    what = files.path + SUFFIX
    try:
        return None if files.report is None else parse_report(files.report, what)
    except InvalidFormat as error:
        project.around.remark(error.message, error.fix)
        return None
