"""The local settings of Git by which it runs mvc to merge files. The command is never in a committed file."""

from __future__ import annotations

import os
import shlex
import sys

import mvc
from mvc.fs.scratch import Scratch
from mvc.project import Project
from mvc.scm.merging.local_settings import local_settings, set_locally

_PACKAGE = os.path.dirname(os.path.abspath(mvc.__file__))
_DONE, CONFLICT = 0, 3
"""Exit codes of the driver; with any other, such as that of a Python without mvc, Git merges the file as text."""

ANCESTORS = "--ancestors"
"""The option of the driver by which it merges common ancestors, as in a criss-cross merge."""


def settings() -> dict[str, str]:
    """Return the settings for this installation of mvc."""
    return {
        "merge.mvc.driver": _driver(),
        "merge.mvc.name": "pointers, reports and .gitignore files of mvc",
        "merge.mvc-ancestors.driver": _driver(ANCESTORS),
        "merge.mvc.recursive": "mvc-ancestors",
        "mergetool.mvc.cmd": f'{shlex.quote(sys.executable)} -E -P -m mvc hook run mergetool "$MERGED"',
        "mergetool.mvc.trustexitcode": "true",
    }


def _driver(*options: str) -> str:
    python, package = (shlex.quote(path).replace("%", "%%") for path in (sys.executable, _PACKAGE))
    module = " ".join(("mvc.cli.merge_driver", *options))
    return (
        f"code=1; if [ -x {python} ] && [ -d {package} ]; "
        f"then {python} -E -P -m {module} %O %A %B %L %P; code=$?; fi; "
        f"case $code in {_DONE}|{CONFLICT}) exit $code ;; esac; "
        "printf 'warning: mvc is gone, so Git merges %%s as text\\n' %P >&2; "
        "git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B"
    )


def missing_settings(project: Project) -> dict[str, str]:
    """Return the settings that the clone lacks, or has otherwise."""
    there = local_settings(project.git, r"^merge(tool)?\.mvc(-ancestors)?\.")
    return {name: value for name, value in settings().items() if there.get(name) != value}


def install_driver(project: Project) -> None:
    """Make Git run mvc to merge files; doing so again is harmless.

    Raises:
        MvcError: Git's settings cannot be written.
    """
    if missing := missing_settings(project):
        with Scratch(f"{project.home}/tmp") as scratch:
            set_locally(project.git, project.layout.common_dir, scratch, missing)
