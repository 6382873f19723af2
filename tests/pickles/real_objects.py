"""Objects as users of scikit-learn, NumPy, SciPy, pandas, XGBoost and LightGBM save them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import lightgbm
import numpy as np
import scipy
import scipy.sparse
import scipy.spatial
import xgboost
from real_tables import frame, tables
from scipy import interpolate, stats
from sklearn import compose, ensemble, feature_selection, gaussian_process, linear_model, metrics, neighbors
from sklearn import model_selection as selection
from sklearn import preprocessing as prep
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import kernels
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import all_estimators

_RANDOM = np.random.RandomState(0)
X = np.abs(_RANDOM.normal(size=(40, 4))) + 0.1
Y = (X[:, 0] > np.median(X[:, 0])).astype(int)
CLASSES = np.arange(40) % 3
TARGET = X[:, 0] * 2 + 1
WORDS = ["a b c word", "d e f word"] * 20
_DATA: list[tuple[Any, ...]] = [
    (X, Y), (X, TARGET), (X,), (X, np.c_[Y, 1 - Y]), (X, np.c_[TARGET, TARGET]), (WORDS, Y), (TARGET, Y),
    (TARGET, TARGET), ([{"a": 1, "b": 2}] * 40,), (X @ X.T,), (np.c_[Y, Y],), (Y,), ([["a", "b"]] * 40,),
]
"""What `fit` is tried with."""
_GIVEN: dict[str, Callable[[], Any]] = {
    "estimator": linear_model.LogisticRegression, "base_estimator": linear_model.LogisticRegression,
    "estimators": lambda: [("a", linear_model.LinearRegression()), ("b", linear_model.Ridge())],
    "param_grid": lambda: {"C": [0.1, 1]}, "param_distributions": lambda: {"C": stats.loguniform(0.1, 1)},
    "transformer_list": lambda: [("a", prep.StandardScaler())], "steps": lambda: [("a", prep.StandardScaler())],
    "transformers": lambda: [("a", prep.StandardScaler(), [0])], "dictionary": lambda: np.eye(4),
}
"""Parameters without a default."""


# Every estimator of scikit-learn.


def estimators() -> list[str]:
    """Return the names of all estimators."""
    return [name for name, _ in all_estimators()]


def fitted(name: str) -> Any:
    """Return an estimator, fitted."""
    kind = dict(all_estimators())[name]
    required = [item.name for item in inspect.signature(kind).parameters.values() if item.default is item.empty]
    given = {item: _GIVEN[item]() for item in required if item in _GIVEN}
    if "Regressor" in name and given.keys() & {"estimator"}:
        given["estimator"] = linear_model.LinearRegression()
    if name in ("StackingClassifier", "VotingClassifier"):
        given["estimators"] = [("a", linear_model.LogisticRegression()), ("b", SVC())]
    if "RandomProjection" in name:
        given["n_components"] = 2
    if name == "SelfTrainingClassifier":
        given["estimator"] = linear_model.LogisticRegression()
    if name == "FrozenEstimator":
        given["estimator"].fit(X, Y)
    made = kind(**given)
    for data in _DATA:
        try:
            return made.fit(*data)
        except Exception:  # noqa: BLE001 - the next data may suit it
            continue
    raise AssertionError(f"no data suit {name}")


# Models with parameters that name functions and classes.


def models() -> Iterator[Any]:
    """Yield searches, pipelines, scorers, kernels and transformers of functions."""
    logistic = linear_model.LogisticRegression()
    table = frame()
    columns = compose.ColumnTransformer([
        ("n", make_pipeline(SimpleImputer(), prep.StandardScaler()), compose.make_column_selector(dtype_include=float)),
        ("c", prep.OneHotEncoder(handle_unknown="ignore"), ["words", "categories"]),
    ])
    yield make_pipeline(columns, logistic).fit(table, Y)
    yield linear_model.LogisticRegression().fit(X, np.array(["yes", "no"])[Y])
    yield selection.GridSearchCV(make_pipeline(feature_selection.SelectKBest(k=2), logistic), {
        "logisticregression__C": [1, 2],
    }, scoring="f1_macro", cv=2).fit(X, Y)
    yield selection.GridSearchCV(SVC(), {"C": [1, 2]}, cv=selection.StratifiedKFold(2), refit="a", scoring={
        "a": "accuracy", "f": metrics.make_scorer(metrics.fbeta_score, beta=2),
    }).fit(X, Y)
    for distribution in (stats.loguniform(0.01, 100), stats.uniform(0, 1), stats.randint(1, 5)):
        yield selection.RandomizedSearchCV(logistic, {"C": distribution}, n_iter=2, cv=2).fit(X, Y)
    yield from map(metrics.get_scorer, metrics.get_scorer_names())
    yield from (kernel.fit(X, TARGET) for kernel in map(gaussian_process.GaussianProcessRegressor, (
        kernels.RBF(), kernels.ConstantKernel() * kernels.Matern() + kernels.WhiteKernel(), kernels.DotProduct() ** 2,
    )))
    for score in ("chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression"):
        yield feature_selection.SelectPercentile(getattr(feature_selection, score)).fit(X, Y)
    for function in ("log1p", "sqrt", "exp", "abs", "clip", "nan_to_num", "round", "ravel", "reciprocal"):
        yield prep.FunctionTransformer(getattr(np, function))
    yield prep.FunctionTransformer(scipy.special.expit)
    yield prep.FunctionTransformer(prep.scale)
    yield compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1).fit(X, TARGET)
    yield TfidfVectorizer(tokenizer=str.split, preprocessor=str.lower, token_pattern=None).fit(WORDS)
    yield CountVectorizer(analyzer=str.split).fit(WORDS)
    yield SVC(kernel=metrics.pairwise.rbf_kernel).fit(X, Y)
    yield FrozenEstimator(logistic.fit(X, Y))
    for metric in ("manhattan", "minkowski", "chebyshev", "cosine", "canberra"):
        yield neighbors.KNeighborsClassifier(metric=metric).fit(X, Y)
    yield neighbors.KNeighborsClassifier(algorithm="ball_tree").fit(X.astype("f4"), Y)
    for loss in ("hinge", "log_loss", "modified_huber", "squared_hinge", "huber", "epsilon_insensitive"):
        yield linear_model.SGDClassifier(loss=loss).fit(X, Y)
    yield ensemble.HistGradientBoostingClassifier(max_iter=3).fit(X, CLASSES)
    yield ensemble.HistGradientBoostingClassifier(max_iter=3).fit(table[["numbers", "categories"]], Y)
    yield ensemble.GradientBoostingClassifier(n_estimators=3).fit(X, CLASSES)
    for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile"):
        yield ensemble.HistGradientBoostingRegressor(loss=loss, quantile=0.5, max_iter=2).fit(X, TARGET)
    yield ensemble.RandomForestClassifier(3, random_state=np.random.RandomState(0)).fit(X, CLASSES)
    yield load_iris()


def boosted() -> Iterator[Any]:
    """Yield models of XGBoost and LightGBM, also within those of scikit-learn."""
    for kind in (xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRFClassifier):
        yield kind(n_estimators=2).fit(X, Y)
    yield xgboost.XGBRanker(n_estimators=2).fit(X, Y, qid=[0] * 40)
    yield xgboost.XGBClassifier(n_estimators=3, callbacks=[xgboost.callback.EarlyStopping(2)]).fit(
        X, Y, eval_set=[(X, Y)], verbose=0,
    )
    yield xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, Y), 2)
    quiet = {"n_estimators": 2, "verbose": -1}
    for kind in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor):
        yield kind(**quiet).fit(X, Y)
    yield lightgbm.LGBMRanker(**quiet).fit(X, Y, group=[40])
    table = frame()[["numbers", "categories"]]
    yield lightgbm.LGBMClassifier(**quiet).fit(table, Y, eval_set=[(table, Y)])
    yield lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2)
    yield ensemble.StackingClassifier([
        ("x", xgboost.XGBClassifier(n_estimators=2)), ("l", lightgbm.LGBMClassifier(**quiet)),
    ], cv=2).fit(X, Y)


# Arrays and tables.

_DTYPES = (
    "?", "b", "H", "i", "q", "e", "f", "d", "g", "F", "D", "S3", "U3", "V3", "M8[ns]", "m8[s]", "O", ">f8",
    [("a", "i4"), ("b", "O")], [("a", "f8", (2, 2)), ("b", "U4")], [("x", [("y", "i2")])], [("x", "O", (2,))],
)


def arrays() -> Iterator[Any]:
    """Yield arrays, numbers and dtypes of NumPy."""
    for kind in _DTYPES:
        array = np.zeros((2, 2), dtype=kind)
        yield from (array, np.asfortranarray(array), array.dtype, array[0, 0], array[:0], np.zeros((), dtype=kind))
    yield np.dtype({"names": ["a", "b"], "formats": ["i4", "f8"], "offsets": [0, 16], "itemsize": 32})
    yield np.dtype("i4,f8", align=True)
    yield np.ma.array([1, 2.0], mask=[0, 1])
    yield np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    yield np.array([[1, 2], [3]], dtype=object)
    yield from (np.random.RandomState(1), np.random.SeedSequence(5))
    yield from (np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2]))
    for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        yield np.random.Generator(getattr(np.random, name)(1))
    yield np.linalg.eig(np.eye(2))
    yield {np.float64(1): np.int64(2), np.str_("a"): 3, None: 1, (1, np.int64(2)): 3, int: {np.float32}}


def scientific() -> Iterator[Any]:
    """Yield objects of SciPy."""
    for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        for form in ("matrix", "array"):
            yield getattr(scipy.sparse, f"{kind}_{form}")(np.eye(3))
    x = np.arange(6.0)
    for name in ("CubicSpline", "PchipInterpolator", "Akima1DInterpolator", "interp1d", "UnivariateSpline",
                 "BarycentricInterpolator", "KroghInterpolator", "make_interp_spline"):
        yield getattr(interpolate, name)(x, x**2)
    yield interpolate.RegularGridInterpolator((x, x), np.outer(x, x))
    yield interpolate.LinearNDInterpolator(X[:, :2], TARGET)
    yield interpolate.RBFInterpolator(X[:, :2], TARGET)
    yield from (scipy.spatial.KDTree(X), scipy.spatial.transform.Rotation.from_quat([0, 0, 0, 1]))
    yield scipy.optimize.linprog([1])
    yield from (stats.norm(), stats.randint(1, 5), stats.beta(1, 2), stats.norm, stats.randint)
    yield from (stats.gaussian_kde(X[:, 0]), stats.rv_histogram(np.histogram(X[:, 0])))
    yield from (stats.multivariate_normal(np.zeros(2)), stats.describe(x))


GROUPS = {"models": models, "boosted": boosted, "arrays": arrays, "scientific": scientific, "tables": tables}
