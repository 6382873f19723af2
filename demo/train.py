"""Train a classifier of handwritten digits on data/digits, and save it as models/digits.joblib."""

import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier

trees = int(sys.argv[1])
rows = np.vstack([np.loadtxt(file, delimiter=",") for file in sorted(Path("data/digits").glob("train-*.csv"))])
model = RandomForestClassifier(n_estimators=trees, random_state=0).fit(rows[:, :-1], rows[:, -1])
joblib.dump(model, "models/digits.joblib")
print(f"trained {trees} trees on {len(rows)} digits")
