"""The merge driver that Git runs: `python -m mvc.cli.merge_driver BASE OURS THEIRS SIZE PATH`, see gitattributes(5).

Exit 0: the file OURS has the result; 3: it has conflict markers. What mvc cannot merge is merged as text.
With `--ancestors`, OURS and THEIRS are common ancestors of what will be merged, and the result has no markers.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence

from mvc.cli import failures
from mvc.cli.output import visible
from mvc.errors import MvcError
from mvc.ops.merging.drive import merge_ancestors, merge_as_text, merge_file
from mvc.ops.shared.conflicts.outcome import Outcome, Texts
from mvc.ops.shared.merge_driver import ANCESTORS, CONFLICT
from mvc.project import Project
from mvc.scm.index_changes import in_hook
from mvc.scm.plumbing import Git, find_layout
from mvc.surroundings import surroundings
from mvc.utf8 import ensure_utf8


def main(arguments: Sequence[str]) -> int:
    """Merge the files BASE, OURS and THEIRS, which are versions of the file PATH, into OURS; return the exit code."""
    *options, base, ours, theirs, size, path = arguments
    merge = merge_ancestors if options == [ANCESTORS] else merge_file
    outcome = _merged(merge, path, Texts(*map(_read, (base, ours, theirs))), int(size))
    with open(ours, "wb") as file:
        file.write(outcome.raw)
    for line in outcome.lines:
        print(visible(line), file=sys.stderr)
    return 0 if outcome.clean else CONFLICT


def _merged(
    merge: Callable[[Project, str, Texts, int], Outcome], path: str, texts: Texts, size: int,
) -> Outcome:
    git = Git(os.getcwd(), in_hook(os.environ))
    try:
        layout = find_layout(git)
        typed_in = os.path.join(layout.root, os.environ.get("GIT_PREFIX", ""))
        around = surroundings(typed_in)._replace(command="mvc, for git merge")
        with Project(layout, around, git.at(layout.root)) as project:
            return merge(project, path, texts, size)
    except MvcError as error:
        failures.report(error)
    except OSError as error:
        failures.report_os_error(error)
    except Exception:  # noqa: BLE001 - a bug must not lose a side
        failures.report_bug(["merge-driver", *sys.argv[1:]])
    return merge_as_text(git, path, texts, size)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    ensure_utf8()
    gc.disable()  # short-lived: collecting cycles only takes time
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # Git and the shell end by themselves
        code = failures.INTERRUPTED
    os._exit(code)  # stderr is not buffered, and Python's normal exit takes 15 ms
