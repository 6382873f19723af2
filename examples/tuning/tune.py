"""Search parameters with Optuna, and record the best model with all trials. Usage: `tune.py grid|random|tpe`."""

import sys

import optuna
import pandas as pd
import skops.io
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import mvc

TRAIN, HOLDOUT, MODEL, TRIALS = "data/train", "data/holdout.csv", "models/tumours.skops", "evals/trials.csv"
SCORES = {"auc": "roc_auc", "accuracy": "accuracy", "log_loss": "neg_log_loss"}
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
GRID = {"components": [5, 10, 20], "C": [0.01, 0.1, 1.0], "whiten": [False, True]}
SAMPLERS = {
    "grid": optuna.samplers.GridSampler(GRID, seed=0),
    "random": optuna.samplers.RandomSampler(seed=0),
    "tpe": optuna.samplers.TPESampler(seed=0),
}


def classifier(components: int, *, whiten: bool, **regression: float) -> Pipeline:
    """Return an untrained model with the parameters of a trial."""
    return make_pipeline(StandardScaler(), PCA(components, whiten=whiten), LogisticRegression(**regression))


def objective(trial: optuna.Trial) -> float:
    """Return the mean AUC over folds; the trial keeps all metrics, with their spread."""
    model = classifier(
        trial.suggest_int("components", 5, 30),
        whiten=trial.suggest_categorical("whiten", [False, True]),
        C=trial.suggest_float("C", 1e-3, 1e2, log=True),
    )
    found = cross_validate(model, X, y, cv=FOLDS, scoring=SCORES)
    for name in SCORES:
        trial.set_user_attr(name, abs(found[f"test_{name}"].mean()))
        trial.set_user_attr(f"{name}_std", found[f"test_{name}"].std(ddof=1))
    return float(found["test_auc"].mean())


sampler = sys.argv[1]
X = pd.read_csv(f"{TRAIN}/part-1.csv").drop(columns="size")
y = X.pop("truth") == "malignant"
study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler])
study.optimize(objective, n_trials=18)
study.trials_dataframe(("number", "state", "params", "user_attrs")).to_csv(TRIALS, index=False)

best = classifier(**study.best_params).fit(X, y)
skops.io.dump(best, MODEL)
with mvc.Project.find() as project:
    project.add(MODEL, TRIALS)

holdout = pd.read_csv(HOLDOUT)
truth = holdout["truth"] == "malignant"
scores = best.predict_proba(holdout[X.columns])[:, 1]
recorded = mvc.record(
    MODEL, bump="minor", desc=f"the best of {len(study.trials)} trials, {sampler}",
    metrics={"auc": roc_auc_score(truth, scores), "accuracy": accuracy_score(truth, scores >= 0.5)},
    dataset={"holdout": HOLDOUT}, train=[TRAIN], params={"sampler": sampler, **study.best_params}, artifacts=[TRIALS],
)
print(f"{recorded.report.tag}: {recorded.report.desc}; {study.best_params}")
