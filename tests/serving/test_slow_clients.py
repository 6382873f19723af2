"""Clients that send slowly: a server in this process, of which the limits are short."""

from __future__ import annotations

import asyncio
import socket
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
    (tmp_path / "m.onnx").write_bytes(scaled(1))
    model = tensor_model(load(str(tmp_path / "m.onnx")))
    served = Served(Loaded(Identity("m", "v1.0.0", "0" * 64), model, "m.onnx", "", "m.onnx", "m.onnx"))

    async def ask() -> bytes:
        answers = Answers()
        inference = Inference({"m": served}, Work(_LIMITS), Metrics(answers), answers)
        rest = Rest(inference, _LIMITS)
        listener = bound(Address("127.0.0.1", 0, None))
        serving = asyncio.create_task(rest.serve(listener))
        listener.listen()
        reader, writer = await asyncio.open_connection(*listener.getsockname(), family=socket.AF_INET)
        writer.write(sent)
        found = await asyncio.wait_for(reader.read(), 30)  # until the server closes the connection
        writer.close()
        rest.stop()
        await serving
        return found

    found = asyncio.run(ask())
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"408" in found
