"""A real `mvc serve`, and what tests ask it."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from harness import MVC, Repo
from onnx import TensorProto, helper

ROW = [0.5, -1.0, 2.0, 0.0]


@dataclass
class Running:
    """A server, and what it has printed."""

    process: subprocess.Popen[str]
    out: list[str]
    lines: queue.Queue[str] = field(default_factory=queue.Queue)
    """What it prints on stderr later."""

    @property
    def http(self) -> str:
        """Where HTTP is."""
        return re.search(r"http://[^/]+", self.out[0])[0]

    @property
    def grpc(self) -> str:
        """Where gRPC is."""
        return next(line for line in self.out if "gRPC at" in line).rpartition(" ")[2]

    @property
    def port(self) -> int:
        """The port of HTTP."""
        return int(self.http.rpartition(":")[2])

    def said(self, part: str) -> str:
        """Wait for a line on stderr with `part`."""
        seen = []
        while not seen or part not in seen[-1]:
            try:
                seen.append(self.lines.get(timeout=30))
            except queue.Empty:
                raise AssertionError(f"{part!r} is not in {seen}") from None
        return seen[-1]

    def ask(self, path: str, document: object = None, **headers: str) -> tuple[int, Any]:
        """Ask for a path; the status, and what is answered."""
        body = document if isinstance(document, bytes | None) else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.http}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _read(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error)

    def infer(self, name: str, rows: Sequence[Sequence[float]] = (ROW,)) -> tuple[int, Any]:
        """Ask a model that takes a matrix X."""
        return self.ask(f"/v2/models/{name}/infer", matrix(rows))

    def metric(self, name: str, **labels: str) -> float:
        """Return a series' value; the sum of those that have the labels."""
        found = [
            float(line.rpartition(" ")[2]) for line in self.ask("/metrics")[1].splitlines()
            if re.match(rf"{name}(\{{| )", line) and all(f'{key}="{text}"' in line for key, text in labels.items())
        ]
        assert found, f"no series {name} {labels}"
        return sum(found)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


def _read(answer: Any) -> Any:
    body = answer.read()
    return json.loads(body) if answer.headers.get("content-type", "").startswith("application/json") else body.decode()


def matrix(rows: Sequence[Sequence[float]], datatype: str = "FP32", name: str = "X") -> dict[str, Any]:
    """Return a request with one matrix."""
    flat = [value for row in rows for value in row]
    shape = [len(rows), len(rows[0])]
    return {"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": flat}]}


@contextmanager
def serving(repo: Repo, *args: str, environ: dict[str, str] | None = None) -> Iterator[Running]:
    """Run `mvc serve ARGS` on free ports."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", MVC, "serve", "--port", "0", "--grpc-port", "0", *args],
        cwd=repo.root, env={**repo.environ, **(environ or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    server = Running(process, [])
    reader = threading.Thread(target=lambda: [server.lines.put(line) for line in process.stderr])
    reader.start()
    try:
        for line in process.stdout:
            server.out.append(line.rstrip("\n"))
            if line.startswith("  try: curl"):
                break
        else:
            raise RuntimeError([*server.lines.queue])
        yield server
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()
        process.stdout.close()
        process.stderr.close()


# Models.


def scaled(factor: float, *, width: int = 4) -> bytes:
    """Return an ONNX model: X [N, 4] in, Y = X * factor out."""
    return _model([helper.make_node("Mul", ["X", "factor"], ["Y"])], factor, width)


def unrunnable() -> bytes:
    """Return an ONNX model that loads, and fails when it runs: it makes a shape of another size."""
    return _model([helper.make_node("Reshape", ["X", "shape"], ["Y"])], 1, 4)


def filtering() -> bytes:
    """Return an ONNX model whose answer has the sums of those rows only that have one above 0."""
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    nodes = [
        helper.make_node("ReduceSum", ["X", "axis"], ["sums"], keepdims=0),
        helper.make_node("Greater", ["sums", "zero"], ["is_above"]),
        helper.make_node("Compress", ["sums", "is_above"], ["Y"], axis=0),
    ]
    constants = [
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0]),
    ]
    graph = helper.make_graph(nodes, "g", [value("X", ["N", 4])], [value("Y", ["K"])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def slow(size: int) -> bytes:
    """Return an ONNX model whose time grows with `size`: products of a matrix of zeros, and X added."""
    zeros = helper.make_tensor("zeros", TensorProto.FLOAT, [size, size], np.zeros(size * size, np.float32))
    nodes = [
        helper.make_node("MatMul", ["zeros", "zeros"], ["a"]),
        helper.make_node("ReduceSum", ["X"], ["some"], keepdims=0),
        helper.make_node("Add", ["a", "some"], ["b"]),
        helper.make_node("MatMul", ["b", "zeros"], ["c"]),
        helper.make_node("ReduceSum", ["c"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["X", "nothing"], ["Y"]),
    ]
    return _model(nodes, 1, 4, zeros)


def _model(nodes: list[Any], factor: float, width: int, *more: Any) -> bytes:
    matrix_of = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])  # noqa: E731
    constants = [
        helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor]),
        helper.make_tensor("shape", TensorProto.INT64, [2], [3, 7]),
        *more,
    ]
    graph = helper.make_graph(nodes, "g", [matrix_of("X")], [matrix_of("Y")], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def registered(
    repo: Repo, *versions: tuple[str, bytes], path: str = "models/ranker.onnx", name: str = "ranker",
) -> None:
    """Commit and register versions of the model `name`, with a content remote and a Git remote."""
    hub = repo.root.parent / "hub.git"
    if not hub.exists():
        repo.git("init", "-q", "--bare", str(hub))
        repo.git("remote", "add", "origin", "../hub.git")
        repo.ok("remote", "add", "nas", "../nas", "--default")
    for version, content in versions:
        repo.write(path, content)
        repo.ok("add", path, "--name", name)
        repo.ok("eval", "record", path, "--tag", version, "--metric", "auc=0.9", "--higher-is-better", "auc")
        repo.commit(version)
        repo.ok("push")
        repo.git("push", "-q", "-u", "origin", "HEAD:main")
        repo.ok("register", name, "--push")


def eventually(check: Callable[[], bool], stop: threading.Event | None = None) -> None:
    """Ask until `check` holds."""
    for _ in range(2000):
        if check():
            return
        (stop or threading.Event()).wait(0.02)
    raise AssertionError("it never held")
