"""Cases about taking over what DVC tracks, beside `mvc add` of the same files."""

from __future__ import annotations

from benchmarks.case import Case
from benchmarks.material import quietly
from benchmarks.prepare import Place, Step, nothing, with_directory, without
from benchmarks.tools import FROM_DVC, Tool, filled

_FILES = with_directory(10_000, 10 << 10)


def _of_dvc(*more: Step) -> Step:
    """Return how to make a repository with the files; for the import, DVC tracks them, and `more` is done."""

    def make(tool: Tool, place: Place) -> None:
        _FILES(tool, place)
        if tool.name == FROM_DVC.name:
            for line in ("dvc init -q", "dvc add -q d", "git add -A", "git commit -q -m dvc"):
                quietly(line.split(), place.repository, place.environ)
            for step in more:
                step(tool, place)

    return make


def _add(tool: Tool, place: Place) -> list[str]:
    del place
    return filled(tool.jobs["add"], ["d"])


_CASE = Case(
    "import dvc, 10,000 x 10 KiB", ("mvc",), nothing, _of_dvc(), _add, ratios=(("mvc", 2.0),), memory=300,
    subject=FROM_DVC.name,
)
IMPORTS = (
    _CASE,
    _CASE._replace(name="import dvc, 10,000 x 10 KiB in DVC's cache only", renew=_of_dvc(without("d")), ratios=()),
)
