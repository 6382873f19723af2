"""What pickles would import and call, for each opcode and each kind of file; nothing is unpickled."""

from __future__ import annotations

import bz2
import collections
import contextlib
import datetime as dt
import decimal
import fractions
import gzip
import io
import lzma
import os
import pathlib
import pickle
import pickletools
import struct
import tarfile
import tracemalloc
import uuid
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

from mvc.pickles.machine import CALLED, COMPUTED
from mvc.pickles.scan import ScanResult, scan
from mvc.pickles.source import TRUNCATED

SYSTEM = "posix.system"
FINE = ScanResult()


def told(content: bytes, path: str = "m.pkl") -> ScanResult:
    """Scan a file with this content."""
    return scan(io.BytesIO(content), len(content), path)


def names(content: bytes, path: str = "m.pkl") -> set[str]:
    """Return the names that a scan reports."""
    return set(told(content, path).names)


class Evil:
    """Runs a command when it is unpickled; no test unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("exit 1",)


def evil(protocol: int = 4) -> bytes:
    """Return a pickle that runs a command."""
    return pickle.dumps(Evil(), protocol)


def dumped(value: object, **options: Any) -> bytes:
    """Return the file that joblib writes."""
    file = io.BytesIO()
    joblib.dump(value, file, **options)
    return file.getvalue()


def saved(save: Callable[..., None], *values: Any, **named: Any) -> bytes:
    """Return the file that NumPy writes."""
    file = io.BytesIO()
    save(file, *values, **named)
    return file.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


# What runs something.


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_named_whatever_the_protocol(protocol: int) -> None:
    assert SYSTEM in names(evil(protocol))
    assert SYSTEM in names(pickle.dumps({"weights": [1.5] * 999, "x": [Evil()]}, protocol))


TEXT = b"\x8c\x02os\x8c\x06system"
WAYS = {
    "GLOBAL": (b"cos\nsystem\n(S'id'\ntR.", "os.system"),
    "GLOBAL that is only imported": (b"cantigravity\nfly\n.", "antigravity.fly"),
    "STACK_GLOBAL": (b"\x80\x04" + TEXT + b"\x93\x8c\x02id\x85R.", "os.system"),
    "STACK_GLOBAL of names in the memo": (
        b"\x80\x04\x8c\x06system\x94\x8c\x02os\x94h\x01h\x00\x93\x8c\x02id\x85R.", "os.system",
    ),
    "STACK_GLOBAL of names that were put": (
        b"\x8c\x06systemq\x05\x8c\x02osr\x09\0\0\0j\x09\0\0\0h\x05\x93.", "os.system",
    ),
    "STACK_GLOBAL of old strings": (b"U\x02osT\x06\0\0\0system\x93.", "os.system"),
    "STACK_GLOBAL of lines": (b"S'os'\nVsystem\n\x93.", "os.system"),
    "STACK_GLOBAL of DUP": (b"\x8c\x07runpy_x2\x93.", "runpy_x.runpy_x"),
    "STACK_GLOBAL of wide strings": (b"X\x02\0\0\0os\x8d\x06\0\0\0\0\0\0\0system\x93.", "os.system"),
    "a name with an escape": (b"V\\u006fs\nVsystem\n\x93.", "os.system"),
    "a name with an escape in quotes": (b"S'\\x6fs'\nS'system'\n\x93.", COMPUTED),
    "a name that is computed": (b"c__builtin__\nstr\n(S'os'\ntRVsystem\n\x93.", COMPUTED),
    "a name from outside": (b"P1\nVsystem\n\x93.", COMPUTED),
    "a name as a whole": (b"\x8c\x07pathlib\x8c\x0fPath.home.stuff\x93.", "pathlib.Path.home.stuff"),
    "a name below a harmless one": (b"\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "numpy.ndarray.dump"),
    "INST": (b"(S'id'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'id'\no.", "os.system"),
    "NEWOBJ": (b"\x80\x02csubprocess\nPopen\n)\x81.", "subprocess.Popen"),
    "NEWOBJ_EX": (b"\x80\x04csubprocess\nPopen\n)}\x92.", "subprocess.Popen"),
    "EXT1": (b"\x82\x07.", "extension 7"),
    "EXT2": (b"\x83\x07\x01.", "extension 263"),
    "EXT4": (b"\x84\x07\0\0\x01.", "extension 16777223"),
    "getattr": (b"cbuiltins\ngetattr\n(cbuiltins\nlist\nS'append'\ntR.", "builtins.getattr()"),
    "getattr that is only imported": (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
    "getattr in a list": (b"(cbuiltins\ngetattr\nl.", "builtins.getattr"),
    "a value that is called": (b"ccollections\ndeque\n)R)R.", CALLED),
    "an instance of a value": (b"ccollections\ndeque\n)R)\x81.", CALLED),
    "behind POP": (b"N0cos\nsystem\n0I1\n.", "os.system"),
    "behind POP_MARK": (b"(cos\nsystem\n1N.", "os.system"),
    "a class that is called": (b"cpandas.core.frame\nDataFrame\n)R.", "pandas.core.frame.DataFrame()"),
    "a class that opens files": (b"cpandas\nHDFStore\n(S'x'\ntR.", "pandas.HDFStore"),
    "a class by way of the reconstructor": (
        b"ccopyreg\n_reconstructor\n(cpandas\nHDFStore\ncpandas\nHDFStore\nS'x'\ntR.", "copyreg._reconstructor()",
    ),
    "a class by way of torch": (
        b"ctorch._tensor\n_rebuild_from_type_v2\n(cpandas\nHDFStore\nN(S'x'\ntNtR.",
        "torch._tensor._rebuild_from_type_v2()",
    ),
    "a codec": (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", "_codecs.encode()"),
    "a class that is altered": (
        b"csklearn.svm._classes\nSVC\nN}S'fit'\nI1\ns\x86b.", "the state of sklearn.svm._classes.SVC",
    ),
    "a metaclass": (b"csklearn.base\nABCMeta\n)\x81.", "sklearn.base.ABCMeta"),
    "torch.load": (b"ctorch\nload\n(S'x'\ntR.", "torch.load"),
    "torch's own unpickling": (b"ctorch.storage\n_load_from_bytes\n(C\0tR.", "torch.storage._load_from_bytes"),
    "numpy.load": (b"cnumpy\nload\n.", "numpy.load"),
    "numpy's ufuncs by name": (
        b"cnumpy.core._internal\n_ufunc_reconstruct\n.", "numpy.core._internal._ufunc_reconstruct",
    ),
    "a class that opens a file": (b"cnumpy\nmemmap\n(S'x'\nS'u1'\nS'w+'\nI0\nI4\ntR.", "numpy.memmap()"),
    "an instance that opens a file": (b"cnumpy\nmemmap\n(S'x'\nS'u1'\nS'w+'\nI0\nI4\nt\x81.", "numpy.memmap()"),
    "a class by way of pandas": (
        b"cpandas.core.indexes.base\n_new_Index\n(cnumpy\nmemmap\n(dS'filename'\nS'x'\nstR.",
        "pandas.core.indexes.base._new_Index()",
    ),
    "a class by way of numpy's generators": (
        b"cnumpy.random._pickle\n__generator_ctor\n(S'x'\ncpandas\nHDFStore\ntR.",
        "numpy.random._pickle.__generator_ctor()",
    ),
    "a computed class by way of numpy's generators": (
        b"cnumpy.random._pickle\n__randomstate_ctor\n(S'x'\nccollections\ndeque\n)RtR.",
        "numpy.random._pickle.__randomstate_ctor()",
    ),
    "a name on two lines": (b"\x8c\x05a\nb.c\x8c\x01d\x93.", "a\nb.c.d"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_run_something(way: str) -> None:
    content, name = WAYS[way]
    assert name in names(content)
    assert name in names(b"\x80\x02" + content), "and so it is behind a protocol"


@pytest.mark.parametrize("way", [way for way, (content, _) in WAYS.items() if b"R" in content or b"o." in content])
def test_what_runs_before_a_file_breaks_is_named(way: str) -> None:
    content, name = WAYS[way]
    found = told(content[:-1])
    assert name in found.names
    assert found.problem == TRUNCATED


def test_an_unknown_name_in_an_early_one() -> None:
    assert told(b"csubprocess\nPopen\n(lp0\nS'id'\natR.").names == ("subprocess.Popen",)


def test_memo_numbers_are_those_of_the_unpickler() -> None:
    """PUT and MEMOIZE share the numbers; MEMOIZE takes the count of entries."""
    content = b"\x80\x04\x8c\x05numpyq\x07\x8c\x07ndarray\x94\x8c\x02os\x94\x8c\x06system\x940000h\x02h\x03\x93."
    assert names(content) == {"os.system"}
    assert pickle.loads(content) is os.system


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80", b"\x80\x04", b"\x80\x09N.", b"N", b".", b"0.", b"(.", b"t.", b"h\0.", b"\xff.",
        b"X\xff\xff\xff\x7f.", b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", b"S'a\n.", b"gx\n.", b"N)R.", b"K\1)\x81.",
        b"I1", b"cos",
        evil()[:-1], pickle.dumps(list(range(99)))[:-5], b"\x80\x04N.garbage", b"<html>", b"\0" * 99,
    ],
)
def test_what_cannot_be_read_to_its_end_fails(content: bytes) -> None:
    assert told(content).problem


def test_pickles_in_a_row() -> None:
    assert told(pickle.dumps(1) + pickle.dumps([2])) == FINE
    assert SYSTEM in names(pickle.dumps(1) + pickle.dumps([2]) + evil(0))
    assert "pickle 2" in told(pickle.dumps(1) + pickle.dumps([2]) + b"and more").problem


# What does nothing.

HARMLESS = [
    None, True, 1 << 70, -3, 2.5, "text", b"bytes", bytearray(b"more"), [1, [2, []]], {"a": {1: 2}}, {1, 2},
    frozenset("ab"), (1, (2, 3), 4, 5, 6), complex(1, 2), range(3), slice(1, 2), collections.OrderedDict(a=1),
    collections.Counter("ab"),
    collections.deque([1], 3), collections.defaultdict(list, a=[1]), dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.timedelta(1), decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=1), pathlib.PurePosixPath("a/b"),
    list(range(5000)), [number / 7 for number in range(5000)], [f"word{number}" for number in range(5000)],
    {f"w{number}": number / 7 for number in range(3000)},
    np.arange(6.0).reshape(2, 3), np.float32(1), np.array(["a", None, [1]], dtype=object), np.dtype("f8"), np.float64,
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), np.ma.array([1, 2]), np.random.RandomState(0),
    np.random.default_rng(0), np.datetime64("2026-01-01"), scipy.sparse.csr_matrix(np.eye(3)), int, dict,
]
X = np.random.default_rng(0).random((60, 3))
Y = (X[:, 0] > 0.5).astype(int)
MODELS = [
    model.fit(X, Y)
    for model in (
        LogisticRegression(), RandomForestClassifier(3, random_state=np.random.RandomState(0)), KNeighborsClassifier(),
        HistGradientBoostingClassifier(max_iter=2), SGDClassifier(),
        KBinsDiscretizer(quantile_method="averaged_inverted_cdf"),
        make_pipeline(StandardScaler(), LogisticRegression()),
    )
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [*HARMLESS, *MODELS], ids=lambda value: type(value).__name__)
def test_what_is_harmless_passes(value: object, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    assert told(content) == FINE
    assert told(pickletools.optimize(content)) == FINE
    if protocol < 5:  # Python's own pickler stumbles over two empty bytearrays there
        assert told(pickle._dumps(value, protocol)) == FINE


@pytest.mark.parametrize("options", [
    {}, {"compress": 3}, {"compress": ("gzip", 3)}, {"compress": ("bz2", 3)}, {"compress": ("xz", 3)},
    {"compress": ("lzma", 3)}, {"protocol": 0}, {"protocol": 2}, {"protocol": 5},
], ids=str)
@pytest.mark.parametrize("value", [*HARMLESS, *MODELS], ids=lambda value: type(value).__name__)
def test_what_joblib_writes_passes(value: object, options: dict[str, Any]) -> None:
    assert told(dumped(value, **options), "m.joblib") == FINE


@pytest.mark.parametrize("make", ["__generator_ctor", "__randomstate_ctor"])
def test_generators_of_older_numpy_pass(make: str) -> None:
    """NumPy before 2 passes a name, and since 1.24 also the constructor that takes the name."""
    start = f"cnumpy.random._pickle\n{make}\n(S'MT19937'\n".encode()
    assert told(start + b"tR.") == FINE
    assert told(start + b"cnumpy.random._pickle\n__bit_generator_ctor\ntR.") == FINE


def test_arrays_that_were_mapped_pass(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "array", dtype="u1", mode="w+", shape=(3,))
    assert b"memmap" in pickle.dumps(mapped)
    assert told(pickle.dumps(mapped)) == FINE


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
    | st.datetimes() | st.decimals() | st.fractions() | st.uuids(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    | st.lists(inner).map(collections.deque),
)


@given(value=VALUES, protocol=st.integers(0, 5))
def test_whatever_plain_values_are_pickled_passes(value: object, protocol: int) -> None:
    assert told(pickle.dumps(value, protocol)) == FINE


# Nothing makes it fail or hang.


@given(content=st.binary(max_size=300), path=st.sampled_from(["m.pkl", "m.bin", "m.npy"]))
def test_no_bytes_make_it_fail(content: bytes, path: str) -> None:
    told(content, path)


STARTS = st.sampled_from([
    evil(0), evil(4), dumped(MODELS[0]), dumped(MODELS[0], compress=3), saved(np.save, np.eye(2)),
    dumped(np.array([None, "a"], dtype=object)),
    saved(np.savez, a=np.eye(2), b=np.array([None])), zipped({"a/data.pkl": evil()}, zipfile.ZIP_DEFLATED),
])


@settings(max_examples=300)
@given(start=STARTS, at=st.integers(0, 3000), junk=st.binary(min_size=1, max_size=8), cut=st.booleans())
def test_no_damage_makes_it_fail(start: bytes, at: int, junk: bytes, cut: bool) -> None:
    at %= len(start)
    told(start[:at] if cut else start[:at] + junk + start[at + len(junk) :])


PIECES = st.sampled_from([
    TEXT, TEXT + b"\x93", b"cos\nsystem\n", b"os\nsystem\n", b"\x8c\x02os\x94", b"\x8c\x06system\x94",
    b"h\0", b"h\1", b"h\2", b"q\1", b"q\3", b"c__builtin__\nset\n", b"\1\0\0\0", b"K\1", b"N", b"1\n",
])
OPCODES = st.sampled_from([bytes([ord(code.code)]) for code in pickletools.opcodes if code.name != "BYTEARRAY8"])
"""Without BYTEARRAY8: the unpickler allocates whatever size it names."""


@settings(max_examples=300)
@given(parts=st.lists(OPCODES | PIECES, max_size=40))
def test_what_calls_something_is_never_passed(parts: list[bytes]) -> None:
    """The scan reports all that Python's unpickler, with imports recorded instead of done, would import."""
    called: set[str] = set()

    class Noting(pickle._Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            called.add(f"{module}.{name}")
            return dict

    content = b"".join(parts) + b".\n\n"  # what follows ends a name that is still open
    with contextlib.suppress(Exception):  # whatever it raises, it has got so far
        Noting(io.BytesIO(content)).load()
    found = names(content)
    assert COMPUTED in found or called - {"builtins.set", "__builtin__.set"} <= found


# Files.


def test_a_zip_of_torch(model_file: Callable[[str], Path]) -> None:
    path = model_file("silero-jit")
    with path.open("rb") as file:
        assert scan(file, path.stat().st_size, "m.pt") == FINE


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("member", ["archive/data.pkl", "archive/data/0", "x", "a.npy", "constants.pkl"])
@pytest.mark.parametrize("path", ["m.pt", "m.bin", "m"])
def test_a_pickle_in_a_zip(path: str, member: str, method: int) -> None:
    for content in (evil(0), evil(2), b"I1\n0" + evil(0)):
        assert SYSTEM in names(zipped({"archive/version": b"3\n", member: content}, method), path)


def test_weights_in_a_zip_are_no_pickle() -> None:
    members = {"archive/data.pkl": pickle.dumps({"a": 1}, 2), "archive/data/0": np.random.default_rng(0).bytes(9000)}
    members |= {"archive/code/m.py": b"class M(Module):\n  x : int\n", "archive/data/1": b"\x80\x02]" + bytes(99)}
    assert told(zipped(members), "m.pt") == FINE


def test_a_zip_that_others_read_in_another_way() -> None:
    good, bad = zipped({"a/data.pkl": pickle.dumps(1)}), zipped({"a/data.pkl": evil()})
    renamed = bad.replace(b"a/data.pkl", b"a/data.txt", 1)
    for content in (good + bad, bad + good, good + b"more", b"x" + bad, renamed, bad[:-9]):
        found = told(content, "m.pt")
        assert found.problem or SYSTEM in found.names


def test_a_zip_with_a_password() -> None:
    content = bytearray(zipped({"a/data.pkl": evil()}))
    at = content.rindex(b"PK\1\2")
    content[at + 8] |= 1
    assert "zip" in told(bytes(content), "m.pt").problem


def test_a_bomb_is_given_up() -> None:
    content = zlib.compress(b"\x80\x04" + b"\x8e" + struct.pack("<Q", 1 << 40) + bytes(1 << 22))
    assert told(content).problem == TRUNCATED
    long = gzip.compress(bytes(1 << 20)) * 1200
    assert "too large" in told(gzip.compress(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40)) + long).problem


def test_arrays() -> None:
    weights, objects = np.eye(3), np.array([None, {"a": 1}], dtype=object)
    assert told(saved(np.save, weights), "a.npy") == FINE
    assert told(saved(np.save, weights) + saved(np.save, objects), "a.npy") == FINE
    assert told(saved(np.savez, a=weights, b=objects), "a.npz") == FINE
    assert told(saved(np.savez_compressed, a=weights, b=objects), "a.npz") == FINE
    mixed = np.array([(1, [2])], dtype=[("a", "i4"), ("b", "O")])
    assert told(saved(np.save, mixed), "a.npy") == FINE


@pytest.mark.parametrize(
    "array", [np.array([Evil()], dtype=object), np.array([(1, Evil())], dtype=[("a", "i4"), ("b", "O")])],
)
def test_arrays_of_objects(array: Any) -> None:
    assert SYSTEM in names(saved(np.save, array), "a.npy")
    assert SYSTEM in names(saved(np.save, np.eye(3)) + saved(np.save, array), "a.npy")
    assert SYSTEM in names(saved(np.savez, a=np.eye(3), b=array), "a.npz")
    assert SYSTEM in names(dumped({"a": np.eye(3), "b": array}), "a.joblib")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
@pytest.mark.parametrize("path", ["m.pkl", "m.bin"])
def test_what_is_compressed(compress: Callable[[bytes], bytes], path: str) -> None:
    for content in (evil(0), evil(4), b"I1\n0" + evil(0)):
        assert SYSTEM in names(compress(content), path)
        assert SYSTEM in names(compress(content[:3]) + compress(content[3:]), path) or compress is zlib.compress
    assert told(compress(b"text, and nothing else"), "notes.bin") == FINE


@pytest.mark.parametrize("head", [b"\x04\x22M\x18", b"\x28\xb5\x2f\xfd", b"ZF0x"])
def test_what_is_compressed_in_another_way_fails(head: bytes) -> None:
    assert "does not open" in told(head + bytes(99), "m.bin").problem


def test_a_tar_of_the_oldest_torch() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            content = evil() if name == "pickle" else pickle.dumps(1)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert SYSTEM in names(file.getvalue(), "m.bin")


def test_the_older_form_of_torch() -> None:
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, collections.OrderedDict(a=1), ["0"]]
    content = b"".join(pickle.dumps(item, 2) for item in head)
    assert told(content + np.random.default_rng(0).bytes(999), "m.pt") == FINE
    head[3] = Evil()
    assert SYSTEM in names(b"".join(pickle.dumps(item, 2) for item in head) + bytes(99), "m.pt")


# Two ways to read one file.


def test_what_joblib_takes_for_an_array_pickle_takes_for_opcodes() -> None:
    good = dumped(np.frombuffer(b"#" * 64, dtype="u1"))
    run = b"cos\nsystem\n(S'id'\ntR."
    at = good.index(b"#" * 64)
    start = good[:at].rindex(b"b") + 1
    hidden = good[:start] + run + b"#" * (64 + at - start - len(run)) + good[at + 64 :]
    assert "os.system" in names(hidden, "m.joblib")


def test_what_follows_an_array_is_read_where_joblib_reads_it() -> None:
    assert SYSTEM in names(dumped([np.eye(2), Evil()]))
    good = dumped([np.frombuffer(b"#" * 64, dtype="u1"), "tail"])
    assert told(good.replace(b"#" * 64, b"#" * 90), "m.joblib").problem


def test_a_program_that_looks_like_another_format() -> None:
    """To pickle, the length at the start of a safetensors file is a string of 16 bytes."""
    content = b"X\x10\0\0\0\0\0\0" + b'{"a": 1}     ' + b"cos\nsystem\n(S'id'\ntR."
    assert "os.system" in names(content, "m.safetensors")


@pytest.mark.parametrize("text", [
    b"cat\nsat\non the mat.\n", b"class M(Module):\n  pass\n", b"{}", b"(a list)\n", b"I am\n", b"Name,Value\n1\n", b"",
    b"]",
    b"import os\nos.system('x')\n", b"\x08\x07\x12\x04test", b"GGUF" + bytes(99),
    b"text PK\x05\x06 in text", b"text" + zipped({"labels.txt": b"text"}), b"text" + zipped({}),
])
def test_what_is_no_pickle_and_not_called_one(text: bytes) -> None:
    assert told(text, "m.bin") == FINE
    assert told(text, "notes") == FINE


def test_a_pickle_by_its_name_is_one_in_capitals() -> None:
    assert told(b"no pickle", "models/M.PKL").problem
    assert told(b"no pickle", "models/M.PKL") == told(b"no pickle", "models/m.pkl") != told(b"no pickle", "m.onnx")


# Room and time.


class Holes(io.RawIOBase):
    """A file of zeros with a few bytes before and after; it counts the bytes read."""

    def __init__(self, start: bytes, zeros: int, end: bytes) -> None:
        self.parts, self.zeros, self.at, self.count = (start, end), zeros, 0, 0

    @property
    def size(self) -> int:
        return sum(map(len, self.parts)) + self.zeros

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = offset + (self.size if whence == os.SEEK_END else self.at if whence == os.SEEK_CUR else 0)
        return self.at

    def read(self, size: int = -1) -> bytes:
        start, end = self.parts
        size = max(0, min(size, self.size - self.at))
        found = start[self.at : self.at + size]
        if (more := size - len(found)) > 0:
            behind = self.at + len(found) - len(start)
            zeros = max(0, min(more, self.zeros - behind))
            found += bytes(zeros)
            found += end[max(0, behind - self.zeros) :][: more - zeros]
        self.at += size
        self.count += size
        return found


@pytest.mark.parametrize("opcode", [b"B", b"\x8e", b"\x96", b"\x8d", b"X"])
def test_large_arguments_are_skipped_not_read(opcode: bytes) -> None:
    size = 1 << 30
    length = struct.pack("<I" if opcode in b"BX" else "<Q", size)
    file = Holes(b"\x80\x04]\x94(" + opcode + length, size, b"\x94" + evil()[11:-1] + b"e.")
    tracemalloc.start()
    found = scan(file, file.size, "m.pkl")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert SYSTEM in found.names
    assert not found.problem
    assert file.count < 1 << 20
    assert peak < 8 << 20


def test_nothing_is_imported_or_run(tmp_path: Path) -> None:
    content = b"csubprocess\ncheck_call\n((S'touch'\nS'" + str(tmp_path / "ran").encode() + b"'\nltR."
    assert names(content) == {"subprocess.check_call"}
    assert not (tmp_path / "ran").exists()
