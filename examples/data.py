"""Write data of 569 tumours, which scikit-learn brings: data/train/part-1.csv, data/holdout.csv, and part-2.csv."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

found = load_breast_cancer(as_frame=True)
size = np.where(found.data["mean radius"] < found.data["mean radius"].median(), "small", "large")
rows = found.data.assign(size=size, truth=found.target_names[found.target]).sample(frac=1, random_state=0)
for folder in ("data/train", "models", "evals"):
    Path(folder).mkdir(parents=True, exist_ok=True)
rows[:200].to_csv("data/train/part-1.csv", index=False)
rows[200:300].to_csv("part-2.csv", index=False)
rows[300:].to_csv("data/holdout.csv", index=False)
