"""`mvc import`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import ELSEWHERE, Group, app, opened
from mvc.cli.arguments import Json
from mvc.cli.failures import say
from mvc.cli.output import FEW, Output, plain, plural, print_json, size, visible
from mvc.cli.show import show_saved
from mvc.errors import MvcError
from mvc.project import Project
from mvc.quality.files import SUFFIX

if TYPE_CHECKING:
    from mvc.ops.interop.dvc.import_dvc import ImportResult
    from mvc.ops.interop.hf.import_hf import HfImport
    from mvc.ops.interop.lfs.import_lfs import LfsImport
    from mvc.ops.interop.mlflow.import_mlflow import MlflowImport, ToReport
    from mvc.ops.reports.options import RecordOptions
    from mvc.ops.shared.failures import Failure
    from mvc.quality.reports.model_index import Reported

import_ = typer.Typer(cls=Group, rich_markup_mode=None, help="Track what another program tracks.")
app.add_typer(import_, name="import", rich_help_panel=ELSEWHERE)


@import_.command("dvc")
def dvc(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be imported.")] = False,
    all_commits: Annotated[bool, typer.Option("--all-commits", help="Also the content of all commits.")] = False,
    reports: Annotated[bool, typer.Option("--reports", help="Record DVC's metrics as reports.")] = False,
    json: Json = False,
) -> int:
    """Track what DVC tracks, verified by DVC's digests."""
    from mvc.ops.interop.dvc.import_dvc import ImportOptions  # noqa: PLC0415
    from mvc.ops.interop.dvc.import_dvc import import_dvc as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, ImportOptions(dry_run, all_commits))
        if not json:
            _show(output, project, result, dry_run=dry_run)
        recorded = _record(output, project, result, dry_run=dry_run) if reports else []
        if json:
            print_json({**plain(result), "reports": recorded})
        else:
            given = [name for name, on in (("--all-commits", all_commits), ("--reports", reports)) if on]
            _show_recorded(output, project, recorded, dry_run=dry_run)
            _show_next(output, project, result, " ".join(["mvc import dvc", *given]) if dry_run else "")
    return result.exit_code


@import_.command("lfs")
def lfs(
    ctx: typer.Context,
    patterns: Annotated[list[str] | None, typer.Argument(metavar="PATTERN", help="Only these paths.")] = None,
    json: Json = False,
) -> int:
    """Track what git-lfs tracks, verified by its SHA-256."""
    from mvc.ops.interop.lfs.import_lfs import import_lfs as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.paths(patterns or []))
        if json:
            print_json(result)
        else:
            _show_lfs(output, project, result)
    return result.exit_code


def _show_lfs(output: Output, project: Project, result: LfsImport) -> None:
    for item in output.few(result.imported):
        done = output.paint("imported", "green")
        output.line(f"{done} {visible(project.shell.show(item.path))} ({size(item.size)})")
    output.rest(result.imported, "path")
    if not result.imported and not result.failed:
        output.line("Everything that git-lfs tracks is imported already.")
    for path in output.few(result.in_git):
        output.note(f"note: {visible(project.shell.show(path))} was committed without git-lfs: Git has its content")
        line = f"{project.shell.line('git rm --cached --', path)} && {project.shell.line('mvc add', path)}"
        output.note(f"  try: {visible(line)}")
    _show_failed(output, result.failed)
    _show_commit(output, project, len(result.imported))


@import_.command("hf")
def hf(
    ctx: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A snapshot, or a repository in the cache.")],
    json: Json = False,
) -> int:
    """Track a snapshot of Hugging Face, verified by the names of its blobs."""
    from mvc.ops.interop.hf.import_hf import import_hf as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result, reported = run(project, folder)
        if not json:
            _show_hf(output, project, result)
        tag = _record_reported(output, project, result.path, reported) if reported.metrics and not result.failed else ""
        if json:
            print_json({**plain(result), "report": tag})
        else:
            _show_report(output, project, result.path, tag)
            _show_commit(output, project, int(result.changed))
    return result.exit_code


def _show_hf(output: Output, project: Project, result: HfImport) -> None:
    source = " ".join(text for text in (result.repository, result.revision[:12]) if text)
    amount = f"{plural(result.files, 'file')}, {size(result.size)}"
    done = output.paint("imported", "green") if result.changed else "unchanged"
    where = f" from {visible(source)}" if source else ""
    output.line(f"{done} {visible(project.shell.show(result.path))} ({amount}){where}")
    for name in output.few(result.edited):
        output.note(f"note: {visible(name)} differs from what was downloaded, and is tracked as it is")
    if result.unproven:
        output.note(f"note: nothing says what these files must hold: {visible(', '.join(output.few(result.unproven)))}")
    for text in output.few(result.left_out):
        output.note(f"note: not in the report: {visible(text)}")
    show_saved(output, project, result.saved)
    _show_failed(output, result.failed)


def _record_reported(output: Output, project: Project, path: str, reported: Reported) -> str:
    """Record the metrics of a model card, unless there is a report; return the tag of the new report, or nothing."""
    from mvc.ops.reports.options import RecordOptions  # noqa: PLC0415

    if project.tree.lstat(path + SUFFIX) is not None:
        output.note(f"note: {visible(project.shell.show(path))} has a report, which stays as it is")
        return ""
    options = RecordOptions(
        bump="major", data=reported.data, file_label="the model card", stated=reported.datasets,
        task=reported.task or None,
    )
    return _record_with(output, project, path, options, "mvc import hf")


@import_.command("mlflow")
def mlflow(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where it will be tracked.", show_default=False)],
    run: Annotated[str, typer.Option("--run", metavar="ID[/ARTIFACT]", help="An artifact of this run.")] = "",
    model: Annotated[
        str, typer.Option("--model", metavar="NAME[@ALIAS|/VERSION]", help="A registered model."),
    ] = "",
    json: Json = False,
) -> int:
    """Track a model of an MLflow server, with the metrics of its run."""
    from mvc.ops.interop.mlflow.import_mlflow import import_mlflow  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result, to_report = import_mlflow(project, run, model, path)
        if not json:
            _show_mlflow(output, project, result)
        tag = _record_run(output, project, result.path, to_report) if to_report else ""
        if json:
            left_out = to_report.reported.left_out if to_report else ()
            print_json({**plain(result), "left_out": left_out, "report": tag})
        else:
            _show_report(output, project, result.path, tag)
            _show_commit(output, project, int(result.changed))
    return result.exit_code


def _show_mlflow(output: Output, project: Project, result: MlflowImport) -> None:
    source = ", ".join(text for text in (result.model, result.run and f"run {result.run}") if text)
    amount = f"{plural(result.files, 'file')}, {size(result.size)}"
    done = output.paint("imported", "green") if result.changed else "unchanged"
    output.line(f"{done} {visible(project.shell.show(result.path))} ({amount}) from {visible(source)}")
    show_saved(output, project, result.saved)
    _show_failed(output, result.failed)


def _record_run(output: Output, project: Project, path: str, to_report: ToReport) -> str:
    """Record what a run says, unless there is a report; return the tag of the new report, or nothing."""
    from mvc.ops.reports.options import RecordOptions  # noqa: PLC0415

    if to_report.bump is None:
        output.note(f"note: {visible(project.shell.show(path))} has a report, which stays as it is")
        return ""
    found = to_report.reported
    for text in output.few(found.left_out):
        output.note(f"note: not in the report: {visible(text)}")
    options = RecordOptions(
        bump=to_report.bump, data=list(found.metrics) or None, file_label="the run", params=found.params,
        run=to_report.run, about_run=found.about,
    )
    return _record_with(output, project, path, options, "mvc import mlflow")


def _show(output: Output, project: Project, result: ImportResult, *, dry_run: bool) -> None:
    for item in output.few(result.imported):
        what = output.paint("would import" if dry_run else "imported", "green")
        files = f", {plural(item.files, 'file')}" if item.kind == "dir" else ""
        amount = "" if dry_run else f" ({size(item.size)}{files})"
        output.line(f"{what} {visible(project.shell.show(item.path))}{amount}")
    output.rest(result.imported, "path")
    if result.versions:
        would = "would be " if dry_run else ""
        output.line(f"{plural(result.versions, 'version')} of the history {would}imported")
    if not result.imported and not result.versions and not result.failed:
        output.line("Everything that DVC tracks is imported already.")
    for text in result.remarks:
        output.note(f"note: {visible(text)}")
    _show_failed(output, result.failed)


def _show_failed(output: Output, failed: tuple[Failure, ...]) -> None:
    for failure in output.few(failed):
        say(failure.message, failure.fix)
    if len(failed) > FEW and not output.verbose:
        say(f"... and {len(failed) - FEW:,} more failures (-v names them)")


def _record(output: Output, project: Project, result: ImportResult, *, dry_run: bool) -> list[dict[str, str]]:
    """Record the metrics of the models that have no report; return which, or which would be."""
    recorded = []
    for file, models in result.metrics:
        if len(models) != 1:
            which = f"of several outputs: {', '.join(models[:FEW])}" if models else "of no output that mvc tracks"
            shown = visible(project.shell.show(file))
            output.note(f"note: {shown} may be {which}; mvc eval record PATH --bump major --metrics FILE records it")
        elif project.tree.lstat(models[0] + SUFFIX) is None:
            tag = "" if dry_run else _record_one(output, project, models[0], file)
            if tag or dry_run:
                recorded.append({"path": models[0] + SUFFIX, "metrics": file, "tag": tag})
    return recorded


def _record_one(output: Output, project: Project, path: str, file: str) -> str:
    """Return the tag of the new report; empty if the metrics cannot be recorded."""
    from mvc.ops.reports.options import RecordOptions  # noqa: PLC0415

    options = RecordOptions(bump="major", file=project.shell.show(file))
    return _record_with(output, project, path, options, "mvc import dvc --reports")


def _record_with(output: Output, project: Project, path: str, options: RecordOptions, command: str) -> str:
    """Return the tag of the new report; empty if the metrics cannot be recorded."""
    from mvc.ops.reports.provenance import gather  # noqa: PLC0415
    from mvc.ops.reports.record import record  # noqa: PLC0415

    try:
        done = record(project, path, options, gather(project.git, command, None, time.time()))
    except MvcError as error:
        output.note(f"warning: {visible(error.message)}")
        if error.fix:
            output.note(f"  try: {visible(error.fix)}")
        return ""
    return done.report.tag


def _show_report(output: Output, project: Project, path: str, tag: str) -> None:
    if tag:
        file = visible(project.shell.show(path + SUFFIX))
        output.line(f"{output.paint('recorded', 'green')} {file} ({tag})")


def _show_recorded(output: Output, project: Project, recorded: list[dict[str, str]], *, dry_run: bool) -> None:
    for report in recorded:
        path, metrics = (visible(project.shell.show(report[key])) for key in ("path", "metrics"))
        if dry_run:
            output.line(f"would record {metrics} as {path}")
        else:
            output.line(f"{output.paint('recorded', 'green')} {path} ({report['tag']}, of {metrics})")


def _show_next(output: Output, project: Project, result: ImportResult, line: str) -> None:
    """Print what is to be done next: after a dry run, `line`."""
    if written := [item.path for item in result.imported if item.stage]:
        paths = ", ".join(visible(path) for path in output.few(written))
        output.line(f"Stages of dvc.yaml write {paths}: set cache: false there, so that DVC leaves them to mvc")
    if line:
        output.line(f"Next: {line}")
    else:
        _show_commit(output, project, len(result.imported))


def _show_commit(output: Output, project: Project, pointers: int) -> None:
    from mvc.scm.index import commit_line, has_staged  # noqa: PLC0415

    if has_staged(project.git, ":(top)"):
        output.line(f"Next: {commit_line(project.git, plural(pointers, 'pointer') if pointers else '')}")
