"""Write a model card and scores with the library of Hugging Face: `python hugging_face_run.py`, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, ModelCard, ModelCardData, eval_result_entries_to_yaml

RESULTS = [
    EvalResult("text-classification", "imdb", "IMDB", "accuracy", 0.93, dataset_config="plain", dataset_split="test"),
    EvalResult("text-classification", "imdb", "IMDB", "f1", "0.9 ± 0.1", dataset_config="plain", dataset_split="test"),
    EvalResult("text-classification", "sst2", "SST-2", "accuracy", 0.91, metric_name="Test accuracy"),
]
about = ModelCardData(license="mit", model_name="tiny", eval_results=RESULTS)
card = ModelCard.from_template(about, template_str="---\n{{ card_data }}\n---\n# tiny\n")
card.save("README.md")
ENTRIES = [
    EvalResultEntry("cais/hle", "default", 20.9, date="2026-01-15", notes="no-tools", source_url="https://example.com/"),
    EvalResultEntry("Idavidrein/gpqa", "gpqa_diamond", 0.412),
]
Path("eval-results.yaml").write_text(yaml.dump(eval_result_entries_to_yaml(ENTRIES)))
