"""The hooks that judge a commit: `python -m mvc.hook pre-commit`. A separate program, so that it starts quickly.

Exit 0: the commit is accepted; 1: there are findings; 3: it could not be judged. Git commits only after a 0.
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

from mvc.errors import MvcError, UsageError
from mvc.objects.visible import visible
from mvc.utf8 import ensure_utf8

if TYPE_CHECKING:
    from mvc.project import Project
    from mvc.quality.finding import Verdict
    from mvc.scm.index_changes import Index
    from mvc.scm.plumbing import Git, Layout

HOOKS = {"pre-commit": "commit", "pre-merge-commit": "merge", "no-raw-models": "commit", "lint": "commit"}
"""The hooks, and what each can refuse."""
_FINDINGS, _USAGE, _NOT_JUDGED, _INTERRUPTED = 1, 2, 3, 130


def main(arguments: Sequence[str]) -> int:
    """Run the hook NAME of `NAME [--range FROM TO]`, on the index or on these commits; return its exit code."""
    name, *rest = arguments or [""]
    if name not in HOOKS:
        _say(f"unknown hook {name!r}: expected {', '.join(HOOKS)}", "mvc help hooks")
        return _USAGE
    commits = (rest[1], rest[2]) if rest[:1] == ["--range"] else None
    try:
        return _show(_judged(name, commits, os.environ), HOOKS[name])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except MvcError as error:
        _say(error.message, error.fix)
        if isinstance(error, UsageError) and commits:
            return _USAGE
    except OSError as error:
        _say(f"{os.fsdecode(error.filename or 'the system')}: {error.strerror}", "mvc doctor")
    except Exception as error:  # noqa: BLE001 - a failure of the judge must not let a commit pass
        from mvc.ops.shared.bug_log import write_bug_log  # noqa: PLC0415 - only a bug needs it

        _say(f"a bug in mvc: {error!r}", f"report it with the log: {write_bug_log(['hook', *arguments])}")
    _tell(f"The {HOOKS[name]} could not be judged, and is refused.")
    return _NOT_JUDGED


def _judged(name: str, commits: tuple[str, str] | None, environ: Mapping[str, str]) -> Verdict:
    """Judge; fixes are relative to the directory where `git commit` was typed."""
    from mvc.scm.index_changes import in_hook  # noqa: PLC0415 - so that errors of imports are caught
    from mvc.scm.plumbing import Git, scrubbed  # noqa: PLC0415

    ahead = _Ahead(Git(os.getcwd(), scrubbed(environ) if commits else in_hook(environ)))
    ahead.start()
    _load_msgspec()
    from mvc.ops.judging.hook import judge_index, judge_range, only_part  # noqa: PLC0415
    from mvc.ops.shared.finding_lines import relative_findings  # noqa: PLC0415
    from mvc.project import Project, Surroundings  # noqa: PLC0415
    from mvc.quality.finding import Verdict  # noqa: PLC0415

    layout, index = ahead.result()
    typed_in = os.path.join(layout.root, environ.get("GIT_PREFIX", ""))
    around = Surroundings(typed_in, environ, _user_config(environ))
    project = Project(layout, around, ahead.git.at(layout.root))  # never closed, so that nothing is written
    verdict = judge_range(project, *commits, time.time()) if commits else judge_index(project, time.time(), index)
    if name == "pre-commit" and verdict.passed and not commits and _may_write(environ):
        _follow(project, index)
    if name == "pre-commit" and verdict.passed and environ.get("GIT_INDEX_FILE", "").endswith("index.lock"):
        from mvc.ops.workspace.planning.unadded import unadded_note  # noqa: PLC0415 - only for `git commit -a`

        _tell(unadded_note(project, index.entries), end="")
    return Verdict(relative_findings(project.shell, only_part(verdict, name).findings))


def _may_write(environ: Mapping[str, str]) -> bool:
    """Whether files may change: not under the framework pre-commit, nor if only some paths are committed."""
    return "PRE_COMMIT" not in environ and "next-index" not in environ.get("GIT_INDEX_FILE", "")


def _follow(project: Project, index: Index) -> None:
    """Clear what `git rm` or `git mv` of a pointer left."""
    if any(path.endswith(".mvc") and change.mode == "000000" for path, change in index.changes.items()):
        from mvc.ops.workspace.removals import follow_removals  # noqa: PLC0415 - few commits need it

        try:
            with project:
                failed = [(item.message, item.fix) for item in follow_removals(project, index)]
        except (MvcError, OSError) as error:
            failed = [(str(error), "mvc status")]
        for message, fix in failed:
            _tell(f"warning: {visible(message)}\n  try: {visible(fix)}")


class _Ahead(threading.Thread):
    """Lets Git read the index while Python imports the judge."""

    def __init__(self, git: Git) -> None:
        super().__init__(daemon=True)
        self.git = git
        self._found: tuple[Layout, Index] | BaseException = MvcError("Git was not asked")

    def run(self) -> None:
        """Find the repository, and read its index."""
        from mvc.scm.index_changes import read_index  # noqa: PLC0415
        from mvc.scm.plumbing import find_layout  # noqa: PLC0415

        try:
            layout = find_layout(self.git)
            self._found = layout, read_index(self.git.at(layout.root), layout.git_dir)
        except BaseException as error:  # noqa: BLE001 - raised in the calling thread
            self._found = error

    def result(self) -> tuple[Layout, Index]:
        self.join()
        if isinstance(self._found, BaseException):
            raise self._found
        return self._found


def _load_msgspec() -> None:
    """Import msgspec without `typing_extensions`, which takes 10 ms; msgspec then uses `typing`, which suffices."""
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # marks the module as absent
        try:
            import msgspec  # noqa: F401, PLC0415
        finally:
            del sys.modules["typing_extensions"]


def _user_config(environ: Mapping[str, str]) -> str:
    """Return the path of the user's config file. On Linux without platformdirs, which takes 9 ms."""
    if sys.platform == "linux":
        folder = environ.get("XDG_CONFIG_HOME", "").strip()
        return f"{folder if os.path.isabs(folder) else os.path.expanduser('~/.config')}/mvc/config.yaml"
    from platformdirs import user_config_path  # noqa: PLC0415

    return str(user_config_path("mvc") / "config.yaml")


def _show(verdict: Verdict, what: str) -> int:
    from mvc.quality.render.text import explain_line, render  # noqa: PLC0415

    for line in render(verdict.findings, "mvc eval check"):
        _tell(line)
    if verdict.passed:
        return 0
    _tell(f"The {what} is refused. Next: {explain_line(verdict.findings)}")
    return _FINDINGS


def _say(message: str, fix: str) -> None:
    _tell(f"error: {visible(message)}")
    if fix:
        _tell(f"  try: {visible(fix)}")


def _tell(line: str, end: str = "\n") -> None:
    with suppress(OSError, AttributeError):  # stderr is closed; the exit code remains
        sys.stderr.write(f"{line}{end}")


if __name__ == "__main__":
    ensure_utf8()
    gc.disable()  # short-lived: collecting cycles only takes time
    code = main(sys.argv[1:])
    os._exit(code)  # stderr is not buffered, and Python's normal exit takes 15 ms
