"""What clients and models must not do to a server: take its memory, its log, its metrics, or the process."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from harness import MVC, Repo, make_home
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from serving.running import Running, eventually, matrix, serving

from mvc.cli.commands.production.serve import _curl, _say
from mvc.ops.lifecycle.serving.run import Prepared
from mvc.ops.lifecycle.serving.target import Target
from mvc.runtime.predictor import Prediction
from mvc.serving.answered import Answered
from mvc.serving.answers import Answers
from mvc.serving.loaded import Identity, Loaded
from mvc.serving.metrics import Metrics
from mvc.serving.problem import Problem, invalid
from mvc.serving.protocols.grpc_wire import asked
from mvc.serving.protocols.oip_json import decode
from mvc.serving.tensor_model import Answer, Spec
from mvc.serving.tensors import tensor_of_list
from mvc.serving.work import Limits, Pace, Work

_MODEL = """
import os
class Model:
    def predict(self, rows):
        what = int(rows[0, 0]) if rows.size else 0
        if what == 1: raise SystemExit(0)
        if what == 2: raise KeyboardInterrupt
        if what == 3: raise TimeoutError("two\\nlines")
        if what == 4: raise StopIteration
        if what == 5: return rows[:1, 0]
        if what == 6: return 5
        if what == 7: open("gate").close()
        return rows[:, 0]
def load(path):
    open("begun", "w").close()
    return Model()
def exits(path):
    raise SystemExit(0)
def waits(path):
    open("gate").read()
"""


def owned(repo: Repo) -> None:
    repo.write("own.py", _MODEL)
    repo.write("m.bin", "whatever")
    repo.ok("add", "m.bin")
    os.mkfifo(repo.root / "gate")


@pytest.fixture(scope="module")
def served(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Repo]]:
    """Serve a model that does what its first value says; one of 7 waits for the gate."""
    top = tmp_path_factory.mktemp("hostile")
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.run("cp", "-r", str(template), str(repo.root), cwd="/")
    owned(repo)
    with serving(repo, "m.bin", "--loader", "own:load", "--max-body", "1MiB") as running:
        yield running, repo


# Models.


@pytest.mark.parametrize(("what", "status", "message"), [
    (1, 500, "the model failed: SystemExit: 0"),
    (2, 500, "the model failed: KeyboardInterrupt:"),
    (3, 400, "two"),
    (4, 400, "StopIteration"),
    (5, 400, "1 values for 2 rows"),
    (6, 400, "1 values for 2 rows"),
])
def test_a_model_does_not_end_the_server(served: tuple[Running, Repo], what: int, status: int, message: str) -> None:
    server, _ = served
    found, answer = server.infer("m", [[what, 0], [what, 0]])
    assert (found, "\n" in answer["error"]) == (status, False)
    assert message in answer["error"]
    assert server.infer("m", [[0, 0]])[0] == 200
    assert server.metric("mvc_serve_in_flight") == 0


def test_a_loader_that_exits(repo: Repo) -> None:
    owned(repo)
    result = repo.fails(2, "serve", "m.bin", "--loader", "own:exits")
    assert "failed: SystemExit" in result.errors[0]


# Clients.


def test_no_client_writes_to_the_log_of_the_server(served: tuple[Running, Repo]) -> None:
    server, _ = served
    for raw in (
        b"\0\1\2\r\n\r\n",
        b"GET /v2/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: [\r\n\r\n",
        b"GET /%E2%80%AE%00%0A HTTP/1.1\r\nHost: [\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(raw)
            answer = client.recv(4096)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 2"))
        assert "\u202e".encode() not in answer
    assert server.lines.empty()


def test_no_address_leads_elsewhere(served: tuple[Running, Repo]) -> None:
    assert served[0].ask("/v2/")[0] == 404


def test_an_id_has_a_limit(served: tuple[Running, Repo]) -> None:
    server, _ = served
    status, answer = server.ask("/v2/models/m/infer", matrix([[0, 0]]) | {"id": "a" * 2000})
    assert (status, answer["error"]) == (400, "the id has 2,000 characters, expected at most 1000")


def test_names_that_a_model_does_not_give_have_a_limit(served: tuple[Running, Repo]) -> None:
    status, answer = served[0].ask("/v2/models/m/infer", matrix([[0, 0]], name="a" * 2000))
    assert (status, answer["error"]) == (400, "the name of an input has more than 200 characters")


def test_large_requests_of_grpc_are_refused_if_many_wait(served: tuple[Running, Repo]) -> None:
    server, repo = served
    values = np.zeros((2, 65_000))
    values[:, 0] = 7
    inputs = [{"name": "X", "datatype": "FP64", "shape": [2, 65_000]}]
    request = pb.ModelInferRequest(model_name="m", inputs=inputs, raw_input_contents=[values.tobytes()])

    def ask(channel: grpc.Channel) -> grpc.StatusCode:
        try:
            GRPCInferenceServiceStub(channel).ModelInfer(request)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    with grpc.insecure_channel(server.grpc) as channel, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, channel) for _ in range(6)]
        eventually(lambda: any(item.done() for item in asked))
        gate = os.open(repo.root / "gate", os.O_RDWR)
        try:
            codes = {item.result() for item in asked}
        finally:
            os.close(gate)
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}


@pytest.mark.parametrize("shape", [[2**17, 0], [2**40, 2**40, 0], [2**62, 2**62], [-1, 0], [1] * 40, [2**62] * 40])
def test_shapes_that_cost_a_client_nothing(shape: list[int]) -> None:
    with pytest.raises(Problem, match="invalid shape"):
        tensor_of_list("X", "FP32", shape, [])


def test_a_shape_without_values() -> None:
    assert tensor_of_list("past", "FP32", [1, 8, 0, 64], []).values.shape == (1, 8, 0, 64)


def test_whole_numbers_of_any_size_are_as_they_are() -> None:
    data = [9223372036854775808, 1, 2**64 - 1]
    assert tensor_of_list("X", "UINT64", [3, 1], data).values.reshape(-1).tolist() == data


@pytest.mark.parametrize(("datatype", "data", "told"), [
    ("UINT64", [-1, 1], "outside the range"), ("INT8", [128], "outside the range"), ("INT64", [True, 3], "not all"),
    ("INT64", [1.0], "not all"), ("BOOL", [1], "not all"), ("FP64", [True], "not all"),
    ("FP64", [10**400], "outside the range"),
])
def test_values_of_another_datatype(datatype: str, data: list[object], told: str) -> None:
    with pytest.raises(Problem, match=told):
        tensor_of_list("X", datatype, [len(data)], data)


def test_one_long_text_among_numbers_takes_no_memory() -> None:
    data = ["a" * 100_000, *[1] * 1000]
    tracemalloc.start()
    try:
        with pytest.raises(Problem, match="not all of the datatype"):
            tensor_of_list("X", "FP32", [1001], data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("part", [b"[],", b"{},", b"[[[1]]],"])
def test_lists_that_cost_a_client_little(part: bytes) -> None:
    body = b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [1], "data": [%b[]]}]}' % (part * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(Problem, match="more than 262,144 lists and objects: send data flat") as problem:
            decode(body, None)
        assert problem.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("raw", "message"), [
    (b"\x2a\x00" * 100_000, "the message has more than 4,000 fields"),
    (b"\x3a\x00" * 100_000, "the message has more than 4,000 fields"),
    (b"\x2a\xa0\x8d\x06" + b"\x22\x00" * 50_000, "more than 65,536 bytes besides tensors in bytes"),
    (b"\x2a\xff\xff\xff\xff\x0f" + bytes(9), "the message is broken"),
    (b"\x2b" * 9, "the message is broken"),
    (b"\xff" * 90, "the message is broken"),
], ids=["inputs", "tensors", "parameters", "cut short", "a group", "a long number"])
def test_a_message_of_grpc_is_looked_at_before_it_is_parsed(raw: bytes, message: str) -> None:
    with pytest.raises(Problem, match=message):
        asked(raw, 1 << 16)


def test_what_a_message_of_grpc_asks_for() -> None:
    inputs = [{"name": "X", "datatype": "FP32", "shape": [1, 2], "parameters": {"a": {"int64_param": -1}}}]
    message = pb.ModelInferRequest(
        model_name="m", model_version="v1", id="é", inputs=inputs, raw_input_contents=[bytes(1 << 17)])
    assert asked(message.SerializeToString(), 1 << 10) == ("m", "v1")


@pytest.mark.parametrize(("raw", "code"), [
    (b"\x0a\x01m" + b"\x2a\x00" * 300_000, grpc.StatusCode.INVALID_ARGUMENT),
    (b"\x0a\x01m\x2a\x00\xff", grpc.StatusCode.INVALID_ARGUMENT),
    (b"\x0a\x01m\x2a\x80\x80\x41" + bytes(65 << 14), grpc.StatusCode.RESOURCE_EXHAUSTED),
], ids=["large", "broken", "too large"])
def test_messages_of_grpc_that_are_refused(served: tuple[Running, Repo], raw: bytes, code: grpc.StatusCode) -> None:
    with grpc.insecure_channel(served[0].grpc) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(raw)
    assert error.value.code() == code
    assert served[0].lines.empty()


def test_a_tensor_does_not_keep_the_document_before_it() -> None:
    document = matrix([[1.0]]) | {"parameters": {"note": "a" * (4 << 20)}}
    del document["inputs"][0]["data"]
    document["inputs"][0]["parameters"] = {"binary_data_size": 4}
    head = json.dumps(document).encode()
    tracemalloc.start()
    try:
        body = bytearray(head + bytes(4))
        (kept,) = decode(body, len(head)).inputs
        del body
        assert tracemalloc.get_traced_memory()[0] < 1 << 20
        assert kept.values.shape == (1, 1)
    finally:
        tracemalloc.stop()


def test_a_problem_is_one_short_line() -> None:
    problem = invalid("a\r\nb" + "c" * 10_000)
    assert (problem.message[:5], len(problem.message) <= 500) == ("a bcc", True)


# Metrics.


class _Any:
    def __init__(self, inputs: tuple[Spec, ...] = ()) -> None:
        self.inputs = inputs

    def prediction(self, answer: Answer) -> Prediction:
        return answer.raw


def summarised(inputs: dict[str, Any], predicted: Any, times: int = 1) -> Metrics:
    answers = Answers()
    metrics = Metrics(answers)
    for _ in range(times):
        columns = {name: np.array(values) for name, values in inputs.items()}
        answers.put(answered(columns, np.asarray(predicted)))
    return metrics


def answered(columns: dict[str, Any], predicted: Any) -> Answered:
    return Answered("r", 0.0, Identity("m", "v1", "0"), 0.0, columns, len(predicted), Prediction(predicted, {}))


@pytest.mark.parametrize(("predicted", "label"), [
    (["\ud800"], 'label="?"'), ([b"\xff"], 'label="\ufffd"'), ([None], 'label="None"'), ([7], 'label="7"'),
    (["a" * 10_000], f'label="{"a" * 100}"'), (['"\n\0'], 'label="\\"\\n\0"'),
])
def test_any_label_is_a_series(predicted: list[Any], label: str) -> None:
    assert label in summarised({}, np.array(predicted, object)).text().decode()


def test_a_huge_number_does_not_spoil_a_sum() -> None:
    text = summarised({"x": [1e308, -1e308, np.inf, 2.0]}, [1] * 4).text().decode()
    assert 'mvc_serve_feature_squares_total{blake3="0",feature="x",model="m",version="v1"} 4.0' in text
    assert 'mvc_serve_feature_missing_total{blake3="0",feature="x",model="m",version="v1"} 3.0' in text


def test_texts_that_are_to_be_summed_up_have_a_limit() -> None:
    tracemalloc.start()
    try:
        answers = Answers()
        Metrics(answers)
        for place in range(40):
            text = np.array([f"{place}{'a' * (1 << 20)}"], object)
            answers.put(answered({"x": text}, np.zeros(1)))
            del text
        assert tracemalloc.get_traced_memory()[0] < 12 << 20
    finally:
        tracemalloc.stop()


def test_a_request_whose_time_ends_when_its_turn_comes_keeps_no_thread() -> None:
    async def asked() -> int:
        work = Work(Limits(seconds=0.2))
        gates = [threading.Event() for _ in os.sched_getaffinity(0)]
        is_here, never = asyncio.sleep(0, result=False), asyncio.Event()

        async def is_gone() -> bool:
            await never.wait()
            return False

        running = [asyncio.create_task(work.run(gate.wait, 1 << 20, Pace(), lambda: is_here)) for gate in gates]
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(work.run(int, 1 << 20, Pace(), is_gone)) for _ in gates]
        await asyncio.sleep(0)
        for gate in gates:
            gate.set()
        await asyncio.gather(*running, *waiting, return_exceptions=True)
        is_here.close()
        try:
            return await work.run(lambda: 7, 1 << 20, Pace(), is_gone)
        finally:
            work.close()

    assert asyncio.run(asked()) == 7


# Operators.


def test_a_port_that_is_taken_is_told_before_the_load(repo: Repo) -> None:
    owned(repo)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        for args in (["--port", port, "--grpc-port", "0"], ["--port", "0", "--grpc-port", port]):
            result = repo.fails(2, "serve", "m.bin", "--loader", "own:load", *args)
            assert "cannot listen" in result.errors[0]
    repo.write("file", "")
    free = ("--port", "0", "--grpc-port", "0")
    repo.fails(3, "serve", "m.bin", "--loader", "own:load", *free, "--log", "file")
    assert not (repo.root / "begun").exists()


def test_a_signal_while_a_model_is_loaded_ends_it(repo: Repo) -> None:
    """Also as process 1 of a container, which gets only signals that it asked for."""
    owned(repo)
    line = [MVC, "serve", "m.bin", "--loader", "own:waits", "--port", "0", "--grpc-port", "0"]
    started = subprocess.Popen(line, cwd=repo.root, env=repo.environ, stderr=subprocess.DEVNULL)
    with open(repo.root / "gate", "wb"):  # it waits for the other side to open it
        caught = next(line for line in Path(f"/proc/{started.pid}/status").read_text().splitlines() if "SigCgt" in line)
        assert int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1
        started.send_signal(signal.SIGTERM)
        assert started.wait(30) == 130


@pytest.mark.parametrize(("inputs", "asks"), [
    ((Spec("X", "FP32", (-1, 4)),), "/infer"),
    ((), ""),
    (tuple(Spec(f"column {place}", "FP64", (-1,)) for place in range(100)), ""),
    ((Spec("image", "FP32", (-1, 3, 1 << 30)),), ""),
    ((Spec("country", "BYTES", (-1,)),), ""),  # which text the model takes is not known
])
def test_the_line_to_type_is_short(inputs: tuple[Spec, ...], asks: str) -> None:
    loaded = Loaded(Identity("m", "v1", "0"), _Any(inputs), "m", "", "m", "m")
    line = _curl("http://127.0.0.1:8080", Prepared(Target("m", "m"), loaded))
    assert line.startswith(f"curl -s http://127.0.0.1:8080/v2/models/m{asks} ")
    assert len(line) <= 200


def test_a_reader_of_stderr_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with io.TextIOWrapper(os.fdopen(writing, "wb", 0), write_through=True) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        _say("a line")
