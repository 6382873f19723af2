"""`mvc export mlflow`, to a real server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from harness import Begin, Repo
from mlflow_peer import API, MlflowServer, with_optional_reports
from proxy import Answer, Fault, Proxy, Request


def with_remote(repo: Repo) -> None:
    with_optional_reports(repo)
    repo.ok("remote", "add", "nas", "../nas")
    repo.commit("remote")


@pytest.fixture
def work(begin: Begin, mlflow_server: MlflowServer) -> Repo:
    """Return a repository of a user whose environment names the server, with a remote."""
    repo = begin(with_remote)
    return Repo(repo.root, {**repo.environ, **mlflow_server.environ})


def registered(work: Repo, name: str, *args: str) -> str:
    """Import or record a model of this name, register and push it; return the commit."""
    if args:
        work.ok("import", "mlflow", *args, name)
    else:
        work.write(name, f"another {name}")
        work.ok("add", name)
        work.ok("eval", "record", name, "--bump", "major", "--metric", "auc=0.9")
    commit = work.commit(name)
    work.ok("push")
    work.ok("register", name)
    return commit


def model(server: MlflowServer, name: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the aliases and the versions of a registered model, the first one first."""
    found = server.ask("registered-models/get", name=name)["registered_model"]
    aliases = {item["alias"]: item["version"] for item in found.get("aliases", ())}
    versions = server.ask("model-versions/search", filter=f"name='{name}'")["model_versions"]
    return aliases, sorted(versions, key=lambda item: int(item["version"]))


def tags(version: dict[str, Any]) -> dict[str, str]:
    return {item["key"]: item["value"] for item in version["tags"]}


def test_a_round_trip(work: Repo, mlflow_server: MlflowServer) -> None:
    """Import, register, promote, export; the real client reads it. A second export changes nothing."""
    run = mlflow_server.ids["trained"]
    commit = registered(work, "trip", "--run", run)
    work.ok("promote", "trip@v1.0.0", "prod")
    result = work.ok("export", "mlflow", "trip@v1.0.0")
    page = f"{mlflow_server.url}/#/models/trip/versions/1"
    assert result.out == f"exported trip@v1.0.0: version 1 of trip (prod), {page}\n"
    before = model(mlflow_server, "trip")
    (version,) = before[1]
    assert (version["source"], version["run_id"], before[0]) == ("mvc:/trip@v1.0.0", run, {"prod": "1"})
    (row,) = work.ok("which", "trip", "--json").json
    assert tags(version) == {
        "mvc.version": "v1.0.0", "mvc.commit": commit, "mvc.path": "trip", "mvc.blake3": row["blake3"],
        "mvc.xxh128": tags(version)["mvc.xxh128"], "mvc.size": str(sum(map(len, work.contents("trip").values()))),
        "mvc.report.blake3": row["report"], "mvc.remote": str(work.root.parent / "nas"),
    }
    read = mlflow_server.client(
        'found = client.get_model_version_by_alias("trip", "prod")\nprint(found.version, found.tags["mvc.blake3"])',
    )
    assert read == f"1 {row['blake3']}\n"
    assert work.ok("export", "mlflow", "trip@v1.0.0").out.startswith("unchanged trip@v1.0.0: version 1 of trip")
    assert model(mlflow_server, "trip") == before
    refused = work.fails(2, "import", "mlflow", "--model", "trip", "again")
    assert refused.fixes == ["mvc get REPO trip@v1.0.0 -o OUT"]
    work.ok("get", str(work.root), "trip@v1.0.0", "-o", "out")
    assert work.contents("out") == work.contents("trip")


def test_aliases_follow_the_stages(work: Repo, mlflow_server: MlflowServer) -> None:
    registered(work, "staged")
    work.ok("promote", "staged@v1.0.0", "prod")
    work.ok("export", "mlflow", "staged@1.0.0")
    work.write("staged", "second")
    registered(work, "staged")
    work.ok("promote", "staged@v2.0.0", "prod")
    work.ok("promote", "staged@v2.0.0", "team/a")
    result = work.ok("export", "mlflow", "staged@v2.0.0")
    assert result.err == "note: the stage team/a cannot be an alias in MLflow\n"
    mlflow_server.send("registered-models/alias", name="staged", alias="champion", version="1")
    assert model(mlflow_server, "staged")[0] == {"prod": "2", "champion": "1"}
    assert "unchanged" in work.ok("export", "mlflow", "staged@v1.0.0").out
    work.ok("retire", "staged@v2.0.0", "--force", "-m", "wrong")
    assert "exported" in work.ok("export", "mlflow", "staged@v2.0.0").out
    assert model(mlflow_server, "staged")[0] == {"champion": "1"}  # it is nobody's stage


def test_a_moved_remote_is_told_and_no_secret(work: Repo, mlflow_server: MlflowServer) -> None:
    registered(work, "moved")
    work.ok("export", "mlflow", "moved@v1.0.0")
    work.ok("remote", "add", "cloud", "s3://bucket/models", "--default", "--local", "-o", "secret_access_key=l0velace")
    work.ok("export", "mlflow", "moved@v1.0.0")
    _, (version,) = model(mlflow_server, "moved")
    assert tags(version)["mvc.remote"] == "s3://bucket/models"
    work.write(".git/mvc/config.yaml", "remotes: {nas: {url: 'https://ada:l0velace@host/x?key=l0velace'}}\n")
    assert "l0velace" not in work.fails(2, "export", "mlflow", "moved@v1.0.0").err
    assert "l0velace" not in json.dumps(model(mlflow_server, "moved"))


def test_a_version_of_other_content_is_not_touched(work: Repo, mlflow_server: MlflowServer) -> None:
    registered(work, "mine")
    other = [{"key": "mvc.version", "value": "v1.0.0"}, {"key": "mvc.blake3", "value": "00"}]
    mlflow_server.send("registered-models/create", name="mine")
    mlflow_server.send("model-versions/create", name="mine", source="mvc:/mine@v1.0.0", tags=other)
    before = model(mlflow_server, "mine")
    assert "is v1.0.0 with other content" in work.fails(1, "export", "mlflow", "mine@v1.0.0").err
    assert model(mlflow_server, "mine") == before


def test_an_interrupted_export_is_finished_by_the_next(
    work: Repo, mlflow_server: MlflowServer, mlflow_proxy: Proxy,
) -> None:
    """Every request in turn is the first that fails."""
    registered(work, "broken")
    work.ok("promote", "broken@v1.0.0", "prod")
    through = {"MLFLOW_TRACKING_URI": mlflow_proxy.endpoint}
    failures = 0
    for number in range(20):
        left = number

        def rule(_: Request) -> Fault | None:
            nonlocal left
            left -= 1
            return Fault(instead=Answer(503, {}).with_body(b"")) if left < 0 else None

        mlflow_proxy.rule = rule
        done = work.mvc("export", "mlflow", "broken@v1.0.0", env=through)
        if done.code == 0:
            break
        assert "status 503" in done.err
        failures += 1
    assert failures >= 4  # each try got further
    aliases, (version,) = model(mlflow_server, "broken")
    assert aliases == {"prod": "1"}
    assert tags(version)["mvc.version"] == "v1.0.0"


def test_refusals(work: Repo, mlflow_server: MlflowServer) -> None:
    registered(work, "known")
    work.ok("add", "--name", "dir/known", "known")
    work.commit("named")
    work.ok("register", "dir/known")
    for reference, code, message in (
        ("known", 2, "expected NAME@VERSION"), ("known#prod", 2, "expected NAME@VERSION"),
        ("known@v9.0.0", 2, "is not registered"), ("none@v1.0.0", 2, "no version of none is registered"),
        ("dir/known@v1.0.0", 2, "cannot be a name in MLflow"),
    ):
        result = work.fails(code, "export", "mlflow", reference)
        assert message in result.err, result
    with pytest.raises(OSError, match="404"):
        mlflow_server.ask("registered-models/get", name="known")


def test_a_hostile_answer_is_one_clear_error(work: Repo, mlflow_proxy: Proxy) -> None:
    registered(work, "calm")
    through = {"MLFLOW_TRACKING_URI": mlflow_proxy.endpoint}
    for value, message in (
        ({"model_versions": "all"}, "cannot be parsed"),
        ({"model_versions": [{"name": "calm", "version": "\x1b[31m", "tags": []}]}, "cannot be parsed"),
        ({"model_versions": [], "next_page_token": "again"}, "lists too many versions"),
    ):
        told = Fault(instead=Answer(200, {}).with_body(json.dumps(value).encode()))
        mlflow_proxy.rule = lambda request, told=told: told if f"{API}model-versions/search" in request.path else None
        result = work.fails(3, "export", "mlflow", "calm@v1.0.0", env=through)
        assert message in result.err
        assert not re.search("[\x00-\x09\x0b-\x1f]", result.err)
