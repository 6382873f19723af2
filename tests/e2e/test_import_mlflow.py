"""`mvc import mlflow`, from a real server."""

from __future__ import annotations

import re
import shlex

import pytest
from faults.strace import CALLS, broken
from harness import Begin, Repo, some
from mlflow_peer import MlflowServer, with_optional_reports


@pytest.fixture
def work(begin: Begin, mlflow_server: MlflowServer) -> Repo:
    """Return a repository of a user whose environment names the server."""
    repo = begin(with_optional_reports)
    return Repo(repo.root, {**repo.environ, **mlflow_server.environ})


def artifacts(server: MlflowServer, *parts: str) -> dict[str, bytes]:
    """Return the files of an artifact as the server keeps them."""
    top = server.folder.joinpath("artifacts/0", *parts)
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_a_logged_model_with_its_run(work: Repo, mlflow_server: MlflowServer) -> None:
    run, model = mlflow_server.ids["trained"], mlflow_server.ids["model_id"]
    result = work.ok("import", "mlflow", "--run", run, "models/ranker")
    assert f"from run {run}\nrecorded models/ranker.eval.yaml (v1.0.0)\n" in result.out
    assert result.err == "note: not in the report: diverged is NaN\nnote: not in the report: worst is infinite\n"
    assert work.contents("models/ranker") == artifacts(mlflow_server, "models", model, "artifacts")
    assert f'labels: {{mlflow.run: "{run}"}}\n' in work.read("models/ranker.mvc").decode()
    report = work.ok("eval", "show", "models/ranker", "--json").json["report"]
    assert report["run"] == {"kind": "mlflow", "id": run, "url": f"{mlflow_server.url}/#/runs/{run}"}
    assert report["metrics"] == [{"name": "auc", "value": 0.92, "higher_is_better": True}]
    assert report["params"] == {"C": "1.0", "solver": "lbfgs"}
    assert "datasets" not in report
    about = report["x-mlflow"]
    assert about["logged_model"] == model
    assert about["tags"]["team"] == "search \x1b[31m"
    assert [(item["name"], item["context"]) for item in about["datasets"]] == [("train.csv", "training")]
    commit_and_check(work, "models/ranker")
    assert "unchanged" in work.ok("import", "mlflow", "--run", run, "models/ranker").out
    assert work.git("status", "--short") == ""


def commit_and_check(work: Repo, path: str) -> None:
    """Check that the hook takes all that the import staged, and that nothing of the login was written."""
    assert work.states() == {path: "clean"}
    work.ok("eval", "check")
    work.commit()
    assert work.git("status", "--short") == ""
    work.ok("verify")
    assert not work.debris()
    written = [path for path in work.root.rglob("*") if path.is_file() and b"l0velace" in path.read_bytes()]
    assert not written


def test_a_model_among_the_artifacts_of_its_run_is_never_unpickled(work: Repo, mlflow_server: MlflowServer) -> None:
    run = mlflow_server.ids["old"]
    work.ok("import", "mlflow", "--run", run, "model")
    assert work.contents("model") == artifacts(mlflow_server, run, "artifacts/model")
    assert "canary.pkl" in work.contents("model")
    assert not mlflow_server.folder.joinpath("unpickled").exists()
    commit_and_check(work, "model")


@pytest.mark.parametrize(("named", "version", "run"), [
    ("ranker", "ranker/2", "old"), ("ranker@champion", "ranker/1", "trained"), ("ranker/1", "ranker/1", "trained"),
    ("copied", "copied/1", "old"), ("unproxied", "unproxied/1", "unproxied"),
])
def test_a_registered_model(work: Repo, mlflow_server: MlflowServer, named: str, version: str, run: str) -> None:
    result = work.ok("import", "mlflow", "--model", named, "ranker", "--json")
    assert (result.json["model"], result.json["run"]) == (version, mlflow_server.ids[run])
    assert work.ok("eval", "show", "ranker", "--json").json["report"]["x-mlflow"]["model"] == version
    assert f'mlflow.model: "{version}"' in work.read("ranker.mvc").decode()
    assert "MLmodel" in work.contents("ranker")


def test_another_run_replaces_content_and_report(work: Repo, mlflow_server: MlflowServer) -> None:
    new, old = mlflow_server.ids["trained"], mlflow_server.ids["old"]
    work.ok("import", "mlflow", "--run", new, "model")
    first = work.contents("model")
    result = work.ok("import", "mlflow", "--run", old, "model")  # what only an uncommitted pointer names
    assert "saved model/MLmodel" in result.out
    work.commit("old")
    result = work.ok("import", "mlflow", "--run", new, "model")
    assert "recorded model.eval.yaml (v1.1.0)" in result.out
    assert work.contents("model") == first
    assert "x-mlflow" in work.read("model.eval.yaml").decode()
    work.commit("new")
    work.ok("eval", "record", "model", "--bump", "minor", "--metric", "auc=0.95")
    assert "mlflow" not in work.read("model.eval.yaml").decode().replace("mvc import mlflow", "")


def test_a_change_of_the_user_is_not_overwritten(work: Repo, mlflow_server: MlflowServer) -> None:
    new, old = mlflow_server.ids["trained"], mlflow_server.ids["old"]
    work.ok("import", "mlflow", "--run", new, "model")
    work.commit("new")
    work.write("model/MLmodel", "mine")
    result = work.fails(3, "import", "mlflow", "--run", old, "model")
    assert "model/MLmodel: changed here and not in the cache" in result.err
    assert work.read("model/MLmodel") == b"mine"
    assert work.git("status", "--short") == ""
    work.ok("checkout", "-f", "model")
    work.ok("import", "mlflow", "--run", old, "model")


def test_artifacts_by_name(work: Repo, mlflow_server: MlflowServer) -> None:
    """Each refusal names what there is, and the line works when typed."""
    two, files = mlflow_server.ids["two"], mlflow_server.ids["files"]
    result = work.fails(2, "import", "mlflow", "--run", two, "a")
    assert "has several artifacts: large, small" in result.err
    work.ok(*shlex.split(result.fixes[0].replace("PATH", "a"))[1:])
    assert work.read("a/large.bin") == b"large"
    result = work.ok("import", "mlflow", "--run", f"{two}/{mlflow_server.ids['small']}", "b")
    assert result.err == "note: not in the report: diverged is NaN\n"
    assert work.read("b/small.bin") == b"small"
    metrics = work.ok("eval", "show", "b", "--json").json["report"]["metrics"]
    assert [(item["name"], item["value"]) for item in metrics] == [("auc", 0.7)]  # not those of the other model
    assert "deep, large.bin" in work.fails(2, "import", "mlflow", "--run", files, "c").err
    work.ok("import", "mlflow", "--run", f"{files}/large.bin", "c.bin")
    assert work.read("c.bin") == bytes(range(256)) * 4096
    work.ok("import", "mlflow", "--run", f"{files}/deep", "deep")
    assert work.contents("deep") == {"folder/a b ü.txt": b"text"}
    assert work.states() == {"a": "clean", "b": "clean", "c.bin": "clean", "deep": "clean"}
    assert not work.debris()


REFUSED = [
    (("--run", "nope", "m"), 3, "not found", "check the name, and MLFLOW_TRACKING_URI"),
    (("--model", "nope", "m"), 3, "not found", "check the name, and MLFLOW_TRACKING_URI"),
    (("--model", "ranker/7", "m"), 3, "not found", "check the name, and MLFLOW_TRACKING_URI"),
    (("--model", "ranker@nope", "m"), 3, "not found", "check the name, and MLFLOW_TRACKING_URI"),
    (("--model", "elsewhere", "m"), 2, "the server does not serve version 1 of elsewhere", "mlflow artifacts download"),
    (("--run", "CHILD", "m"), 2, "has no artifacts", "mlflow runs describe --run-id"),
    (("--run", "OLD/nope", "m"), 2, "has no artifact nope", "mlflow artifacts list -r"),
    (("--run", "OLD/model/../../x", "m"), 2, "refused name", ""),
    (("--run", "OLD", "../m"), 2, "outside", ""),
    (("--run", "OLD", "in/the/way"), 2, "exists, and is not tracked", "mv -n"),
    (("--run", "OLD", "--model", "ranker", "m"), 2, "exclude each other", "mvc import mlflow --help"),
    (("m",), 2, "an import needs a run or a model", "mvc import mlflow --help"),
]


def test_refusals_write_nothing(work: Repo, mlflow_server: MlflowServer) -> None:
    work.write("in/the/way", "mine")
    before = work.git("status", "--short")
    ids = {"OLD": mlflow_server.ids["old"], "CHILD": mlflow_server.ids["child"]}
    for args, code, message, fix in REFUSED:
        words = [re.sub("^(OLD|CHILD)", lambda found: ids[found[0]], word) for word in args]
        result = work.fails(code, "import", "mlflow", *words)
        assert message in result.err, (args, result)
        assert fix in result.err, (args, result)
        assert work.git("status", "--short") == before
    assert not work.path(".mvc-tmp").exists()


def test_what_is_in_the_way_and_the_lines_to_type(work: Repo, mlflow_server: MlflowServer) -> None:
    args = ("import", "mlflow", "--run", mlflow_server.ids["old"])
    work.write("mine", "mine")
    work.shell(work.fails(2, *args, "mine").fixes[0])
    work.ok(*args, "mine")
    assert b"mine" in [path.read_bytes() for path in work.root.glob("mine*") if path.is_file()]
    work.write("ours", "ours")
    work.git("add", "ours")
    work.git("commit", "-qm", "ours")
    for message in ("tracked by Git", "exists, and is not tracked"):
        result = work.fails(2, *args, "ours")
        assert message in result.err
        work.shell(result.fixes[0])
    work.ok(*args, "ours")
    for path, message in (("mine/inside", "one inside the other"), ("MINE", "case-insensitive")):
        result = work.fails(2, *args, path)
        assert message in result.err
        work.shell(result.fixes[0].replace("PATH", f"other-{path.replace('/', '-')}"))
    work.added("file.bin", "file")
    result = work.fails(2, *args, "file.bin")
    assert "is tracked as a file" in result.err
    work.shell(result.fixes[0].replace("PATH", "directory"))
    assert work.states() == dict.fromkeys(
        ("directory", "file.bin", "mine", "other-MINE", "other-mine-inside", "ours"), "clean",
    )


POINTS = [
    *(("link", point) for point in range(1, 4)), *(("rename", point) for point in range(1, 14)),
    *(("fsync", point) for point in range(1, 14)), *(("write", point) for point in range(1, 40, 3)),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("kind", "point"), some(POINTS, 3))
def test_a_killed_import_leaves_nothing_half_written(
    work: Repo, mlflow_server: MlflowServer, kind: str, point: int,
) -> None:
    args = ("import", "mlflow", "--run", f"{mlflow_server.ids['files']}/large.bin", "large.bin")
    broken(work, f"{CALLS[kind]}:signal=KILL:when={point}", *args)
    work.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
    work.ok("verify")
    work.ok(*args)
    assert work.read("large.bin") == bytes(range(256)) * 4096
    assert work.ok("eval", "show", "large.bin", "--json").json["report"]["run"]["id"] == mlflow_server.ids["files"]
    work.ok("eval", "record", "large.bin", "--bump", "patch", "--metric", "auc=1")
    commit_and_check(work, "large.bin")


def test_a_report_links_a_run_without_asking_the_server(work: Repo) -> None:
    work.added("m.bin", b"m")
    work.ok("eval", "record", "m.bin", "--tag", "v1.0.0", "--metric", "auc=0.9", "--run", "mlflow:a1b2")
    report = work.ok("eval", "show", "m.bin", "--json").json["report"]
    address = work.environ["MLFLOW_TRACKING_URI"].replace("ada:l0velace@", "")
    assert report["run"] == {"kind": "mlflow", "id": "a1b2", "url": f"{address}/#/runs/a1b2"}
    work.ok("eval", "record", "m.bin", "--bump", "minor", "--run", "other:7", env={"MLFLOW_TRACKING_URI": ""})
    assert work.ok("eval", "show", "m.bin", "--json").json["report"]["run"] == {"kind": "other", "id": "7"}
    for text in ("mlflow", "mlflow:", ":7", "A B:7", "mlflow:\x1b"):
        assert "expected KIND:ID" in work.fails(2, "eval", "record", "m.bin", "--bump", "minor", "--run", text).err
