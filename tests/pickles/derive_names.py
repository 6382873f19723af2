"""Derive `mvc/pickles/allowed/names.txt` from the installed packages.

Run it in an environment of each release whose pickles should pass: it prints the file with the names that are new.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "mvc/pickles/allowed/names.txt"
HEAD = """\
# Names that pickles of models and tables use, from the packages themselves: tests/pickles/derive_names.py.
# Each name is defined in its module: a module also has names of others, which are not allowed.
"""
SECTIONS = ("[classes]", "[named tuples]", "[functions]")
Names = dict[str, set[str]]

LEFT_OUT = re.compile(r"\.(tests?|conftest|datasets|externals|experimental|utils|inspection|callback|_plot|_export|"
                      r"_reingold_tilford|_pairwise_distances_reduction|_testing|_testutils|cobyqa|io|misc|odr|fft|f2py|distutils|__main__|typing|_pyinstaller|"
                      r"_min_dependencies|_lib|_precompute|_mptestutils)\b")
"""Modules whose classes are no part of a model: they read files, print or test."""
HELPERS = re.compile(
    r"Mixin$|^_?Base|[Bb]ase$|Display$|Reporter$|Bridge$|Grower$|^TreeNode$|^SplitInfo$|Solver$|Callback$|Wrapper$",
)
SCIPY = re.compile(
    r"scipy\.(interpolate\._(bary|bsp|fitpack2|interpnd|interpolate|ndb|ndg|rbf$|rgi)|optimize\._constraints|sparse\._|"
    r"spatial\.transform\._rotation|stats\._(covariance|distn_infrastructure|kde|multivariate|resampling|survival))",
)
RESULTS = re.compile(r"numpy\.(lib|linalg)|scipy\.stats|sklearn\.impute")
NUMPY = (
    "all any argmax argmin argsort around array asanyarray asarray ascontiguousarray atleast_1d atleast_2d atleast_3d "
    "average bincount broadcast_to clip column_stack concatenate copy corrcoef count_nonzero cov cross cumprod cumsum "
    "diag diff digitize dot empty expand_dims flip full gradient histogram hstack imag inner interp isclose linspace "
    "matmul max mean median min moveaxis nan_to_num nanargmax nanargmin nancumsum nanmax nanmean nanmedian nanmin "
    "nanpercentile nanprod nanquantile nanstd nansum nanvar ndim ones ones_like outer pad percentile prod ptp quantile "
    "ravel real repeat reshape roll rot90 round round_ searchsorted shape size sort split squeeze stack std sum "
    "swapaxes take tile transpose trapezoid trapz tril triu unique var vstack where zeros zeros_like amax amin"
)
"""Functions that compute: none calls an argument or opens a file."""
STATISTICS = "gmean hmean iqr kurtosis mode rankdata sem skew trim_mean tmean tstd variation zscore"
CALLERS = re.compile(
    r"^(pairwise_(distances|kernels).*|make_.*|get_.*|check_.*|distance_metrics|kernel_metrics|fetch_.*|load_.*|"
    r"dump_.*|cross_val.*|cdist|pdist|f_oneway)$",
)
"""Functions that call an argument, or make what does."""


def main() -> None:
    """Print the file."""
    warnings.simplefilter("ignore")
    new_names = derived()
    found = read(FILE.read_text("ascii")) if FILE.exists() else {section: {} for section in SECTIONS}
    for section, names in new_names.items():
        for module, new in names.items():
            found[section].setdefault(module, set()).update(new)
    sys.stdout.write(HEAD)
    for section, names in found.items():
        sys.stdout.write(f"\n{section}\n")
        sys.stdout.writelines(f"{module}: {' '.join(sorted(names[module]))}\n" for module in sorted(names))


def read(text: str) -> dict[str, Names]:
    """Return the names in the text of the file, by section and module."""
    found: dict[str, Names] = {section: {} for section in SECTIONS}
    section = ""
    for line in text.splitlines():
        if line in SECTIONS:
            section = line
        elif line and not line.startswith("#"):
            module, _, names = line.partition(":")
            found[section][module] = set(names.split())
    return found


def derived() -> dict[str, Names]:
    """Return the names of the installed packages."""
    found: dict[str, Names] = {section: {} for section in SECTIONS}
    for section, names in (("[classes]", classes()), ("[named tuples]", rows()), ("[functions]", functions())):
        for module, name in names:
            found[section].setdefault(module, set()).add(name)
    return found


# Classes.


def classes() -> Iterator[tuple[str, str]]:
    """Yield the classes of models without code of their own that runs while pickle fills them."""
    for module, name, value in definitions("sklearn"):
        if isinstance(value, type) and not HELPERS.search(name) and is_plain(value):
            yield module, name
    for module, name, value in definitions("scipy"):
        if SCIPY.match(module) and isinstance(value, type) and not HELPERS.search(name) and is_plain(value) and (
            not name.startswith("_") or name == "_PSD"
        ):
            yield module, name
    for module, pattern in (
        ("sklearn.utils._metadata_requests", "MethodMetadataRequest"), ("sklearn.utils._tags", r"\w*Tags"),
        ("xgboost.sklearn", r"XGB\w+"), ("xgboost.callback", "EarlyStopping|EvaluationMonitor"),
        ("lightgbm.sklearn", r"LGBM\w+"),
    ):
        for name, value in named(module, pattern):
            if isinstance(value, type) and value.__module__ == module and is_plain(value):
                yield module, name


def is_plain(kind: type) -> bool:
    """Whether pickle runs no code of `kind` when it makes an instance and gives it attributes."""
    if not is_defined(kind) or issubclass(kind, BaseException | dict | list | tuple | set):
        return False
    own = [vars(base) for base in kind.__mro__ if base is not object]
    if any(name in base for base in own for name in ("__getattr__", "__getattribute__", "__setattr__", "__del__")):
        return False
    if any("__new__" in base and "deprecated." not in getattr(base["__new__"], "__qualname__", "") for base in own):
        return False  # scikit-learn's `deprecated` only warns
    if "__slots__" in vars(kind):
        return False
    states = {base["__setstate__"].__qualname__ for base in own if "__setstate__" in base}
    return states <= {"BaseEstimator.__setstate__"} and type(kind).__name__ in ("type", "ABCMeta")


def is_defined(value: Any) -> bool:
    """Whether the module that `value` names as its own has it under its name."""
    module = sys.modules.get(value.__module__)
    return getattr(module, value.__qualname__, None) is value


def rows() -> Iterator[tuple[str, str]]:
    """Yield the named tuples of results."""
    for package in ("numpy", "scipy", "sklearn"):
        for module, name, value in definitions(package):
            if isinstance(value, type) and issubclass(value, tuple) and RESULTS.match(module) and is_row(value):
                yield module, name


def is_row(kind: type) -> bool:
    """Whether `kind` is a plain `collections.namedtuple`."""
    of_it = {*vars(kind)} & {"__setattr__", "__getattr__", "__setstate__", "__del__", "__init__"}
    bases = [base for base in kind.__mro__ if base not in (object, tuple)]
    plain = all("__new__" not in vars(base) or "_make" in vars(base) for base in bases)
    return hasattr(kind, "_fields") and not of_it and plain and is_defined(kind)


# Functions.


def functions() -> Iterator[tuple[str, str]]:
    """Yield the functions that models name: scores, kernels, and those that transform."""
    import numpy as np

    ufuncs = [name for name in dir(np) if isinstance(getattr(np, name), np.ufunc) and not name.startswith("_")]
    for core in ("numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"):
        yield from ((core, getattr(np, name).__name__) for name in ufuncs)
    for name in NUMPY.split():
        if callable(value := getattr(np, name, None)) and not isinstance(value, np.ufunc):
            yield value.__module__ or "numpy", value.__name__
    yield from public("numpy.linalg", "det|inv|norm|pinv")
    for module in ("sklearn.metrics", "sklearn.metrics.pairwise", "sklearn.feature_selection", "sklearn.preprocessing"):
        yield from public(module, r"\w+")
    yield from public("sklearn.feature_extraction.text", r"strip_\w+")
    yield from public("sklearn.cluster._kmeans", r"_kmeans_single_\w+")
    yield from public("sklearn.metrics._scorer", r"\w+_likelihood_ratio")
    yield "sklearn.utils.validation", "check_array"
    yield from public("scipy.linalg", "det|inv|norm|pinv")
    yield from public("scipy.spatial.distance", r"\w+")
    yield from public("scipy.stats", "|".join(STATISTICS.split()))
    yield from public("scipy._lib.array_api_compat.numpy._aliases", "asarray")
    yield from of_special()
    if util.find_spec("scipy"):
        from scipy.interpolate import interp1d

        yield from ((interp1d.__module__, f"interp1d.{name}") for name in vars(interp1d) if name.startswith("_call_"))


def public(module: str, pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the functions in `module` that match, with the module of the package that defines them."""
    for name, value in named(module, pattern):
        own = getattr(value, "__module__", None) or ""
        if callable(value) and not isinstance(value, type) and own.startswith(module) and not CALLERS.match(name) and (
            not name.startswith("_") or pattern != r"\w+"
        ):
            yield own, value.__qualname__


def of_special() -> Iterator[tuple[str, str]]:
    """Yield SciPy's special functions, with the module that pickle names."""
    import numpy as np

    for name, value in named("scipy.special", r"\w+"):
        if isinstance(value, np.ufunc):
            for module in ("_ufuncs", "_special_ufuncs"):
                if getattr(importlib.import_module("scipy.special._ufuncs"), value.__name__, None) is value:
                    yield f"scipy.special.{module}", value.__name__
        elif name in ("log_softmax", "logsumexp", "softmax"):
            yield value.__module__, name


# Packages.


def definitions(package: str) -> Iterator[tuple[str, str, Any]]:
    """Yield what the modules of a package define: module, name and value."""
    for module in modules(package):
        for name, value in list(vars(module).items()):
            if getattr(value, "__module__", "") == module.__name__ and getattr(value, "__qualname__", "") == name:
                yield module.__name__, name, value


def modules(package: str) -> Iterator[types.ModuleType]:
    """Yield the modules of a package that may define parts of models."""
    if util.find_spec(package) is None:
        return
    top = importlib.import_module(package)
    yield top
    for item in pkgutil.walk_packages(top.__path__, f"{package}."):
        if not LEFT_OUT.search(item.name):
            try:
                yield importlib.import_module(item.name)
            except Exception:  # noqa: BLE001 - it needs something that is not there
                continue


def named(module: str, pattern: str) -> Iterator[tuple[str, Any]]:
    """Yield what is named so in a module; nothing without the module."""
    matches: Callable[[str], Any] = re.compile(pattern).fullmatch
    try:
        found = importlib.import_module(module)
    except ImportError:
        return
    for name in dir(found):
        if matches(name):
            yield name, getattr(found, name)


if __name__ == "__main__":
    main()
