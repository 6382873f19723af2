"""The names that a pickle may import: those that do no harm, whatever their arguments.

The list is exact. In packages that save models as instances of many classes, a pattern matches the names of classes;
these may only be instantiated and given a state, as pickle does, and not called: a call could open files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ARRAY_PACKAGES = frozenset({"numpy", "torch", "jax", "jaxlib", "cupy", "tensorflow", "paddle", "mlx", "mxnet", "dask"})
"""Packages that have a name `dtype`."""
ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
"""What joblib puts before an array."""
RECONSTRUCTORS = frozenset({"copyreg._reconstructor", "copy_reg._reconstructor"})
INSTANTIATORS = frozenset({
    "copyreg.__newobj__", "copy_reg.__newobj__", "copyreg.__newobj_ex__", "copy_reg.__newobj_ex__",
    "numpy.ma.core._mareconstruct",
    "pandas.core.indexes.base._new_Index", "pandas.core.indexes.datetimes._new_DatetimeIndex",
    "pandas.core.indexes.interval._new_IntervalIndex", "pandas.core.indexes.period._new_PeriodIndex",
})
"""They instantiate the class that is their first argument, without calling it."""
ENCODERS = frozenset({"_codecs.encode"})
TYPE_REBUILDERS = frozenset({"torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2"})
"""They call their first argument."""
GENERATORS = frozenset(f"numpy.random._pickle.{name}" for name in (
    "__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor",
))
"""They call their arguments, which must be from numpy.random."""
IMPORT_ONLY = frozenset({"numpy.memmap"})
"""A class that opens a file when it is instantiated; numpy's `_reconstruct`, which takes its name, does not do that."""
CHECKED = RECONSTRUCTORS | INSTANTIATORS | ENCODERS | TYPE_REBUILDERS | GENERATORS | IMPORT_ONLY
"""Harmless with some arguments only."""

_TYPES = "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple"
_SCALARS = (
    "bool bool_ byte bytes_ cdouble clongdouble complex128 complex256 complex64 csingle datetime64 double float128 "
    "float16 float32 float64 half int16 int32 int64 int8 int_ intc intp long longdouble longlong object_ short single "
    "str_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong ushort void"
)
_NUMBERS = "absolute cbrt cos exp exp2 expm1 log log10 log1p log2 rint sign sin sqrt square tanh"
_TORCH_TYPES = (
    "bfloat16 bits16 bits8 bool cdouble cfloat chalf complex128 complex32 complex64 double float float16 float32 "
    "float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu half int int16 int32 int64 int8 "
    "long qint32 qint8 quint4x2 quint8 short uint16 uint32 uint64 uint8"
)
_STORAGES = (
    "BFloat16 Bool Byte Char ComplexDouble ComplexFloat Double Float Half Int Long QInt32 QInt8 QUInt4x2 QUInt8 Short "
    "Typed Untyped"
)
_REBUILT = (
    "device_tensor_from_cpu_tensor device_tensor_from_numpy meta_tensor_no_storage nested_tensor parameter "
    "parameter_with_state qtensor sparse_csr_tensor sparse_tensor tensor tensor_v2 tensor_v3 wrapper_subclass"
)
_KINDS = "bsr coo csc csr dia dok lil"
_SPARSE = " ".join(f"{kind}_{form}" for kind in _KINDS.split() for form in ("matrix", "array"))


def _in(module: str, names: str) -> Iterator[str]:
    return (f"{module}.{name}" for name in names.split())


def _torch() -> Iterator[str]:
    yield from _in("torch", f"Size Tensor device strided sparse_coo sparse_csr per_tensor_affine {_TORCH_TYPES}")
    yield from (f"{module}.{name}Storage" for module in ("torch", "torch.storage") for name in _STORAGES.split())
    yield from (f"torch._utils._rebuild_{name}" for name in _REBUILT.split())
    yield from _in("torch.nn.parameter", "Parameter Buffer")
    yield from _in("torch.serialization", "_get_layout")
    yield from _in("torch.torch_version", "TorchVersion")
    yield from _in("torch.jit._pickle", "build_boollist build_doublelist build_intlist build_tensor_from_id")
    yield from _in("torch.jit._pickle", "build_tensorlist restore_type_tag")


def _numpy() -> Iterator[str]:
    yield from _in("numpy", f"dtype matrix ndarray recarray record {_SCALARS}")
    for core in ("numpy.core", "numpy._core"):
        yield from _in(f"{core}.multiarray", "_reconstruct scalar")
        yield from _in(f"{core}.numeric", "_frombuffer")
        yield from _in(f"{core}._multiarray_umath", _NUMBERS)
    yield from _in("numpy", _NUMBERS)
    yield from _in("numpy.ma.core", "MaskedArray")
    yield from _in("numpy.ma", "MaskedArray")
    yield from _in("numpy.rec", "recarray record")
    yield from _in("numpy.matrixlib.defmatrix", "matrix")
    yield from _in("numpy.random._mt19937", "MT19937")
    yield from _in("numpy.random._pcg64", "PCG64 PCG64DXSM")
    yield from _in("numpy.random._philox", "Philox")
    yield from _in("numpy.random._sfc64", "SFC64")
    yield from _in("numpy.random._generator", "Generator")
    yield from _in("numpy.random.mtrand", "RandomState")
    yield from _in("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence")


def _standard() -> Iterator[str]:
    for builtins in ("builtins", "__builtin__"):
        yield from _in(builtins, _TYPES)
    yield from _in("__builtin__", "long unicode xrange")
    yield from _in("argparse", "Namespace")
    yield from _in("collections", "Counter OrderedDict defaultdict deque")
    yield from _in("datetime", "date datetime time timedelta timezone")
    yield from _in("decimal", "Decimal")
    yield from _in("fractions", "Fraction")
    yield from _in("pathlib", "PurePath PurePosixPath PureWindowsPath")
    yield from _in("pathlib._local", "PurePath PurePosixPath PureWindowsPath")
    yield from _in("types", "SimpleNamespace")
    yield from _in("uuid", "SafeUUID UUID")


def _learned() -> Iterator[str]:
    """Yield the functions and classes that pickles of models and tables call."""
    yield from (f"scipy.sparse._{name[:3]}.{name}" for name in _SPARSE.split())
    yield from (f"scipy.sparse.{name[:3]}.{name}" for name in _SPARSE.split())
    yield from _in("sklearn.tree._tree", "Tree")
    for module in ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree", "sklearn.metrics._dist_metrics"):
        yield from _in(module, "newObj")
    yield from _in("pandas", "Interval Period PeriodDtype StringDtype")
    yield from _in("pandas.core.internals.managers", "BlockManager SingleBlockManager")
    yield from _in("pandas._libs.internals", "_unpickle_block")
    yield from _in("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked")
    yield from _in("pandas._libs.sparse", "IntIndex BlockIndex")
    yield from _in("pandas._libs.tslibs.timestamps", "_unpickle_timestamp")
    yield from _in("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle")
    yield from _in("pandas._libs.tslibs.nattype", "_nat_unpickle")


HARMLESS = frozenset((ARRAY_WRAPPER, *_standard(), *_numpy(), *_torch(), *_learned()))
"""May be called with any arguments."""
BUILTIN_TYPES = frozenset(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _TYPES.split())

_CLASS = r"_*[A-Z][A-Za-z0-9]*"
_INSIDE = r"(?:\.(?!io\b|tests?\b|conftest\b|holiday\b)[a-z0-9_]+)*"
_INSTANTIATED = re.compile(
    rf"(?:sklearn|scipy|pandas){_INSIDE}\.(?!\w*Meta){_CLASS}"
    r"|xgboost\.(?:sklearn\.XGB[A-Za-z]+|core\.Booster)|lightgbm\.(?:sklearn\.LGBM[A-Za-z]+|basic\.Booster)"
    r"|catboost\.core\.CatBoost[A-Za-z]*"
    r"|__torch__(?:\.\w+)+",
    re.ASCII,
)
"""Classes that may be instantiated. The last one, TorchScript's, does not exist in Python."""
_CALLED_CLASSES = re.compile(
    rf"sklearn\.linear_model\._sgd_fast\.{_CLASS}|sklearn\._loss\._loss\.Cy[A-Za-z]+"
    rf"|pandas\._libs\.tslibs\.offsets\.{_CLASS}",
    re.ASCII,
)
"""Compiled classes that take a few numbers; their pickles call them."""


def may_be_called(name: str) -> bool:
    """Whether `name` may be called with any arguments."""
    return name in HARMLESS or _CALLED_CLASSES.fullmatch(name) is not None


def may_be_instantiated(name: str) -> bool:
    """Whether the class `name` may be instantiated without a call, and given a state."""
    return name in HARMLESS or _INSTANTIATED.fullmatch(name) is not None


def may_be_imported(name: str) -> bool:
    """Whether `name` may be imported."""
    return name in CHECKED or may_be_instantiated(name)
