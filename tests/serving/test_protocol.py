"""The Open Inference Protocol as its real clients speak it, and requests that are wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import skops.io
import tritonclient.http
from harness import Repo, make_home
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from runtime.written import MODELS, data, make, pipeline
from serving.running import ROW, Running, matrix, scaled, serving

NAMED = ("tensor.onnx", "zipmap.onnx", "numbers.onnx", "m.skops", "m.joblib", "m.pkl", "3.ubj", "lightgbm0.txt")
"""Models that are served, as numpy wrote them; `pipeline` and `scaled` besides."""


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    """Return the models by name as they were before they were written."""
    return {}


@pytest.fixture(scope="module")
def server(template: Path, tmp_path_factory: pytest.TempPathFactory, objects: dict[str, Any]) -> Iterator[Running]:
    """Serve a model of each format."""
    top = tmp_path_factory.mktemp("protocol")
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.run("cp", "-r", str(template), str(repo.root), cwd="/")
    folder = repo.root / "models"
    folder.mkdir()
    for item in MODELS:
        if item.name in NAMED:
            objects[item.name.replace(".", "")], _ = make(item, folder)
    objects["pipeline"], _ = pipeline()
    skops.io.dump(objects["pipeline"], folder / "pipeline.skops")
    (folder / "scaled.onnx").write_bytes(scaled(2))
    repo.ok("add", "models")
    repo.ok("rm", "--keep", "models")
    paths = sorted(f"models/{path.name}" for path in folder.iterdir())
    repo.ok("add", *paths)
    named = [f"{path}={Path(path).name.replace('.', '')}" if "pipeline" not in path else path for path in paths]
    with serving(repo, *named, "--max-body", "1MiB", "--trust") as running:
        yield running


# Clients.


@pytest.mark.parametrize("name", [item.name for item in MODELS if item.name in NAMED])
def test_a_model_of_each_format_predicts_what_it_did_before_it_was_written(
    server: Running, objects: dict[str, Any], name: str,
) -> None:
    item = next(item for item in MODELS if item.name == name)
    rows, _ = data(item.labels)
    known = name.replace(".", "")
    status, found = server.ask(f"/v2/models/{known}")
    assert status == 200
    (taken,) = found["inputs"]
    request = matrix(rows.tolist(), taken["datatype"], taken["name"])
    status, answer = server.ask(f"/v2/models/{known}/infer", request)
    assert status == 200, answer
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert [*outputs] == [output["name"] for output in found["outputs"]]
    first = np.array(next(iter(outputs.values())))
    expected = objects[known].predict(rows)
    np.testing.assert_allclose(first, expected.reshape(-1), rtol=1e-4)


def test_named_columns_with_text(server: Running, objects: dict[str, Any]) -> None:
    request = {"inputs": [
        {"name": "size", "datatype": "FP64", "shape": [2], "data": [0.5, -3]},
        {"name": "country", "datatype": "BYTES", "shape": [2, 1], "data": [["DE"], ["FR"]]},
    ]}
    status, answer = server.ask("/v2/models/pipeline/infer", request)
    assert status == 200, answer
    import pandas as pd

    rows = pd.DataFrame({"size": [0.5, -3.0], "country": ["DE", "FR"]})
    assert answer["outputs"][0]["data"] == objects["pipeline"].predict(rows).tolist()


def test_kserves_client_for_rest(server: Running) -> None:
    async def ask() -> tuple[Any, ...]:
        async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=60, verify=False)) as client:
            tensor = InferInput("X", [1, 4], "FP32")
            tensor.set_data_from_numpy(np.array([ROW], np.float32))
            request = InferRequest("scaledonnx", [tensor], request_id="seven")
            return (
                await client.is_server_live(server.http), await client.is_server_ready(server.http),
                await client.is_model_ready(server.http, "scaledonnx"),
                await client.infer(server.http, request, "scaledonnx"),
            )

    live, ready, model_ready, answer = asyncio.run(ask())
    assert (live, ready, model_ready) == (True, True, True)
    assert answer.id == "seven"
    np.testing.assert_array_equal(answer.outputs[0].as_numpy(), [[1, -2, 4, 0]])


def test_kserves_client_for_grpc(server: Running) -> None:
    async def ask() -> tuple[Any, ...]:
        client = InferenceGRPCClient(server.grpc, timeout=60)
        tensor = InferInput("X", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.array([ROW], np.float32))
        try:
            return (
                await client.is_server_live(), await client.is_server_ready(),
                await client.is_model_ready("scaledonnx"),
                await client.infer(InferRequest("scaledonnx", [tensor], request_id="eight")),
            )
        finally:
            await client.close()

    live, ready, model_ready, answer = asyncio.run(ask())
    assert (live, ready, model_ready) == (True, True, True)
    assert answer.id == "eight"
    np.testing.assert_array_equal(answer.outputs[0].as_numpy(), [[1, -2, 4, 0]])


@pytest.mark.parametrize("binary", [False, True])
def test_tritons_client_for_http(server: Running, binary: bool) -> None:
    with tritonclient.http.InferenceServerClient(server.http.removeprefix("http://")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("scaledonnx")
        assert client.get_model_metadata("scaledonnx")["inputs"] == [
            {"name": "X", "datatype": "FP32", "shape": [-1, 4]}]
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        tensor = tritonclient.http.InferInput("X", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.array([ROW], np.float32), binary_data=binary)
        wanted = [tritonclient.http.InferRequestedOutput("Y", binary_data=binary)]
        found = client.infer("scaledonnx", [tensor], outputs=wanted)
        np.testing.assert_array_equal(found.as_numpy("Y"), [[1, -2, 4, 0]])
        assert ("data" in found.get_output("Y")) is not binary


def test_tritons_client_sends_texts_as_bytes(server: Running) -> None:
    with tritonclient.http.InferenceServerClient(server.http.removeprefix("http://")) as client:
        size, country = (tritonclient.http.InferInput(name, [1], kind) for name, kind in (
            ("size", "FP64"), ("country", "BYTES")))
        size.set_data_from_numpy(np.array([0.5]))
        country.set_data_from_numpy(np.array(["DE"], object))
        found = client.infer("pipeline", [size, country])
        assert found.as_numpy("score_0") + found.as_numpy("score_1") == pytest.approx(1)


_TRITON = """
import sys
import numpy as np
import tritonclient.grpc
with tritonclient.grpc.InferenceServerClient(sys.argv[1]) as client:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("scaledonnx")
    (version,) = client.get_model_metadata("scaledonnx").versions
    tensor = tritonclient.grpc.InferInput("X", [2, 4], "FP32")
    tensor.set_data_from_numpy(np.array([[0.5, -1, 2, 0]] * 2, np.float32))
    found = client.infer("scaledonnx", [tensor], model_version=version)
    np.testing.assert_array_equal(found.as_numpy("Y")[1], [1, -2, 4, 0])
    assert found.get_response().model_version == version
"""


def test_tritons_client_for_grpc(server: Running) -> None:
    """In a process of its own: its messages have the names of KServe's."""
    done = subprocess.run([sys.executable, "-c", _TRITON, server.grpc], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_contents_of_messages(server: Running) -> None:
    with grpc.insecure_channel(server.grpc) as channel:
        stub = GRPCInferenceServiceStub(channel)
        inputs = [{"name": "X", "datatype": "FP32", "shape": [1, 4], "contents": {"fp32_contents": ROW}}]
        found = stub.ModelInfer(pb.ModelInferRequest(model_name="scaledonnx", inputs=inputs))
        assert [*found.outputs[0].contents.fp32_contents] == [1, -2, 4, 0]
        assert stub.ServerMetadata(pb.ServerMetadataRequest()).name == "mvc"


def test_the_version_that_serves_has_an_address_of_its_own(server: Running) -> None:
    (version,) = server.ask("/v2/models/scaledonnx")[1]["versions"]
    status, answer = server.ask(f"/v2/models/scaledonnx/versions/{version}/infer", matrix([ROW]))
    assert (status, answer["model_version"]) == (200, version)
    assert server.ask(f"/v2/models/scaledonnx/versions/{version}/ready")[0] == 200
    assert server.ask(f"/v2/models/scaledonnx/versions/{version}")[0] == 200
    assert server.ask("/v2/models/scaledonnx/versions/v9.9.9/infer", matrix([ROW]))[0] == 404


# What is not there.


@pytest.mark.parametrize("path", [
    "/v2/repository/models/scaledonnx/load", "/v2/repository/models/scaledonnx/unload", "/v2/repository/index",
    "/v1/models/scaledonnx:predict", "/v1/models/scaledonnx:explain", "/v2/models/scaledonnx/explain", "/docs",
    "/openapi.json", "/",
])
def test_nothing_else_is_answered(server: Running, path: str) -> None:
    assert server.ask(path, {})[0] == 404
    assert server.infer("scaledonnx")[0] == 200


def test_no_client_loads_a_model(server: Running) -> None:
    with grpc.insecure_channel(server.grpc) as channel:
        stub = GRPCInferenceServiceStub(channel)
        for call, request in (
            (stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name="scaledonnx")),
            (stub.RepositoryModelUnload, pb.RepositoryModelUnloadRequest(model_name="scaledonnx")),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                call(request)
            assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_only_loopback_is_listened_at(server: Running) -> None:
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    six = [line.split()[1] for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    loopback = {struct.pack("<4B", 127, 0, 0, 1)[::-1].hex().upper(), "0100007F", "0000000000000000FFFF00000100007F"}
    for port in (server.port, int(server.grpc.rpartition(":")[2])):
        found = {where.partition(":")[0] for where in listening + six if where.endswith(f":{port:04X}")}
        assert found
        assert found <= loopback


# Requests that are wrong.

_X = {"name": "X", "datatype": "FP32", "shape": [1, 4], "data": ROW}
_WRONG: list[tuple[str, Any, str]] = [
    ("no JSON", b"{", "not JSON"),
    ("NaN", b'{"inputs": [NaN]}', "not JSON"),
    ("deep", b'{"inputs":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "not JSON"),
    ("deep data", json.dumps({"inputs": [_X | {"data": json.loads("[" * 400 + "]" * 400)}]}).encode(), "lists"),
    ("a list", [], "not a JSON object"),
    ("no inputs", {}, "'X' is missing"),
    ("inputs that are a number", {"inputs": 3}, "not a list"),
    ("an input that is a number", {"inputs": [3]}, "not a list of objects"),
    ("an input without a name", {"inputs": [{"shape": [1]}]}, "'name' is missing"),
    ("another name", {"inputs": [_X, _X | {"name": "Z"}]}, "unknown input 'Z'"),
    ("twice", {"inputs": [_X, _X]}, "twice"),
    ("another type", {"inputs": [_X | {"datatype": "FP64"}]}, "datatype FP64, expected FP32"),
    ("an unknown type", {"inputs": [_X | {"datatype": "FP99"}]}, "unknown datatype"),
    ("text", {"inputs": [_X | {"data": ["1", "2", "3", "4"]}]}, "not all of the datatype"),
    ("null", {"inputs": [_X | {"data": [None, 1, 2, 3]}]}, "not all of the datatype"),
    ("objects", {"inputs": [_X | {"data": [{}, 1, 2, 3]}]}, "not all of the datatype"),
    ("too few values", {"inputs": [_X | {"data": [1]}]}, "1 values, expected 4"),
    ("uneven lists", {"inputs": [_X | {"data": [[1], [2, 3, 4]]}]}, "lists of the same length"),
    ("no data", {"inputs": [{key: _X[key] for key in ("name", "datatype", "shape")}]}, "expected a list"),
    ("another shape", {"inputs": [_X | {"shape": [4, 1]}]}, "shape [4, 1], expected [-1, 4]"),
    ("another rank", {"inputs": [_X | {"shape": [4]}]}, "shape [4], expected [-1, 4]"),
    ("a shape of text", {"inputs": [_X | {"shape": ["1", 4]}]}, "list of integers"),
    ("a negative shape", {"inputs": [_X | {"shape": [-1, -4]}]}, "invalid shape"),
    ("a huge shape", {"inputs": [_X | {"shape": [10**18, 4]}]}, "invalid shape"),
    ("no rows", {"inputs": [_X | {"shape": [0, 4], "data": []}]}, "no rows"),
    ("bytes that are not there", {"inputs": [_X | {"parameters": {"binary_data_size": 16}}]}, "bytes that follow"),
    ("parameters that are a list", {"inputs": [_X], "parameters": [1]}, "not an object"),
    ("an unknown output", {"inputs": [_X], "outputs": [{"name": "Q"}]}, "unknown output 'Q'"),
    ("an id that is a number", {"inputs": [_X], "id": 3}, "'id'"),
]


@pytest.mark.parametrize(("document", "message"), [
    pytest.param(document, message, id=name) for name, document, message in _WRONG])
def test_what_is_wrong_with_a_request_is_said_in_one_line(server: Running, document: Any, message: str) -> None:
    status, answer = server.ask("/v2/models/scaledonnx/infer", document)
    assert status == 400, answer
    assert message in answer["error"]
    assert "\n" not in answer["error"]


def test_integers_that_do_not_fit(server: Running) -> None:
    for datatype, value in (("INT8", 300), ("UINT8", -1), ("INT64", 1.5), ("INT64", 2**70), ("BOOL", 1)):
        inputs = [{"name": "size", "datatype": datatype, "shape": [1], "data": [value]},
                  {"name": "country", "datatype": "BYTES", "shape": [1], "data": ["DE"]}]
        assert server.ask("/v2/models/pipeline/infer", {"inputs": inputs})[0] == 400, datatype


def test_columns_of_different_lengths(server: Running) -> None:
    inputs = [{"name": "size", "datatype": "FP64", "shape": [2], "data": [1, 2]},
              {"name": "country", "datatype": "BYTES", "shape": [1], "data": ["DE"]}]
    status, answer = server.ask("/v2/models/pipeline/infer", {"inputs": inputs})
    assert (status, answer["error"]) == (400, "input 'size' has 2 rows, and 'country' 1")


def test_an_estimator_that_refuses_a_row_says_why(server: Running) -> None:
    inputs = [{"name": "size", "datatype": "FP64", "shape": [1], "data": [1]},
              {"name": "country", "datatype": "BYTES", "shape": [1], "data": ["??"]}]
    status, answer = server.ask("/v2/models/pipeline/infer", {"inputs": inputs})
    assert status == 400
    assert "cannot predict these rows" in answer["error"]


def test_not_a_number_goes_through_as_bytes(server: Running) -> None:
    with tritonclient.http.InferenceServerClient(server.http.removeprefix("http://")) as client:
        tensor = tritonclient.http.InferInput("X", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.full((1, 4), np.nan, np.float32))
        assert np.isnan(client.infer("scaledonnx", [tensor]).as_numpy("Y")).all()


def test_wrong_messages(server: Running) -> None:
    good = {"name": "X", "datatype": "FP32", "shape": [1, 4]}
    with grpc.insecure_channel(server.grpc) as channel:
        stub = GRPCInferenceServiceStub(channel)
        for code, fields in (
            (grpc.StatusCode.INVALID_ARGUMENT, {"inputs": [good], "raw_input_contents": [b"123"]}),
            (grpc.StatusCode.INVALID_ARGUMENT, {"inputs": [good], "raw_input_contents": [bytes(16), b""]}),
            (grpc.StatusCode.INVALID_ARGUMENT, {"inputs": [good | {"datatype": "FP16"}]}),
            (grpc.StatusCode.INVALID_ARGUMENT, {"inputs": [good | {"contents": {"fp32_contents": [1]}}]}),
            (grpc.StatusCode.NOT_FOUND, {"model_name": "nothing"}),
            (grpc.StatusCode.NOT_FOUND, {"model_version": "v9"}),
            (grpc.StatusCode.RESOURCE_EXHAUSTED, {"inputs": [good], "raw_input_contents": [bytes(2 << 20)]}),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                stub.ModelInfer(pb.ModelInferRequest(**({"model_name": "scaledonnx"} | fields)))
            assert raised.value.code() == code, raised.value.details()


def test_a_request_that_is_too_large(server: Running) -> None:
    head = f"POST /v2/models/scaledonnx/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {2 << 20}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(head.encode())
        assert b" 413 " in client.recv(4096)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:  # its length is not told
        client.sendall(b"POST /v2/models/scaledonnx/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            client.sendall(b"40000\r\n" + bytes(0x40000) + b"\r\n")
        assert b" 413 " in client.recv(4096)
    assert server.infer("scaledonnx")[0] == 200


@pytest.mark.parametrize("raw", [
    b"GET /v2 HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"\0\1\2\3\r\n\r\n",
    b"POST /v2/models/scaledonnx/infer HTTP/1.1\r\nContent-Length: x\r\n\r\n",
], ids=["head", "address", "noise", "length"])
def test_heads_that_are_no_heads(server: Running, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(raw)
        assert client.recv(4096).startswith(b"HTTP/1.1 4")
    assert server.infer("scaledonnx")[0] == 200


def test_a_compressed_body_is_refused(server: Running) -> None:
    status, answer = server.ask("/v2/models/scaledonnx/infer", b"123", **{"Content-Encoding": "gzip"})
    assert status == 415, answer


def test_metrics_have_the_version(server: Running) -> None:
    (version,) = server.ask("/v2/models/tensoronnx")[1]["versions"]
    before = server.metric("mvc_serve_rows_total", model="tensoronnx")
    assert server.infer("tensoronnx", [ROW, ROW, [1, 1, 1, 1]])[0] == 200
    assert server.ask("/v2/models/tensoronnx/infer", {})[0] == 400
    labels = {"model": "tensoronnx", "version": version}
    assert server.metric("mvc_serve_rows_total", **labels) == before + 3
    assert server.metric("mvc_serve_requests_total", **labels, protocol="rest", code="400") >= 1
    assert server.metric("mvc_serve_model_info", **labels, path="models/tensor.onnx") == 1
    assert server.metric("mvc_serve_feature_rows_total", **labels, feature="X_3") == before + 3
    assert server.metric("mvc_serve_predicted_total", **labels) == before + 3
    assert server.metric("mvc_serve_in_flight", **labels) == 0


def test_numbers_that_were_predicted_are_summed_up(server: Running) -> None:
    answer = server.infer("numbersonnx", [ROW, [1, 2, 3, 4]])[1]
    assert server.metric("mvc_serve_predicted_value_count", model="numbersonnx") >= 2
    assert len(answer["outputs"][0]["data"]) == 2
