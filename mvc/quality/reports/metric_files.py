"""Files with metrics, told by their content: docs/reports.md, "Files with metrics"."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any, BinaryIO

from mvc.errors import InvalidFormat
from mvc.objects.parsing import strict_yaml
from mvc.quality.reports.model_index import front_matter
from mvc.quality.reports.readers import (
    classification_report,
    deepeval,
    dvc,
    every_eval_ever,
    hugging_face,
    inspect_log,
    junit,
    lm_eval,
    mlflow,
    promptfoo,
)
from mvc.quality.reports.readers.found import Document, FoundMetrics
from mvc.quality.reports.readers.plain import read_list, read_tree
from mvc.quality.reports.report import Metric, label

MAX_BYTES = 16 << 20
_MAX_YAML_BYTES = 1 << 20
_MAX_YAML_DEPTH = 16
_MOST_DIGITS = 1000
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_BEGINNING = 1 << 16
_YAML = re.compile(rb"---(?:\s|$)|-(?:\s|$)|[A-Za-z_][\w./@-]*:(?:\s|$)")
SHAPES = """mvc help reports  # lists the supported formats, such as {"auc": 0.93}"""


def read_file(file: BinaryIO, what: str) -> bytes:
    """Return the content of a file for `read_metrics`, and no more of it than the limit; of an `.eval` file its header.

    Raises:
        InvalidFormat: an `.eval` file is damaged, or not one.
        UsageError: a package that reads it is missing.
        OSError: it cannot be read.
    """
    head = file.read(4)
    if head not in _ZIP:
        return head + file.read(MAX_BYTES + 1 - len(head))
    from mvc.quality.reports.readers.eval_file import read_header  # noqa: PLC0415 - few files need it

    try:
        return read_header(file, MAX_BYTES)
    except InvalidFormat as error:
        raise InvalidFormat(f"{what}: {error.message}", SHAPES) from None


def read_metrics(raw: bytes, what: str, datasets: Collection[str] = ()) -> FoundMetrics:
    """Return the metrics in a file; `what` names it in errors, `datasets` are the known ids.

    Raises:
        InvalidFormat: it is too large, of an unknown format, or a value is not a finite number.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidFormat(f"{what}: more than {MAX_BYTES:,} bytes", SHAPES)
    try:
        if junit.is_xml(raw):
            return junit.read(raw)
        data = _parsed(raw)
    except InvalidFormat as error:
        raise InvalidFormat(f"{what}: {error.message}", error.fix or SHAPES) from None
    return find_metrics(data, what, datasets)


def _parsed(raw: bytes) -> object:
    """Return JSON or YAML as plain data; of a model card its front matter.

    Raises:
        InvalidFormat: it is neither, or has a key twice.
    """
    if _is_yaml(raw):
        return _yaml(front_matter(raw) or raw)
    try:
        return json.loads(raw, object_pairs_hook=_unique, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise InvalidFormat(f"not JSON: {reason}") from None


def _is_yaml(raw: bytes) -> bool:
    """Whether the first line that is no comment is that of block YAML: an item of a list, a key, or the dashes."""
    lines = (line.strip() for line in raw[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return _YAML.match(first) is not None


def _yaml(raw: bytes) -> object:
    try:
        return strict_yaml.load(raw, what="", max_bytes=_MAX_YAML_BYTES, max_depth=_MAX_YAML_DEPTH)
    except InvalidFormat as error:
        raise InvalidFormat(error.message.removeprefix(": ")) from None


def _integer(digits: str) -> int | float:
    """Return an integer; one beyond the range of floats becomes infinite, so that an error names its metric."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidFormat(f"duplicate key {_first_twice(name for name, _ in pairs)!r}")
    return found


def find_metrics(data: object, what: str, datasets: Collection[str] = ()) -> FoundMetrics:
    """Return the metrics in plain data of any supported format.

    Raises:
        InvalidFormat: the format is unknown, or there is no metric, or a value is not a finite number.
    """
    try:
        found = _read(data, datasets)
        if not found.metrics:
            raise InvalidFormat(f"no metrics found in {_summary(data)}")
        _check_unique(found.metrics)
    except InvalidFormat as error:
        raise InvalidFormat(f"{what}: {error.message}", error.fix or SHAPES) from None
    return found


def _check_unique(metrics: tuple[Metric, ...]) -> None:
    if twice := _first_twice(map(label, metrics)):
        raise InvalidFormat(f"duplicate metric {twice}")


def _first_twice(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")


def _summary(data: object) -> str:
    """Describe data without metrics."""
    if isinstance(data, dict):
        names = ", ".join(map(repr, list(data)[:5]))
        return f"an object with {names}{', ...' if len(data) > 5 else ''}" if data else "an empty object"  # noqa: PLR2004
    if isinstance(data, list):
        return f"a list of {len(data)} items" if data else "an empty list"
    return json.dumps(data)[:40]


def _read(data: object, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics in `data`, read by the first format that matches."""
    if isinstance(data, list):
        return hugging_face.read_scores(data, datasets) if hugging_face.are_scores(data) else read_list(data, datasets)
    if not isinstance(data, dict):
        raise InvalidFormat(f"no metrics found in {_summary(data)}")
    for fits, read in _FORMATS:
        if fits(data):
            return read(data, datasets)
    return read_tree(data, datasets)


_FORMATS: tuple[tuple[Callable[[Document], bool], Callable[[Document, Collection[str]], FoundMetrics]], ...] = (
    (inspect_log.fits, inspect_log.read),
    (every_eval_ever.fits, every_eval_ever.read),
    (promptfoo.fits, promptfoo.read),
    (deepeval.fits, deepeval.read),
    (hugging_face.is_card, hugging_face.read_card),
    (lm_eval.fits, lm_eval.read),
    (mlflow.is_table, mlflow.read_table),
    (mlflow.is_evaluation, mlflow.read_evaluation),
    (mlflow.is_run, mlflow.read_run),
    (dvc.fits, dvc.read),
    (mlflow.has_metrics, mlflow.read_metrics),
    (classification_report.fits, classification_report.read),
)
