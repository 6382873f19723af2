"""The metrics that a snapshot of Hugging Face has: of its model card, and in `.eval_results`."""

from __future__ import annotations

from mvc.errors import InvalidFormat
from mvc.objects.parsing.strict_yaml import load
from mvc.ops.interop.hf.snapshot import Snapshot, SnapshotFile
from mvc.quality.reports.model_index import Reported, front_matter, joined, read_eval_results, read_model_index

CARD = "README.md"
_RESULTS = ".eval_results/"
_MOST = 4 << 20
_DEPTH = 16


def reported_in(snapshot: Snapshot) -> Reported:
    """Return the metrics; a file that cannot be read is among what is left out."""
    found = []
    for file in snapshot.files:
        is_result = file.name.startswith(_RESULTS) and file.name.endswith((".yaml", ".yml"))
        if file.name == CARD or is_result:
            try:
                found.append(_read(file, is_result=is_result))
            except InvalidFormat as error:
                found.append(Reported(left_out=(error.message,)))
    return joined(found)


def _read(file: SnapshotFile, *, is_result: bool) -> Reported:
    with open(file.path, "rb") as opened:
        raw = opened.read(_MOST + 1)
    if is_result:
        return read_eval_results(_load(raw, file.name), file.name)
    data = _load(front_matter(raw), file.name)
    return read_model_index(data.get("model-index") if isinstance(data, dict) else None, file.name)


def _load(raw: bytes, what: str) -> object:
    return load(raw, what=what, max_bytes=_MOST, max_depth=_DEPTH) if raw.strip() else None
