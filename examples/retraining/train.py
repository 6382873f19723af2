"""Train a classifier of tumours on all parts of data/train, and save it as models/tumours.joblib."""

from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = pd.concat(map(pd.read_csv, sorted(Path("data/train").glob("*.csv"))))
model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(rows.drop(columns=["truth", "size"]), rows["truth"])
joblib.dump(model, "models/tumours.joblib")
