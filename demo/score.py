"""Print the accuracy of models/tumours.joblib on test data; under `mvc eval run`, also write it to MVC_METRICS."""

import json
import os
from pathlib import Path

import joblib
import pandas as pd

rows = pd.read_csv("data/tumours/test.csv")
model = joblib.load("models/tumours.joblib")
accuracy = model.score(rows[model.feature_names_in_], rows["truth"])
print(f"accuracy {accuracy:.4f} on {len(rows)} tumours")
if "MVC_METRICS" in os.environ:
    Path(os.environ["MVC_METRICS"]).write_text(json.dumps({"accuracy": accuracy}))
