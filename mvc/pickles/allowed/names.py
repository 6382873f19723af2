"""The names that a pickle may import, each with what it may do with them and with their instances.

Everything else is a finding. `names.txt` lists classes without code of their own that runs while pickle fills them,
and functions, which are only named. Here stand the names with more to check: their `__setstate__` was read, and what
they are given is limited to kinds that they do not call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mvc.pickles.allowed import libraries
from mvc.pickles.allowed.kinds import (
    ANY,
    ARRAY,
    ARRAY_TYPE,
    CONTAINER,
    GENERATOR,
    HASHABLE,
    MADE_TYPE,
    METHOD,
    NAME,
    NUMBERS,
    OBJECT,
    SPECIAL,
    TENSORS,
    TYPE,
    VALUE,
)
from mvc.pickles.allowed.tables import ALL, CLASS, FUNCTION, Entry, listed, rows

ARRAY_PACKAGES = frozenset({"numpy", "torch", "jax", "jaxlib", "cupy", "tensorflow", "paddle", "mlx", "mxnet", "dask"})
"""Packages that have a name `dtype`."""
ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
"""What joblib puts before an array."""

_PAIRS = HASHABLE | TENSORS
"""What Python 2 gives an `OrderedDict`: a list of pairs, for example of names and tensors."""
BUILTINS = ("builtins", "__builtin__")
_TYPES = "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple"
_WORDS = "capitalize casefold lower split splitlines strip swapcase title upper"
_SCALARS = (
    "bool bool_ byte bytes_ cdouble clongdouble complex128 complex256 complex64 csingle datetime64 double float128 "
    "float16 float32 float64 half int16 int32 int64 int8 int_ intc intp long longdouble longlong number object_ short "
    "single str_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong ushort void"
)


def _standard() -> Iterator[tuple[str, Entry]]:
    plain = Entry(TYPE, VALUE, call=HASHABLE | SPECIAL)
    for module in BUILTINS:
        yield from rows(plain, module, _TYPES)
        yield from rows(FUNCTION, f"{module}.{'str' if module == 'builtins' else 'unicode'}", _WORDS)
        yield f"{module}.getattr", Entry()
    yield from rows(plain, "__builtin__", "long unicode xrange")
    mapping = Entry(TYPE, CONTAINER, form="dict", state=ANY, items=ANY)
    yield "collections.OrderedDict", mapping._replace(call=_PAIRS)
    yield "collections.defaultdict", mapping._replace(call=TYPE)
    yield "collections.Counter", mapping._replace(call=HASHABLE | SPECIAL)
    yield "collections.deque", Entry(TYPE, CONTAINER, call=HASHABLE, items=ANY)
    yield from rows(Entry(TYPE, VALUE, call=VALUE), "datetime", "date datetime time timedelta timezone")
    yield from rows(Entry(TYPE, VALUE, call=0), "decimal", "Decimal")
    yield from rows(Entry(TYPE, VALUE, call=0), "fractions", "Fraction")
    for module in ("pathlib", "pathlib._local"):
        yield from rows(Entry(TYPE, VALUE, call=0), module, "PurePath PurePosixPath PureWindowsPath")
    yield "uuid.UUID", Entry(TYPE, VALUE, new=0, form="dict", state=VALUE)
    yield "uuid.SafeUUID", Entry(TYPE, VALUE, call=0)
    yield "argparse.Namespace", CLASS
    yield "types.SimpleNamespace", CLASS._replace(call=0)
    yield "functools.partial", Entry()
    for module in ("copyreg", "copy_reg"):
        yield from rows(Entry(), module, "_reconstructor __newobj__ __newobj_ex__")
    yield "_codecs.encode", Entry()
    yield "zoneinfo.ZoneInfo", Entry(TYPE)
    yield "zoneinfo.ZoneInfo._unpickle", Entry()
    yield from rows(Entry(result=VALUE, call=0), "pytz", "_UTC _p")
    yield "dateutil.relativedelta.relativedelta", Entry(TYPE, VALUE, new=0, form="dict", state=VALUE)


def _numpy() -> Iterator[tuple[str, Entry]]:
    yield from rows(Entry(TYPE, VALUE, call=VALUE), "numpy", _SCALARS)
    array = Entry(ARRAY_TYPE, ARRAY, form="array")
    yield from rows(array, "numpy", "matrix memmap ndarray recarray")
    yield from rows(array, "numpy.char", "chararray")
    yield from rows(array, "numpy.matrixlib.defmatrix", "matrix")
    yield from rows(array, "numpy.rec", "recarray")
    yield from rows(Entry(ARRAY_TYPE), "numpy", "record")
    yield from rows(Entry(ARRAY_TYPE), "numpy.rec", "record")
    yield "numpy.dtype", Entry(TYPE)
    for core in ("numpy.core", "numpy._core"):
        yield from rows(Entry(), f"{core}.multiarray", "_reconstruct scalar")
        yield f"{core}.numeric._frombuffer", Entry(result=ARRAY, call=NUMBERS)
        yield f"{core}._internal._convert_to_stringdtype_kwargs", Entry()
    masked = Entry(ARRAY_TYPE, ARRAY, form="masked array")
    for module in ("numpy.ma", "numpy.ma.core"):
        yield f"{module}.MaskedArray", masked
    yield "numpy.ma.core._mareconstruct", Entry()
    yield "numpy.ma.core.MaskedConstant", Entry(result=ARRAY, call=0)
    series = Entry(NAME, OBJECT, new=0, form="dict", state=NUMBERS)
    yield from rows(CLASS._replace(state=NUMBERS), "numpy", "iinfo poly1d")
    for name in ("chebyshev.Chebyshev", "hermite.Hermite", "hermite_e.HermiteE", "laguerre.Laguerre",
                 "legendre.Legendre", "polynomial.Polynomial"):
        yield f"numpy.polynomial.{name}", series
    yield "numpy.vectorize", Entry(NAME, METHOD, new=0, form="dict", state=METHOD | NUMBERS)
    yield ARRAY_WRAPPER, Entry(MADE_TYPE)
    yield from _generators()


def _generators() -> Iterator[tuple[str, Entry]]:
    made = Entry(GENERATOR, GENERATOR, call=GENERATOR | NUMBERS, form="tuple", state=GENERATOR | NUMBERS)
    yield from rows(made, "numpy.random._pickle", "__bit_generator_ctor __generator_ctor __randomstate_ctor")
    of_class = made._replace(call=None)
    yield from rows(of_class, "numpy.random._mt19937", "MT19937")
    yield from rows(of_class, "numpy.random._pcg64", "PCG64 PCG64DXSM")
    yield from rows(of_class, "numpy.random._philox", "Philox")
    yield from rows(of_class, "numpy.random._sfc64", "SFC64")
    yield from rows(of_class, "numpy.random.bit_generator", "SeedSequence")
    yield "numpy.random.bit_generator.__pyx_unpickle_SeedSequence", made


CHECKED: dict[str, Entry] = {**dict(_standard()), **dict(_numpy()), **dict(libraries.entries())}
"""The names with more to check than those of `names.txt`."""


class Names:
    """The names that a pickle may import."""

    def __init__(self, further: Iterable[str] = (), *, scripted: bool = False) -> None:
        """Allow the names of the tables and `further` ones, and those of TorchScript if `scripted`."""
        self.further, self.scripted = frozenset(further), scripted

    def find(self, name: str) -> Entry | None:
        """Return what a name may be used for; None if it is not allowed."""
        if name in self.further or (self.scripted and name.startswith("__torch__.")):
            return ALL
        return CHECKED.get(name) or listed().get(name)

    def of_archive(self) -> Names:
        """Return the names that a pickle in an archive may import: TorchScript's classes do not exist in Python."""
        return Names(self.further, scripted=True)
