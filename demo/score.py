"""Print the accuracy of models/digits.joblib on test data; under `mvc eval run`, also write it to MVC_METRICS."""

import json
import os
from pathlib import Path

import joblib
import numpy as np

rows = np.loadtxt("data/digits/test.csv", delimiter=",")
model = joblib.load("models/digits.joblib")
accuracy = model.score(rows[:, :-1], rows[:, -1])
print(f"{len(model.estimators_)} trees, accuracy {accuracy:.3f}")
if "MVC_METRICS" in os.environ:
    Path(os.environ["MVC_METRICS"]).write_text(json.dumps({"accuracy": accuracy}))
