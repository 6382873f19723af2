"""`mvc import mlflow` from a server that lies: a proxy before the real one says something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import Begin, Repo
from mlflow_peer import API, MlflowServer, with_optional_reports
from proxy import Answer, Fault, Proxy, Request

ESCAPE = "\x1b[31m\u202e"
NOTHING = {"content-type": "application/json"}


@pytest.fixture
def work(begin: Begin, mlflow_proxy: Proxy) -> Repo:
    """Return a repository of a user whose environment names the proxy."""
    repo = begin(with_optional_reports)
    return Repo(repo.root, {**repo.environ, "MLFLOW_TRACKING_URI": mlflow_proxy.endpoint})


def told(value: object) -> Fault:
    """Return the fault that answers with JSON."""
    return Fault(instead=Answer(200, NOTHING).with_body(json.dumps(value).encode()))


def instead(proxy: Proxy, path: str, fault: Callable[[Request], Fault] | Fault) -> None:
    """Let the proxy answer what is asked at `path`."""
    def rule(request: Request) -> Fault | None:
        if urlsplit(request.path).path != path:
            return None
        return fault(request) if callable(fault) else fault

    proxy.rule = rule


def files(*entries: dict[str, Any]) -> Fault:
    """Return the fault that lists artifacts."""
    return told({"files": list(entries)})


def endless_tree(request: Request) -> Fault:
    """List a directory in each directory."""
    above, = parse_qs(urlsplit(request.path).query)["path"]
    return files({"path": f"{above}/{'d' * 200}", "is_dir": True})


LISTS = [
    (files({"path": "../x", "file_size": 1}), 2, "refused name"),
    (files({"path": "model/../../x", "file_size": 1}), 2, "refused name"),
    (files({"path": "/etc/passwd", "file_size": 1}), 2, "refused name"),
    (files({"path": ".git/hooks/post-checkout", "file_size": 1}), 2, "refused name"),
    (files({"path": "model/CON.txt", "file_size": 1}), 2, "refused name"),
    (files({"path": "model/a\\b", "file_size": 1}), 2, "refused name"),
    (files({"path": f"model/{ESCAPE}", "file_size": 1}), 2, "refused name"),
    (files({"path": "model/a", "file_size": 1}, {"path": "model/A", "file_size": 1}), 2, "equal"),
    (files({"path": "model/a", "file_size": 1}, {"path": "model/a", "file_size": 1}), 2, "equal"),
    (files({"path": "elsewhere/a", "file_size": 1}), 3, "lists elsewhere/a in model"),
    (files({"path": "model/a", "file_size": -1}), 3, "cannot be parsed"),
    (files({"path": "model/a", "file_size": 1 << 62}), 3, "No such artifact"),
    (files({"path": "model/a", "file_size": 1 << 70}), 3, "cannot be parsed"),
    (files({"path": "model/a", "file_size": "many"}), 3, "cannot be parsed"),
    (told({"files": "all"}), 3, "cannot be parsed"),
    (told([]), 3, "cannot be parsed"),
    (Fault(instead=Answer(200, NOTHING).with_body(b"[" * 1_000_000)), 3, "cannot be parsed"),
    (Fault(instead=Answer(200, NOTHING).with_body(b"\xff" * 9)), 3, "cannot be parsed"),
    (Fault(instead=Answer(200, NOTHING, ending="endless")), 3, "the answer has more than 16,777,216 bytes"),
    (Fault(instead=Answer(302, {"location": f"http://evil/{ESCAPE}?token=l0velace"})), 3, "redirects to http://evil"),
    (Fault(instead=Answer(401, {}).with_body(b"no")), 3, "refuses the login: status 401"),
    (Fault(instead=Answer(500, {}).with_body(ESCAPE.encode() * 99_999)), 3, "status 500"),
    (told({"files": []}), 2, "the artifact has no files"),
    (endless_tree, 2, "refused name"),
]


def below_model(fault: Callable[[Request], Fault] | Fault, request: Request) -> Fault:
    """List a directory `model` in the top, and spoil what is listed in it."""
    if "path=" not in request.path:
        return files({"path": "model", "is_dir": True})
    return fault(request) if callable(fault) else fault


def test_a_hostile_list_is_one_clear_error(work: Repo, mlflow_server: MlflowServer, mlflow_proxy: Proxy) -> None:
    for number, (fault, code, message) in enumerate(LISTS):
        instead(mlflow_proxy, f"{API}artifacts/list", partial(below_model, fault))
        result = work.fails(code, "import", "mlflow", "--run", f"{mlflow_server.ids['old']}/model", "m")
        assert message in result.err, (number, result)
        assert len(result.err) < 5_000
        check_nothing_written(work, result.err)


def check_nothing_written(work: Repo, err: str) -> None:
    """Check that there is one error, which a terminal can show, and nothing else."""
    assert err.count("error: ") == 1
    assert not set(err) & set(ESCAPE.replace("[31m", ""))
    assert work.git("status", "--short") == ""
    assert not work.debris()
    assert not [*work.store.glob("objects/*/*"), *work.store.glob("packs/*")]


CONTENT = [
    (lambda answer: answer.with_body(answer.body + b"x"), "the answer has more than"),
    (lambda answer: answer.with_body(answer.body[:-1]), "ended 1 bytes before its end"),
    (lambda answer: answer.with_body(answer.body[:9], len(answer.body)), "bytes before its end"),
    (lambda answer: answer.with_body(answer.body[:9], len(answer.body))._replace(ending="reset"), ""),
    (lambda answer: answer._replace(headers={}, ending="endless"), "the answer has more than"),
    (lambda answer: Answer(404, {}).with_body(b"gone"), "status 404"),
]


@pytest.mark.parametrize("artifact", ["model", "large.bin"])
def test_content_of_another_size_is_not_stored(
    work: Repo, mlflow_server: MlflowServer, mlflow_proxy: Proxy, artifact: str,
) -> None:
    run = mlflow_server.ids["old" if artifact == "model" else "files"]
    for change, message in CONTENT:
        instead(mlflow_proxy, "/get-artifact", Fault(answer=change))
        result = work.fails(3, "import", "mlflow", "--run", f"{run}/{artifact}", "m")
        assert message in result.err, result
        check_nothing_written(work, result.err)
    mlflow_proxy.rule = lambda _: None
    work.ok("import", "mlflow", "--run", f"{run}/{artifact}", "m")


def spoiled(change: Callable[[Any], None]) -> Fault:
    """Return the fault that changes what the server says about a run."""
    def changed(answer: Answer) -> Answer:
        found = json.loads(answer.body)
        change(found["run"])
        return answer.with_body(json.dumps(found).encode())

    return Fault(answer=changed)


def long_params(run: Any) -> None:
    run["data"]["params"] = [{"key": "long", "value": "x" * 3_000_000}, {"key": "C", "value": "1"}]
    run["data"]["tags"] = [{"key": "k" * 300, "value": "x"}]


def strange_names(run: Any) -> None:
    run["info"]["run_name"] = ESCAPE
    run["data"]["metrics"] += [
        {"key": f"loss{ESCAPE}", "value": 0.5}, {"key": "", "value": 1}, {"key": f"no{ESCAPE}", "value": "NaN"},
    ]
    run["data"]["params"] = [{"key": f"a{ESCAPE}", "value": ESCAPE}, {"key": "null", "value": "\ud83d\ude00"}]


def test_strange_names_and_long_texts_are_treated_cleanly(
    work: Repo, mlflow_server: MlflowServer, mlflow_proxy: Proxy,
) -> None:
    args = ("import", "mlflow", "--run", mlflow_server.ids["old"])
    instead(mlflow_proxy, f"{API}runs/get", spoiled(long_params))
    result = work.ok(*args, "long")
    assert "not in the report: the parameter 'long' of 3,000,004 characters" in result.err
    assert work.ok("eval", "show", "long", "--json").json["report"]["params"] == {"C": "1"}
    instead(mlflow_proxy, f"{API}runs/get", spoiled(strange_names))
    result = work.ok(*args, "strange")
    assert "\x1b" not in result.out + result.err + work.ok("eval", "show", "strange").out
    assert b"\x1b" not in work.read("strange.eval.yaml")
    report = work.ok("eval", "show", "strange", "--json").json["report"]
    assert [item["name"] for item in report["metrics"]] == ["auc", f"loss{ESCAPE}"]
    assert report["params"] == {f"a{ESCAPE}": ESCAPE, "null": "\U0001f600"}
    work.commit()


def emoji(count: int) -> list[dict[str, str]]:
    """Return tags whose text takes ten times as many bytes in a report."""
    return [{"key": str(number), "value": "\U0001f600" * 7000} for number in range(count)]


RUNS = [
    (lambda run: run["data"].update(params=[{"key": f"{n}", "value": "x" * 6000} for n in range(100)]), 2, "says 6"),
    (lambda run: run["data"].update(tags=emoji(9)), 2, "bytes, expected at most"),
    (lambda run: run["data"].update(tags=emoji(99)), 2, "cannot be reported"),
    (lambda run: run["data"].update(metrics=[{"key": "a", "value": 1}] * 2), 2, "duplicate metric a"),
    (lambda run: run["info"].update(run_id="../x"), 3, "cannot be parsed"),
    (lambda run: run["info"].update(run_id=f"a{ESCAPE}"), 3, "cannot be parsed"),
    (lambda run: run["data"].update(metrics=[{"key": "a", "value": "high"}]), 3, "cannot be parsed"),
    (lambda run: run.update(outputs={"model_outputs": [{"model_id": "../../x"}]}), 3, "cannot be parsed"),
    (lambda run: run.update(outputs={"model_outputs": [{"model_id": "m-1"}]}), 3, "not found"),
    (lambda run: run.update(outputs={"model_outputs": [{"model_id": f"m-{n}"} for n in range(9999)]}), 2, "several"),
]


def test_a_hostile_run_is_one_clear_error(work: Repo, mlflow_server: MlflowServer, mlflow_proxy: Proxy) -> None:
    for change, code, message in RUNS:
        instead(mlflow_proxy, f"{API}runs/get", spoiled(change))
        result = work.fails(code, "import", "mlflow", "--run", mlflow_server.ids["old"], "m")
        assert message in result.err, result
        check_nothing_written(work, result.err)


ENVIRONMENT = [
    ({"MLFLOW_TRACKING_URI": ""}, 2, "MLFLOW_TRACKING_URI is not set"),
    ({"MLFLOW_TRACKING_URI": "sqlite:///l0velace.db"}, 2, "not the address of a server"),
    ({"MLFLOW_TRACKING_URI": "file:///l0velace"}, 2, "not the address of a server"),
    ({"MLFLOW_TRACKING_URI": "http://[l0velace"}, 2, "not a URL"),
    ({"MLFLOW_TRACKING_URI": "http://ada:l0velace@127.0.0.1:1"}, 3, "http://127.0.0.1:1: 127.0.0.1:1 does not"),
    ({"MLFLOW_TRACKING_URI": "https://ada:l0velace@127.0.0.1:1"}, 3, "https://127.0.0.1:1: 127.0.0.1:1 does not"),
    ({"MLFLOW_TRACKING_URI": "http://l0velace.invalid"}, 3, "cannot be resolved"),
    ({"MLFLOW_TRACKING_TOKEN": "l0velace\n"}, 2, "MLFLOW_TRACKING_TOKEN contains a line break"),
    ({"MLFLOW_TRACKING_URI": "https://127.0.0.1:1", "MLFLOW_TRACKING_SERVER_CERT_PATH": "/none"}, 2, "CERT_PATH: "),
]


@pytest.mark.parametrize(("variables", "code", "message"), ENVIRONMENT)
def test_an_environment_that_cannot_be_meant(work: Repo, variables: dict[str, str], code: int, message: str) -> None:
    result = work.fails(code, "import", "mlflow", "--run", "a", "m", env=variables)
    assert message in result.err, result
    assert "l0velace" not in result.err.replace("l0velace.invalid", "")
    check_nothing_written(work, result.err)


@pytest.mark.parametrize(("variables", "login"), [
    ({}, None),
    ({"MLFLOW_TRACKING_TOKEN": "secret"}, "Bearer secret"),
    ({"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "lovelace"}, "Basic YWRhOmxvdmVsYWNl"),
])
def test_the_login_is_sent(
    work: Repo, mlflow_proxy: Proxy, variables: dict[str, str], login: str | None,
) -> None:
    work.fails(3, "import", "mlflow", "--run", "nope", "m", env=variables)
    assert [request.headers.get("authorization") for request in mlflow_proxy.seen] == [login]
