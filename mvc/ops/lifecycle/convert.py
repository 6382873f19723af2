"""`mvc convert`: a tracked model in another format, with the differences of its outputs on a sample."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

from mvc.errors import Refused, UsageError
from mvc.fs.files import as_error, aside_line
from mvc.fs.new_names import rename_new
from mvc.fs.scratch import beside
from mvc.modelfiles.onnx_data import external_locations
from mvc.ops.lifecycle.conversion import Request, check_source
from mvc.ops.lifecycle.sample import opened
from mvc.ops.shared.workspace_content import check_unchanged
from mvc.project import Project
from mvc.quality.reports.parity import PREFIX, SAMPLE
from mvc.quality.reports.report import Dataset, Metric, Parameter, Source
from mvc.runtime.conversion import arrays
from mvc.runtime.conversion.convert import convert as write
from mvc.runtime.conversion.parity import Parity, compare, joined, latency
from mvc.runtime.formats import format_of
from mvc.runtime.load import load, model_file
from mvc.runtime.predictor import Predictor


class Converted(NamedTuple):
    """What the report of a model that was written says."""

    source: Source
    metrics: tuple[Metric, ...]
    samples: tuple[Dataset, ...]
    """What it was measured on; none if arrays were compared."""


class _Measured(NamedTuple):
    """How a converted file differs."""

    parity: Parity
    opset: int = 0
    """0 of a format other than ONNX."""
    samples: tuple[Dataset, ...] = ()
    seconds: tuple[float, ...] = ()
    """How long a row takes, after and before."""


def convert(project: Project, file: str, source: Source, request: Request) -> Converted:
    """Write the model at `file`, whose bytes the caller proved to be those of `source`, in another format.

    The request was checked by `check_request`.

    Raises:
        Refused: its outputs differ by more than the limits, or loading it may run code.
        UsageError: it cannot be converted, or not be run on the sample, or would replace other content.
        MvcError: a file cannot be read, or written.
    """
    if source.path == request.target:
        raise UsageError(f"{source.path} is the source: what it becomes needs a path of its own", "choose another file")
    file = model_file(file)
    kind = format_of(file)
    check_source(request, kind, os.path.basename(file))
    try:
        with beside(os.path.dirname(f"{project.root}/{request.target}")) as scratch:
            made = f"{scratch.path}/{os.path.basename(request.target)}"
            if request.format.is_run:
                found = _run(project, file, request, made)
            else:
                found = _Measured(arrays.convert(file, kind, made, trust=request.trust))
            _check_limits(project, request, found.parity)
            metrics = tuple(_metrics(found, file, made))
            _place(project, request.target, made)
    except OSError as error:
        raise as_error(error, os.fsdecode(error.filename or request.target)) from None
    limits = request.limits
    params: dict[str, Parameter] = {"opset": found.opset} if found.opset else {}
    params |= {"atol": limits.absolute, "rtol": limits.relative, "min_agreement": limits.agreement}
    by = f"mvc convert --to {request.to}"
    return Converted(Source(source.path, source.blake3, by, params), metrics, found.samples)


def _run(project: Project, file: str, request: Request, made: str) -> _Measured:
    """Convert a model, and run both on the sample."""
    before = _loaded(project, file, request)
    data = request.data or ""  # checked
    with opened(project, data) as (sample, blake3):
        (columns,) = next(sample.batches(before))
        before.predict(columns)  # an error about the sample is not one of the conversion
        opset = write(file, before, columns, request.to, made)
        after = _loaded(project, made, request)
        parity = Parity(0)
        for old, new in sample.batches(before, after):
            found = compare(before.predict(old), after.predict(new), request.limits.relative)
            parity = joined(parity, found)
        models = after, before
        rows = ({name: values[:1] for name, values in item.items()} for item in next(sample.batches(*models)))
        seconds = tuple(latency(model, row) for model, row in zip(models, rows, strict=True))
    dataset = Dataset(SAMPLE, blake3, data, n=parity.rows)
    return _Measured(parity, opset, (dataset,), seconds)


def _loaded(project: Project, file: str, request: Request) -> Predictor:
    try:
        return load(file, trust=request.trust)
    except Refused as error:
        line = request._replace(trust=True).line(project.shell)
        raise Refused(error.message, f"{line}  # runs code in the model: only if you know who wrote it") from None


def _check_limits(project: Project, request: Request, parity: Parity) -> None:
    """Check that the outputs are as equal as they must be.

    Raises:
        Refused: they are not; with the line that accepts the difference.
    """
    limits = request.limits
    if parity.keeps(limits):
        return
    few = parity.agreement < limits.agreement
    labels = f"{parity.agreement:.4g} of the labels agree, less than --min-agreement {limits.agreement:g}"
    numbers = (
        f"outputs differ by up to {parity.absolute:.3g} (relative {parity.relative:.3g}), "
        f"more than --atol {limits.absolute:g} and --rtol {limits.relative:g} allow"
    )
    told = f"{request.source} as {request.to}: {labels if few else numbers}; nothing was written"
    if not isfinite(parity.beyond):
        raise Refused(f"{told}, as some are not finite", "choose another --to")
    accepted = limits._replace(
        absolute=max(limits.absolute, _rounded_up(parity.beyond)),
        agreement=floor(parity.agreement * 1000) / 1000 if few else limits.agreement,
    )
    line = request._replace(limits=accepted).line(project.shell)
    raise Refused(told, f"{line}  # accepts it")


def _rounded_up(number: float) -> float:
    """Return a number of two digits that is not smaller."""
    if number <= 0:
        return 0
    step = 10.0 ** (floor(log10(number)) - 1)
    return float(f"{(ceil(number / step) + 1) * step:.3g}")


def _metrics(found: _Measured, file: str, made: str) -> Iterator[Metric]:
    parity = found.parity
    n = parity.rows if found.samples else None
    if parity.numbers:
        yield Metric(f"{PREFIX}max_abs_difference", parity.absolute, higher_is_better=False, n=n)
        yield Metric(f"{PREFIX}max_rel_difference", parity.relative, higher_is_better=False, n=n)
    if parity.agreeing is not None:
        yield Metric(f"{PREFIX}agreement", parity.agreement, higher_is_better=True, n=n)
    sizes = [float(_size(name)) for name in (made, file)]
    times = [round(1000 * seconds, 4) for seconds in found.seconds]
    for name, values in (("size_bytes", sizes), ("latency_ms", times)):
        for prefix, value in zip(("", "source_"), values, strict=False):
            yield Metric(f"{PREFIX}{prefix}{name}", value, higher_is_better=False)


def _size(path: str) -> int:
    """Return the bytes of a model, with the external data of an ONNX file."""
    with open(path, "rb") as file:
        parts = external_locations(file) if format_of(path) == "onnx" else ()
    return os.path.getsize(path) + sum(os.path.getsize(f"{os.path.dirname(path)}/{part}") for part in parts)


def _place(project: Project, target: str, made: str) -> None:
    """Rename a file to its place, where nothing else may be than what is tracked, or the same.

    Raises:
        UsageError: there is something else.
    """
    output = f"{project.root}/{target}"
    item = project.tracked().get(target)
    if item and item.pointer:
        check_unchanged(project, target, item.pointer)
        os.replace(made, output)
    elif not rename_new(made, output) and not filecmp.cmp(made, output, shallow=False):
        raise UsageError(f"{target} exists, and is not tracked", aside_line(project.shell.show(target)))
