"""A `.dvc` file, as DVC 3 writes it: https://dvc.org/doc/user-guide/project-structure/dvc-files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator

from mvc.errors import InvalidFormat
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.parsing import strict_yaml
from mvc.objects.pointer import Notes, Pointer, quote

_MOST = 1 << 16


def emit_dvc_file(path: str, digest: DvcDigest, pointer: Pointer) -> bytes:
    """Return the `.dvc` file of the output at `path`, with the content and the notes of `pointer`."""
    lines = [f"md5: {quote(digest.name)}", f"size: {pointer.total}"]
    if pointer.kind == "dir":
        lines.append(f"nfiles: {pointer.files}")
    lines += ["hash: md5", f"path: {quote(posixpath.basename(path))}"]
    if pointer.exec:
        lines.append("isexec: true")
    lines += _notes(pointer.notes)
    return ("outs:\n- " + "\n  ".join(lines) + "\n").encode()


def _notes(notes: Notes) -> Iterator[str]:
    """Yield the notes that an import from DVC would keep."""
    labels = dict(notes.labels)
    if notes.desc:
        yield f"desc: {quote(notes.desc)}"
    for key in ("type", "remote"):
        if text := labels.get(f"dvc.{key}"):
            yield f"{key}: {quote(text)}"
    if text := labels.get("dvc.labels"):
        yield f"labels: [{', '.join(map(quote, text.split(', ')))}]"
    if (text := labels.get("dvc.meta", "")) and _is_plain(text):
        yield f"meta: {text}"


def _is_plain(text: str) -> bool:
    """Whether a text is a mapping both in JSON and in YAML, on one line."""
    try:
        data = json.loads(text)
        return isinstance(data, dict) and strict_yaml.load(text.encode(), what="meta", max_bytes=_MOST) == data
    except (ValueError, RecursionError, InvalidFormat):
        return False
