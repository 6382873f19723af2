"""Files of real models and tables pass the scan, and its list of names is that of the real packages."""

from __future__ import annotations

import _compat_pickle
import importlib
import io
import pickle
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import pytest
from harness import LONG, some
from mlflow_peer import PYTHON as MLFLOW

from mvc.pickles.allowed.kinds import CONSTRUCTOR
from mvc.pickles.allowed.names import CHECKED, Names
from mvc.pickles.allowed.tables import CLASS, listed
from mvc.pickles.scan import ScanResult, scan

HERE = str(Path(__file__).parent)
SAMPLE, PARTS = 16, 8
GROUPS = ("models", "boosted", "arrays", "scientific", "tables")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Silence what libraries say of small data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module with real objects. It is imported late: its libraries take seconds."""
    monkeypatch.syspath_prepend(HERE)
    return importlib.import_module("real_objects")


@pytest.fixture
def derive(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module that derives the list of names."""
    monkeypatch.syspath_prepend(HERE)
    return importlib.import_module("derive_names")


def files(value: Any) -> Iterator[tuple[str, bytes]]:
    """Yield the files in which a value may be saved: few, or all with `make test-long`."""
    for protocol in range(2, 6) if LONG else (2, 5):
        yield f"protocol {protocol}", pickle.dumps(value, protocol)
    for options in ({}, {"compress": 3}, {"protocol": 2}, {"compress": ("xz", 3)}) if LONG else ({},):
        file = io.BytesIO()
        joblib.dump(value, file, **options)
        yield f"joblib {options}", file.getvalue()


def refused(value: Any) -> dict[str, ScanResult]:
    """Return the findings in its files."""
    results = {form: scan(io.BytesIO(content), len(content), "m.pkl") for form, content in files(value)}
    return {form: result for form, result in results.items() if result != ScanResult()}


@pytest.mark.sampled
@pytest.mark.parametrize("part", range(PARTS))
def test_files_of_estimators_pass(real: ModuleType, part: int) -> None:
    for name in some(real.estimators(), SAMPLE)[part::PARTS]:
        assert refused(real.fitted(name)) == {}, name


@pytest.mark.sampled
@pytest.mark.parametrize("group", GROUPS)
def test_files_of_objects_pass(real: ModuleType, group: str) -> None:
    for value in real.GROUPS[group]():
        assert refused(value) == {}, f"{type(value)}: {str(value)[:200]}"


@pytest.mark.sampled
def test_files_of_another_pandas_pass(tmp_path: Path) -> None:
    """The one of MLflow's environment is newer: KServe takes no pandas 3."""
    subprocess.run([MLFLOW, f"{HERE}/real_tables.py", tmp_path], check=True)
    contents = {path.name: path.read_bytes() for path in tmp_path.glob("*.pkl")}
    assert {name: scan(io.BytesIO(content), len(content), name) for name, content in contents.items()} == dict.fromkeys(
        contents, ScanResult())
    assert len(contents) > 50


# The list of names.


def test_every_estimator_is_listed(real: ModuleType) -> None:
    estimators = {f"{kind.__module__}.{kind.__qualname__}" for _, kind in real.all_estimators()}
    assert not {name for name in estimators if Names().find(name) is None}


@pytest.mark.parametrize("package", ["lightgbm", "numpy", "scipy", "sklearn", "xgboost"])
def test_listed_names_are_defined_where_they_are_said_to_be(derive: ModuleType, package: str) -> None:
    """A module also has what it imports, such as `tempfile.TemporaryDirectory`: that is not its own."""
    found = 0
    for name, entry in listed().items():
        module, _, own = name.rpartition(".")
        if module.endswith(".interp1d"):  # its methods
            module, own = module.removesuffix(".interp1d"), f"interp1d.{own}"
        if name.split(".")[0] != package or name in CHECKED or (value := defined(module, own)) is None:
            continue  # of another release
        found += 1
        if entry == CLASS:
            assert isinstance(value, type)
            assert derive.is_plain(value)
        if isinstance(value, type):  # a later release may define it elsewhere in the package
            assert Names().find(f"{value.__module__}.{value.__qualname__}") == entry
            assert value.__module__.split(".")[0] == package
    assert found > 2


def defined(module: str, name: str) -> Any:
    """Return what a module has under this name; None without it."""
    try:
        value = importlib.import_module(module)
    except ImportError:
        return None
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def test_the_list_is_complete(derive: ModuleType) -> None:
    """To add the names of a release: tests/pickles/derive_names.py. Of SciPy and NumPy, any release may be here."""
    written = derive.read(derive.FILE.read_text("ascii"))
    for section, names in derive.derived().items():
        for module, own in names.items():
            if module.startswith("sklearn"):
                assert own <= written[section].get(module, set()), module


def test_names_of_python_2_lead_to_nothing_else() -> None:
    """Python maps old names to new ones when it reads old protocols."""
    for name in (*CHECKED, *listed()):
        module, _, own = name.rpartition(".")
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        module, own = _compat_pickle.NAME_MAPPING.get((name.rpartition(".")[0], own), (module, own))
        assert Names().find(f"{module}.{own}"), name


def test_functions_that_pickle_only_calls_are_no_part_of_a_model() -> None:
    for name in ("builtins.getattr", "copyreg._reconstructor", "_codecs.encode", "functools.partial"):
        assert CHECKED[name].kind == CONSTRUCTOR
