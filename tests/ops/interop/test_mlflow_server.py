"""The client of MLflow's REST API, on a server that stalls or breaks."""

from __future__ import annotations

import pytest
from proxy import Answer, Fault, Proxy, proxying

from mvc.errors import MvcError
from mvc.ops.interop.mlflow.answers import Done
from mvc.ops.interop.mlflow.server import Server, run_url, without_secret


@pytest.fixture
def liar():
    """Run a proxy that has nobody to ask."""
    with proxying(1) as made:
        yield made


@pytest.mark.parametrize(("answer", "message"), [
    (Answer(200, {"content-length": "9"}, ending="stall"), "no answer in time"),
    (Answer(200, {"content-length": "9"}, b"{", ending="stall"), "no answer in time"),
    (Answer(200, {"content-length": "9"}, b"{", ending="reset"), "the connection was lost"),
    (Answer(200, {f"x-{number}": "y" for number in range(200)}), "the connection was lost"),
    (Answer(200, {"x-long": "y" * 99_999}), "the connection was lost"),
    (Answer(999, {}), "status 999"),
    (Answer(204, {}), "status 204"),
    (Answer(500, {"content-length": "9"}, b"{", ending="stall"), "no answer in time"),
    (Answer(500, {"content-length": "9"}, b"{", ending="reset"), "the connection was lost"),
    (Answer(500, {}, ending="endless"), "status 500"),
])
def test_a_request_ends(liar: Proxy, answer: Answer, message: str) -> None:
    liar.rule = lambda _: Fault(instead=answer)
    server = Server({"MLFLOW_TRACKING_URI": liar.endpoint}, patience=0.5)
    with pytest.raises(MvcError, match=message):
        server.get("runs/get", Done, run_id="a")


@pytest.mark.parametrize(("text", "url"), [
    ("http://ada:secret@[::1]:5000/mlflow/?token=secret#secret", "http://[::1]:5000/mlflow"),
    ("HTTPS://Host.example/", "https://Host.example"),
    ("https://ada@host", "https://host"),
])
def test_an_address_has_no_login(text: str, url: str) -> None:
    server = Server({"MLFLOW_TRACKING_URI": text})
    assert server.url == url
    assert run_url({"MLFLOW_TRACKING_URI": text}, "a/b") == f"{url}/#/runs/a/b"


def test_a_redirect_is_told_without_secrets() -> None:
    assert without_secret("https://ada:secret@host:1/path?token=secret") == "https://host"
    assert without_secret("/login?token=secret") == "another path"
    assert without_secret("http://[") == "another address"
