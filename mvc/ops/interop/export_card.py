"""`mvc export card`: a model card of Hugging Face from a version."""

from __future__ import annotations

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
from mvc.quality.render.model_card import Version, is_own, model_card
from mvc.quality.reports.report_document import parse_report

CARD = "README.md"


class Card(NamedTuple):
    """A card to write."""

    file: str
    """Absolute."""
    content: bytes
    rev: str


def export_card(project: Project, reference: str) -> Card:
    """Return the card of a version, for README.md in the current directory.

    Raises:
        UsageError: `reference` names no version, or there is a README.md that this command did not write.
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
    return Card(_target(project), card, rev)


def _target(project: Project) -> str:
    file, told = f"{project.around.cwd}/{CARD}", f"{CARD} exists, and mvc did not write it as it is"
    try:
        fd, _ = open_regular(file, None, CARD)
        with open(fd, "rb") as opened:
            if is_own(opened.read(MAX_BYTES)):
                return file
    except FileNotFoundError:
        return file
    except UnsafePath as error:  # a symlink may lead anywhere
        told = error.message
    except OSError as error:
        raise as_error(error, CARD) from None
    raise UsageError(told, f"{aside_line(CARD)} && mvc export card NAME@VERSION")
