"""Train a classifier of tumours on data/tumours, and save it as models/tumours.joblib."""

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODELS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": RandomForestClassifier(n_estimators=350, random_state=0),
    "neighbours": KNeighborsClassifier(),
}

name = sys.argv[1]
rows = pd.concat(map(pd.read_csv, sorted(Path("data/tumours").glob("train-*.csv"))))
model = MODELS[name].fit(rows.drop(columns=["truth", "size"]), rows["truth"])
joblib.dump(model, "models/tumours.joblib")
print(f"trained {name} on {len(rows)} tumours")
