"""picklescan and fickling as oracles: what they flag, mvc flags."""

from __future__ import annotations

import builtins
import gzip
import importlib
import io
import logging
import pickle
import tarfile
import types
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

import joblib
import numpy as np
import pytest
from fickling.analysis import Severity, UnsafeImportsML, check_safety
from fickling.fickle import SAFE_BUILTINS, UNSAFE_IMPORTS, Pickled, PickleDecodeError, StackedPickle
from fickling.loader import scan_zip_archive
from picklescan import scanner
from sklearn.linear_model import LogisticRegression

from mvc.pickles.allowed.names import CHECKED
from mvc.pickles.allowed.tables import listed
from mvc.pickles.scan import scan

DANGEROUS = Severity.LIKELY_OVERTLY_MALICIOUS
"""The lowest severity at which fickling names something dangerous. LIKELY_UNSAFE, one below, covers every import from
outside the standard library and every call of one: each array of NumPy and each model of scikit-learn."""

EXCUSED = {
    **{
        f"{kind}.{name}": "a method of str; fickling denies all of builtins but some names"
        for kind in ("builtins.str", "__builtin__.unicode")
        for name in ("capitalize", "casefold", "lower", "split", "splitlines", "strip", "swapcase", "title", "upper")
    },
    **{
        f"scipy.signal._ltisys.{form}{time}": "fickling takes it for the module signal"
        for form in ("StateSpace", "TransferFunction", "ZerosPolesGain") for time in ("Continuous", "Discrete")
    },
    "__builtin__.getattr": "both deny it; mvc allows the lookup of a name that it allows, nothing else",
    "builtins.getattr": "as above",
    "functools.partial": "picklescan denies it; mvc allows it for a function that may be named",
    "__builtin__.long": "Python 2's int; fickling lists the names of Python 3 only",
    "__builtin__.unicode": "Python 2's str",
    "__builtin__.xrange": "Python 2's range",
    "joblib.numpy_pickle.NumpyArrayWrapper": "fickling denies all of joblib; mvc reads the array behind the wrapper",
    "numpy.random._pickle.__bit_generator_ctor": "fickling denies any module named _pickle; mvc checks the arguments",
    "numpy.random._pickle.__generator_ctor": "as above",
    "numpy.random._pickle.__randomstate_ctor": "as above",
    "torch.jit._pickle.build_boollist": "fickling denies all of torch.jit; returns its argument",
    "torch.jit._pickle.build_doublelist": "as above",
    "torch.jit._pickle.build_intlist": "as above",
    "torch.jit._pickle.build_tensor_from_id": "as above",
    "torch.jit._pickle.build_tensorlist": "as above",
    "torch.jit._pickle.restore_type_tag": "as above",
    "types.SimpleNamespace": "fickling denies all of types, for CodeType and FunctionType; it only holds attributes",
    "uuid.SafeUUID": "both deny all of uuid, for functions that run programs; an enumeration",
    "uuid.UUID": "as above; it holds a number",
}
"""What mvc allows although an oracle flags it, with the reason: the oracles deny whole modules, mvc allows names."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Silence the oracles, which log every name that they flag."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def by_mvc(content: bytes, path: str = "m.pkl") -> bool:
    """Whether mvc reports a name or a problem."""
    result = scan(io.BytesIO(content), len(content), path)
    return bool(result.names or result.problem)


def by_picklescan(content: bytes, path: str = "m.pkl") -> bool:
    """Whether picklescan reports a dangerous import."""
    return scanner.scan_bytes(io.BytesIO(content), path, PurePath(path).suffix).issues_count > 0


def by_fickling(content: bytes, path: str = "m.pkl") -> bool:
    """Whether fickling reports at least `DANGEROUS`."""
    if content.startswith(b"PK"):
        members = scan_zip_archive(io.BytesIO(content), graceful=True)  # type: ignore[arg-type]
        return any(member.severity >= DANGEROUS for member in members.values())
    try:
        pickles = StackedPickle.load(io.BytesIO(content), fail_on_decode_error=False)
        return any(check_safety(item).severity >= DANGEROUS for item in pickles)
    except (PickleDecodeError, NotImplementedError, TypeError):
        return False  # not a pickle, or an opcode that fickling does not know (FLOAT) or cannot print (NEWOBJ_EX)


# The names in the oracles' own tables.


def listed_by_picklescan() -> Iterator[tuple[str, str]]:
    """Yield the module and name of what picklescan denies."""
    for module, names in scanner._unsafe_globals.items():
        if names == "*":
            yield from ((module, "anything"), (module, "Anything"), (f"{module}.below", "Anything"))
        else:
            yield from ((module, name) for name in ([names] if isinstance(names, str) else sorted(names)))


def listed_by_fickling() -> Iterator[tuple[str, str]]:
    """Yield the module and name of what fickling denies."""
    modules = {*UNSAFE_IMPORTS, *UnsafeImportsML.UNSAFE_MODULES} - {"builtins", "__builtin__", "__builtins__"}
    for module in sorted(modules):
        yield from ((module, "anything"), (module, "Anything"), (f"{module}.below", "Anything"))
    for module, names in UnsafeImportsML.UNSAFE_IMPORTS.items():
        yield from ((module, name) for name in names)
    yield from (("builtins", name) for name in sorted({*dir(builtins)} - SAFE_BUILTINS))


LISTED = sorted({*listed_by_picklescan(), *listed_by_fickling()})


def text(word: str) -> bytes:
    """Return the opcode that pushes a string."""
    raw = word.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def named(module: str, name: str) -> bytes:
    """Return the opcode GLOBAL."""
    return f"c{module}\n{name}\n".encode()


WAYS: dict[str, Callable[[str, str], bytes]] = {
    "GLOBAL": named,
    "STACK_GLOBAL": lambda module, name: text(module) + text(name) + b"\x93",
    "STACK_GLOBAL of strings in the memo": lambda module, name: (
        text(name) + b"\x94" + text(module) + b"\x940h\x01h\x00\x93"
    ),
    "STACK_GLOBAL of old strings": lambda module, name: f"S'{module}'\nV{name}\n".encode() + b"\x93",
    "REDUCE": lambda module, name: named(module, name) + b"(S'x'\ntR",
    "REDUCE from the memo": lambda module, name: named(module, name) + b"q\x000h\x00)R",
    "INST": lambda module, name: f"(S'x'\ni{module}\n{name}\n".encode(),
    "OBJ": lambda module, name: b"(" + named(module, name) + b"S'x'\no",
    "NEWOBJ": lambda module, name: named(module, name) + b")\x81",
    "NEWOBJ_EX": lambda module, name: named(module, name) + b")}\x92",
    "BUILD": lambda module, name: named(module, name) + b")\x81}S'x'\nI1\nsb",
}
"""Opcodes that use a name, without STOP."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("oracle", "listed"), [
    (by_picklescan, listed_by_picklescan), (by_fickling, listed_by_fickling),
])
def test_all_names_that_they_list_are_flagged(
    way: str, oracle: Callable[[bytes], bool], listed: Callable[[], Iterator[tuple[str, str]]],
) -> None:
    contents = {names: WAYS[way](*names) + b"." for names in LISTED}
    flagged = {names for names, content in contents.items() if oracle(content)}
    assert flagged >= {*listed()} or (oracle is by_fickling and way == "NEWOBJ_EX"), "the oracle finds what it lists"
    assert [names for names in flagged if not by_mvc(contents[names])] == []


@pytest.mark.parametrize("oracle", [by_picklescan, by_fickling])
def test_of_what_mvc_allows_they_flag_no_more_than_is_excused(oracle: Callable[[bytes], bool]) -> None:
    allowed = {name: named(*name.rsplit(".", 1)) + b"." for name in (*CHECKED, *listed())}
    assert {name for name, content in allowed.items() if oracle(content)} <= EXCUSED.keys()


def test_each_excuse_is_needed() -> None:
    contents = {name: named(*name.rsplit(".", 1)) + b"." for name in EXCUSED}
    assert EXCUSED.keys() <= {*CHECKED, *listed()}
    assert all(by_picklescan(content) or by_fickling(content) for content in contents.values())


# Where a call hides.

CALL = named("posix", "system") + b"(S'x'\ntR"
PLACES: dict[str, bytes] = {
    "behind a protocol": b"\x80\x04" + CALL + b".",
    "in a frame": b"\x80\x04\x95" + len(CALL + b".").to_bytes(8, "little") + CALL + b".",
    "in a list": b"]" + CALL + b"a.",
    "in a list of many": b"(" + b"K\x01" * 2000 + CALL + b"l.",
    "as a key": b"}" + CALL + b"Ns.",
    "as a value": b"}N" + CALL + b"s.",
    "in a tuple in a tuple": b"((" + CALL + b"tt.",
    "in the state of an object": named("argparse", "Namespace") + b")\x81}S'x'\n" + CALL + b"sb.",
    "as an argument": named("collections", "OrderedDict") + CALL + b"\x85R.",
    "dropped": b"N" + CALL + b"0.",
    "dropped with its mark": b"N(" + CALL + b"1.",
    "behind a large string": b"X" + (9000).to_bytes(4, "little") + b"x" * 9000 + b"0" + CALL + b".",
    "in the second pickle": pickle.dumps([1]) + CALL + b".",
    "in a pickle before another": CALL + b"." + pickle.dumps([1]),
    "before the file breaks": CALL + b"0",
    "before an unknown opcode": CALL + b"\xff.",
    "before other data": CALL + b"." + b"\xff" * 99,
    "in a persistent name": CALL + b"Q.",
    "as an item of a set": b"\x8f(" + CALL + b"\x90.",
}


@pytest.mark.parametrize("oracle", [by_picklescan, by_fickling])
def test_wherever_a_call_hides_it_is_flagged(oracle: Callable[[bytes], bool]) -> None:
    flagged = {place for place, content in PLACES.items() if oracle(content)}
    assert len(flagged) > len(PLACES) // 2
    assert [place for place in flagged if not by_mvc(PLACES[place])] == []


class Evil:
    """Calls eval when it is unpickled; no test unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1",)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def written(write: Callable[..., object], *values: Any, **named_values: Any) -> bytes:
    """Return what `write` writes into a file."""
    file = io.BytesIO()
    write(file, *values, **named_values)
    return file.getvalue()


def legacy_torch(*items: Any) -> bytes:
    """Return a file in the form of PyTorch before 1.6."""
    head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, *items)
    return b"".join(pickle.dumps(item, 2) for item in head)


def altered(content: bytes, start: bytes, offset: int, byte: int) -> bytes:
    """Return a zip with one byte changed, `offset` bytes behind the last `start`."""
    at = content.rindex(start) + offset
    return content[:at] + bytes([byte]) + content[at + 1 :]


EVIL = pickle.dumps(Evil(), 2)
OBJECTS = np.array([Evil(), None], dtype=object)
FILES: dict[str, tuple[str, bytes]] = {
    "a zip of PyTorch": ("m.pt", zipped({"m/data.pkl": EVIL, "m/data/0": bytes(99)})),
    "a zip of PyTorch as .bin": ("pytorch_model.bin", zipped({"m/version": b"3", "m/data.pkl": EVIL})),
    "a compressed zip": ("m.pth", zipped({"m/data.pkl": EVIL}, zipfile.ZIP_DEFLATED)),
    "a member without an extension": ("m.pt", zipped({"m/data.pkl": pickle.dumps(1), "m/data": EVIL})),
    "a zip with a wrong checksum": ("m.pt", altered(zipped({"m/data.pkl": EVIL}), b"PK\1\2", 16, 1)),
    "a zip that says it is encrypted": ("m.pt", altered(zipped({"m/data.pkl": EVIL}), b"PK\3\4", 6, 1)),
    "an older file of PyTorch": ("m.pt", legacy_torch(Evil(), [])),
    "an older file of PyTorch by its magic": ("m.pt", EVIL + legacy_torch({}, [])),
    "an array of objects": ("a.npy", written(np.save, OBJECTS)),
    "an array of objects in npz": ("a.npz", written(np.savez, a=np.eye(2), b=OBJECTS)),
    "a file of joblib": ("m.joblib", written(lambda file: joblib.dump({"a": Evil()}, file))),
    "joblib behind an array": ("m.joblib", written(lambda file: joblib.dump([Evil(), np.eye(2)], file))),
    "joblib's array of objects": ("m.joblib", written(lambda file: joblib.dump(OBJECTS, file))),
}


@pytest.mark.parametrize("file", FILES)
def test_files_that_hold_pickles_are_flagged(file: str) -> None:
    path, content = FILES[file]
    assert by_mvc(content, path)
    assert by_picklescan(content, path) or by_fickling(content, path)


PREFIXES = {
    "nothing": b"",
    "text": b"x" * 99,
    "a pickle": pickle.dumps(1),
    "safetensors": (2).to_bytes(8, "little") + b"{}",
    "an array": written(np.save, np.eye(2)),
    "gzip": gzip.compress(b"text"),
    "a tar": written(lambda file: tarfile.open(fileobj=file, mode="w").close()) + bytes(512),
}


def zip_behind(prefix: bytes) -> bytes:
    """Return a zip whose offsets count the `prefix`."""
    file = io.BytesIO(prefix)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("m/data.pkl", EVIL)
    return file.getvalue()


def commented() -> bytes:
    """Return a zip with a comment that looks as if the zip had a 64-bit end record."""
    file, member = io.BytesIO(), zipfile.ZipInfo("m/data")
    member.comment = b"PK\6\7" + bytes(16)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, EVIL)
    return file.getvalue()


ZIP = zipped({"m/data": EVIL})
BEHIND: dict[str, Callable[[bytes], bytes]] = {
    "a zip": lambda prefix: prefix + ZIP,
    "a zip that counts what is before it": zip_behind,
    "a zip and more": lambda prefix: prefix + ZIP + b"x",
    "a wrong checksum": lambda prefix: prefix + altered(ZIP, b"PK\1\2", 16, 1),
    "a flag of encryption": lambda prefix: prefix + altered(ZIP, b"PK\3\4", 6, 1),
    "a comment like a locator": lambda prefix: prefix + commented(),
}


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", ["m.zip", "m.pkl", "m"])
def test_a_zip_behind_something_else_is_flagged(path: str, prefix: str, behind: str) -> None:
    """Python's zipfile accepts bytes before a zip, whether or not its offsets count them."""
    content = BEHIND[behind](PREFIXES[prefix])
    assert by_picklescan(content, path)
    assert by_mvc(content, path)


@pytest.mark.parametrize("oracle", [by_picklescan, by_fickling])
def test_what_they_flag_of_attacks_on_allowed_names_is_flagged(
    oracle: Callable[[bytes], bool], monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They look at names only, so they miss most: an allowed name that is used in another way."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    attacks = importlib.import_module("attacks")
    contents = [content + b"." for content in (*attacks.PICKLES.values(), *attacks.FILES.values())]
    assert all(map(by_mvc, [content for content in contents if oracle(content)]))


# What fickling puts into a pickle.

HOSTS = [{"a": [1, 2.5]}, np.eye(2), LogisticRegression().fit([[0], [1]], [0, 1])]
INJECTIONS: dict[str, Callable[[Pickled], object]] = {
    "exec": lambda host: host.insert_python_exec("1"),
    "exec last": lambda host: host.insert_python_exec("1", run_first=False),
    "exec as the result": lambda host: host.insert_python_exec("1", use_output_as_unpickle_result=True),
    "exec last, as the result": lambda host: host.insert_python_exec(
        "1", run_first=False, use_output_as_unpickle_result=True,
    ),
    "eval": lambda host: host.insert_python_eval("1"),
    "a function": lambda host: host.insert_python("x", ["y"], module="os", attr="system"),
    "at the end": lambda host: host.append_python("1", module="runpy", attr="run_path", pop_result=True),
    "of the object": lambda host: host.insert_function_call_on_unpickled_object("def f(obj): return obj"),
    "of the object, compiled": lambda host: host.insert_function_call_on_unpickled_object(
        "def f(obj): return obj", compile_code=True,
    ),
    "behind a number": lambda host: (host.insert_magic_int(7), host.insert_python_exec("1")),
}


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize("protocol", [1, 2, 3, 4])  # the others use opcodes that fickling does not know
def test_what_fickling_injects_is_flagged(injection: str, protocol: int) -> None:
    for value in HOSTS:
        host = Pickled.load(pickle.dumps(value, protocol))
        INJECTIONS[injection](host)
        content = host.dumps()
        assert by_mvc(content)
        assert by_fickling(content)


# What does no harm.

BENIGN = [
    *HOSTS, None, "text", b"bytes", {1, 2}, (1, (2,)), np.float32(1), np.dtype("f4"), np.arange(99),
    np.array(["a", None], dtype=object), np.random.default_rng(0), np.random.RandomState(0), uuid.UUID(int=1),
    types.SimpleNamespace(a=1), range(3), complex(1, 2),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", BENIGN, ids=lambda value: type(value).__name__)
def test_what_is_harmless_passes_unless_an_oracle_has_a_reason(value: object, protocol: int) -> None:
    for content in (pickle.dumps(value, protocol), written(lambda file: joblib.dump(value, file, protocol=protocol))):
        assert not by_mvc(content)
        excused = any(name.rpartition(".")[2].encode() in content for name in EXCUSED)
        assert excused or not (by_picklescan(content) or by_fickling(content))
