"""The Open Inference Protocol over gRPC, with KServe's messages; gRPC and KServe are imported only here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn

import grpc
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from mvc.runtime.predictor import Array
from mvc.serving.inference import Inference, Request, Response
from mvc.serving.problem import Problem, invalid
from mvc.serving.protocols.address import most_connections
from mvc.serving.protocols.grpc_wire import Asked, asked
from mvc.serving.protocols.metadata import model_metadata, server_metadata
from mvc.serving.tensors import Tensor, bytes_of, datatype_of, encoded, tensor_of_bytes, tensor_of_list, texts_of_bytes
from mvc.serving.work import Limits, too_many_bytes

_CODES = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_CONTENTS = {
    "BOOL": "bool_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}
"""The field of a message that has the values of a datatype; FP16 travels as bytes."""
_OVERHEAD, _MOST = 1 << 16, (1 << 31) - 1
"""Bytes of a message besides its tensors, and of the largest message."""
_SERVICE = "inference.GRPCInferenceService"
_SMALL_ANSWER = 4 << 10
"""Bytes of an answer that need not be counted until it is read."""
_IDLE, _AGE = 65, 300
"""Seconds that a connection may be idle, as those of HTTP; after which it takes no more calls: a call whose answer
nobody reads cannot be ended in another way."""
_SMALL = 64 << 10
"""Bytes of a message that may be parsed whatever it is."""


class GrpcServer:
    """The server for gRPC."""

    def __init__(self, inference: Inference, limits: Limits, address: str) -> None:
        """Listen at `address`, `HOST:PORT`.

        Raises:
            RuntimeError: the port is taken.
        """
        self._server = grpc.aio.server(options=[
            ("grpc.max_receive_message_length", min(limits.body + _OVERHEAD, _MOST)),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.max_allowed_incoming_connections", most_connections()),
            ("grpc.max_connection_age_ms", _AGE * 1000),
            ("grpc.max_connection_age_grace_ms", int((limits.seconds + limits.arrival) * 1000)),
            ("grpc.max_connection_idle_ms", _IDLE * 1000),
            ("grpc.server_handshake_timeout_ms", int(limits.arrival * 1000)),
            ("grpc.keepalive_time_ms", _IDLE * 1000),  # a client that does not read does not answer a ping
            ("grpc.keepalive_timeout_ms", int(limits.arrival * 1000)),
        ])
        handlers = _Servicer(inference, limits).handlers()
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
        self._server.add_registered_method_handlers(_SERVICE, handlers)
        self.port: int = self._server.add_insecure_port(address)

    async def start(self) -> None:
        """Answer requests."""
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Take no more requests; those that run have so long."""
        await self._server.stop(seconds)


class _Servicer:
    def __init__(self, inference: Inference, limits: Limits) -> None:
        self._inference, self._limits = inference, limits
        self._bodies = 0
        """Bytes of requests in memory, and of large answers that were not read yet."""

    def handlers(self) -> dict[str, Any]:
        """Return the methods of the service by name; a request for predictions comes as bytes."""
        found = {
            method.__name__: grpc.unary_unary_rpc_method_handler(
                method, getattr(pb, f"{method.__name__}Request").FromString,
                getattr(pb, f"{method.__name__}Response").SerializeToString)
            for method in (self.ServerLive, self.ServerReady, self.ServerMetadata, self.ModelReady, self.ModelMetadata)
        }
        answers = pb.ModelInferResponse.SerializeToString
        return found | {"ModelInfer": grpc.unary_unary_rpc_method_handler(self.ModelInfer, None, answers)}

    async def ServerLive(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the service's
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return pb.ServerReadyResponse(ready=self._inference.is_ready)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return pb.ServerMetadataResponse(**server_metadata())

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            self._inference.find(request.name, request.version)
        except Problem as problem:
            await _abort(context, problem)
        return pb.ModelReadyResponse(ready=self._inference.is_ready)

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            return pb.ModelMetadataResponse(**model_metadata(self._inference.find(request.name, request.version)))
        except Problem as problem:
            await _abort(context, problem)

    async def ModelInfer(self, raw: bytes, context: Any) -> Any:  # noqa: N802
        async def is_gone() -> bool:
            return bool(context.cancelled())  # its task is cancelled, too

        self._bodies += (size := len(raw))
        try:
            if self._bodies > self._limits.bodies:
                raise too_many_bytes()
            (name, version), decode = _opened(raw, self._limits.listed)
            loaded = self._inference.find(name, version)
            return self._to_read(await self._inference.infer(loaded, "grpc", decode, _encoded, size, is_gone))
        except Problem as problem:
            await _abort(context, problem)
        finally:
            self._bodies -= size

    def _to_read(self, answer: Any) -> Any:
        """Return an answer; one that is not small counts until its call ends, which is when it is read."""
        task, size = asyncio.current_task(), answer.ByteSize()
        if task is not None and size > _SMALL_ANSWER:
            self._bodies += size
            task.add_done_callback(lambda _: self._forget(size))
        return answer

    def _forget(self, size: int) -> None:
        self._bodies -= size


async def _abort(context: Any, problem: Problem) -> NoReturn:
    await context.abort(_CODES.get(problem.status, grpc.StatusCode.INTERNAL), problem.message)
    raise AssertionError  # abort raises


def _opened(raw: bytes, most: int) -> tuple[Asked, Callable[[], Request]]:
    """Return what a message asks for, and what decodes it; a large one is parsed only where it runs."""
    if len(raw) > _SMALL:
        return asked(raw, most), lambda: _decoded(_parsed(raw))
    message = _parsed(raw)
    return Asked(message.model_name, message.model_version), lambda: _decoded(message)


def _parsed(raw: bytes) -> Any:
    try:
        return pb.ModelInferRequest.FromString(raw)
    except Exception:  # noqa: BLE001 - protobuf's DecodeError
        raise invalid("the message is not a ModelInferRequest") from None


def _decoded(message: Any) -> Request:
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise invalid(f"{len(message.inputs)} inputs, and raw_input_contents of {len(raw)}")
    inputs = [_tensor(item, raw[place] if raw else None) for place, item in enumerate(message.inputs)]
    outputs = tuple(item.name for item in message.outputs)
    return Request(message.id, inputs, outputs, None if raw else frozenset())


def _tensor(item: Any, raw: bytes | None) -> Tensor:
    name, datatype, shape = item.name, item.datatype, [*item.shape]
    if raw is not None:
        if item.HasField("contents"):
            raise invalid(f"input {name!r} has contents, and raw_input_contents")
        return tensor_of_bytes(name, datatype, shape, raw)
    if datatype not in _CONTENTS:
        raise invalid(f"input {name!r}: the datatype {datatype[:20]!r} is not one of those in contents")
    values = [*getattr(item.contents, _CONTENTS[datatype])]
    if datatype == "BYTES":
        values = texts_of_bytes(name, values).tolist()
    return tensor_of_list(name, datatype, shape, values)


def _encoded(request: Request, response: Response) -> Any:
    loaded, outputs = response.loaded, response.outputs
    as_bytes = request.binary is None or any(datatype_of(values) == "FP16" for values in outputs.values())
    return pb.ModelInferResponse(
        model_name=loaded.address, model_version=loaded.identity.version, id=response.id,
        outputs=[_output(name, values, as_bytes=as_bytes) for name, values in outputs.items()],
        raw_output_contents=[bytes_of(values) for values in outputs.values()] if as_bytes else (),
    )


def _output(name: str, values: Array, *, as_bytes: bool) -> Any:
    datatype = datatype_of(values)
    if as_bytes:
        return pb.ModelInferResponse.InferOutputTensor(name=name, datatype=datatype, shape=values.shape)
    items = [*encoded(values)] if datatype == "BYTES" else values.reshape(-1).tolist()
    contents = pb.InferTensorContents(**{_CONTENTS[datatype]: items})
    return pb.ModelInferResponse.InferOutputTensor(
        name=name, datatype=datatype, shape=values.shape, contents=contents)
