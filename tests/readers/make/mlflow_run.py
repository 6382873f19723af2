"""Write what evaluations of MLflow save, and a run as it prints it: `python mlflow_run.py`, in an empty folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.genai.scorers import scorer

mlflow.set_tracking_uri("sqlite:///mlflow.db")
NUMBERS = pd.DataFrame({"x": range(20)})
NUMBERS["y"], NUMBERS["predicted"] = (NUMBERS["x"] > 9).astype(int), (NUMBERS["x"] > 7).astype(int)


@scorer
def same(outputs: str, expectations: dict[str, str]) -> bool:
    """Return whether an answer is the expected one."""
    return outputs == expectations["expected_response"]


for kind in ("classifier", "regressor"):
    with mlflow.start_run():
        result = mlflow.models.evaluate(
            data=NUMBERS, predictions="predicted", targets="y", model_type=kind, evaluators="default",
        )
        result.save(kind)
    shutil.move(Path(kind, "metrics.json"), f"mlflow-{kind}.json")
answers = [
    {"inputs": {"q": str(n)}, "outputs": "x" * n, "expectations": {"expected_response": "xx"}} for n in range(1, 5)
]
with mlflow.start_run() as run:
    mlflow.log_params({"temperature": 0.5})
    mlflow.genai.evaluate(data=answers, scorers=[same])
done = subprocess.run(
    [sys.executable, "-m", "mlflow", "runs", "describe", "--run-id", run.info.run_id],
    check=True, capture_output=True, text=True, env={"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"},
)
Path("mlflow-genai-run.json").write_text(done.stdout.replace(str(Path.cwd()), "/srv"))
