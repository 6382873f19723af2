"""The artifacts of a run or of a logged model, as the tracking server lists and serves them from whatever store."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from mvc.errors import UsageError
from mvc.objects.names import check_path, check_paths
from mvc.ops.interop.mlflow.answers import File, Files
from mvc.ops.interop.mlflow.server import Server
from mvc.store.buckets.bucket import RemoteError

_MOST_FILES = 100_000
_MOST_FOLDERS = 10_000
_BY_HAND = "mlflow artifacts download -r RUN -d DIR && mvc add DIR"


class Place(NamedTuple):
    """Where artifacts are, and how the server is asked for them."""

    listing: str
    """Of the API."""
    folder: str
    """The name of the listing's argument."""
    files: str
    """The address of content."""
    file: str
    """The name of its argument."""
    run: str = ""
    """The id of the run; empty for a logged model."""

    @property
    def query(self) -> dict[str, str]:
        """What each request says."""
        return {"run_id": self.run} if self.run else {}


def of_run(run: str) -> Place:
    """Return the place of a run's own artifacts."""
    return Place("artifacts/list", "path", "/get-artifact", "path", run)


def of_model(model: str) -> Place:
    """Return the place of a logged model, which has a folder of its own since MLflow 3."""
    folder = f"logged-models/{quote(model, safe='')}/artifacts"
    address = f"/ajax-api/2.0/mlflow/{folder}/files"
    return Place(f"{folder}/directories", "artifact_directory_path", address, "artifact_file_path")


class Artifact(NamedTuple):
    """A file to import."""

    name: str
    """Relative to what is imported; empty for a file itself."""
    path: str
    """For the server."""
    size: int
    """Bytes."""


def entries(server: Server, place: Place, folder: str) -> Iterator[File]:
    """Yield the files and directories in a folder, each checked to be in it.

    Raises:
        RemoteError: the server lists what is elsewhere, or does not answer.
        InvalidName: a name is refused.
    """
    token = ""
    for _ in range(_MOST_FOLDERS):
        query = {place.folder: folder} if folder else {}
        answer = server.get(place.listing, Files, **place.query, **query, **({"page_token": token} if token else {}))
        for file in answer.files:
            above, _, _ = check_path(file.path).rpartition("/")
            if above != folder:
                raise RemoteError(f"{server.url} lists {file.path} in {folder or 'the top'}", _BY_HAND)
            yield file
        if not (token := answer.next_page_token):
            return
    raise RemoteError(f"{server.url} lists too many artifacts", _BY_HAND)


def find(server: Server, place: Place, path: str) -> list[Artifact]:
    """Return the files of the artifact at `path`; all of the place for an empty one.

    Raises:
        UsageError: there is none.
        RemoteError: as `entries` does, or there are very many.
        InvalidName: a name is refused, or two are equal on some systems.
    """
    if path:
        check_path(path)
        file = next((item for item in entries(server, place, path.rpartition("/")[0]) if item.path == path), None)
        if file is None:
            line = f"mlflow artifacts list -r {shlex.quote(place.run)}"
            raise UsageError(f"run {place.run} has no artifact {path}", line)
        if not file.is_dir:
            return [Artifact("", path, file.file_size)]
    start = f"{path}/" if path else ""
    found = [Artifact(file.path.removeprefix(start), file.path, file.file_size) for file in _below(server, place, path)]
    check_paths(lambda: (item.name for item in found))
    return sorted(found)


def _below(server: Server, place: Place, folder: str) -> Iterator[File]:
    folders, asked, files = [folder], 0, 0
    while folders:
        asked += 1
        for file in entries(server, place, folders.pop()):
            files += 1
            if max(asked / _MOST_FOLDERS, files / _MOST_FILES) > 1:
                raise RemoteError(f"{server.url} lists too many artifacts", _BY_HAND)
            if file.is_dir:
                folders.append(file.path)
            else:
                yield file
