"""Train a forest, compute SHAP values of all its rows, and attach them to its report."""

import altair as alt
import pandas as pd
import shap
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold

import mvc

TRAIN, MODEL = "data/train", "models/tumours.skops"
VALUES, PICTURE, PREDICTIONS = "evals/shap.csv", "evals/shap.svg", "evals/tumours.csv"

X = pd.read_csv(f"{TRAIN}/part-1.csv")
y, size = X.pop("truth"), X.pop("size")
model = RandomForestClassifier(n_estimators=100, random_state=0).fit(X, y)
skops.io.dump(model, MODEL)

# What each feature adds to the probability of `malignant`, for each row.
values = shap.TreeExplainer(model)(X)[:, :, list(model.classes_).index("malignant")]
table = pd.DataFrame(values.values, columns=X.columns).assign(base=values.base_values)
table.to_csv(VALUES, index=False)
mean = table[X.columns].abs().mean().nlargest(12).rename_axis("feature").reset_index(name="mean |SHAP value|")
alt.Chart(mean).mark_bar().encode(x="mean |SHAP value|", y=alt.Y("feature", sort="-x")).save(PICTURE)

with mvc.Project.find() as project:
    project.add(MODEL, VALUES)
recorded = mvc.evaluate(
    model, X, y, model=MODEL, bump="minor", cv=StratifiedKFold(5, shuffle=True, random_state=0),
    predictions=PREDICTIONS, slices={"size": size}, dataset={"train": TRAIN}, train=[TRAIN],
    artifacts=[VALUES, PICTURE],
)
for metric in recorded.report.metrics[:6]:
    print(f"{metric.name} {metric.value:.3f} ± {metric.stderr:.3f}")
