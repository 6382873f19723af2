"""What the user names, as the run, the model and the artifact that it is on the tracking server."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple
from urllib.parse import quote

from mvc.errors import MvcError, UsageError
from mvc.ops.interop.mlflow.answers import (
    LoggedModel,
    LoggedModelAnswer,
    ModelVersion,
    ModelVersionAnswer,
    RegisteredModelAnswer,
    Run,
    RunAnswer,
)
from mvc.ops.interop.mlflow.artifacts import Place, entries, of_model, of_run
from mvc.ops.interop.mlflow.server import Server

OF_MVC = "mvc:/"
"""The beginning of the source of a version that mvc exported; NAME@VERSION follows."""
_MOST_MODELS = 100
"""Logged models of a run whose names are asked for."""
_COPIES = 8
"""Versions that may be copied from each other."""
_MODEL_URI = re.compile(r"models:/+(?P<name>[^/@]+)(?:/(?P<version>[0-9]+))?")


class Logged(NamedTuple):
    """What is imported."""

    place: Place
    path: str
    """Of the artifact; empty for all of a logged model."""
    run: Run | None
    """What made it; None if nothing tells."""
    model: LoggedModel | None = None
    version: ModelVersion | None = None


def of_run_named(server: Server, text: str) -> Logged:
    """Return the artifact that `ID` or `ID/ARTIFACT` names; ARTIFACT is a path, or a logged model's name or id.

    Raises:
        UsageError: there is none, or several.
        RemoteError: the server has no such run, or does not answer.
    """
    name, _, artifact = text.partition("/")
    run = server.get("runs/get", RunAnswer, run_id=name).run
    ids = [*dict.fromkeys(item.model_id for item in run.outputs.model_outputs)]
    if len(ids) > _MOST_MODELS and artifact not in ids:
        raise _several(name, ids)
    models = [_logged_model(server, item) for item in ([artifact] if artifact in ids else ids)]
    chosen = [item for item in models if artifact in ("", item.info.name, item.info.model_id)]
    if len(chosen) == 1:
        return Logged(of_model(chosen[0].info.model_id), "", run, chosen[0])
    if chosen:
        names = [item.info.name for item in chosen]
        unique = [item.info.name if names.count(item.info.name) == 1 else item.info.model_id for item in chosen]
        raise _several(name, unique)
    return Logged(of_run(name), artifact or _only(server, name), run)


def _logged_model(server: Server, model: str) -> LoggedModel:
    return server.get(f"logged-models/{quote(model, safe='')}", LoggedModelAnswer).model


def _only(server: Server, run: str) -> str:
    """Return the path of the only artifact of a run."""
    found = [file.path for file in entries(server, of_run(run), "")]
    if not found:
        raise UsageError(f"run {run} has no artifacts", f"mlflow runs describe --run-id {shlex.quote(run)}")
    if len(found) > 1:
        raise _several(run, found)
    return found[0]


def _several(run: str, names: list[str]) -> UsageError:
    names = sorted(names)
    line = f"mvc import mlflow --run {shlex.quote(f'{run}/{names[0]}')} PATH"
    return UsageError(f"run {run} has several artifacts: {', '.join(names[:5])}", line)


def of_model_named(server: Server, text: str) -> Logged:
    """Return the artifact of the version that `NAME`, `NAME@ALIAS` or `NAME/VERSION` names; `NAME` is the last one.

    Raises:
        UsageError: its artifact is where the server does not serve it.
        RemoteError: the server has no such version, or does not answer.
    """
    version = _version(server, text)
    source, model = version, None
    for _ in range(_COPIES):  # each may be a copy of another one
        found = _MODEL_URI.fullmatch(source.source)
        if found is None or found["version"] is None:
            break
        source = _get_version(server, found["name"], found["version"])
    if found and found["name"].startswith("m-"):
        model = _logged_model(server, found["name"])
        run = _run(server, model.info.source_run_id or version.run_id)
        return Logged(of_model(model.info.model_id), "", run, model, version)
    run = _run(server, source.run_id)
    if run and (path := _inside(source.source, run)):
        return Logged(of_run(run.info.run_id), path, run, None, version)
    raise _elsewhere(version)


def _version(server: Server, text: str) -> ModelVersion:
    name, at, alias = text.partition("@")
    if at:
        return server.get("registered-models/alias", ModelVersionAnswer, name=name, alias=alias).version
    name, slash, number = text.rpartition("/")
    if slash:
        return _get_version(server, name, number)
    versions = server.get("registered-models/get", RegisteredModelAnswer, name=text).model.latest_versions
    if not versions:
        raise UsageError(f"the model {text} has no version", "mlflow models --help")
    return max(versions, key=lambda item: (len(item.version), item.version))


def _get_version(server: Server, name: str, number: str) -> ModelVersion:
    return server.get("model-versions/get", ModelVersionAnswer, name=name, version=number).version


def _run(server: Server, run: str) -> Run | None:
    return server.get("runs/get", RunAnswer, run_id=run).run if run else None


def _inside(source: str, run: Run) -> str:
    """Return the path among the artifacts of a run; empty if `source` is not in there."""
    for root in (f"runs:/{run.info.run_id}/", f"{run.info.artifact_uri}/"):
        if root != "/" and source.startswith(root):
            return source.removeprefix(root).strip("/")
    return ""


def _elsewhere(version: ModelVersion) -> MvcError:
    if version.source.startswith(OF_MVC):
        own = version.source.removeprefix(OF_MVC)
        message = f"version {version.version} of {version.name} is {own}, which mvc exported"
        return UsageError(message, f"mvc get REPO {shlex.quote(own)} -o OUT")
    what = shlex.quote(f"models:/{version.name}/{version.version}")
    message = f"the server does not serve version {version.version} of {version.name}: no run of it has the artifact"
    return UsageError(message, f"mlflow artifacts download -u {what} -d DIR && mvc add DIR")
