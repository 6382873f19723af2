"""What was read of the history, kept in mvc's directory of the repository: the next build reads only what is new.

The file is disposable: it has what objects of Git say, by their names.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from mvc.fs.tree import Tree
from mvc.ops.lifecycle.site.folder import write
from mvc.ops.shared.audit.history import Known, ModelHistory, read_history
from mvc.project import Project
from mvc.site.pages import Page

FILE = "site-history-1.json"
"""Its number is that of the format."""
_MAX_BYTES = 1 << 30


def history_of(project: Project) -> ModelHistory:
    """Return what the history says about models.

    Raises:
        MvcError: Git cannot read it.
    """
    known = _load(project)
    found = read_history(project, known)
    if found.known != known:
        with suppress(OSError), Tree(project.home) as tree:
            write(tree, Page.of(FILE, msgspec.json.encode(found.known)))
    return found


def _load(project: Project) -> Known:
    with suppress(OSError, msgspec.MsgspecError), Tree(project.home) as tree:
        return msgspec.json.decode(tree.read(FILE, _MAX_BYTES) or b"", type=Known)
    return Known()
