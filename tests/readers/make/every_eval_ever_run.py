"""Write results of the package every-eval-ever, by its types and its converter, and let it validate them.

python every_eval_ever_run.py LM_EVAL_RESULTS, in an empty folder
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from every_eval_ever import eval_types as types

COMMAND = [sys.executable, "-m", "every_eval_ever"]
subprocess.run([*COMMAND, "convert", "lm_eval", "--log_path", sys.argv[1], "--output_dir", "data"], check=True)
(converted,) = Path("data/words").rglob("*.json")
shutil.move(converted, "every-eval-ever-converted.json")


def result(name: str, data: object, metric: dict[str, object], score: float, **uncertainty: object) -> object:
    """Return the result of a metric."""
    return types.EvaluationResult(
        evaluation_name=name, source_data=data, metric_config=types.MetricConfig(**metric),
        score_details=types.ScoreDetails(
            score=score, uncertainty=types.Uncertainty(**uncertainty) if uncertainty else None,
        ),
    )


HF = types.SourceDataHf(
    dataset_name="quiz", source_type="hf_dataset", hf_repo="acme/quiz", hf_split="test", samples_number=1000,
)
LATENCY = {"metric_name": "latency", "metric_unit": "ms", "lower_is_better": True}
log = types.EvaluationLog(
    schema_version="0.3.0", evaluation_id="quiz/acme/tiny/1790000000", retrieved_timestamp="1790000000",
    source_metadata=types.SourceMetadata(
        source_name="Board", source_type="documentation", source_organization_name="Acme",
        evaluator_relationship="third_party",
    ),
    eval_library=types.EvalLibrary(name="unknown", version="unknown"),
    model_info=types.ModelInfo(name="Tiny", id="acme/tiny", developer="acme"),
    evaluation_results=[
        result(
            "quiz", HF, {"metric_id": "accuracy", "metric_name": "Accuracy", "lower_is_better": False}, 0.75,
            standard_error=types.StandardError(value=0.02, method="bootstrap"), num_samples=400,
            confidence_interval=types.ConfidenceInterval(
                lower=0.71, upper=0.79, confidence_level=0.95, method="bootstrap",
            ),
        ),
        result(
            "quiz", HF, LATENCY, 12.5, num_samples=400,
            confidence_interval=types.ConfidenceInterval(lower=11, upper=14, confidence_level=0.9),
        ),
        result("other", types.SourceDataUrl(
            dataset_name="page", source_type="url", url=["https://example.com/"],
        ), {"metric_id": "acme.score", "lower_is_better": False}, 20.5),
    ],
)
folder = Path("data/quiz/acme/tiny")
folder.mkdir(parents=True)
written = folder / "00000000-0000-4000-8000-000000000000.json"
written.write_text(log.model_dump_json(indent=1, exclude_none=True))
subprocess.run([*COMMAND, "validate", str(written)], check=True)
shutil.move(written, "every-eval-ever.json")
