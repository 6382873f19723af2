"""`mvc export card`: a model card of Hugging Face from a version, and its scores in `.eval_results`."""

from __future__ import annotations

import os
import shlex
from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.files import UnsafePath, as_error, aside_line, open_regular
from mvc.objects.names import registered_name
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.read import files_at
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.project import Project
from mvc.quality.files import MAX_BYTES
from mvc.quality.render.eval_results import eval_results, is_score
from mvc.quality.render.model_card import Version, model_card
from mvc.quality.render.own_file import is_own
from mvc.quality.reports.report_document import parse_report

CARD = "README.md"
SCORES = ".eval_results/mvc.yaml"


class Card(NamedTuple):
    """Files to write, from the current directory."""

    files: dict[str, bytes]
    rev: str


def export_card(project: Project, reference: str) -> Card:
    """Return the card of a version, and its scores if the report has scores of benchmarks, for the current directory.

    Raises:
        UsageError: `reference` names no version, or one of the files exists and this command did not write it.
        MvcError: the version has no report.
    """
    rev, path = split_reference(project, reference, partial(is_path, project))
    if not rev:
        raise UsageError(f"{reference} is not a version", "mvc models  # lists names, with their versions")
    commit = resolve(project, rev)
    found = files_at(project, commit, path)
    if found is None:
        raise MvcError(f"{path} has no pointer at {rev}", f"mvc ls {shlex.quote(rev)}")
    if found.report is None:
        line = project.shell.line("mvc eval record", path)
        raise MvcError(f"{path} has no report at {rev}", f"{line} --bump major --metric NAME=NUMBER")
    report = parse_report(found.report, path)
    name, _, version = rev.partition("@")
    name = name if version else found.pointer.notes.name or registered_name(path)
    version = version or report.tag
    card = model_card(Version(name, version, commit, path, found.pointer, found.report_blake3), report)
    cwd, files = project.around.cwd, {CARD: card}
    if any(map(is_score, report.metrics)) or os.path.lexists(f"{cwd}/{SCORES}"):  # maybe those of another version
        files[SCORES] = eval_results(report)
    for file in files:
        _check_own(cwd, file)
    return Card(files, rev)


def _check_own(cwd: str, name: str) -> None:
    """Refuse to overwrite what this command did not write."""
    if (folder := os.path.dirname(name)) and os.path.islink(f"{cwd}/{folder}"):
        raise UsageError(f"{folder} is a symlink", f"{aside_line(folder)} && mvc export card NAME@VERSION")
    told = f"{name} exists, and mvc did not write it as it is"
    try:
        fd, _ = open_regular(f"{cwd}/{name}", None, name)
        with open(fd, "rb") as opened:
            if is_own(opened.read(MAX_BYTES)):
                return
    except FileNotFoundError:
        return
    except UnsafePath as error:  # a symlink may lead anywhere
        told = error.message
    except OSError as error:
        raise as_error(error, name) from None
    raise UsageError(told, f"{aside_line(name)} && mvc export card NAME@VERSION")
