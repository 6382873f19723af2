"""What a tracking server says, as typed values: keys that are not used are left out.

Format: https://mlflow.org/docs/latest/api_reference/rest-api.html#data-structures
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

Id: TypeAlias = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9][\w-]{0,255}\Z")]
"""Of a run or a logged model."""
MaybeId: TypeAlias = Annotated[str, Meta(pattern=r"^(?:[a-zA-Z0-9][\w-]{0,255})?\Z")]
"""The same, or nothing."""
Number: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{1,18}\Z")]
"""Of a version."""


class Pair(Struct, frozen=True):
    """A parameter or a tag."""

    key: str
    value: str = ""


class LoggedMetric(Struct, frozen=True):
    """A metric at one step."""

    key: str
    value: float
    """NaN and infinity, too."""
    step: int = 0
    timestamp: int = 0


class LoggedDataset(Struct, frozen=True):
    """A data set of a run."""

    name: str
    digest: str = ""
    """By a rule of MLflow's own: not a digest of a file."""


class DatasetInput(Struct, frozen=True):
    """A data set, and what it was used for."""

    dataset: LoggedDataset
    tags: tuple[Pair, ...] = ()


class RunInfo(Struct, frozen=True):
    """What a run is called, and where its artifacts are."""

    run_id: Id
    artifact_uri: str = ""
    run_name: str = ""


class RunData(Struct, frozen=True):
    """What was logged."""

    metrics: tuple[LoggedMetric, ...] = ()
    """Each at its last step."""
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class RunInputs(Struct, frozen=True):
    """What a run read."""

    dataset_inputs: tuple[DatasetInput, ...] = ()


class ModelOutput(Struct, frozen=True):
    """A logged model of a run."""

    model_id: Id


class RunOutputs(Struct, frozen=True):
    """What a run made."""

    model_outputs: tuple[ModelOutput, ...] = ()


class Run(Struct, frozen=True):
    """A run."""

    info: RunInfo
    data: RunData = RunData()
    inputs: RunInputs = RunInputs()
    outputs: RunOutputs = RunOutputs()


class RunAnswer(Struct, frozen=True):
    """The answer of `runs/get`."""

    run: Run


class LoggedModelInfo(Struct, frozen=True):
    """What a logged model is called, and where it comes from."""

    model_id: Id
    name: str = ""
    source_run_id: MaybeId = ""


class LoggedModelData(Struct, frozen=True):
    """What was logged for a model."""

    metrics: tuple[LoggedMetric, ...] = ()
    """At all steps."""


class LoggedModel(Struct, frozen=True):
    """A logged model, which MLflow has since version 3."""

    info: LoggedModelInfo
    data: LoggedModelData = LoggedModelData()


class LoggedModelAnswer(Struct, frozen=True):
    """The answer of `logged-models/ID`."""

    model: LoggedModel


class File(Struct, frozen=True):
    """A file or a directory among artifacts."""

    path: str
    is_dir: bool = False
    file_size: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] = 0
    """Bytes."""


class Files(Struct, frozen=True):
    """The artifacts of one directory."""

    files: tuple[File, ...] = ()
    next_page_token: str = ""


class ModelVersion(Struct, frozen=True):
    """A version of a registered model."""

    name: str
    version: Number
    source: str = ""
    run_id: MaybeId = ""
    tags: tuple[Pair, ...] = ()

    @property
    def tag_values(self) -> dict[str, str]:
        """The tags by name."""
        return {tag.key: tag.value for tag in self.tags}


class ModelVersionAnswer(Struct, frozen=True):
    """The answer about one version."""

    version: ModelVersion = field(name="model_version")


class ModelVersions(Struct, frozen=True):
    """A page of versions."""

    versions: tuple[ModelVersion, ...] = field(name="model_versions", default=())
    next_page_token: str = ""


class Alias(Struct, frozen=True):
    """A name for a version."""

    alias: str
    version: Number


class RegisteredModel(Struct, frozen=True):
    """A registered model."""

    name: str
    latest_versions: tuple[ModelVersion, ...] = ()
    aliases: tuple[Alias, ...] = ()


class RegisteredModelAnswer(Struct, frozen=True):
    """The answer of `registered-models/get`."""

    model: RegisteredModel = field(name="registered_model")


class Done(Struct, frozen=True):
    """An answer of which nothing is used."""
