"""Names and limits of reports, signatures and policy files. This module loads nothing else."""

from __future__ import annotations

import re
from typing import NamedTuple

SUFFIX = ".eval.yaml"
"""The ending of a report, after the tracked path."""
SIGNATURES = ".sig"
"""The ending of a signature file, after the name of a report or policy file."""
POLICY = ".mvc/policy.yaml"
SIGNERS = ".mvc/allowed_signers"
REVOKED = ".mvc/revoked_signers"
WAIVERS = ".mvc/waivers.yaml"
MAX_BYTES = 1 << 20
"""Largest report in bytes."""

REGULAR = ("100644", "100755")
"""Modes of regular files."""
SYMLINK = "120000"
SUBMODULE = "160000"
_KINDS = {SYMLINK: "a symlink", "040000": "a directory", SUBMODULE: "a submodule"}


class FileAt(NamedTuple):
    """A file of the judged tree."""

    mode: str
    """Octal, as Git writes it: `100644`."""
    raw: bytes
    oid: str = ""
    """Its blob; empty when it is not from Git."""
    conflicted: bool = False
    """Whether the index has several stages of it."""

    @property
    def is_regular(self) -> bool:
        """Whether it is a regular file, and not in conflict."""
        return self.mode.startswith("100") and not self.conflicted

    @property
    def irregular_kind(self) -> str:
        """Such as `a symlink`; empty for a regular file."""
        return "" if self.mode.startswith("100") else _KINDS.get(self.mode, f"of mode {self.mode}")

    @property
    def has_conflict_marks(self) -> bool:
        """Whether it has any conflict marker of Git."""
        return has_conflict_marks(self.raw)


class ModelFiles(NamedTuple):
    """The two files that a version of a model has in Git."""

    pointer: FileAt | None
    report: FileAt | None


def has_conflict_marks(raw: bytes) -> bool:
    """Whether a file has any conflict marker of Git."""
    return re.search(rb"^(?:<{7}|={7}|>{7})(?: |\r?$)", raw, re.MULTILINE) is not None
