"""Clients that send slowly: a server in this process, of which the limits are short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from serving.running import scaled

from mvc.runtime.load import load
from mvc.serving.answers import Answers
from mvc.serving.inference import Inference
from mvc.serving.loaded import Identity, Loaded, Served
from mvc.serving.metrics import Metrics
from mvc.serving.protocols.address import Address, bound
from mvc.serving.protocols.rest import Rest
from mvc.serving.tensor_model import tensor_model
from mvc.serving.work import Limits, Work

_LIMITS = Limits(arrival=0.2)


@pytest.mark.parametrize(("sent", "status"), [
    (b"", 408),
    (b"POST /v2/models/m/infer HTTP/1.1\r\nHost:", 408),
    (b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\nGET /v2", 200),
    (b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", 408),
], ids=["nothing", "half a head", "half a second head", "half a body"])
def test_a_request_must_arrive_in_time(sent: bytes, status: int, tmp_path: Path) -> None:
    found = asyncio.run(asked(tmp_path, sent))
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"408" in found


@pytest.mark.parametrize(("headers", "status"), [
    (b"Content-Length: 9000000", 413),
    (b"Content-Length: 9000000\r\nInference-Header-Content-Length: 8500000", 413),
    (b"Content-Length: 9000000\r\nInference-Header-Content-Length: 100", 408),
], ids=["all JSON", "much JSON", "much behind little JSON"])
def test_json_has_a_smaller_limit_than_bytes_behind_it(headers: bytes, status: int, tmp_path: Path) -> None:
    found = asyncio.run(asked(tmp_path, b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n{" % headers))
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"more than 8,388,608 bytes besides tensors in bytes" in found) == (status == 413)


async def asked(folder: Path, sent: bytes) -> bytes:
    """Return what a server answers until it closes the connection."""
    async with served(folder) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        found = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    return found


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[int]:
    """Serve a model `m`; the port."""
    (folder / "m.onnx").write_bytes(scaled(1))
    model = tensor_model(load(str(folder / "m.onnx")))
    found = Served(Loaded(Identity("m", "v1.0.0", "0" * 64), model, "m.onnx", "", "m.onnx", "m.onnx"))
    answers = Answers()
    inference = Inference({"m": found}, Work(_LIMITS), Metrics(answers), answers)
    rest = Rest(inference, _LIMITS)
    listener = bound(Address("127.0.0.1", 0, None))
    serving = asyncio.create_task(rest.serve(listener))
    listener.listen()
    yield listener.getsockname()[1]
    rest.stop()
    await serving
