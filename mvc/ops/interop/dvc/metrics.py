"""Which model a file with metrics is about, by the stages of a pipeline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from mvc.objects.dvc.outs import Pipeline, Stage


class MetricsFile(NamedTuple):
    """A file with metrics, and the models that it may be about: exactly one, if that is certain."""

    file: str
    models: tuple[str, ...]


def metrics_files(pipelines: Iterable[Pipeline], imported: Collection[str]) -> Iterator[MetricsFile]:
    """Yield the files with metrics that the pipelines name; `imported` are the paths that mvc tracks."""
    pipelines = list(pipelines)
    stages = [stage for pipeline in pipelines for stage in pipeline.stages.values()]
    written = {path for stage in stages for path in stage.outs}
    for stage in stages:
        for file in stage.metrics:
            yield MetricsFile(file, _models(stage, written, imported))
    for pipeline in pipelines:
        yield from (MetricsFile(file, tuple(sorted(imported))) for file in pipeline.metrics)


def _models(stage: Stage, written: Collection[str], imported: Collection[str]) -> tuple[str, ...]:
    """Return what a stage writes; else what it reads of other stages; else what it reads. Only tracked paths count."""
    for paths in (stage.outs, [path for path in stage.deps if path in written], stage.deps):
        if found := tuple(path for path in paths if path in imported):
            return found
    return ()
