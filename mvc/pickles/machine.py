"""The machine that follows a pickle: its stack and memo have partly known values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mvc.pickles import harmless
from mvc.pickles.source import SHORT, MalformedPickle, PickleReader
from mvc.pickles.values import DATA, INSTANCE, UNKNOWN, ArrayWrapper, Dtype, Findings, Global, KnownDict

COMPUTED = "a computed name"
CALLED = "a computed value, called"
ALTERED = "an attribute of"
MAX_VALUES = 1 << 23
"""Most values on the stack, and most names in the memo."""
_MAX_OPCODES = 1 << 26
"""Most opcodes that are followed, without those that `run_common` handles: some minutes."""
_REPORTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_STOP = ord(".")
_SHORT_TEXT, _BYTE, _FLOAT, _GET, _LONG_GET, _MEMOIZE = 0x8C, ord("K"), ord("G"), ord("h"), ord("j"), 0x94
_ROOM = 300
"""Bytes that each of these takes at most, with its argument and a MEMOIZE."""

Handler: TypeAlias = "Callable[[Machine], object]"
"""The effect of an opcode on the machine."""


class Machine:
    """The stack and the memo of one pickle."""

    def __init__(
        self, opcodes: Mapping[int, Handler], reader: PickleReader, findings: Findings,
        *, arrays: bool, uncertain: bool,
    ) -> None:
        """Begin at the position of `reader`; for the arguments see `pickles.follow`."""
        self.opcodes = opcodes
        self.reader = reader
        self.findings = findings
        self.arrays = arrays
        self.uncertain = uncertain
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        """Values by number; a number that is in use and not here has an unknown value."""
        self.dense = 0
        """All numbers below this are in use, and those in `sparse`."""
        self.sparse: set[int] = set()
        self.misread = False
        """Whether an array of joblib was skipped, which `pickle.load` reads as opcodes."""
        self.frame = 0
        """The end of the last frame."""

    def run(self) -> None:
        """Follow the opcodes until STOP."""
        reader, opcodes = self.reader, self.opcodes
        for _ in range(_MAX_OPCODES):
            reader.at = self.run_common(reader.data, reader.at)
            code = reader.byte()
            if code == _STOP:
                self.pop()
                return
            act = opcodes.get(code)
            if act is None:
                raise MalformedPickle(f"invalid opcode at byte {reader.position - 1}")
            act(self)
        raise MalformedPickle("too many opcodes")

    def run_common(self, data: bytes, at: int) -> int:
        """Follow the most frequent opcodes from `at` on; return the position of the first other one.

        Same effect as the handlers in `opcodes`, in a third of their time.
        """
        push, memo, end = self.stack.append, self.memo, len(data) - _ROOM if len(self.memo) < MAX_VALUES else 0
        while at < end:
            code = data[at]
            if code == _SHORT_TEXT:
                start, at = at + 2, at + 2 + data[at + 1]
                value: Any = data[start:at]
            elif code == _BYTE:
                value, at = data[at + 1], at + 2
            elif code == _FLOAT and data[at + 9] != _FLOAT:  # the handler reads a row of them faster
                value, at = DATA, at + 9
            elif code == _GET and data[at + 1] < self.dense:
                value, at = memo.get(data[at + 1], UNKNOWN), at + 2
            elif code == _LONG_GET and (number := int.from_bytes(data[at + 1 : at + 5], "little")) < self.dense:
                value, at = memo.get(number, UNKNOWN), at + 5
            else:
                break
            push(value)
            if data[at] == _MEMOIZE and not self.sparse:
                if value is not UNKNOWN:
                    memo[self.dense] = value
                self.dense += 1
                at += 1
        if len(self.stack) > MAX_VALUES:
            raise MalformedPickle("too many values on the stack")
        return at

    # The stack.

    def push(self, value: Any) -> None:
        """Push a value."""
        if len(self.stack) >= MAX_VALUES:
            raise MalformedPickle("too many values on the stack")
        self.stack.append(value)

    def pop(self) -> Any:
        """Pop the top value."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise MalformedPickle("stack underflow")
        return self.stack.pop()

    def top(self) -> Any:
        """Return the top value."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise MalformedPickle("stack underflow")
        return self.stack[-1]

    def pop_mark(self) -> list[Any]:
        """Pop the mark and all values above it."""
        if not self.marks:
            raise MalformedPickle("stack underflow")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    # The memo.

    def put(self, number: int, value: Any) -> None:
        """Store a value in the memo."""
        if number == self.dense:
            self.dense += 1
            while self.sparse and self.dense in self.sparse:
                self.sparse.remove(self.dense)
                self.dense += 1
        elif number > self.dense:
            self.sparse.add(number)
        if value is not UNKNOWN and (len(self.memo) < MAX_VALUES or type(value) is not bytes):
            self.memo[number] = value
        elif number in self.memo:
            del self.memo[number]
        if len(self.memo) > 2 * MAX_VALUES or len(self.sparse) > MAX_VALUES:
            raise MalformedPickle("too many values in the memo")

    def get(self, number: int) -> None:
        """Push a value from the memo."""
        if number >= self.dense and number not in self.sparse:
            raise MalformedPickle(f"memo has no value {number}")
        self.push(self.memo.get(number, UNKNOWN))

    # Imports and calls.

    def import_name(self, module: str, name: str) -> Global:
        """Import a name."""
        full = f"{module}.{name}"
        if self.uncertain and (not _REPORTED.fullmatch(module) or not name.isprintable()):
            raise MalformedPickle("invalid module name")
        if self.misread and name == "dtype" and module.partition(".")[0] not in harmless.ARRAY_PACKAGES:
            raise MalformedPickle("invalid module name")  # a nested pickle with memo numbers of the outer one
        if "." in name or not harmless.may_be_imported(full):
            self.findings.add(full)
            return Global("")
        return Global(full)

    def import_lines(self) -> Global:
        """Import the name in the next two lines."""
        module, name = (decoded(self.reader.line()) for _ in range(2))
        if len(module) > SHORT or len(name) > SHORT:
            self.findings.add(COMPUTED)
            return Global("")
        return self.import_name(module, name)

    def call(self, function: Any, arguments: Any) -> Any:
        """Call `function`; return its partly known result."""
        if type(function) is not Global:
            if function is not UNKNOWN and function is not INSTANCE:
                raise MalformedPickle("calls a value that is not callable")
            self.findings.add(CALLED, called=True)
            return UNKNOWN
        name = function.name
        if name in harmless.CHECKED:
            return self.checked_call(name, arguments)
        if not harmless.may_be_called(name):
            self.note_called(name)
            return UNKNOWN
        if name == harmless.ARRAY_WRAPPER:  # joblib only instantiates it
            self.findings.add(f"{name}()", called=True)
        return Dtype(arguments[0]) if name == "numpy.dtype" and _is_dtype_call(arguments) else UNKNOWN

    def note_called(self, name: str) -> None:
        """Report a call; an empty name was reported at its import."""
        self.findings.calls = True
        if name:
            self.findings.add(name if " " in name else f"{name}()")

    def checked_call(self, name: str, arguments: Any) -> Any:
        """Call a function that is harmless with some arguments only."""
        values = arguments if type(arguments) is tuple else ()
        if name in harmless.INSTANTIATORS and values:
            return self.instantiate(values[0])
        if name in harmless.RECONSTRUCTORS and len(values) == 3 and _is_builtin_type(values[1]):  # noqa: PLR2004 - its arguments
            return self.instantiate(values[0])
        if name in harmless.ENCODERS and len(values) == 2 and values[1] in (b"latin1", b"latin-1"):  # noqa: PLR2004 - as above
            return UNKNOWN
        if name in harmless.TYPE_REBUILDERS and values and _is_global_in(values[0], "torch._utils._rebuild_"):
            return UNKNOWN
        if name in harmless.GENERATORS and values and all(
            _is_global_in(value, "numpy.random.") for value in values if type(value) is Global or value is not values[0]
        ):
            return UNKNOWN
        self.findings.add(f"{name}()", called=True)
        return UNKNOWN

    def instantiate(self, kind: Any) -> Any:
        """Make an instance of a class without calling the class."""
        if type(kind) is not Global:
            if kind is not UNKNOWN:
                raise MalformedPickle("instantiates a value that is not a class")
            self.findings.add(CALLED, called=True)
        elif kind.name == harmless.ARRAY_WRAPPER:
            return ArrayWrapper()
        elif not harmless.may_be_instantiated(kind.name):
            self.note_called(kind.name)
        return UNKNOWN if kind in _TEXTS else INSTANCE

    def build(self) -> None:
        """Give the top value its state."""
        state = self.pop()
        value = self.top()
        if type(value) is Global:
            self.note_called(value.name and f"{ALTERED} {value.name}")
        elif type(value) is Dtype:
            value.set(state)
        elif type(value) is ArrayWrapper:
            self.findings.has_arrays = True
            if self.arrays:
                self.skip_array(value, state)
            else:
                self.misread = True

    def skip_array(self, wrapper: ArrayWrapper, state: Any) -> None:
        """Skip an array as joblib reads it: `joblib.numpy_pickle.NumpyArrayWrapper.read_array`."""
        if self.reader.position < self.frame or wrapper.built or type(state) is not KnownDict or state.items is None:
            raise MalformedPickle("an array stands where joblib does not write one")
        wrapper.built = True
        self.stack[-1] = INSTANCE
        size = _item_size(state.items.get(b"dtype"))
        if size == _OBJECTS:
            Machine(self.opcodes, self.reader, self.findings, arrays=False, uncertain=self.uncertain).run()
            return
        shape = state.items.get(b"shape")
        if size is None or type(shape) is not tuple or not all(type(item) is int and item >= 0 for item in shape):
            raise MalformedPickle("an array has an unknown size")
        padding = state.items.get(b"numpy_array_alignment_bytes")
        if padding is not None:
            if type(padding) is not int:
                raise MalformedPickle("an array has an unknown size")
            self.reader.skip(self.reader.byte())
        count = size
        for item in shape:
            count *= item
        self.reader.skip(count)


_TEXTS = (UNKNOWN, Global(""), Global("builtins.str"), Global("__builtin__.str"), Global("__builtin__.unicode"))
_OBJECTS = -1
_FIXED = re.compile(rb"[biufcmM](1|2|4|8|16|32)")
_FLEXIBLE = re.compile(rb"([SUV])([0-9]{1,9})")


def _is_dtype_call(arguments: Any) -> bool:
    return type(arguments) is tuple and len(arguments) == 3 and type(arguments[0]) is bytes  # noqa: PLR2004 - as NumPy writes it


def _is_global_in(value: Any, prefix: str) -> bool:
    return type(value) is Global and value.name.startswith(prefix)


def _is_builtin_type(value: Any) -> bool:
    return type(value) is Global and value.name in harmless.BUILTIN_TYPES


def _item_size(dtype: Any) -> int | None:
    """Return the size of one item; `_OBJECTS` if items are pickled, None if unknown.

    The state is that of `dtype.__reduce__`: version, byte order, subarray, names, fields, size, alignment, flags.
    """
    if type(dtype) is not Dtype or type(dtype.state) is not tuple or len(dtype.state) < 8:  # noqa: PLR2004 - as above
        return None
    _, _, subarray, _, _, size, _, flags = dtype.state[:8]
    if type(flags) is not int or type(size) is not int or subarray is not None:
        return None
    objects = bool(flags & 1)
    if objects:
        return _OBJECTS if dtype.text[:1] in (b"O", b"V") else None
    if match := _FIXED.fullmatch(dtype.text):
        return int(match[1])
    if match := _FLEXIBLE.fullmatch(dtype.text):
        return size if size == int(match[2]) * (4 if match[1] == b"U" else 1) else None
    return None


def decoded(raw: bytes) -> str:
    """Return a name as text.

    Raises:
        MalformedPickle: It is not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedPickle("a name is not UTF-8") from None
