"""The hooks that judge a commit: `python -m mvc.hook pre-commit`. A program of its own, for it starts quickly.

Exit 0: it may be made; 1: there are findings; 3: it could not be judged. Git makes a commit only after a 0.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mvc.errors import MvcError
from mvc.objects.visible import visible

if TYPE_CHECKING:
    from mvc.quality.finding import Verdict
    from mvc.scm.index_changes import Index
    from mvc.scm.plumbing import Git, Layout

HOOKS = {"pre-commit": "commit", "pre-merge-commit": "merge"}
"""What each of them stops."""
_FINDINGS = 1
_USAGE = 2
_NOT_JUDGED = 3
_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run the hook that the first of `arguments` names; its exit code."""
    name = arguments[0] if arguments else ""
    if name not in HOOKS:
        _say(f"no hook that judges is called {name!r}; there are: {', '.join(HOOKS)}", "mvc help hooks")
        return _USAGE
    try:
        return _show(_findings(os.environ), HOOKS[name])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except MvcError as error:
        _say(error.message, error.fix)
    except OSError as error:
        _say(f"{os.fsdecode(error.filename or 'the system')}: {error.strerror}", "mvc doctor")
    except Exception as error:  # noqa: BLE001 - whatever happens, nothing passes because the judge failed
        from mvc.ops.shared.bug_log import write_bug_log  # noqa: PLC0415 - only a bug needs it

        _say(f"a bug in mvc: {error!r}", f"report it with the log: {write_bug_log(['hook', *arguments])}")
    _tell(f"The {HOOKS[name]} could not be judged, so it is refused.")
    return _NOT_JUDGED


def _findings(environ: Mapping[str, str]) -> Verdict:
    """Judge the index; lines to type are for the directory that `git commit` was typed in."""
    from mvc.scm.index_changes import in_hook  # noqa: PLC0415 - errors of imports are caught here, too
    from mvc.scm.plumbing import Git  # noqa: PLC0415

    ahead = _Ahead(Git(os.getcwd(), in_hook(environ)))
    ahead.start()
    _load_msgspec()
    from mvc.ops.judging.hook import judge_index  # noqa: PLC0415
    from mvc.ops.shared.finding_lines import relative_findings  # noqa: PLC0415
    from mvc.project import Project, Surroundings  # noqa: PLC0415
    from mvc.quality.finding import Verdict  # noqa: PLC0415

    layout, index = ahead.result()
    typed_in = os.path.join(layout.root, environ.get("GIT_PREFIX", ""))
    around = Surroundings(typed_in, environ, _user_config(environ))
    project = Project(layout, around, Git(layout.root, ahead.git.environ))
    verdict = judge_index(project, time.time(), index)  # never closed, so that nothing is written
    return Verdict(relative_findings(project.shell, verdict.findings))


class _Ahead(threading.Thread):
    """Has Git read the index while Python loads what judges it."""

    def __init__(self, git: Git) -> None:
        super().__init__(daemon=True)
        self.git = git
        self._found: tuple[Layout, Index] | BaseException = MvcError("Git was not asked")

    def run(self) -> None:
        """Find the repository and read its index."""
        from mvc.scm.index_changes import read_index  # noqa: PLC0415
        from mvc.scm.plumbing import find_layout  # noqa: PLC0415

        try:
            layout = find_layout(self.git)
            self._found = layout, read_index(self.git._replace(cwd=layout.root), layout.git_dir)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asks
            self._found = error

    def result(self) -> tuple[Layout, Index]:
        """Return where the repository lies, and its index."""
        self.join()
        if isinstance(self._found, BaseException):
            raise self._found
        return self._found


def _load_msgspec() -> None:
    """Import msgspec without `typing_extensions`, which takes 10 ms: it asks `typing` then, which says the same."""
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # Python's way to say: not there
        import msgspec  # noqa: F401, PLC0415

        del sys.modules["typing_extensions"]


def _user_config(environ: Mapping[str, str]) -> str:
    """Return the path of the user's config file. What platformdirs says of Linux, without its 9 ms."""
    if sys.platform == "linux":
        told = environ.get("XDG_CONFIG_HOME", "").strip()
        return f"{told if os.path.isabs(told) else os.path.expanduser('~/.config')}/mvc/config.yaml"
    from platformdirs import user_config_path  # noqa: PLC0415

    return str(user_config_path("mvc") / "config.yaml")


def _show(verdict: Verdict, what: str) -> int:
    from mvc.quality.render.text import explain_line, lines, notes  # noqa: PLC0415

    for line in (*lines(verdict.findings, "mvc eval check"), *notes(verdict.findings)):
        _tell(line)
    if verdict.passed:
        return 0
    _tell(f"The {what} is refused: {explain_line(verdict.findings)} says more.")
    return _FINDINGS


def _say(message: str, fix: str) -> None:
    _tell(f"error: {visible(message)}")
    if fix:
        _tell(f"  try: {visible(fix)}")


def _tell(line: str) -> None:
    with suppress(OSError, AttributeError):  # closed: nobody can be told; the exit code still says it
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    gc.disable()  # short-lived: looking for cycles is what takes time
    code = main(sys.argv[1:])
    os._exit(code)  # stderr is not buffered, and Python's own end takes 15 ms
