"""What is served, and what is refused before anything is; limits, clients that are slow or leave, and the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from harness import MVC, Begin, Repo, make_home
from serving.running import ROW, Running, eventually, matrix, registered, scaled, serving, slow, unrunnable

_BUSY = 1500
"""Rows of a matrix whose product takes long enough to ask something else meanwhile."""


def ranked(repo: Repo) -> None:
    """Register two versions of a model, promote the first, and add others that are not registered."""
    registered(repo, ("v1.0.0", scaled(1)), ("v2.0.0", scaled(2)))
    repo.ok("promote", "ranker@v1.0.0", "prod", "--push")
    repo.write("models/slow.onnx", slow(_BUSY))
    repo.write("models/bad.onnx", unrunnable())
    repo.write("models/notes.txt", "no model")
    repo.ok("add", "models/slow.onnx", "models/bad.onnx", "models/notes.txt")


@pytest.fixture(scope="module")
def server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serve a stage, a version under another name, and a path."""
    top = tmp_path_factory.mktemp("serve")
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.run("cp", "-r", str(template), str(repo.root), cwd="/")
    ranked(repo)
    limits = ("--max-body", "2MiB", "--max-queue", "2", "--max-time", "20")
    with serving(repo, "ranker#prod", "ranker@v2.0.0=second", "models/slow.onnx", *limits) as running:
        yield running


def test_a_stage_a_version_and_a_path(server: Running) -> None:
    assert server.ask("/v2/models")[1] == {"models": ["ranker", "second", "slow"]}
    found = {name: server.infer(name)[1] for name in ("ranker", "second")}
    assert {name: answer["model_version"] for name, answer in found.items()} == {"ranker": "v1.0.0", "second": "v2.0.0"}
    assert found["second"]["outputs"][0]["data"] == [2 * value for value in ROW]
    assert server.metric("mvc_serve_model_info", model="ranker", stage="prod", ref="ranker#prod", version="v1.0.0") == 1


def test_a_path_has_the_version_that_the_report_of_its_bytes_names(begin: Begin) -> None:
    repo = begin(ranked)
    repo.write("models/my model.onnx", scaled(5))
    repo.ok("add", "models/my model.onnx")
    repo.ok("eval", "record", "models/my model.onnx", "--tag", "a/b", "--metric", "auc=0.9")
    refs = ("models/ranker.onnx=here", "HEAD~1:models/ranker.onnx=there", "models/my model.onnx")
    with serving(repo, *refs) as server:
        found = {name: server.infer(name)[1]["model_version"] for name in ("here", "there", "my-model")}
        assert (found["here"], found["there"], len(found["my-model"])) == ("v2.0.0", "v1.0.0", 12)
    repo.write("models/ranker.onnx", scaled(5))
    repo.ok("add", "models/ranker.onnx")  # the report is of other bytes now
    with serving(repo, "models/ranker.onnx") as server:
        assert len(server.infer("ranker")[1]["model_version"]) == 12


def test_the_line_to_type_works(server: Running, repo: Repo) -> None:
    line = server.out[-1].removeprefix("  try: ")
    assert '"outputs"' in repo.shell(line).out


# Limits.


def test_health_is_answered_while_a_model_works_and_too_many_requests_are_refused(server: Running) -> None:
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(cores + 6) as pool:
        asked = [pool.submit(server.infer, "slow") for _ in range(cores + 6)]
        eventually(lambda: server.metric("mvc_serve_in_flight", model="slow") > 0)
        assert server.ask("/v2/health/live") == (200, {"live": True})
        answers = [item.result() for item in asked]
    codes = [status for status, _ in answers]
    assert codes.count(200) >= cores
    assert set(codes) == {200, 503}
    assert "wait already" in next(answer["error"] for status, answer in answers if status == 503)
    assert server.metric("mvc_serve_in_flight", model="slow") == 0


def test_a_client_that_goes_away_before_its_turn_costs_nothing(server: Running) -> None:
    cores = len(os.sched_getaffinity(0))
    before = server.metric("mvc_serve_rows_total", model="slow")
    with ThreadPoolExecutor(cores) as pool:
        asked = [pool.submit(server.infer, "slow") for _ in range(cores)]
        eventually(lambda: server.metric("mvc_serve_in_flight", model="slow") == cores)
        _abandoned(server, "slow", cores + 1)
        assert [item.result()[0] for item in asked] == [200] * cores
    eventually(lambda: server.metric("mvc_serve_in_flight", model="slow") == 0)
    assert server.metric("mvc_serve_rows_total", model="slow") == before + cores
    assert server.metric("mvc_serve_requests_total", model="slow", code="499") == 1


def _abandoned(server: Running, name: str, counted: int) -> None:
    """Ask, and go away once the server counts the request."""
    body = json.dumps(matrix([ROW])).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        head = f"POST /v2/models/{name}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        eventually(lambda: server.metric("mvc_serve_in_flight", model=name) == counted)


def test_half_a_body_is_no_request(server: Running) -> None:
    before = server.metric("mvc_serve_in_flight")
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(b"POST /v2/models/second/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
    assert server.infer("second")[0] == 200
    assert server.metric("mvc_serve_in_flight") == before


def test_an_answer_that_takes_too_long(begin: Begin) -> None:
    repo = begin(ranked)
    with serving(repo, "models/slow.onnx", "ranker#prod", "--max-time", "0.005") as server:
        status, answer = server.infer("slow")
        assert (status, answer["error"]) == (504, "no answer within 0.005 s")
        eventually(lambda: server.infer("ranker")[0] == 200)
        assert server.metric("mvc_serve_requests_total", model="slow", code="504") == 1


# The end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_end(begin: Begin, number: int) -> None:
    repo = begin(ranked)
    with serving(repo, "models/slow.onnx") as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.infer, "slow")
        eventually(lambda: server.metric("mvc_serve_in_flight", model="slow") == 1)
        assert server.stop(number) == 0
        assert asked.result()[0] == 200
    assert [*server.lines.queue] == []


def test_a_second_signal_ends_at_once(begin: Begin) -> None:
    repo = begin(ranked)
    with serving(repo, "models/slow.onnx") as server:
        thread = threading.Thread(target=_ignoring, args=(server,))
        thread.start()
        eventually(lambda: server.metric("mvc_serve_in_flight", model="slow") == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.stop() == 0
        thread.join()
    assert "Traceback" not in "".join(server.lines.queue)


def _ignoring(server: Running) -> None:
    with suppress(OSError):
        server.infer("slow")


# What is refused.


def test_wrong_bytes_are_not_served(begin: Begin) -> None:
    repo = begin(ranked)
    damaged = [path for path in repo.store.rglob("*") if path.is_file() and scaled(1) in path.read_bytes()]
    assert damaged
    for path in damaged:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(scaled(1), scaled(3)))
    (repo.root.parent / "nas").rename(repo.root.parent / "gone")
    result = repo.run(MVC, "serve", "ranker#prod", "--port", "0", "--grpc-port", "0")
    assert result.code == 1, result
    assert not result.out
    assert result.errors


@pytest.mark.parametrize(("args", "code", "message"), [
    (["models/bad.onnx"], 2, "one row of zeros"),
    (["models/notes.txt"], 2, "no format that mvc loads"),
    (["ranker#staging"], 1, "nothing is in ranker#staging"),
    (["ranker@v9.0.0"], 2, "not registered"),
    (["nothing.onnx"], 3, "nothing.onnx"),
    (["ranker#prod", "ranker@v2.0.0"], 2, "two models are named ranker"),
    (["ranker#prod=a b"], 2, "expected a NAME"),
    (["ranker#prod", "--require-signature"], 1, "signature of the tag"),
    (["models/slow.onnx", "--require-signature"], 2, "not a registered version"),
    (["models/slow.onnx", "--follow", "1"], 2, "--follow"),
    (["ranker#prod", "--follow", "0"], 2, "--follow 0"),
    (["ranker#prod", "--max-time", "nan"], 2, "--max-time"),
    (["ranker#prod", "--max-body", "much"], 2, "--max-body"),
    (["ranker#prod", "--grpc-port", "70000"], 2, "--grpc-port"),
    (["ranker#prod", "--host", "192.0.2.1"], 2, "cannot listen"),
])
def test_what_cannot_be_served_is_not(begin: Begin, args: list[str], code: int, message: str) -> None:
    result = begin(ranked).fails(code, "serve", *args)
    assert message in result.errors[0]
    assert not result.out


def test_a_port_that_is_taken(begin: Begin, server: Running) -> None:
    repo = begin(ranked)
    taken = str(server.port), server.grpc.rpartition(":")[2]
    for args in (["--port", taken[0], "--grpc-port", "0"], ["--port", "0", "--grpc-port", taken[1]]):
        assert "cannot listen" in repo.fails(2, "serve", "ranker#prod", *args).errors[0]


def test_without_grpc(begin: Begin) -> None:
    repo = begin(ranked)
    with serving(repo, "ranker#prod", "--grpc-port", "off") as server:
        assert not any("gRPC" in line for line in server.out)
        assert server.infer("ranker")[0] == 200


def test_a_model_that_the_users_own_function_loads(repo: Repo) -> None:
    repo.write("own.py", "class Twice:\n    def predict(self, rows):\n        return rows[:, 0] * 2\n\n"
                         "def load(path):\n    return Twice()\n")
    repo.write("m.bin", "whatever")
    repo.ok("add", "m.bin")
    (line,) = repo.fails(2, "serve", "m.bin").fixes
    assert line == "mvc serve m.bin --loader MODULE:FUNCTION"
    with serving(repo, *line.replace("MODULE:FUNCTION", "own:load").split()[2:]) as server:
        assert server.ask("/v2/models/m")[1]["inputs"] == []
        assert server.infer("m")[1]["outputs"][0]["data"] == [2 * ROW[0]]


def test_a_pickle_that_may_run_code_is_served_only_if_it_is_trusted(repo: Repo) -> None:
    repo.write("m.pkl", b"cos\ngetcwd\n(tR.")
    repo.ok("add", "m.pkl")
    refused = repo.fails(1, "serve", "m.pkl")
    assert "os.getcwd" in refused.errors[0]
    (line,) = refused.fixes
    assert "no method predict" in repo.fails(2, *line.partition("  #")[0].split()[1:]).errors[0]


def test_no_option_is_taken_for_one_of_kserves() -> None:
    """Importing KServe parses the command line, and ends the program where a value is not what its own option takes."""
    import kserve.model_server

    from mvc.cli.lazy import command

    checked = [
        text for action in kserve.model_server.parser._actions if action.type not in (None, str) or action.choices
        for text in action.option_strings
    ]
    own = [text for option in command().commands["serve"].params for text in option.opts if text.startswith("--")]
    assert "--max-time" in own
    assert not [(text, other) for text in own for other in checked if other.startswith(text)]
