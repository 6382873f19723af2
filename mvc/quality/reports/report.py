"""The evaluation report of a model, for one exact content. Format: docs/formats.md, "Report"."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import replace

Assurance: TypeAlias = Literal["self", "ci", "third-party"]
Column: TypeAlias = Annotated[str, Meta(min_length=1)]
Parameter: TypeAlias = str | int | float | bool | list[str | int | float | bool | None] | None

ABOUT_RUN = "x-mlflow"
"""The key that `mvc import mlflow` writes about the run: what nothing proves."""


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the document; unknown keys are errors."""


class Model(_Part, frozen=True):
    """The content that was evaluated; for a directory, its manifest."""

    blake3: str
    xxh128: str = ""
    size: int | None = None
    """Bytes of the object `blake3`."""
    name: str = ""
    """For people; nothing depends on it."""
    md5: str = ""
    sha256: str = ""
    """`md5` and `sha256` are for pointers of DVC and git-lfs. Of a directory, the md5 ends in `.dir`; that of DVC 2, of
    text with Unix line ends, begins with `dos2unix-`."""


class Evaluator(_Part, frozen=True):
    """The evaluator. The assurance is a claim that needs a signature."""

    id: str
    assurance: Assurance = "self"


class Code(_Part, frozen=True):
    """The code that ran."""

    commit: str = ""
    dirty: bool | None = None
    """Whether tracked files differed from that commit."""
    command: str = ""


class Environment(_Part, frozen=True):
    """The environment of the run."""

    python: str = ""
    platform: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    device: str = ""
    """The accelerator: `NVIDIA H200`. Since format 2."""


class Run(_Part, frozen=True):
    """The run of a tracking server that the metrics come from."""

    kind: str
    id: str
    url: str = ""


class Used(_Part, frozen=True):
    """A path and its object; for a directory, its manifest."""

    path: str
    blake3: str


class Tensor(_Part, frozen=True):
    """An input or an output."""

    name: str
    type: str = ""
    """As the format calls it: `float32`."""
    shape: list[int | None] = field(default_factory=list)
    """None for a dimension of any length."""

    @property
    def text(self) -> str:
        """All of it: `x float32[?, 4]`."""
        shape = ", ".join("?" if length is None else str(length) for length in self.shape)
        return f"{self.name} {self.type}[{shape}]" if self.type else self.name


class Tensors(_Part, frozen=True):
    """What the file of the model says about its tensors."""

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    """How many numbers of each type: `{F32: 23440896}`."""


class Source(_Part, frozen=True):
    """What the model was derived from: the content that was converted or tuned, or the base of an adapter."""

    path: str
    blake3: str
    by: str = ""
    """What made the model of it: `mvc convert --to onnx-int8`."""
    params: dict[str, Parameter] = field(default_factory=dict)


class Predictions(_Part, frozen=True):
    """A tracked file with a row for each example, from which the metrics can be computed again."""

    path: str
    blake3: str
    n: int | None = None
    """Rows."""
    dataset: str = ""
    """The id of one of `datasets`."""
    truth: str = ""
    """The column of the true values; likewise `predicted`."""
    predicted: str = ""
    scores: list[Column] = field(default_factory=list)
    """The columns of scores or probabilities."""
    task: Literal["classification", "regression", "ranking", ""] = ""
    positive: str = ""
    """The positive one of two labels."""
    group: str = ""
    """The column of the query that a result belongs to."""
    weight: str = ""
    """The column of the weights of examples."""
    sensitive: list[Column] = field(default_factory=list)
    """The columns by which groups of people are compared."""


class Train(_Part, frozen=True):
    """What the model was trained on."""

    data: list[Used] = field(default_factory=list)


class Dataset(_Part, frozen=True):
    """What the model was evaluated on."""

    id: str
    blake3: str
    path: str = ""
    split: str = ""
    n: int | None = None
    """Examples."""
    used: int | None = None
    """Examples that were evaluated, if not all of them. Since format 2."""


class Metric(_Part, frozen=True):
    """One number, of the whole data set unless `slice` is set."""

    name: str
    value: float
    higher_is_better: bool | None = None
    dataset: str = ""
    """The id of one of `datasets`."""
    stderr: float | None = None
    """Standard error of `value`."""
    slice: dict[str, str] = field(default_factory=dict)
    """The part of the data: `{country: DE}`."""
    n: int | None = None
    """Examples in the slice."""
    ci: tuple[float, float] | None = None
    """Confidence interval of `value`, 95 %. Since format 2."""
    method: str = ""
    """How `stderr` or `ci` was computed: `DeLong`. Since format 2."""


class Report(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A report. `extra` has its keys that begin with `x-`."""

    format: Literal[1, 2] = field(name="mvc-eval")
    """As it was read. What is written has the lowest number that its keys allow."""
    model: Model
    tag: str = ""
    """The version of the model: `v1.3.0`."""
    task: str = ""
    desc: str = ""
    created_at: str = ""
    """ISO 8601 with a time zone."""
    evaluator: Evaluator | None = None
    code: Code | None = None
    environment: Environment | None = None
    run: Run | None = None
    params: dict[str, Parameter] = field(default_factory=dict)
    tensors: Tensors | None = None
    """Since format 2."""
    sources: list[Source] = field(name="from", default_factory=list)
    """What the model was derived from. Since format 2."""
    together: list[Used] = field(name="with", default_factory=list)
    """Other tracked paths that the model was evaluated with, such as its tokenizer."""
    train: Train | None = None
    datasets: list[Dataset] = field(default_factory=list)
    predictions: Predictions | None = None
    """Since format 2."""
    metrics: list[Metric] = field(default_factory=list)
    artifacts: list[Used] = field(default_factory=list)
    limitations: str = ""
    extra: dict[str, Any] = field(name="x-", default_factory=dict)

    def dataset_of(self, item: Metric | Predictions) -> str:
        """Return the id of its data set; the only data set of a report is the default."""
        return self.datasets[0].id if not item.dataset and len(self.datasets) == 1 else item.dataset

    def placed(self, metric: Metric) -> Metric:
        """Return a metric with its data set."""
        return replace(metric, dataset=self.dataset_of(metric))

    @property
    def predicted(self) -> list[Metric]:
        """The metrics of the data that the predictions are of."""
        if self.predictions is None:
            return []
        dataset = self.dataset_of(self.predictions)
        return [item for item in self.metrics if self.dataset_of(item) == dataset]


def label(metric: Metric) -> str:
    """Return a metric's name as on the command line: `auc`, `auc[country=DE]`, `auc@holdout` for a data set."""
    inside = ",".join(f"{key}={text}" for key, text in sorted(metric.slice.items()))
    return f"{metric.name}{f'[{inside}]' if inside else ''}{f'@{metric.dataset}' if metric.dataset else ''}"


def is_sliced(name: str) -> bool:
    """Whether a label is that of a slice."""
    return "[" in name
