"""`mvc eval check`: the hook's judge over the workspace."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import typer

from mvc.cli.app import opened
from mvc.cli.arguments import Json, Paths
from mvc.cli.eval import eval_
from mvc.cli.output import Output, plural, print_json
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.check import Checked


@eval_.command("check")
def check(ctx: typer.Context, paths: Paths = None, json: Json = False) -> int:
    """Judge reports and pointers as they lie in the workspace, as the hook does with what is staged."""
    from mvc.ops.check import check as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.paths(paths or []), time.time())
        if json:
            print_json(result)
        else:
            _show(output, project, result)
    return 0 if result.passed else 1


def _show(output: Output, project: Project, result: Checked) -> None:
    from mvc.ops.lines import lines_from  # noqa: PLC0415
    from mvc.quality.render import explain_line, lines, notes  # noqa: PLC0415

    findings = lines_from(project, result.findings)
    for line in (*lines(findings), *notes(findings)):
        if not (output.quiet and line.startswith(("warning", "note"))):
            print(line, file=sys.stderr)
    count = sum(finding.severity == "error" for finding in result.findings)
    output.line(f"{plural(len(result.models), 'model')}: {plural(count, 'error') if count else 'nothing is wrong'}.")
    if count:
        output.line(f"Next: {explain_line(result.findings)}")
