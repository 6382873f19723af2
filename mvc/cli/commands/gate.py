"""`mvc gate`: judge what a merge would land; for CI."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli import failures
from mvc.cli.app import QUALITY, app, around
from mvc.cli.arguments import Json
from mvc.cli.output import Output, append_to_file, columns, plain, plural, write_file
from mvc.errors import MvcError, UsageError
from mvc.objects.visible import visible
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.judging.gate import GateOptions
    from mvc.quality.finding import Finding, Gated

FORMATS = ("text", "json", "md", "github", "sarif", "junit", "gitlab", "openmetrics", "in-toto")
_NOT_JUDGED = 3
_SHORT = 12
_MOST_OF_SUMMARY = 1 << 20
"""The most bytes that GitHub takes as the summary of a step; of a larger one it shows nothing."""


@app.command(rich_help_panel=QUALITY)
def gate(
    ctx: typer.Context,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REV", help="The branch to merge into."),
    ] = None,
    head: Annotated[str | None, typer.Option("--head", metavar="REV", help="The branch to merge.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Judge the whole tree of head, by its own policy.")] = False,
    remote: Annotated[
        str, typer.Option("-r", "--remote", metavar="NAME", help="Check that this remote has what the change needs."),
    ] = "",
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Compute metrics again from the predictions that reports name."),
    ] = False,
    form: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="Format of the verdict."),
    ] = "text",
    json: Json = False,
    explain_base: Annotated[
        bool, typer.Option("--explain-base", help="First print how base and head are found."),
    ] = False,
    file: Annotated[str, typer.Option("-o", metavar="FILE", help="Write it to FILE.")] = "",
    summary: Annotated[str, typer.Option("--summary", metavar="FILE", help="Append it to FILE as Markdown.")] = "",
) -> int:
    """Judge what merging head into base would land, from Git alone."""
    from mvc.ops.judging.gate import GateOptions  # noqa: PLC0415

    output: Output = ctx.obj
    form = "json" if json and form == "text" else form
    if form not in FORMATS or (json and form != "json"):
        raise UsageError(f"--format {form}: expected {', '.join(FORMATS)}, without --json", "mvc gate --format md")
    if "" in (base, head):  # an unset variable of a CI system
        raise UsageError("--base or --head is empty", "mvc gate --base origin/main --head HEAD")
    try:
        options = GateOptions(base or "", head or "", everything, remote, recompute, sha256=form == "in-toto")
        with _told_why(summary):
            quiet = form != "text" and not file
            result, here = _judge(output, options, quiet=quiet, explain_base=explain_base)
        if not result.judged:
            _warn_of_nothing(result)
        if file:
            write_file(file, _told(result._replace(findings=here) if form == "text" else result, form).encode())
        if summary:
            _append_to_summary(summary, result)
        if form == "text" or file:
            _show(output, result._replace(findings=here))
        else:
            print(_told(result, form), end="")
    except (MvcError, OSError):
        raise
    except Exception:  # noqa: BLE001 - a failure of the judge must not let a change pass
        failures.report_bug(sys.argv[1:])
        return _NOT_JUDGED
    return 0 if result.passed else 1


def _judge(
    output: Output, options: GateOptions, *, quiet: bool, explain_base: bool,
) -> tuple[Gated, tuple[Finding, ...]]:
    """Judge; also return the findings with paths and fixes for the current directory."""
    from mvc.ops.judging.gate import find_revisions  # noqa: PLC0415
    from mvc.ops.judging.gate import gate as run  # noqa: PLC0415
    from mvc.ops.shared.finding_lines import relative_findings  # noqa: PLC0415

    output = output._replace(quiet=True) if quiet else output
    with Project.discover(around(output)) as project:
        found = find_revisions(project, options)
        if explain_base:
            print(*map(visible, found.steps), sep="\n", file=sys.stderr)
        elif found.system == "" and not any([options.base, options.head, options.whole]):
            output.note(f"judging {visible('; '.join(found.steps))}")
        result = run(project, found, options, time.time())
        return result, relative_findings(project.shell, result.findings)


@contextmanager
def _told_why(summary: str) -> Iterator[None]:
    """Also write an error into the summary."""
    try:
        yield
    except Exception as error:
        if summary:
            _append_why(summary, error)
        raise


def _append_why(summary: str, error: Exception) -> None:
    from mvc.fs.files import as_error  # noqa: PLC0415
    from mvc.quality.render.markdown import render_error  # noqa: PLC0415

    known = as_error(error, "the gate") if isinstance(error, OSError) else error
    message, fix = (known.message, known.fix) if isinstance(known, MvcError) else (f"a bug in mvc: {error!r}", "")
    try:
        append_to_file(summary, render_error("The gate could not judge", message, fix).encode())
    except MvcError as failure:  # the error itself is more important
        failures.say(failure.message, failure.fix)


# Output.


def _append_to_summary(summary: str, result: Gated) -> None:
    before = os.path.getsize(summary) if os.path.isfile(summary) else 0
    append_to_file(summary, _markdown(result, before).encode())


def _warn_of_nothing(result: Gated) -> None:
    """Say it in any format and on stderr: the wrong revisions would pass for a verdict."""
    print(f"warning: {_verdict(result).removesuffix('.')}", file=sys.stderr)
    print(f"  try: mvc gate --all --head {result.head[:_SHORT]}", file=sys.stderr)


def _show(output: Output, result: Gated) -> None:
    from mvc.quality.render.text import notes, problems  # noqa: PLC0415

    for line in problems(result.findings, quiet=output.quiet):
        print(line, file=sys.stderr)
    table, slices = _table(result, everything=output.verbose)
    for line in (*notes(result.findings), *table):
        output.line(line)
    output.slices(slices, " without a finding")
    output.line(_verdict(result))


def _told(result: Gated, form: str) -> str:
    if form == "json":
        from mvc.quality.render.json_text import json_text  # noqa: PLC0415

        of_json = ("passed", "base", "head", "models", "findings", "judged")
        return json_text({key: plain(getattr(result, key)) for key in of_json})
    if form == "md":
        return _markdown(result)
    if form != "text":
        from mvc.quality.render.formats.every import RENDER  # noqa: PLC0415

        told = RENDER[form](result)
        return f"{told}{_verdict(result)}\n" if form == "github" else told  # people read its log, too
    from mvc.quality.render.text import render  # noqa: PLC0415

    table, _ = _table(result, everything=True)
    return "".join(f"{line}\n" for line in (*render(result.findings), *table, _verdict(result)))


def _markdown(result: Gated, before: int = 0) -> str:
    """Return Markdown that GitHub takes as a summary after `before` bytes of others."""
    from mvc.quality.render.review import render  # noqa: PLC0415

    return render(_verdict(result), result, _MOST_OF_SUMMARY - before)


def _table(result: Gated, *, everything: bool) -> tuple[list[str], int]:
    """Return the lines of the table; unless `everything`, without slices that pass, and how many these are."""
    from mvc.quality.render.table import HEADINGS, STRIKING, rows  # noqa: PLC0415

    found = [*rows(result.models, result.findings)]
    shown = [row for row in found if everything or not row.sliced or row.verdict in STRIKING]
    return columns([HEADINGS, *(tuple(map(visible, row)) for row in shown)]) if shown else [], len(found) - len(shown)


def _verdict(result: Gated) -> str:
    where = f"{result.base[:_SHORT]}..{result.head[:_SHORT]}" if result.base else f"all of {result.head[:_SHORT]}"
    errors = sum(finding.severity == "error" for finding in result.findings)
    others = len(result.findings) - errors
    if not result.judged:
        return f"Nothing was judged: {result.base[:_SHORT]} contains {result.head[:_SHORT]} already."
    noted = f", {plural(others, 'remark')}" if others else ""
    if errors:
        from mvc.quality.render.text import explain_line  # noqa: PLC0415

        return f"Gate failed: {where}, {plural(errors, 'error')}{noted}. Next: {explain_line(result.findings)}"
    return f"Gate passed: {where}, {_entered(result)}{noted}."


def _entered(result: Gated) -> str:
    """Return what the change brings: the models, and the rest."""
    entered = result.entered if result.base else result.entered._replace(files=0)  # not all of a whole tree
    kinds = [(entered.unreported, "without a report"), (entered.deleted, "deleted")]
    counted = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
    rest = (
        (entered.policy_files, "policy file"), (entered.workflows, "workflow file"),
        (entered.waived, "waived finding"), (entered.files, "other file"),
    )
    models = plural(len(result.models), "model") + (f" ({counted})" if counted else "")
    return ", ".join([models, *(plural(count, what) for count, what in rest if count)])


# Files.
