"""A server of MLflow with runs that its own client logged: run by the Python of the real MLflow.

The first process serves on a port that it is given; a second one logs, and prints the ids as JSON. Both have the
libraries loaded once.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import sys
from pathlib import Path

FOLDER, PORT = sys.argv[1], int(sys.argv[2])
STORE = f"sqlite:///{FOLDER}/runs.sqlite"
os.environ |= {
    "_MLFLOW_SERVER_FILE_STORE": STORE, "_MLFLOW_SERVER_REGISTRY_STORE": STORE,
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"{FOLDER}/artifacts",
}  # what `mlflow server` tells its workers

import mlflow  # noqa: E402
import uvicorn  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.data.numpy_dataset import from_numpy  # noqa: E402
from mlflow.server.fastapi_app import app  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402


class Canary:
    """Whoever unpickles it leaves a trace."""

    def __reduce__(self):
        return os.mkdir, (f"{FOLDER}/unpickled",)


def log() -> dict[str, str]:
    """Log runs, and register models; return the ids."""
    mlflow.set_tracking_uri(f"http://127.0.0.1:{PORT}")
    client, found = MlflowClient(), {}
    inputs = [[0.0], [1.0], [2.0], [3.0]]
    model = LogisticRegression().fit(inputs, [0, 0, 1, 1])
    with mlflow.start_run(run_name="trained") as run:
        found["trained"] = run.info.run_id
        mlflow.log_params({"C": 1.0, "solver": "lbfgs"})
        mlflow.set_tag("team", "search \x1b[31m")
        mlflow.log_input(from_numpy(model.coef_, name="train.csv"), context="training")
        for step in range(3):
            mlflow.log_metric("auc", 0.9 + step / 100, step=step)
        mlflow.log_metrics({"diverged": float("nan"), "worst": float("inf")})
        logged = mlflow.sklearn.log_model(
            model, name="classifier", registered_model_name="ranker", pip_requirements=["scikit-learn"],
        )
        found["model_id"] = logged.model_id
        mlflow.log_text("hello", "notes/readme.txt")
        with mlflow.start_run(nested=True) as child:
            found["child"] = child.info.run_id
            mlflow.log_metric("auc", 0.5)
    with mlflow.start_run() as run:
        found["two"] = run.info.run_id
        for name, value in (("small", 0.7), ("large", 0.8)):
            made = mlflow.create_external_model(name=name, source_run_id=run.info.run_id)
            mlflow.log_metric("auc", value, model_id=made.model_id)
            mlflow.log_metric("diverged", float("nan"), model_id=made.model_id)
            mlflow.log_model_params({"size": name}, made.model_id)
            client.log_outputs(run.info.run_id, [mlflow.entities.LoggedModelOutput(made.model_id, 0)])
            found[name] = made.model_id
            client.log_model_artifact(made.model_id, written(f"{name}.bin", name.encode()))
        mlflow.log_metric("loss", 0.1)
    with mlflow.start_run() as run:  # as MLflow 2 kept a model: among the artifacts of its run
        found["old"] = run.info.run_id
        mlflow.log_metric("auc", 0.7)
        mlflow.sklearn.save_model(
            model, f"{FOLDER}/old", serialization_format="cloudpickle", pip_requirements=["scikit-learn"],
        )
        Path(FOLDER, "old/canary.pkl").write_bytes(pickle.dumps(Canary()))
        mlflow.log_artifacts(f"{FOLDER}/old", "model")
    client.create_model_version("ranker", f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
    client.set_registered_model_alias("ranker", "champion", "1")
    client.copy_model_version("models:/ranker/2", "copied")
    client.create_registered_model("elsewhere")
    client.create_model_version("elsewhere", "s3://bucket/model")
    with mlflow.start_run() as run:
        found["files"] = run.info.run_id
        mlflow.log_artifact(written("large.bin", bytes(range(256)) * 4096))
        mlflow.log_artifact(written("a b ü.txt", b"text"), "deep/folder")
    experiment = client.create_experiment("unproxied", f"{FOLDER}/unproxied")  # which clients write themselves
    with mlflow.start_run(experiment_id=experiment) as run:
        found["unproxied"] = run.info.run_id
        mlflow.log_artifacts(f"{FOLDER}/old", "deep/model")
    client.create_registered_model("unproxied")
    client.create_model_version("unproxied", f"{run.info.artifact_uri}/deep/model", run_id=run.info.run_id)
    return found


def written(name: str, content: bytes) -> str:
    """Return the path of a file with this content."""
    path = Path(FOLDER, name)
    path.write_bytes(content)
    return str(path)


listening = socket.create_server(("127.0.0.1", PORT))
if os.fork() == 0:
    os.write(1, f"\n{json.dumps(log())}\n".encode())
    os._exit(0)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])
