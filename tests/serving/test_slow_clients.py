"""Clients that send slowly: a server in this process, of which the limits are short."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvloop
from serving.running import scaled

from mvc.runtime.load import load
from mvc.serving.answers import Answers
from mvc.serving.inference import Inference
from mvc.serving.loaded import Identity, Loaded, Served
from mvc.serving.metrics import Metrics
from mvc.serving.protocols.address import Address, bound, most_connections
from mvc.serving.protocols.grpc_server import GrpcServer
from mvc.serving.protocols.rest import Rest
from mvc.serving.tensor_model import tensor_model
from mvc.serving.work import Limits, Work

_LIMITS = Limits(arrival=0.2)


@pytest.mark.parametrize(("sent", "status"), [
    (b"", 408),
    (b"POST /v2/models/m/infer HTTP/1.1\r\nHost:", 408),
    (b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\nGET /v2", 200),
    (b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", 408),
    (b"\r\n", 408),
], ids=["nothing", "half a head", "half a second head", "half a body", "an empty line"])
def test_a_request_must_arrive_in_time(sent: bytes, status: int, tmp_path: Path) -> None:
    found = asyncio.run(asked(tmp_path, sent))
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"408" in found


def test_an_empty_line_after_an_answer_is_no_request(tmp_path: Path) -> None:
    async def ask() -> bytes:
        async with served(tmp_path) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"}")
            writer.write(b"\r\n")
            found = await reader.read()
            writer.close()
        return found

    assert asyncio.run(asyncio.wait_for(ask(), 30)).startswith(b"HTTP/1.1 408 ")


_UNREAD = [
    (b"POST /nothing", 404), (b"GET /v2", 200), (b"DELETE /v2", 405), (b"GET /metrics", 200),
    (b"GET /v2/models/x", 404), (b"POST /v2/models/x/infer", 404),
]
"""Requests whose bodies nobody needs."""


@pytest.mark.parametrize("line", [line for line, _ in _UNREAD])
@pytest.mark.parametrize("header", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
def test_a_body_that_nobody_needs_must_arrive_in_time(line: bytes, header: bytes, tmp_path: Path) -> None:
    found = asyncio.run(asked(tmp_path, b"%b HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n1" % (line, header)))
    assert found.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(("line", "status"), _UNREAD)
def test_a_body_that_nobody_needs_is_read(line: bytes, status: int, tmp_path: Path) -> None:
    head = b"%b HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" % line
    found = asyncio.run(asked(tmp_path, head + bytes(3_000_000) + b"GET /"))
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"HTTP/1.1 408 " in found  # to the second request


def test_a_body_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n1"
    found = asyncio.run(asked(tmp_path, head))
    assert found.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in found


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.SelectorEventLoop])
@pytest.mark.parametrize("ending", [b"", b"Connection: close\r\n"])
def test_an_answer_must_be_read_in_time(loop: Callable[[], Any], ending: bytes, tmp_path: Path) -> None:
    rows, size = 500_000, 8_000_000
    tensor = b'"name":"X","datatype":"FP32","shape":[%d,4],"parameters":{"binary_data_size":%d}' % (rows, size)
    head = b'{"inputs":[{%b}]}' % tensor
    lengths = b"Content-Length: %d\r\nInference-Header-Content-Length: %d\r\n" % (len(head) + size, len(head))
    line = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\n"

    async def ask() -> int:
        async with served(tmp_path) as server, little_reader(server.port) as client:
            sent = line + lengths + ending + b"\r\n" + head + bytes(size)
            await asyncio.get_running_loop().sock_sendall(client, sent)
            await server.is_left()
            assert server.rest.memory.bytes == 0
            return await received(client)

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(asyncio.wait_for(ask(), 60)) < size


def test_connections_of_grpc_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.serving.protocols.grpc_server.most_connections", lambda: 3)

    async def ask() -> list[bytes]:
        server = GrpcServer(inference_of(tmp_path), _LIMITS, "127.0.0.1:0")
        await server.start()
        streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
        found = [await asyncio.wait_for(greeting(reader), 30) for reader, _ in streams]
        for _, writer in streams:
            writer.close()
        await server.stop(0)
        return found

    async def greeting(reader: asyncio.StreamReader) -> bytes:
        with suppress(ConnectionError):
            return await reader.read(1)
        return b""

    assert [bool(part) for part in asyncio.run(ask())] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(("files", "most"), [(1024, 462), (400, 150), (150, 50)])
def test_connections_have_fewer_files_than_the_process(files: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert most_connections() == most


@pytest.mark.parametrize(("headers", "status"), [
    (b"Content-Length: 9000000", 413),
    (b"Content-Length: 9000000\r\nInference-Header-Content-Length: 8500000", 413),
    (b"Content-Length: 9000000\r\nInference-Header-Content-Length: 100", 400),
], ids=["all JSON", "much JSON", "much behind little JSON"])
def test_json_has_a_smaller_limit_than_bytes_behind_it(headers: bytes, status: int, tmp_path: Path) -> None:
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % headers
    found = asyncio.run(asked(tmp_path, head + bytes(9_000_000) + b"GET /"))
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"more than 8,388,608 bytes besides tensors in bytes" in found) == (status == 413)


async def asked(folder: Path, sent: bytes) -> bytes:
    """Return what a server answers until it closes the connection."""
    async with served(folder) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        found = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    return found


@asynccontextmanager
async def little_reader(port: int) -> AsyncIterator[socket.socket]:
    """Connect with a small buffer."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        yield client


async def received(client: socket.socket) -> int:
    """Read until the end; how many bytes came."""
    size = 0
    with suppress(ConnectionError):
        while part := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
            size += len(part)
    return size


class Server(NamedTuple):
    """A server in this process."""

    rest: Rest
    port: int

    async def is_left(self) -> None:
        """Wait until it has no connections."""
        for _ in iter(lambda: bool(self.rest._server.server_state.connections), False):
            await asyncio.sleep(0)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Server]:
    """Serve a model `m`."""
    rest = Rest(inference_of(folder), _LIMITS)
    listener = bound(Address("127.0.0.1", 0, None))
    serving = asyncio.create_task(rest.serve(listener))
    listener.listen()
    yield Server(rest, listener.getsockname()[1])
    rest.stop()
    await serving


def inference_of(folder: Path) -> Inference:
    """Return what serves a model `m`."""
    (folder / "m.onnx").write_bytes(scaled(1))
    model = tensor_model(load(str(folder / "m.onnx")))
    found = Served(Loaded(Identity("m", "v1.0.0", "0" * 64), model, "m.onnx", "", "m.onnx", "m.onnx"))
    answers = Answers()
    return Inference({"m": found}, Work(_LIMITS), Metrics(answers), answers)
