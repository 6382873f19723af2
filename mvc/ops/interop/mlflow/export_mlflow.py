"""`mvc export mlflow`: a registered version becomes one of a registered model of MLflow, its stages aliases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mvc.errors import CorruptObject, UsageError
from mvc.ops.interop.mlflow.answers import (
    Alias,
    Done,
    ModelVersion,
    ModelVersionAnswer,
    ModelVersions,
    RegisteredModelAnswer,
    RunAnswer,
)
from mvc.ops.interop.mlflow.logged import OF_MVC
from mvc.ops.interop.mlflow.server import NotFound, Server
from mvc.ops.shared.remotes import default_remote, find_remote
from mvc.ops.shared.versions.read import VersionFiles, version_files
from mvc.ops.shared.versions.references import model_version
from mvc.project import Project
from mvc.quality.reports.report_document import parse_report
from mvc.registry.state import Model, Version
from mvc.store.buckets.bucket import RemoteError

VERSION, BLAKE3 = "mvc.version", "mvc.blake3"
_ALIAS = re.compile(r"(?!(?:latest|v\d+)$)[\w-]+", re.ASCII | re.IGNORECASE)
_PAGE, _MOST_PAGES = 200, 500


class MlflowExport(NamedTuple):
    """A version of MLflow's that stands for one of mvc's."""

    name: str
    version: str
    number: str
    """MLflow's."""
    url: str
    """The page of the version, for people."""
    created: bool
    changes: tuple[str, ...]
    """What was changed: tags and aliases."""
    aliases: tuple[str, ...]
    left_out: tuple[str, ...]
    """Stages whose names cannot be aliases."""


def export_mlflow(project: Project, reference: str) -> MlflowExport:
    """Register NAME@VERSION on the tracking server, or bring what is there up to date.

    Raises:
        UsageError: it is not registered, or MLflow takes no such name.
        CorruptObject: its tag is forged, or the server has other content under this version.
        RemoteError: the server refused, or did not answer.
    """
    server = Server(project.around.environ)
    model, name = model_version(project, reference)
    if set(model.name) & set("/:"):
        line = "mvc add PATH --name NAME  # commit it, and register that name"
        raise UsageError(f"{model.name} cannot be a name in MLflow, which allows no / and no :", line)
    files = version_files(project, model.versions[name].event)
    tags = _tags(project, model.versions[name], files)
    found = _find(server, model.name, name)
    if found and found.tag_values.get(BLAKE3) != tags[BLAKE3]:
        message = f"version {found.version} of {model.name} on {server.url} is {name} with other content"
        raise CorruptObject(message, "mvc verify --tags  # proves that this one is right")
    there = found or _create(server, model.name, name, files, tags)
    changes = () if found is None else tuple(_update_tags(server, there, tags))
    changes += tuple(_update_aliases(server, model, name, there))
    return MlflowExport(
        model.name, name, there.version, f"{server.url}/#/models/{model.name}/versions/{there.version}", found is None,
        changes, tuple(stage for stage in _stages(model, name) if _ALIAS.fullmatch(stage)),
        tuple(stage for stage in _stages(model, name) if not _ALIAS.fullmatch(stage)),
    )


def _stages(model: Model, version: str) -> list[str]:
    return [held.stage for held in model.holding() if held.version == version]


def _tags(project: Project, version: Version, files: VersionFiles) -> dict[str, str]:
    """Return what identifies the content, and where it is."""
    digest = files.pointer.digest
    kind, _, other = files.pointer.other.partition(":")
    tags = {
        VERSION: version.name, "mvc.commit": version.event.commit, "mvc.path": files.path, BLAKE3: files.blake3,
        "mvc.xxh128": digest.xxh128, "mvc.size": str(files.pointer.total or ""),
        "mvc.report.blake3": files.report_blake3,
        "mvc.remote": "" if other else _remote_url(project, files), **({f"mvc.{kind}": other} if other else {}),
    }
    return {key: text for key, text in tags.items() if text or key == BLAKE3}


def _remote_url(project: Project, files: VersionFiles) -> str:
    """Return the address of the remote that has the content, in which no secret is allowed; empty without one."""
    name = files.pointer.notes.remote or default_remote(project.settings)
    return find_remote(project, name).url if name else ""


def _find(server: Server, name: str, version: str) -> ModelVersion | None:
    """Return the version on the server that stands for one of mvc's."""
    token = ""
    for _ in range(_MOST_PAGES):
        page = server.get(
            "model-versions/search", ModelVersions, filter=f"name='{name}'", max_results=str(_PAGE), page_token=token,
        )
        for item in page.versions:
            if item.name == name and item.tag_values.get(VERSION) == version:
                return item
        if not (token := page.next_page_token):
            return None
    raise RemoteError(f"{server.url} lists too many versions of {name}", "mvc history --help")


def _create(server: Server, name: str, version: str, files: VersionFiles, tags: Mapping[str, str]) -> ModelVersion:
    """Register the version, with all of its tags at once."""
    try:
        server.get("registered-models/get", RegisteredModelAnswer, name=name)
    except NotFound:
        server.send("POST", "registered-models/create", Done, name=name)
    run = _run(server, files)
    return server.send(
        "POST", "model-versions/create", ModelVersionAnswer, name=name, source=f"{OF_MVC}{name}@{version}",
        tags=[{"key": key, "value": text} for key, text in tags.items()], **({"run_id": run} if run else {}),
    ).version


def _run(server: Server, files: VersionFiles) -> str:
    """Return the run that the report names, if this server has it."""
    run = parse_report(files.report, files.path).run if files.report else None
    if run is None or run.kind != "mlflow":
        return ""
    try:
        return server.get("runs/get", RunAnswer, run_id=run.id).run.info.run_id
    except NotFound:
        return ""


def _update_tags(server: Server, there: ModelVersion, tags: Mapping[str, str]) -> Iterator[str]:
    known = there.tag_values
    for key, value in tags.items():
        if known.get(key) != value:
            server.send(
                "POST", "model-versions/set-tag", Done, name=there.name, version=there.version, key=key, value=value,
            )
            yield key


def _update_aliases(server: Server, model: Model, version: str, there: ModelVersion) -> Iterator[str]:
    """Give the version the aliases of its stages, and take from it those of the other stages."""
    answer = server.get("registered-models/get", RegisteredModelAnswer, name=there.name)
    held, known = _stages(model, version), {Alias(item.alias, item.version) for item in answer.model.aliases}
    for stage in filter(_ALIAS.fullmatch, sorted(model.stages)):
        alias = Alias(stage, there.version)
        if (stage in held) == (alias in known):
            continue
        if stage in held:
            server.send("POST", "registered-models/alias", Done, name=there.name, alias=stage, version=there.version)
        else:
            server.send("DELETE", "registered-models/alias", Done, name=there.name, alias=stage)
        yield stage
