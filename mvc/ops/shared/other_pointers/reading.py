"""Reads files of DVC and pointers of git-lfs, as pointers of the paths that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from posixpath import dirname, join

from mvc.errors import InvalidFormat
from mvc.objects import lfs
from mvc.objects.dvc.names import SUFFIX
from mvc.objects.dvc.outs import MAX_BYTES, Pipeline, read_dvc_file, read_lock, read_pipeline
from mvc.objects.parsing.strict_yaml import load
from mvc.quality.judge import fixes
from mvc.quality.pointer_files import OtherPointer, pipeline_of

_MAX_DEPTH = 64
"""Variables and parameters of a `dvc.yaml` are nested."""


def of_lfs(path: str, raw: bytes, *, executable: bool = False) -> OtherPointer:
    """Return what the pointer of git-lfs at `path` says."""
    try:
        found = lfs.parse(raw, path)
    except InvalidFormat as error:
        return OtherPointer(path, problem=error.message)
    if found.extensions:
        names = ", ".join(found.extensions)
        return OtherPointer(path, problem=f"{path}: extensions of git-lfs change the content: {names}")
    return OtherPointer(path, f"sha256:{found.sha256}", found.size, executable)


_PLAIN = re.compile(
    rb"outs:\n- md5: ([0-9a-f]{32}(?:\.dir)?)\n  size: [0-9]{1,18}\n(?:  nfiles: [0-9]{1,18}\n)?"
    rb"(  hash: md5\n)?  path: ([A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*)\n",
)
"""A `.dvc` file as DVC writes most: YAML takes a hundred times longer."""


def of_dvc(path: str, raw: bytes, pipeline: bytes | None = None) -> Iterator[tuple[str, OtherPointer]]:
    """Yield the outputs that the file of DVC at `path` has, each with its path; `pipeline` is the `dvc.yaml` beside it.

    What cannot be read is a pointer with a problem, at the path of the file without `.dvc`.
    """
    if not pipeline_of(path) and (plain := _PLAIN.fullmatch(raw)):
        text, name = plain[1].decode(), join(dirname(path), plain[3].decode())
        yield name, OtherPointer(path, f"md5:{'' if plain[2] else 'dos2unix-'}{text}")
        return
    try:
        if beside := pipeline_of(path):
            outs = read_lock(path, _read(path, raw), _pipeline(beside, b"{}" if pipeline is None else pipeline))
        else:
            outs = read_dvc_file(path, _read(path, raw))
    except InvalidFormat as error:
        yield path.removesuffix(SUFFIX), OtherPointer(path, problem=error.message, fix=error.fix)
        return
    for out in outs:
        if out.digest is None:
            yield path.removesuffix(SUFFIX), OtherPointer(path, problem=f"{path}: {out.path}: {out.problem}")
        else:
            old = "dos2unix-" if out.digest.text else ""
            yield out.path, OtherPointer(path, f"md5:{old}{out.digest.name}", exec=out.exec)


def _read(path: str, raw: bytes) -> bytes:
    """Return what was read of a file of DVC.

    Raises:
        InvalidFormat: nothing was.
    """
    if not raw:
        raise InvalidFormat(f"{path}: it is empty, or larger than 1 MiB")
    return raw


@lru_cache(maxsize=64)
def _pipeline(path: str, raw: bytes) -> Pipeline:
    """Return what a `dvc.yaml` says.

    Raises:
        InvalidFormat: it does not say where its outputs are.
    """
    try:
        _check_directories(path, _read(path, raw))
        return read_pipeline(path, raw)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, fixes.stage_fixed(path)) from None


def _check_directories(path: str, raw: bytes) -> None:
    """Check that the stages of a `dvc.yaml` say where they run, without variables: outputs are relative to it.

    Raises:
        InvalidFormat: one does not.
    """
    data = load(raw, what=path, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
    stages = data.get("stages") if isinstance(data, dict) else None
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        parts = (stage, stage.get("do")) if isinstance(stage, dict) else ()
        if any(isinstance(part, dict) and "${" in str(part.get("wdir")) for part in parts):
            raise InvalidFormat(f"{path}: wdir of the stage {name} has a variable")


def joined(found: Sequence[OtherPointer], own: str = "") -> OtherPointer:
    """Return the one pointer of a path, or that there are several; `own` is a pointer of mvc, if it has one."""
    files = [*([own] if own else []), *(item.file for item in found)]
    if len(files) == 1:
        return found[0]
    problem = f"several pointers name it: {', '.join(sorted(files))}"
    return OtherPointer(files[-1], problem=problem, fix=_left_to_one(found[-1].file, own))


def _left_to_one(file: str, own: str) -> str:
    if pipeline := pipeline_of(file):
        return fixes.stage(pipeline, "with cache: false for it there")
    return fixes.untrack(file, "if mvc is to keep it" if own else "")
