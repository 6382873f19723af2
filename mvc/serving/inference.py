"""One request, whatever its protocol: which model answers, where it runs, what is counted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple, TypeVar
from uuid import uuid4

from mvc.runtime.predictor import Array
from mvc.serving.answered import Answered
from mvc.serving.answers import Answers
from mvc.serving.loaded import Loaded, Served
from mvc.serving.metrics import Metrics
from mvc.serving.metrics import Protocol as ProtocolName
from mvc.serving.problem import Problem, invalid
from mvc.serving.tensor_model import checked, first_row
from mvc.serving.tensors import Tensor
from mvc.serving.work import GONE, Work

T = TypeVar("T")
_LONGEST_ID = 1000
"""Characters of a request's id, which is in its answer, and in the log."""


class Request(NamedTuple):
    """A request as a client sent it."""

    id: str
    """Empty if it has none."""
    inputs: list[Tensor]
    outputs: tuple[str, ...] = ()
    """The outputs that are wanted; none means all."""
    binary: frozenset[str] | None = frozenset()
    """The outputs that are wanted as bytes; None means all."""


class Response(NamedTuple):
    """What it is answered."""

    id: str
    loaded: Loaded
    outputs: Mapping[str, Array]


class Inference:
    """The models of a server."""

    def __init__(self, served: Mapping[str, Served], work: Work, metrics: Metrics, answers: Answers) -> None:
        self.served = served
        self.metrics = metrics
        self._work, self._answers = work, answers
        self.is_ready = False
        """Whether the server takes requests."""

    def find(self, name: str, version: str = "") -> Loaded:
        """Return what is served under a name.

        Raises:
            Problem: there is no such model, or another version of it.
        """
        if name not in self.served:
            raise Problem(HTTPStatus.NOT_FOUND, f"no model {name[:80]!r}: served are {', '.join(self.served)}")
        loaded = self.served[name].now
        if version not in ("", loaded.identity.version):
            what = f"{name} serves version {loaded.identity.version}, not {version[:40]!r}"
            raise Problem(HTTPStatus.NOT_FOUND, what)
        return loaded

    async def infer(
        self,
        loaded: Loaded,
        protocol: ProtocolName,
        decode: Callable[[], Request],
        encode: Callable[[Request, Response], T],
        size: int,
        is_gone: Callable[[], Awaitable[bool]],
    ) -> T:
        """Return the answer of a model; a request of `size` bytes is read, and its answer written, where it runs.

        Raises:
            Problem: the request is wrong, or cannot be answered now.
        """
        begun, code, rows = time.perf_counter(), GONE, 0
        self.metrics.begin(loaded)

        def job() -> tuple[T, int]:
            try:
                return self._answer(loaded, decode(), encode, begun)
            except Problem:
                raise
            except BaseException as error:  # SystemExit, TimeoutError, StopIteration: of the model, not of this server
                what = f"the model failed: {type(error).__name__}: {error}"
                raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, what) from error

        try:
            answer, rows = await self._work.run(job, size, loaded.pace, is_gone)
            code = HTTPStatus.OK
        except Problem as problem:
            code = problem.status
            raise
        finally:
            self.metrics.end(loaded, protocol, code, time.perf_counter() - begun, rows)
        return answer

    def _answer(
        self, loaded: Loaded, request: Request, encode: Callable[[Request, Response], T], begun: float,
    ) -> tuple[T, int]:
        if len(request.id) > _LONGEST_ID:
            raise invalid(f"the id has {len(request.id):,} characters, expected at most {_LONGEST_ID}")
        inputs = checked(loaded.model.inputs, request.inputs)
        answer = loaded.model.run(inputs)
        if not loaded.sample:
            loaded.sample.update(first_row(loaded.model.inputs, inputs))
        response = Response(request.id or str(uuid4()), loaded, _wanted(answer.outputs, request.outputs))
        encoded = encode(request, response)
        prediction = loaded.model.prediction(answer)
        rows = len(prediction.predicted) if prediction else answer.rows
        latency = time.perf_counter() - begun
        self._answers.put(
            Answered(response.id, time.time(), loaded.identity, latency, inputs, rows, prediction))
        return encoded, answer.rows


def _wanted(outputs: Mapping[str, Array], names: tuple[str, ...]) -> Mapping[str, Array]:
    if not names:
        return outputs
    if unknown := next((name for name in names if name not in outputs), None):
        raise invalid(f"unknown output {unknown[:80]!r}: the model returns {', '.join(map(repr, outputs))}")
    return {name: outputs[name] for name in names}
