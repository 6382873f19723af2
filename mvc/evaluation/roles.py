"""What each column of a predictions file is, and the examples that they make."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from mvc.errors import InvalidFormat, UsageError
from mvc.evaluation.columns import Coded, Codes, Examples, Floats, Labelled, Measured, Ranked
from mvc.evaluation.predictions import PredictionsFile, Table, Wanted
from mvc.quality.words import clipped

Kind: TypeAlias = Literal["classification", "regression", "ranking"]
HALF = 0.5
"""The score from which on the positive label is the likelier one."""
TRUTH, PREDICTED = "truth", "predicted"
"""The names of the columns unless others are given."""
SCORE = "score_"
"""What the columns of scores begin with that mvc writes; the label follows."""
POSITIVE = ({"0": "1", "false": "true", "False": "True", "no": "yes", "negative": "positive"})
"""The label that is positive beside another one."""


class Roles(NamedTuple):
    """The columns of a predictions file."""

    kind: Kind | None = None
    """None: told by the type of the truth."""
    truth: str = TRUTH
    predicted: str = ""
    """Empty: `predicted` where the file has that, else the label with the highest score."""
    scores: tuple[str, ...] = ()
    positive: str = ""
    """The positive label; empty: that of a known pair, such as 0 and 1."""
    group: str = ""
    weight: str = ""
    slices: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()

    @property
    def sliced(self) -> tuple[str, ...]:
        """The columns whose values are slices."""
        return tuple(dict.fromkeys((*self.slices, *self.sensitive)))


class Loaded(NamedTuple):
    """The examples of a predictions file."""

    roles: Roles
    """Completed: with kind, predicted column and positive label."""
    n: int
    """Rows, with those of weight 0, which are no examples."""
    examples: Examples
    slices: Mapping[str, Coded]


def kind_of(task: str) -> Kind | None:
    """Return the kind of a task such as `tabular-regression`; None if its name says none."""
    return next((kind for kind in get_args(Kind) if task == kind or task.endswith(f"-{kind}")), None)


def load(file: PredictionsFile, roles: Roles) -> Loaded:
    """Read the examples.

    Raises:
        InvalidFormat: the file, or a column, is not as it must be.
        UsageError: the roles do not fit, or the kind is not known.
    """
    if "" in (*roles.scores, *roles.sliced):
        raise UsageError("invalid column '': expected the name of a column", "mvc eval score --help")
    roles = _completed(file, roles)
    numbers = {roles.weight, *(roles.scores if roles.kind != "regression" else ())}
    texts = set(roles.sliced)
    if roles.kind == "classification":
        texts |= {roles.truth, roles.predicted}
    else:
        numbers |= {roles.truth, roles.predicted}
    if both := sorted(((texts | {roles.group}) & numbers) - {""}):
        message = f"column {both[0]!r} cannot be a label, slice or query and a number at once"
        raise UsageError(message, "mvc eval score --help")
    if roles.truth in (roles.predicted, *roles.scores):
        raise UsageError(f"column {roles.truth!r} cannot be truth and prediction at once", "mvc eval score --help")
    groups = (roles.group,) if roles.group else ()
    wanted = Wanted(tuple(sorted(texts - {""})), tuple(sorted(numbers - {""})), groups)
    table = file.read(wanted)
    if roles.weight and not (table.numbers[roles.weight].min() >= 0 and table.numbers[roles.weight].max() > 0):
        raise InvalidFormat(f"{file.what}: weights in column {roles.weight!r} are negative, or all are 0")
    slices = {name: table.texts[name] for name in roles.sliced}
    examples: Examples
    if roles.kind == "classification":
        examples, roles = _labelled(file.what, table, roles)
    else:
        examples = _other_examples(file.what, table, roles)
    if roles.weight and not table.numbers[roles.weight].all():
        rows = np.flatnonzero(table.numbers[roles.weight])
        examples, slices = examples.take(rows), {name: coded.take(rows) for name, coded in slices.items()}
    return Loaded(roles, table.n, examples, slices)


def _completed(file: PredictionsFile, roles: Roles) -> Roles:
    kind = roles.kind or ("ranking" if roles.group else _told(file, roles))
    predicted = roles.predicted
    if kind == "ranking":
        predicted = ""
        if len(roles.scores) != 1 or not roles.group or roles.weight:
            message = "a ranking needs a column of queries and one of scores, without weights"
            raise UsageError(message, "--group COLUMN --score COLUMN")
    elif not predicted and (kind == "regression" or not roles.scores or PREDICTED in file.kinds):
        predicted = PREDICTED
    return roles._replace(kind=kind, predicted=predicted)


def _told(file: PredictionsFile, roles: Roles) -> Kind:
    """Return the kind that the columns tell."""
    found = file.kinds.get(roles.truth)
    if roles.scores or roles.positive or found == "text":
        return "classification"
    if found == "number":
        return "regression"
    if found is None:
        file.read(Wanted((roles.truth,), ()))  # which says what columns there are
    message = f"{file.what}: column {roles.truth!r} has whole numbers, which may be labels or amounts"
    raise UsageError(message, "--task classification  # or --task regression")


# Classification.


def _labelled(what: str, table: Table, roles: Roles) -> tuple[Labelled, Roles]:
    truth = table.texts[roles.truth]
    if len(truth.labels) < 2:  # noqa: PLR2004 - nothing to tell apart
        label = clipped(truth.labels[0])
        raise InvalidFormat(f"{what}: all of column {roles.truth!r} is {label!r}, expected several labels")
    positive = _positive(what, truth, roles)
    scores = _scores(what, table, roles, truth)
    if roles.predicted:
        predicted = _as_in(what, truth, table.texts[roles.predicted], roles)
    else:
        predicted = Coded(truth.labels, _likeliest(scores, positive))
    weight = table.numbers[roles.weight] if roles.weight else None
    label = "" if positive is None else truth.labels[positive]
    return Labelled(truth, predicted, scores, positive, weight), roles._replace(positive=label)


def _positive(what: str, truth: Coded, roles: Roles) -> int | None:
    """Return the index of the positive label of two."""
    if len(truth.labels) > 2:  # noqa: PLR2004 - more than two
        if roles.positive:
            raise UsageError(f"{what}: column {roles.truth!r} has {len(truth.labels)} labels, so none is positive")
        return None
    label = roles.positive or POSITIVE.get(truth.labels[0], "")
    if label in truth.labels:
        return truth.labels.index(label)
    names = " and ".join(repr(clipped(text)) for text in truth.labels)
    if roles.positive:
        raise UsageError(f"{what}: column {roles.truth!r} has no label {roles.positive!r}: it has {names}")
    message = f"{what}: column {roles.truth!r} has {names}, and neither is known to be positive"
    raise UsageError(message, "--positive LABEL")


def _scores(what: str, table: Table, roles: Roles, truth: Coded) -> Floats | None:
    if not roles.scores:
        return None
    count = len(roles.scores)
    if count == 1 and len(truth.labels) == 2:  # noqa: PLR2004 - the positive one's
        return table.numbers[roles.scores[0]]
    if count != len(truth.labels) or count == 2:  # noqa: PLR2004 - as above
        expected = 1 if len(truth.labels) == 2 else len(truth.labels)  # noqa: PLR2004 - as above
        message = f"{what}: {count} columns of scores, expected {expected} for {len(truth.labels)} labels"
        raise UsageError(message, "--score COLUMN,COLUMN,...  # in the order of the sorted labels")
    _check_order(what, roles.scores, truth.labels)
    return np.column_stack([table.numbers[name] for name in roles.scores])


def _check_order(what: str, scores: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Refuse columns that are named after the labels, such as `score_cat`, in another order than the labels."""
    named = [[name for name in scores if name == label or name.endswith(f"_{label}")] for label in labels]
    ordered = tuple(names[0] for names in named if len(names) == 1)
    if len(ordered) == len(set(ordered)) == len(labels) and ordered != scores:
        message = f"{what}: the columns of scores are named after the labels, in another order"
        raise UsageError(message, f"--score {shlex.quote(','.join(ordered))}")


def _likeliest(scores: Floats | None, positive: int | None) -> Codes:
    if scores is None:
        raise ValueError("no scores")
    likely = positive or 0
    found = np.where(scores >= HALF, likely, 1 - likely) if scores.ndim == 1 else scores.argmax(1)
    return found.astype(np.int32)


def _as_in(what: str, truth: Coded, predicted: Coded, roles: Roles) -> Coded:
    """Return the predictions with the labels of the truth."""
    if unseen := [label for label in predicted.labels if label not in truth.labels]:
        names = ", ".join(repr(clipped(label)) for label in unseen[:3])
        labels = ", ".join(repr(clipped(label)) for label in truth.labels[:3])
        more = ", ..." * (len(truth.labels) > 3)  # noqa: PLR2004 - examples
        message = f"{what}: column {roles.predicted!r} has {names}, but {roles.truth!r} only {labels}{more}"
        raise InvalidFormat(message, "choose one way to write labels: 1, not 1.0")
    return predicted.among(truth.labels)


# Regression and ranking.


def _other_examples(what: str, table: Table, roles: Roles) -> Examples:
    truth = table.numbers[roles.truth]
    if roles.kind == "regression":
        return Measured(truth, table.numbers[roles.predicted], table.numbers.get(roles.weight))
    if truth.min() < 0:
        raise InvalidFormat(f"{what}: column {roles.truth!r} has a negative relevance")
    if not truth.max():
        raise InvalidFormat(f"{what}: all of column {roles.truth!r} is 0: no result is relevant")
    return Ranked(truth, table.numbers[roles.scores[0]], table.groups[roles.group])
