"""Write pickles by hand, opcode by opcode."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def text(word: str) -> bytes:
    """Push a string."""
    raw = word.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def name(full: str) -> bytes:
    """Push what `module.name` names."""
    module, _, own = full.rpartition(".")
    return f"c{module}\n{own}\n".encode()


def tuple_of(*items: bytes) -> bytes:
    """Push a tuple."""
    return b"(" + b"".join(items) + b"t"


def list_of(*items: bytes) -> bytes:
    """Push a list."""
    return b"(" + b"".join(items) + b"l"


def dict_of(**items: bytes) -> bytes:
    """Push a dictionary."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def call(full: str, *arguments: bytes) -> bytes:
    """Call a function."""
    return name(full) + tuple_of(*arguments) + b"R"


def new(full: str, *arguments: bytes) -> bytes:
    """Make an instance by `__new__`."""
    return name(full) + tuple_of(*arguments) + b"\x81"


def build(value: bytes, state: bytes) -> bytes:
    """Give an instance a state."""
    return value + state + b"b"


def space(**attributes: bytes) -> bytes:
    """Push an object with these attributes."""
    return build(call("types.SimpleNamespace"), dict_of(**attributes))


def number(value: int) -> bytes:
    """Push a number."""
    return b"J" + struct.pack("<i", value)


def dtype(letters: str, *, flags: int = 0, size: int = -1, fields: bytes = b"NN") -> bytes:
    """Push a dtype of NumPy."""
    state = tuple_of(number(3), text("|"), b"N", fields, number(size), number(-1), number(flags))
    return build(call("numpy.dtype", text(letters), b"\x89", b"\x88"), state)


OBJECTS = dtype("O8", flags=63)


def array(kind: bytes, content: bytes, *shape: int) -> bytes:
    """Push an array of NumPy: its dtype, its content and its shape."""
    empty = call("numpy._core.multiarray._reconstruct", name("numpy.ndarray"), tuple_of(number(0)), text("b"))
    return build(empty, tuple_of(number(1), tuple_of(*map(number, shape)), kind, b"\x89", content))


def raw(content: bytes) -> bytes:
    """Push bytes."""
    return b"B" + struct.pack("<I", len(content)) + content


def joblib_array(data: bytes, shape: tuple[int, ...], kind: bytes, changed: Mapping[str, bytes] | None = None) -> bytes:
    """Push an array as joblib writes it, with some attributes `changed`; `data` follows its wrapper."""
    attributes = {
        "subclass": name("numpy.ndarray"), "shape": tuple_of(*map(number, shape)), "order": text("C"),
        "dtype": kind, "allow_mmap": b"\x89",
    }
    return build(new("joblib.numpy_pickle.NumpyArrayWrapper"), dict_of(**{**attributes, **(changed or {})})) + data
