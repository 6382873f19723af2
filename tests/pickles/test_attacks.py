"""What an allowed name calls when it is used in another way than the list says is a finding."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pytest

from mvc.pickles import machine, opcodes
from mvc.pickles.allowed.names import CHECKED
from mvc.pickles.allowed.tables import FUNCTION
from mvc.pickles.archives import compression
from mvc.pickles.scan import ScanResult, scan

HERE = Path(__file__).parent


def told(content: bytes, path: str = "m.pkl", further: tuple[str, ...] = ()) -> ScanResult:
    """Scan a file with this content."""
    return scan(io.BytesIO(content), len(content), path, further)


def is_refused(content: bytes, path: str = "m.pkl") -> bool:
    """Whether a scan finds something."""
    return told(content, path) != ScanResult()


@pytest.fixture
def attacks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the attacks; what they call may be named."""
    monkeypatch.syspath_prepend(str(HERE))
    module = importlib.import_module("attacks")
    monkeypatch.setitem(CHECKED, module.CANARY, FUNCTION)
    return module


@pytest.fixture
def ops(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module that writes opcodes."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("opcodes")


def test_attacks_are_found_and_are_real(attacks: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "load_attacks.py")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    names = [*attacks.PICKLES, *attacks.FILES]
    assert json.loads(run.stdout) == names, run.stderr
    assert told(attacks.TOUCH + b".") == ScanResult(), "the function itself may be named"
    for name in names:
        assert is_refused({**attacks.PICKLES, **attacks.FILES}[name] + b".", "m.joblib"), name


@pytest.mark.parametrize("name", [
    "sklearn.datasets._covtype.GzipFile", "sklearn.datasets._base.Path", "sklearn.utils.TemporaryDirectory",
    "sklearn.utils._bunch.MethodType", "scipy._lib._util.MethodType", "scipy._lib._util._FunctionWrapper",
    "pandas.core.computation.expr.Expr", "pandas.core.computation.eval.eval", "pandas.io.pickle.read_pickle",
    "pandas.HDFStore", "pandas.ExcelFile", "pandas.core.frame.DataFrame.to_pickle", "numpy.memmap.flush",
    "numpy.load", "numpy.lib.format.open_memmap", "numpy.fromfile", "numpy.vectorize.__call__",
    "numpy.lib.npyio.DataSource", "numpy.frompyfunc", "numpy.apply_along_axis", "sklearn.svm.SVC",
    "sklearn.metrics.make_scorer", "sklearn.utils.parallel.Parallel", "joblib.memory.Memory",
    "joblib.numpy_pickle_compat.NDArrayWrapper", "joblib.numpy_pickle_compat.ZNDArrayWrapper",
    "scipy.odr._odrpack.Model", "scipy.interpolate._rbf.Rbf._init_function", "operator.attrgetter",
    "operator.methodcaller", "functools.reduce", "types.FunctionType", "types.CodeType", "types.MethodType",
    "cloudpickle.cloudpickle._make_function", "dill._dill._create_function", "dill._dill._import_module",
    "torch.storage._load_from_bytes", "torch.hub.load", "torch.jit.load", "torch._dynamo.guards.GuardBuilder.get",
    "lightgbm.basic._ctypes_int_vector", "xgboost.callback.TrainingCheckPoint", "numpy.core._internal._ctypes",
    "builtins.eval", "__builtin__.eval", "builtins.type", "builtins.open", "builtins.super", "builtins.property",
    "copyreg.add_extension", "importlib.import_module", "pkgutil.resolve_name", "logging.config.valid_ident",
])
def test_names_that_are_not_allowed(name: str) -> None:
    module, _, own = name.rpartition(".")
    for content in (f"c{module}\n{own}\n.".encode(), pickle_of(module, own)):
        assert told(content).names == (name,)


def pickle_of(module: str, name: str) -> bytes:
    """Return a pickle that imports a name in the way of protocol 4."""
    words = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name))
    return b"\x80\x04" + words + b"\x93."


@pytest.mark.parametrize("attribute", ["__setstate__", "__reduce_ex__", "__array__", "__class__", "__dict__"])
def test_a_state_has_no_attribute_that_is_called(ops: ModuleType, attribute: str) -> None:
    fine = ops.build(ops.new("sklearn.svm._classes.SVC"), ops.dict_of(kernel=ops.text("rbf")))
    assert not is_refused(fine + b".")
    state = ops.dict_of(**{attribute: ops.number(1)})
    for content in (
        ops.build(ops.new("sklearn.svm._classes.SVC"), state),
        ops.build(call_of(ops), state),
        ops.new("sklearn.utils._bunch.Bunch") + b"(" + ops.text(attribute) + ops.number(1) + b"u",
        ops.build(ops.new("sklearn.svm._classes.SVC"), b"}(V" + escaped(attribute) + b"\n" + ops.number(1) + b"u"),
        ops.build(ops.new("sklearn.svm._classes.SVC"), b"}" + ops.text(attribute) + ops.number(1) + b"s"),
        ops.build(ops.new("sklearn.svm._classes.SVC"), ops.tuple_of(b"N", state)),
        ops.build(ops.new("sklearn.svm._classes.SVC"), ops.tuple_of(state, b"N")),
    ):
        assert is_refused(content + b".")


def call_of(ops: ModuleType) -> bytes:
    """Push an object of Python's own with attributes."""
    made: bytes = ops.call("types.SimpleNamespace")
    return made


def escaped(word: str) -> bytes:
    return b"".join(b"\\u%04x" % ord(char) for char in word)


def test_a_state_that_is_computed_is_refused(ops: ModuleType) -> None:
    model = ops.new("sklearn.svm._classes.SVC")
    for state in (
        ops.call("builtins.dict", ops.dict_of(a=b"N")), ops.call("collections.OrderedDict"), b"P1\n", ops.text("x"),
        ops.tuple_of(b"N", b"}"), ops.list_of(b"}"), ops.new("sklearn.utils._bunch.Bunch"),
        ops.dict_of(_sklearn_version=ops.new("sklearn.svm._classes.SVC")),
        b"}" + ops.call("builtins.str", ops.text("x")) + b"Ns", b"}P1\nNs",
    ):
        assert is_refused(ops.build(model, state) + b".")


def test_keys_that_run_code_are_refused(ops: ModuleType) -> None:
    """Python hashes and compares keys, and items of sets."""
    model = ops.new("sklearn.svm._classes.SVC")
    for content in (
        b"}" + model + b"Ns.", b"}(" + model + b"Nu.", b"(" + model + b"Nd.", b"\x8f(" + model + b"\x90.",
        b"(" + model + b"\x91.", b"}(" + model + b"\x85Nu.", ops.call("builtins.set", ops.list_of(model)) + b".",
        ops.call("collections.OrderedDict") + model + b"Ns.",
    ):
        assert "the hash of a key" in told(content).names or "builtins.set()" in told(content).names
    numbers = ops.call("numpy._core.multiarray.scalar", ops.dtype("f8"), ops.raw(bytes(8)))
    assert not is_refused(b"}" + numbers + b"Ns.")


def test_what_is_filled_is_not_filled_again(ops: ModuleType) -> None:
    """Pickle gives items first and then the state, once."""
    made = ops.call("collections.OrderedDict")
    assert not is_refused(ops.build(made + ops.text("a") + b"Ns", ops.dict_of(b=b"N")) + b".")
    assert is_refused(ops.build(made, ops.dict_of(b=b"N")) + ops.text("a") + b"Ns.")
    assert is_refused(ops.build(ops.build(made, ops.dict_of(b=b"N")), ops.dict_of(b=b"N")) + b".")
    model = ops.new("numpy.polynomial.polynomial.Polynomial")
    aliased = b"}q\x00" + ops.text("coef") + b"Ns"
    assert is_refused(model + aliased + b"b0h\x00" + ops.text("more") + b"Ns.")


def test_a_container_that_changes_later_is_not_trusted(ops: ModuleType) -> None:
    """A list in a list is empty when it is stored, and has an object when the outer one becomes an argument."""
    inner, outer = b"]q\x00", b"]q\x01(h\x00e"
    changed = b"h\x00" + ops.new("sklearn.svm._classes.SVC") + b"a0"
    used = ops.name("pandas.core.internals.managers.BlockManager") + b"h\x01\x85R."
    assert not is_refused(inner + b"0" + outer + b"0" + used)
    assert is_refused(inner + b"0" + outer + b"0" + changed + used)


@pytest.mark.parametrize("change", [
    {"flags": 0}, {"flags": 63, "letters": "f8"}, {"flags": 3, "letters": "V8", "size": 8}, {"letters": "f8,O"},
    {"letters": "V8", "size": 80}, {"letters": "S8", "size": 80}, {"letters": "M8[ns]"}, {"letters": "object"},
])
def test_a_dtype_whose_size_or_flags_are_wrong_is_refused(ops: ModuleType, change: dict[str, Any]) -> None:
    """NumPy would take bytes for the addresses of objects."""
    kind = ops.dtype(**{"letters": "O8", **change})
    assert is_refused(ops.array(kind, ops.raw(bytes(8)), 1) + b".")


def test_a_dtype_that_changes_later_is_refused(ops: ModuleType) -> None:
    kind = ops.call("numpy.dtype", ops.text("V8"), b"\x89", b"\x88") + b"q\x00"
    fields = ops.tuple_of(ops.text("a")) + ops.dict_of(a=ops.tuple_of(ops.OBJECTS, ops.number(0)))
    state = ops.tuple_of(ops.number(3), ops.text("|"), b"N", fields, ops.number(8), ops.number(-1), ops.number(27))
    assert not is_refused(kind + state + b"b.")
    assert is_refused(ops.array(kind, ops.raw(bytes(8)), 1) + b"0h\x00" + state + b"b.")


def test_fields_outside_of_an_item_are_refused(ops: ModuleType) -> None:
    for offset, size in ((0, 8), (8, 8), (-8, 8), (1, 8), (0, 4)):
        field = ops.tuple_of(ops.dtype("f8"), ops.number(offset))
        kind = ops.dtype("V8", size=size, flags=16, fields=ops.tuple_of(ops.text("a")) + ops.dict_of(a=field))
        assert is_refused(kind + b".") is ((offset, size) != (0, 8))


# joblib's arrays.


@pytest.mark.parametrize("change", [
    "shape", "subclass", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes", "read_array", "more",
])
def test_an_array_of_joblib_has_what_joblib_writes(ops: ModuleType, change: str) -> None:
    fine = {"numpy_array_alignment_bytes": ops.number(16)}
    assert not is_refused(ops.joblib_array(b"\x02\xff\xff" + bytes(9), (9,), ops.dtype("u1"), fine) + b".")
    for value in (ops.name("sklearn.svm._classes.SVC"), ops.list_of(b"N"), ops.number(-1) + b"\x85"):
        content = ops.joblib_array(bytes(9), (9,), ops.dtype("u1"), {change: value}) + b"."
        assert is_refused(content, "m.joblib")


def test_pickles_of_objects_in_joblib_s_arrays_are_followed() -> None:
    def written(value: object) -> bytes:
        file = io.BytesIO()
        joblib.dump(value, file)
        return file.getvalue()

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return print, ("x",)

    fine = np.array([None, "a"], dtype=object)
    assert not is_refused(written([fine, np.eye(2), fine]))
    assert is_refused(written([fine, np.eye(2), np.array([None, Evil()], dtype=object)]))


def test_numpy_s_dtypes_of_two_fields_are_no_bytes() -> None:
    """NumPy reads `M8[ns],O` as a dtype with two fields, the second of which is a pickle."""
    file = io.BytesIO()
    np.save(file, np.array([None, print], dtype=object))
    content = file.getvalue()
    for text in (b"'M8[ns],O'", b"'f8,O'", b"'(1,)O'", b"'i8, O'"):
        changed = content.replace(b"'|O'", text)
        changed = changed.replace(b" " * len(text), b" " * 4, 1) if len(changed) != len(content) else changed
        assert is_refused(changed, "a.npy")


# Limits.


def test_limits_are_problems_whatever_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = b"cposix\nsystem\n(S'id'\ntR."
    for module in (machine, opcodes):
        monkeypatch.setattr(module, "MAX_VALUES", 1000)
    for content in (
        b"N" * 1001 + evil, b"(" * 1001 + evil, b"N" + b"2" * 1001 + evil,
        b"N" + b"".join(b"r" + struct.pack("<I", 9 + number) for number in range(3000)) + b"0" + evil,
    ):
        assert "too many" in told(content, "model.bin").problem


def test_too_many_opcodes_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_MAX_OPCODES", 100)
    assert "too many" in told(b"N0" * 101 + b"N.", "model.bin").problem


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_is_a_problem_whatever_the_name(
    monkeypatch: pytest.MonkeyPatch, compress: Callable[[bytes], bytes],
) -> None:
    for module in (compression, sys.modules["mvc.pickles.scan"]):
        monkeypatch.setattr(module, "MIN_LIMIT", 1000)
        monkeypatch.setattr(module, "RATIO", 0, raising=False)
    assert "too large" in told(compress(b"N0" * 5000 + b"N."), "model.bin").problem


def test_what_needs_too_much_memory_is_a_problem() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]
    assert "limit" in told(lzma.compress(b"N.", filters=filters), "model.bin").problem


# Archives.

EVIL = b"cposix\nsystem\n(S'id'\ntR."


def tarred(name: str, content: bytes, mode: str = "w") -> bytes:
    """Return a tar."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]  # one of the modes
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    """Return a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


NESTED: dict[str, tuple[str, bytes]] = {
    ".tar.gz": ("df.tar.gz", tarred("df.pkl", EVIL, "w:gz")),
    ".tar.bz2": ("df.tar.bz2", tarred("df", EVIL, "w:bz2")),
    ".tar.xz": ("df.tar.xz", tarred("df.pkl", EVIL, "w:xz")),
    "a zip in gzip": ("m.gz", gzip.compress(zipped("m/data.pkl", EVIL))),
    "a zip in a tar in gzip": ("model.tar.gz", tarred("model.pt", zipped("m/data.pkl", EVIL), "w:gz")),
    "gzip in a zip": ("m.zip", zipped("m.pkl.gz", gzip.compress(EVIL))),
    "a tar in a zip": ("m.zip", zipped("a", tarred("b", EVIL))),
    "gzip in gzip": ("m.bin", gzip.compress(gzip.compress(EVIL))),
    "lz4": ("m.bin", b"\x04\x22M\x18" + bytes(99)),
    "zstd in a zip": ("m.zip", zipped("a", b"\x28\xb5\x2f\xfd" + bytes(99))),
    "lz4 in gzip": ("m.gz", gzip.compress(b"\x04\x22M\x18" + bytes(99))),
    "a pickle behind the pickles of PyTorch": ("m.pt", b"".join(pickle.dumps(item, 2) for item in (
        0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, [],
    )) + EVIL),
}


@pytest.mark.parametrize("nested", NESTED)
def test_pickles_in_archives_are_found(nested: str) -> None:
    path, content = NESTED[nested]
    assert is_refused(content, path)


def test_archives_without_pickles_pass() -> None:
    for path, content in (
        ("a.tar.gz", tarred("config.json", b"{}", "w:gz")), ("a.gz", gzip.compress(zipped("weights", bytes(9999)))),
        ("a.zip", zipped("a.tar", tarred("b", b"text"))), ("a.tar", tarred("m.pkl", pickle.dumps([1]))),
    ):
        assert told(content, path) == ScanResult()


def test_archives_deep_inside_each_other_are_a_problem() -> None:
    content = EVIL
    for _ in range(9):
        content = gzip.compress(content)
    assert "inside each other" in told(content, "m.bin").problem


def test_a_tar_with_a_broken_header_is_a_problem() -> None:
    """Python's tarfile ends there, other readers go on."""
    content = bytearray(tarred("a", b"text") + tarred("b", EVIL))
    hidden = bytes(content).replace(bytes(10240 - 1024), b"", 1)
    assert is_refused(hidden[:1024] + b"x" * 512 + tarred("b", EVIL), "m.tar")
    many = io.BytesIO()
    with tarfile.open(fileobj=many, mode="w") as archive:
        for number in range(3):
            archive.addfile(tarfile.TarInfo(str(number)))
    assert told(many.getvalue(), "m.tar") == ScanResult()


def test_names_of_torchscript_only_count_in_archives() -> None:
    """Elsewhere Python would look for a module of that name."""
    content = b"\x80\x02c__torch__\nModule\n)\x81}X\x01\x00\x00\x00aNsb."
    assert told(zipped("m/data.pkl", content), "m.pt") == ScanResult()
    assert told(content).names == ("__torch__.Module",)


# Names that a policy allows.


def test_further_names_are_allowed() -> None:
    content = b"\x80\x02cshop.models\nRanker\n)\x81}X\x01\x00\x00\x00aNsb."
    assert told(content).names
    assert told(content, further=("shop.models.Ranker",)) == ScanResult()
    assert told(content, further=("shop.models.Other", "shop.models")).names
    again = content[:-1] + b"}X\x01\x00\x00\x00aNsb."
    assert told(again, further=("shop.models.Ranker",)).names, "a second state could call an attribute of the first"
    call = b"cshop.models\nmake\n(S'x'\ntR."
    assert told(call, further=("shop.models.make",)) == ScanResult()


# PyTorch.


def test_state_dicts_of_torch_pass(ops: ModuleType) -> None:
    """As `torch.save` writes them; hooks and states of tensors hold nothing that is called."""
    empty = ops.call("collections.OrderedDict")
    kept = ops.tuple_of(
        ops.text("storage"), ops.name("torch.FloatStorage"), ops.text("0"), ops.text("cpu"), ops.number(2),
    ) + b"Q"
    arguments = (kept, ops.number(0), ops.tuple_of(ops.number(2)), ops.tuple_of(ops.number(1)), b"\x89")
    tensor = ops.call("torch._utils._rebuild_tensor_v2", *arguments, empty)
    parameter = ops.call("torch._utils._rebuild_parameter", tensor, b"\x88", empty)
    version = ops.dict_of(_metadata=empty + ops.text("") + ops.dict_of(version=ops.number(1)) + b"s")
    weights = ops.build(empty + b"(" + ops.text("a") + tensor + ops.text("b") + parameter + b"u", version)
    older = ops.call("collections.OrderedDict", ops.list_of(ops.list_of(ops.text("a"), tensor)))
    rebuild, kind = ops.name("torch._utils._rebuild_tensor_v2"), ops.name("torch.nn.parameter.Parameter")
    typed = ops.call("torch._tensor._rebuild_from_type_v2", rebuild, kind, ops.tuple_of(*arguments, empty), b"}")
    fine = ops.dict_of(state=weights, older=older, typed=typed, device=ops.call("torch.device", ops.text("cpu")))
    assert not is_refused(b"\x80\x02" + fine + b".")
    function = ops.name("sklearn.metrics._classification.accuracy_score")
    hooked = empty + b"N" + function + b"s"
    for content in (
        ops.call("torch._utils._rebuild_tensor_v2", *arguments, hooked),
        ops.call("torch._tensor._rebuild_from_type_v2", function, kind, ops.tuple_of(*arguments, empty), b"}"),
        ops.call("torch._tensor._rebuild_from_type_v2", rebuild, kind, ops.tuple_of(*arguments, empty), hooked),
        ops.call("torch._utils._rebuild_parameter_with_state", tensor, b"\x88", empty, ops.dict_of(__class__=kind)),
        ops.call("torch._utils._rebuild_parameter", function, b"\x88", empty), kept + b")R", ops.build(kept, b"}"),
    ):
        assert is_refused(b"\x80\x02" + content + b".")
