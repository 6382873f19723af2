"""The Python API."""

from __future__ import annotations

import os
import shlex
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mvc.errors import MvcError, UsageError
from mvc.ops.remotes.content import Content, ContentReference, parse_reference
from mvc.ops.shared.checkout import CheckoutOptions, CheckoutResult
from mvc.ops.workspace.add import AddOptions, AddResult, add
from mvc.ops.workspace.checkout import checkout
from mvc.ops.workspace.mv import MoveResult, move
from mvc.ops.workspace.reading.diff import Diff, diff
from mvc.ops.workspace.reading.status import Status, status
from mvc.ops.workspace.rm import RemoveResult, remove
from mvc.ops.workspace.unprotect import UnprotectResult, unprotect
from mvc.project import Project as _Project
from mvc.project import Surroundings
from mvc.surroundings import surroundings

if TYPE_CHECKING:
    from mvc.ops.reports.cross_validation import CrossValidation
    from mvc.ops.reports.options import RecordOptions
    from mvc.ops.reports.provenance import Provenance
    from mvc.ops.reports.record import Recorded
    from mvc.quality.reports.report import Parameter, Report
    from mvc.quality.reports.tags import Bump
    from mvc.runtime.predictor import Predictor

__all__ = [
    "AddResult",
    "CheckoutResult",
    "Diff",
    "MoveResult",
    "Project",
    "RemoveResult",
    "Status",
    "UnprotectResult",
    "surroundings",
]


def _around(start: str | os.PathLike[str] = ".") -> Surroundings:
    """Return what surrounds this process; what an answer may lack is a warning."""
    def warn(text: str, fix: str) -> None:
        warnings.warn(f"{text}; {fix}" if fix else text, stacklevel=2)

    return surroundings(start)._replace(remark=warn)


class Project:
    """A Git worktree in which mvc is set up.

    Paths are relative to `start` of `find`, or absolute. Errors are `mvc.MvcError`: `message`
    is the problem, `fix` the command to type. Use it as a context manager, or `close` it.
    """

    def __init__(self, project: _Project) -> None:
        self._project = project

    @classmethod
    def find(cls, start: str | os.PathLike[str] = ".") -> Project:
        """Return the project that contains the directory `start`.

        Raises:
            MvcError: it is not in a Git worktree, or mvc is not set up there.
        """
        return cls(_Project.find(_around(start)))

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._project.close()

    @property
    def root(self) -> str:
        """Top of the worktree."""
        return self._project.root

    def add(
        self,
        *paths: str,
        desc: str | None = None,
        name: str | None = None,
        force: bool = False,
        stage: bool = True,
        follow_symlinks: bool = False,
        update: bool = False,
    ) -> AddResult:
        """Store files and directories in the cache; write and stage their pointers.

        With `update`, all tracked paths that changed, instead of `paths`. A path that fails is in the result's
        `failed`; the others are added.
        """
        options = AddOptions(desc, name, force, stage, follow_symlinks, update=update)
        return add(self._project, self._project.shell.paths(paths), options)

    def status(self, *paths: str) -> Status:
        """Return the state of the tracked `paths`, or of everything."""
        return status(self._project, self._project.shell.paths(paths))

    def checkout(
        self, *paths: str, rev: str | None = None, force: bool = False, relink: bool = False,
    ) -> CheckoutResult:
        """Make the workspace match the pointers; with `rev`, restore the pointers of that revision first.

        What fails is in the result's `failed`; the rest is done.
        """
        return checkout(self._project, self._project.shell.paths(paths), rev, CheckoutOptions(force, relink))

    def mv(self, source: str, target: str) -> MoveResult:
        """Move the tracked paths at or below `source` to `target`, or into that directory."""
        project = self._project
        return move(project, project.shell.path(source), project.shell.path(target), into=target.endswith("/"))

    def rm(self, *paths: str, keep: bool = False) -> RemoveResult:
        """Stop tracking `paths`, and delete their content if the cache has it, unless `keep` is set.

        What fails is in the result's `failed`; the rest is done.
        """
        return remove(self._project, self._project.shell.paths(paths), keep=keep)

    def unprotect(self, *paths: str) -> UnprotectResult:
        """Make files that share their content with the cache writable, each with its own copy.

        What fails is in the result's `failed`; the rest is done.
        """
        return unprotect(self._project, self._project.shell.paths(paths))

    def diff(self, *revisions: str, paths: Iterable[str] = ()) -> Diff:
        """Return what differs: HEAD to workspace, a revision to workspace, or between two revisions."""
        return diff(self._project, revisions, self._project.shell.paths(paths))


def open_content(reference: str, rev: str | None = None, remote: str | None = None) -> BinaryIO:
    """Return a binary file object of a tracked file's content: `mvc.open`.

    `reference` is a path, `REV:path`, a version or a stage; `rev` a revision. What the cache lacks is streamed from
    the remote without fetching all of it. Content that is read in order to its end is verified; damage raises an error.

    Raises:
        MvcError: there is no such content, or it is not available.
    """
    keep = ExitStack()
    try:
        project = keep.enter_context(_Project.find(_around()))
        return Content(project, parse_reference(project, reference, rev, remote)).open(keep)
    except BaseException:
        keep.close()
        raise


def path(reference: str, rev: str | None = None, remote: str | None = None, *, signed: bool = False) -> Path:
    """Return a path on disk of a tracked file or directory, fetched if needed: in the workspace, or a read-only copy.

    `reference` is a path, `REV:path`, a version or a stage; `rev` a revision. `signed` demands a version or a stage
    whose tags are signed by keys of the default branch's `.mvc/allowed_signers`; the returned file is never that of
    the workspace, and all of it was compared with its BLAKE3.

    Raises:
        MvcError: there is no such content, it is not available, or a signature does not count.
    """
    with _Project.find(_around()) as project:
        if not signed:
            return Path(Content(project, parse_reference(project, reference, rev, remote)).path())
        from mvc.ops.shared.versions.tag_signatures import signed_version  # noqa: PLC0415 - import time

        found = signed_version(project, reference, time.time())
        return Path(Content(project, ContentReference(found.path, found.commit, remote)).proven_path())


def record(  # noqa: PLR0913 - one for each option of the command
    model: str,
    *,
    tag: str = "",
    bump: Bump | None = None,
    metrics: object = None,
    dataset: Mapping[str, str] | None = None,
    train: Iterable[str] = (),
    with_: Iterable[str] = (),
    from_: Iterable[str] = (),
    artifacts: Iterable[str] = (),
    params: Mapping[str, Parameter] | None = None,
    task: str | None = None,
    desc: str | None = None,
    higher_is_better: Iterable[str] = (),
    lower_is_better: Iterable[str] = (),
    stage: bool = True,
) -> Recorded:
    """Write and stage the evaluation report of `model`, bound to its present content.

    `metrics` has any form that a file with metrics may have, such as `{"auc": 0.93}`; `dataset` has paths by id.
    `with_` has other files of the evaluation, such as a tokenizer; `from_` what the model was derived from, as REFs;
    `artifacts` files that the evaluation wrote, such as pictures. Problems that do not prevent the report are in the
    result's `remarks`.

    Raises:
        MvcError: there is no such model, or the report cannot be written.
    """
    with _Project.find(_around()) as project:
        options = _options(
            project, tag=tag, bump=bump, dataset=dataset, train=train, with_=with_, from_=from_, artifacts=artifacts,
            params=params, task=task, desc=desc, stage=stage,
        )._replace(data=_plain(metrics), higher=tuple(higher_is_better), lower=tuple(lower_is_better))
        return _record(project, model, options)


def _options(  # noqa: PLR0913 - as `record`
    project: _Project,
    *,
    tag: str,
    bump: Bump | None,
    dataset: Mapping[str, str] | None,
    train: Iterable[str],
    with_: Iterable[str],
    from_: Iterable[str],
    artifacts: Iterable[str],
    params: Mapping[str, Parameter] | None,
    task: str | None,
    desc: str | None,
    stage: bool,
) -> RecordOptions:
    from mvc.ops.reports.options import RecordOptions  # noqa: PLC0415 - import time

    return RecordOptions(
        tag,
        bump,
        artifacts=tuple(project.shell.paths(artifacts)),
        datasets=tuple((name, project.shell.path(path)) for name, path in (dataset or {}).items()),
        train=tuple(project.shell.paths(train)),
        together=tuple(project.shell.paths(with_)),
        sources=tuple(from_),
        params=tuple((params or {}).items()),
        task=task,
        desc=desc,
        stage=stage,
    )


def _provenance(project: _Project) -> Provenance:
    from mvc.ops.reports.provenance import gather, here  # noqa: PLC0415 - import time

    scripts = [os.path.abspath(name) for name in sys.argv[:1]]
    return gather(project.git, _command(), here(evaluating=True), time.time(), scripts)


def _record(project: _Project, model: str, options: RecordOptions) -> Recorded:
    from mvc.ops.reports.record import record  # noqa: PLC0415 - import time

    return record(project, project.shell.path(model), options, _provenance(project))


def evaluate(  # noqa: PLR0913 - as `record`
    estimator: object,
    X: object,  # noqa: N803 - as scikit-learn calls it
    y: object,
    *,
    model: str,
    cv: object = 5,
    predictions: str = "",
    slices: Mapping[str, object] | None = None,
    tag: str = "",
    bump: Bump | None = None,
    dataset: Mapping[str, str] | None = None,
    train: Iterable[str] = (),
    with_: Iterable[str] = (),
    from_: Iterable[str] = (),
    artifacts: Iterable[str] = (),
    params: Mapping[str, Parameter] | None = None,
    task: str | None = None,
    desc: str | None = None,
    stage: bool = True,
) -> Recorded:
    """Cross-validate an estimator of scikit-learn, and record its metrics as the report of `model`.

    `model` is the tracked file that the estimator, trained on all rows, was written to. `cv` is the number of folds,
    or a splitter of scikit-learn. The metrics are means over folds; with `predictions`, a file to write, those of the
    predictions of each row by the estimator that was trained without it, also for each value of the columns in
    `slices`. That file is tracked, and named in the report. `dataset` has the path of the data by its id, at most one.
    Other arguments are as for `record`.

    Raises:
        MvcError: there is no such model, the data does not fit, or the report cannot be written.
    """
    from mvc.evaluation.extra import require  # noqa: PLC0415 - import time

    require()
    from mvc.ops.reports.cross_validation import CrossValidation, check_ending  # noqa: PLC0415
    from mvc.ops.reports.evaluated import examine  # noqa: PLC0415
    from mvc.ops.reports.record import rehearse  # noqa: PLC0415

    if len(dataset or {}) > 1:
        raise UsageError("a cross-validation is of one data set", "name one of them")
    if predictions:
        check_ending(predictions)
    elif slices:
        raise UsageError("slices are of predictions, and no file has these", 'name one: predictions="FILE.parquet"')
    with _Project.find(_around()) as project:
        options = _options(
            project, tag=tag, bump=bump, dataset=dataset, train=train, with_=with_, from_=from_, artifacts=artifacts,
            params=params, task=task, desc=desc, stage=stage,
        )
        options.check()
        rehearse(project, examine(project, project.shell.path(model), options), options, _provenance(project))
        if not predictions:
            from mvc.evaluation.scikit import cross_validate  # noqa: PLC0415

            measured = cross_validate(estimator, X, y, cv, "".join(dataset or ()))
            return _record(project, model, options._replace(measured=tuple(measured)))
        evaluation = CrossValidation(estimator, X, y, cv, slices or {})
        options = _predicted(project, project.shell.path(predictions), evaluation, options)
        return _record(project, model, options)


def _predicted(project: _Project, path: str, evaluation: CrossValidation, options: RecordOptions) -> RecordOptions:
    """Write and add cross-validated predictions; return the options with them and their metrics.

    Raises:
        MvcError: the data does not fit, or the file cannot be written or added.
    """
    from mvc.ops.reports.cross_validation import write_predictions  # noqa: PLC0415 - import time
    from mvc.ops.reports.score import score_file  # noqa: PLC0415

    written = write_predictions(project, path, evaluation)
    found = score_file(project, path, written.roles, [name for name, _ in options.datasets])
    for failure in add(project, [path], AddOptions(stage=options.stage)).failed:
        raise MvcError(failure.message, failure.fix)
    params = {"folds": written.folds, **dict(options.params)}
    return options._replace(
        measured=found.scored.metrics, predictions=found.predictions, params=tuple(params.items()),
    )


def load(reference: str, *, trust: bool = False, loader: str | None = None) -> Predictor:
    """Return the model that a reference names, loaded from a copy of which all bytes were compared with the pointer.

    `reference` is a path, `REV:path`, a version or a stage. With `trust` a model that may run code is loaded as well;
    `loader` is a `module:function` that loads any format. `predict` takes the columns of the model's `signature`.

    Raises:
        MvcError: there is no such model, it is not available, or it is refused: it may run code.
    """
    from mvc.runtime.packages import require  # noqa: PLC0415 - import time

    require("numpy", "mvc.load")
    from mvc.ops.remotes.content import proven  # noqa: PLC0415
    from mvc.runtime.load import load  # noqa: PLC0415

    with _Project.find(_around()) as project:
        return load(proven(project, reference).file, trust=trust, loader=loader, folder=project.around.cwd)


def report(reference: str) -> Report:
    """Return the evaluation report of a path, of `REV:path`, or of a version or a stage.

    Raises:
        MvcError: the report is missing or invalid.
    """
    from mvc.ops.reports.show import show  # noqa: PLC0415 - import time

    with _Project.find(_around()) as project:
        return show(project, reference).report


def _plain(value: object) -> object:
    """Return metrics as plain data: numbers of NumPy and other libraries become Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return float(value) if isinstance(value, float) else value
    item = getattr(value, "item", None)  # NumPy, PyTorch, JAX
    try:
        return item() if callable(item) else float(value)  # type: ignore[arg-type]  # its TypeError is caught
    except (TypeError, ValueError):
        return f"a {type(value).__name__}"


def _command() -> str:
    """Return the command line of this process; empty in an interactive session."""
    words = sys.orig_argv
    if not sys.argv or sys.argv[0] in ("", "-c") or "ipykernel" in sys.argv[0]:
        return ""
    return shlex.join([os.path.basename(words[0]), *words[1:]])
