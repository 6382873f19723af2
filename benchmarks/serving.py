"""Measure `mvc serve` against a bare KServe server of the same ONNX model, in pairs; and how long a start takes.

`python -m benchmarks.serving [--seconds N] [--rounds N] [--size BYTES] [--folder DIR] [--logged]`. Requests go over
loopback, one after the other for times, from eight threads for throughput. The limits are quotients: 1.03 for p50 and
p99 (1.10 with `--logged`), 0.97 for throughput; 1.3 for the start of a model of `--size` bytes against reading and
hashing it, and loading it in ONNX Runtime.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from benchmarks.against_calls import environment, material

LIMITS = {"p50": 1.03, "p99": 1.03, "throughput": 0.97, "processor": 1.03}
"""Milliseconds; requests in a second; milliseconds of the processor for each of these."""
LOGGED = 1.10
START = 1.3
WIDTH = 20
_THREADS = 8

BARE = """
import sys, logging
path, http, grpc = sys.argv.pop(1), int(sys.argv.pop(1)), int(sys.argv.pop(1))
import kserve, numpy as np, onnxruntime
from kserve import InferOutput, InferResponse, Model, ModelServer
class Bare(Model):
    def __init__(self):
        super().__init__("m")
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.names = [item.name for item in self.session.get_outputs()]
        self.ready = True
    def predict(self, request, headers=None):
        found = self.session.run(None, {item.name: item.as_numpy() for item in request.inputs})
        outputs = []
        for name, values in zip(self.names, found):
            output = InferOutput(name, list(values.shape), "FP32")
            output.set_data_from_numpy(values, binary_data=request.use_binary_outputs)
            outputs.append(output)
        return InferResponse(request.id or "", "m", outputs)
logging.getLogger("uvicorn.access").disabled = True
logging.disable(logging.INFO)
ModelServer(http_port=http, grpc_port=grpc, enable_latency_logging=False, workers=1).start([Bare()])
"""

MAKE = """
import sys
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
path, width, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(0)
hidden = max(64, size // 4 // width)
weights = [numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name) for name, shape in
           (("a", (width, hidden)), ("b", (64, 1)))]
nodes = [helper.make_node("MatMul", ["X", "a"], ["h"]), helper.make_node("Slice", ["h", "s", "e", "x"], ["c"]),
         helper.make_node("MatMul", ["c", "b"], ["Y"])]
ends = [helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in (("s", 0), ("e", 64), ("x", 1))]
graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", width])],
                          [helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["N", 1])], [*weights, *ends])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
"""

LOAD = """
import sys, time
begun = time.perf_counter()
from blake3 import blake3
found = blake3(max_threads=blake3.AUTO)
found.update_mmap(sys.argv[1])
found.hexdigest()
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
print(time.perf_counter() - begun)
"""


def main() -> int:
    """Print quotients; exit 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=1 << 30, help="of the model whose start is measured; 0 for none")
    parser.add_argument("--folder", help="keep material here")
    parser.add_argument("--logged", action="store_true", help="with the prediction log")
    options = parser.parse_args()
    with material(options.folder) as folder:
        missed = _requests(folder, options)
        return int(_start(folder, options.size) or missed) if options.size else int(missed)


def _prepared(folder: Path, name: str, size: int) -> dict[str, str]:
    environ = environment(folder)
    if not (folder / ".mvc").exists():
        for line in (["git", "init", "-q"], ["git", "config", "user.email", "ada@example.com"],
                     ["git", "config", "user.name", "Ada"], ["mvc", "init", "-q"]):
            subprocess.run(line, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-c", MAKE, str(folder / name), str(WIDTH), str(size)], check=True)
    subprocess.run(["mvc", "add", "-q", name], cwd=folder, env=environ, check=True)
    return environ


# Requests.


def _requests(folder: Path, options: Any) -> bool:
    environ = _prepared(folder, "m.onnx", 0)
    ports = [_free_port() for _ in range(4)]
    bare = [sys.executable, "-c", BARE, str(folder / "m.onnx"), *map(str, ports[:2])]
    own = ["mvc", "serve", "m.onnx", "--port", str(ports[2]), "--grpc-port", str(ports[3])]
    if options.logged:
        own += ["--log", str(folder / "log")]
    missed = False
    with open(os.devnull, "w") as nowhere:
        servers = [subprocess.Popen(line, cwd=folder, env=environ, stdout=nowhere, stderr=nowhere)
                   for line in (bare, own)]
        try:
            for port in ports:
                _wait(port)
            for protocol, first, second in (("REST", ports[0], ports[2]), ("gRPC", ports[1], ports[3])):
                make = _rest if protocol == "REST" else _grpc
                asked = ((make, first, servers[0].pid), (make, second, servers[1].pid))
                rounds = [tuple(_measured(*item, options.seconds) for item in asked) for _ in range(options.rounds)]
                missed |= _report(protocol, rounds, logged=options.logged)
        finally:
            for server in servers:
                server.terminate()
                server.wait()
    return missed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens at {port}")


def _rest(port: int) -> Callable[[], None]:
    row = np.linspace(-1, 1, WIDTH).tolist()
    body = json.dumps({"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, WIDTH], "data": row}]}).encode()
    client = HTTPConnection("127.0.0.1", port)

    def ask() -> None:
        client.request("POST", "/v2/models/m/infer", body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        if answer.status != 200 or not answer.read():
            raise SystemExit(f"status {answer.status}")

    return ask


def _grpc(port: int) -> Callable[[], None]:
    import grpc  # noqa: PLC0415 - not for REST

    raw = np.linspace(-1, 1, WIDTH, dtype=np.float32).tobytes()
    request = pb.ModelInferRequest(
        model_name="m", inputs=[{"name": "X", "datatype": "FP32", "shape": [1, WIDTH]}], raw_input_contents=[raw])
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]))

    def ask() -> None:
        stub.ModelInfer(request)

    return ask


def _processor(pid: int) -> float:
    """Return the seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measured(make: Callable[[int], Callable[[], None]], port: int, pid: int, seconds: float) -> dict[str, float]:
    """Return milliseconds of requests one after the other, and requests in a second of several threads."""
    ask = make(port)
    for _ in range(50):
        ask()
    times, end = [], time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        ask()
        times.append((time.perf_counter() - begun) * 1000)
    stop = threading.Event()

    def ask_on() -> int:
        ask, count = make(port), 0
        while not stop.is_set():
            ask()
            count += 1
        return count

    used = _processor(pid)
    with ThreadPoolExecutor(_THREADS) as pool:
        asked = [pool.submit(ask_on) for _ in range(_THREADS)]
        time.sleep(seconds)
        stop.set()
        total = sum(item.result() for item in asked)
    cuts = quantiles(times, n=100)
    used = (_processor(pid) - used) * 1000
    return {"p50": cuts[49], "p99": cuts[98], "throughput": total / seconds, "processor": used / total}


def _report(protocol: str, rounds: list[Any], *, logged: bool) -> bool:
    missed = False
    for name, limit in LIMITS.items():
        if logged:
            limit = LOGGED if limit > 1 else 1 / LOGGED  # noqa: PLW2901 - of the log
        bare, own = (median(pair[which][name] for pair in rounds) for which in (0, 1))
        quotient = median(own[name] / bare[name] for bare, own in rounds)
        wrong = quotient > limit if limit > 1 else quotient < limit
        missed |= wrong
        unit = "/s" if name == "throughput" else " ms"
        print(f"{protocol} {name}: KServe {bare:.3f}{unit}, mvc {own:.3f}{unit}, quotient {quotient:.2f} "
              f"(limit {limit:.2f}){' MISSED' if wrong else ''}", flush=True)
    return missed


# The start.


def _start(folder: Path, size: int) -> bool:
    environ = _prepared(folder, "large.onnx", size)
    quotients = []
    for _ in range(3):
        line = [sys.executable, "-c", LOAD, str(folder / "large.onnx")]
        bare = float(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
        begun = time.perf_counter()
        server = subprocess.Popen(["mvc", "serve", "large.onnx", "--port", "0", "--grpc-port", "0"], cwd=folder,
                                  env=environ, stdout=subprocess.PIPE)
        assert server.stdout
        server.stdout.readline()
        own = time.perf_counter() - begun
        server.kill()
        server.wait()
        server.stdout.close()
        quotients.append(own / bare)
        print(f"start: hashing and loading {bare:.1f} s, mvc {own:.1f} s, quotient {own / bare:.2f}", flush=True)
    return median(quotients) > START


if __name__ == "__main__":
    sys.exit(main())
