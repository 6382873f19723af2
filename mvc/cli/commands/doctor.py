"""`mvc doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import SETTINGS, app, around
from mvc.cli.failures import say
from mvc.cli.output import Output, columns, plural, print_json, size, visible

if TYPE_CHECKING:
    from mvc.ops.doctor.examination import Examination
    from mvc.ops.shared.hook_scripts import Hooks


@app.command(rich_help_panel=SETTINGS)
def doctor(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Check this installation and repository, and suggest fixes. Exit 1 if there are problems."""
    from mvc.ops.doctor.examination import examine  # noqa: PLC0415

    output: Output = ctx.obj
    report = examine(around(output))
    if json:
        print_json(report)
    else:
        _show(output, report)
    return 1 if report.problems else 0


def _show(output: Output, report: Examination) -> None:
    for line in columns(_rows(report)):
        output.line(visible(line))
    for problem in report.problems:
        say(problem.message, problem.fix)
    output.line(f"{plural(len(report.problems), 'problem')}." if report.problems else "No problems found.")


def _rows(report: Examination) -> list[tuple[str, str]]:
    versions, paths = report.versions, report.repository
    rows = [
        ("versions", f"mvc {versions.mvc}, Python {versions.python}, Git {versions.git}, SQLite {versions.sqlite}"),
        ("system", versions.platform),
    ]
    if paths is None:
        return [*rows, ("repository", "none")]
    rows.append(("repository", paths.root if paths.set_up else f"{paths.root} (mvc is not set up: mvc init)"))
    if paths.cache:
        rows.append(("cache", f"{paths.cache} (shared with the group {paths.group})" if paths.group else paths.cache))
    rows.append(("catalog", paths.catalog))
    if links := report.links:
        rows.append(("links", f"{links.chosen} (cache.link is {links.setting}; {', '.join(links.working)} work here)"))
    if hooks := report.hooks:
        rows.append(("hooks", _hooks(hooks)))
    rows += [("lock", f"{lock.path}: {lock.holder}") for lock in report.locks]
    rows += [("disk", f"{size(disk.free)} of {size(disk.total)} free at {disk.path}") for disk in report.disks]
    return rows


def _hooks(hooks: Hooks) -> str:
    """Return the state of the hooks; if they differ, each state with its hooks."""
    states = dict.fromkeys(hook.state for hook in hooks.hooks)
    named = {state: [hook.name for hook in hooks.hooks if hook.state == state] for state in states}
    parts = [state if len(states) == 1 else f"{state}: {', '.join(names)}" for state, names in named.items()]
    notes = ["" if hooks.own else "not this repository's own", "" if hooks.wanted else "hooks.enabled is false"]
    return f"{'; '.join(parts)} ({', '.join(filter(None, [hooks.folder, *notes]))})"
