"""A server that follows the registry: swaps under load, versions that cannot be served, and what is gone."""

from __future__ import annotations

import json
import pickle
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pandas as pd
import pytest
from harness import Begin, Repo
from serving.running import ROW, Running, eventually, matrix, registered, scaled, serving, unrunnable
from sklearn.linear_model import LogisticRegression
from versions import sign_tags

FACTORS = {"v1.0.0": 1, "v2.0.0": 2}


def promoted(repo: Repo) -> None:
    """Register two versions, and promote the first."""
    registered(repo, *((version, scaled(factor)) for version, factor in FACTORS.items()))
    repo.ok("promote", "ranker@v1.0.0", "prod", "--push")


def _serves(server: Running, version: str) -> bool:
    return bool(server.infer("ranker")[1]["model_version"] == version)


@pytest.mark.parametrize("swaps", [4, pytest.param(20, marks=pytest.mark.long)])
def test_no_request_is_lost_in_swaps(begin: Begin, swaps: int) -> None:
    """Fifty requests a second; each is answered by the version that it names."""
    repo = begin(promoted)
    with serving(repo, "ranker#prod", "--follow", "0.1") as server:
        stop, answers = threading.Event(), Counter[str]()
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(_ask, server, stop, answers, 2 / 50) for _ in range(2)]
            try:
                for number in range(swaps):
                    if number % 2:
                        repo.ok("rollback", "ranker", "prod")
                    else:
                        repo.ok("promote", "ranker@v2.0.0", "prod")
                    server.said(f"serves {'v1.0.0' if number % 2 else 'v2.0.0'} now")
            finally:
                stop.set()
            for item in asked:
                item.result()
        assert {*answers} == {*FACTORS}
        assert server.metric("mvc_serve_swaps_total", model="ranker") == swaps
        assert server.metric("mvc_serve_requests_total", model="ranker", code="200") == answers.total()


def test_a_name_with_a_folder_stays_what_it_is_but_in_addresses(repo: Repo) -> None:
    """Rules, boards and scores ask for the name of the registry."""
    versions = [(version, scaled(factor)) for version, factor in FACTORS.items()]
    registered(repo, *versions, name="search/ranker")
    repo.ok("promote", "search/ranker@v1.0.0", "prod")
    with serving(repo, "search/ranker#prod", "--follow", "0.1", "--log", "../log") as server:
        assert f":{server.port}/v2/models/search-ranker" in server.out[0]
        assert server.infer("search-ranker")[1]["model_name"] == "search-ranker"
        repo.ok("promote", "search/ranker@v2.0.0", "prod")
        server.said("search/ranker: serves v2.0.0 now")
        assert server.infer("search-ranker")[1]["model_version"] == "v2.0.0"
        assert server.metric("mvc_serve_swaps_total", model="search/ranker") == 1
        assert server.metric("mvc_serve_follow_failures_total", model="search/ranker") == 0
        assert server.metric("mvc_serve_follow_last_success_timestamp_seconds", model="search/ranker") > 0
        assert server.metric("mvc_serve_model_info", model="search/ranker", version="v2.0.0") == 1
        assert 'mvc_serve_model_info{model="search/ranker"}' in repo.ok("monitor", "rules", "search/ranker").out
        server.stop()
    labels = "mvc_request_id,mvc_row,label\nnone,0,1\n"
    (repo.root.parent / "labels.csv").write_text(labels)
    scored = repo.ok("monitor", "score", "search/ranker", "--log", "../log", "--truth", "../labels.csv", "--json").json
    assert [(item["version"], item["rows"]) for item in scored["versions"]] == [("v1.0.0", 1), ("v2.0.0", 1)]


def _ask(server: Running, stop: threading.Event, answers: Counter[str], every: float) -> None:
    client = HTTPConnection("127.0.0.1", server.port, timeout=60)
    while not stop.wait(every):
        client.request("POST", "/v2/models/ranker/infer", json.dumps(matrix([ROW])))
        answer = client.getresponse()
        document = json.loads(answer.read())
        assert answer.status == 200, document
        version = document["model_version"]
        assert document["outputs"][0]["data"] == [value * FACTORS[version] for value in ROW], document
        answers[version] += 1
    client.close()


def test_a_promotion_that_another_clone_pushed(begin: Begin) -> None:
    repo = begin(promoted)
    other = repo.clone(repo.root.parent / "other")
    other.git("remote", "set-url", "origin", str(repo.root.parent / "hub.git"))
    before = repo.git("rev-parse", "HEAD", "main")
    with serving(repo, "ranker#prod", "--follow", "0.1") as server:
        other.ok("promote", "ranker@v2.0.0", "prod", "--push")
        server.said("serves v2.0.0 now")
        assert _serves(server, "v2.0.0")
    assert repo.git("rev-parse", "HEAD", "main") == before
    assert "ranker#prod#2" in repo.git("tag", "--list")
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize(("content", "reason", "message"), [
    (unrunnable(), "smoke", "one row of zeros"),
    (b"no model", "load", "no format that mvc loads"),
], ids=["fails", "no model"])
def test_a_version_that_cannot_be_served_is_not_swapped_in(
    begin: Begin, content: bytes, reason: str, message: str,
) -> None:
    repo = begin(promoted)
    registered(repo, ("v3.0.0", content))
    with serving(repo, "ranker#prod", "--follow", "0.1") as server:
        repo.ok("promote", "ranker@v3.0.0", "prod")
        line = server.said("still serves v1.0.0")
        assert message in line
        eventually(lambda: server.metric("mvc_serve_follow_failures_total", model="ranker", reason=reason) > 2)
        assert _serves(server, "v1.0.0")
        assert server.lines.empty()  # it is said once
        repo.ok("promote", "ranker@v2.0.0", "prod")
        server.said("serves v2.0.0 now")


def test_only_versions_with_signatures_that_count_are_served(begin: Begin, tmp_path: Path) -> None:
    """Of a promotion by somebody without a key nothing comes."""
    repo = begin(promoted)
    with pytest.raises(RuntimeError, match="does not count"), serving(repo, "ranker#prod", "--require-signature"):
        pass
    sign_tags(repo, tmp_path / "keys")
    registered(repo, ("v3.0.0", scaled(3)))
    repo.ok("promote", "ranker@v3.0.0", "prod")
    with serving(repo, "ranker#prod", "--require-signature", "--follow", "0.1") as server:
        assert _serves(server, "v3.0.0")
        repo.git("config", "tag.gpgSign", "false")
        repo.ok("promote", "ranker@v2.0.0", "prod")
        assert "does not count" in server.said("still serves v3.0.0")
        assert _serves(server, "v3.0.0")


def test_a_git_remote_that_is_gone(begin: Begin) -> None:
    repo = begin(promoted)
    hub = repo.root.parent / "hub.git"
    with serving(repo, "ranker#prod", "--follow", "0.1") as server:
        hub.rename(hub.with_name("gone"))
        server.said("tags cannot be fetched from origin")
        eventually(lambda: server.metric("mvc_serve_follow_failures_total", model="ranker", reason="git") > 1)
        assert _serves(server, "v1.0.0")
        hub.with_name("gone").rename(hub)
        repo.ok("promote", "ranker@v2.0.0", "prod", "--push")
        server.said("serves v2.0.0 now")
        eventually(lambda: "mvc_serve_follow_last_success_timestamp_seconds{" in server.ask("/metrics")[1])


def test_content_that_is_gone(begin: Begin) -> None:
    repo = begin(promoted)
    clone = repo.clone(repo.root.parent / "clone")
    clone.git("remote", "set-url", "origin", str(repo.root.parent / "hub.git"))
    nas = repo.root.parent / "nas"
    with serving(clone, "ranker#prod", "--follow", "0.1") as server:
        repo.ok("promote", "ranker@v2.0.0", "prod")
        nas.rename(nas.with_name("gone"))
        repo.git("push", "-q", "origin", "ranker#prod#2")
        server.said("still serves v1.0.0")
        eventually(lambda: server.metric("mvc_serve_follow_failures_total", model="ranker", reason="content") > 0)
        nas.with_name("gone").rename(nas)
        server.said("serves v2.0.0 now")


@pytest.mark.parametrize(("ref", "message"), [
    ("ranker#prod", "ranker#prod holds nothing"), ("ranker@v1.0.0", "ranker@v1.0.0 is retired")])
def test_a_version_that_is_retired_is_served_on_and_told(begin: Begin, ref: str, message: str) -> None:
    repo = begin(promoted)
    with serving(repo, ref, "--follow", "0.1") as server:
        assert server.metric("mvc_serve_model_retired", model="ranker") == 0
        repo.ok("retire", "ranker@v1.0.0", "--force", "-m", "leaks")
        server.said(message)
        eventually(lambda: server.metric("mvc_serve_model_retired", model="ranker") == 1)
        assert _serves(server, "v1.0.0")


def test_a_version_that_fails_on_what_the_one_before_answered(begin: Begin) -> None:
    """Its columns have names and no types, so zeros are no proof; a row that was asked is."""
    good, bad = estimators()
    repo = begin(lambda repo: registered(repo, ("v1.0.0", good), ("v2.0.0", bad)))
    repo.ok("promote", "ranker@v1.0.0", "prod")
    row = {"inputs": [{"name": name, "datatype": "FP64", "shape": [1], "data": [1.5]} for name in ("a", "b")]}
    with serving(repo, "ranker#prod", "--follow", "0.1") as server:
        assert server.ask("/v2/models/ranker/infer", row)[0] == 200
        repo.ok("promote", "ranker@v2.0.0", "prod")
        assert "a row that the version before answered" in server.said("still serves v1.0.0")
        assert server.ask("/v2/models/ranker/infer", row)[1]["model_version"] == "v1.0.0"
        assert server.metric("mvc_serve_follow_failures_total", model="ranker", reason="smoke") > 0


def estimators() -> list[bytes]:
    """Return a pickle of an estimator, and of one that lost a weight."""
    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    found = []
    for columns in (slice(None), slice(1)):
        model = LogisticRegression().fit(table, [0, 0, 1, 1])
        model.coef_ = model.coef_[:, columns]
        found.append(pickle.dumps(model))
    return found
