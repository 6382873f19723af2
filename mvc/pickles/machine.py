"""The stack and the memo of a pickle that is followed: what is known of each value, and what it calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mvc.pickles import harmless
from mvc.pickles.source import SHORT, Broken, Source
from mvc.pickles.values import ANYTHING, DATA, OBJECT, Dict, Dtype, Found, Name, Wrapper

COMPUTED = "a name that it computes"
CALLED = "a value that it computes, called"
ALTERED = "an attribute of"
MANY = 1 << 23
"""Values that a stack, and names that a memo, may hold."""
_LONG = 1 << 26
"""Opcodes that are followed, those aside of which there are many: some minutes."""
_REPORTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_STOP = ord(".")
_SHORT_TEXT, _BYTE, _FLOAT, _GET, _LONG_GET, _MEMOIZE = 0x8C, ord("K"), ord("G"), ord("h"), ord("j"), 0x94
_ROOM = 300
"""Bytes that each of these has at most, with all that belongs to it."""

Act: TypeAlias = "Callable[[Machine], object]"
"""What an opcode does."""


class Machine:
    """The stack and the memo of one pickle."""

    def __init__(
        self, opcodes: Mapping[int, Act], source: Source, found: Found, *, arrays: bool, doubtful: bool,
    ) -> None:
        """Begin at the start of `source`; what the other options mean: `pickles.follow`."""
        self.opcodes = opcodes
        self.source = source
        self.found = found
        self.arrays = arrays
        self.doubtful = doubtful
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        """By number, what is worth it: of all else nothing is known."""
        self.dense = 0
        """The numbers below this are in use; so are those of `sparse`."""
        self.sparse: set[int] = set()
        self.misread = False
        """Whether we are behind what stands before an array, which `pickle.load` takes for opcodes."""
        self.frame = 0
        """Where the frame ends that was begun last."""

    def run(self) -> None:
        """Follow the opcodes until the last."""
        source, opcodes = self.source, self.opcodes
        for _ in range(_LONG):
            source.at = self.quickly(source.data, source.at)
            code = source.byte()
            if code == _STOP:
                self.pop()
                return
            act = opcodes.get(code)
            if act is None:
                raise Broken(f"at byte {source.position - 1} there is no opcode")
            act(self)
        raise Broken("it is too long")

    def quickly(self, data: bytes, at: int) -> int:
        """Follow the opcodes at `at` as long as they are those of which there are many; where they end.

        What each does, and does not, is what `opcodes` says of it. Without calls it takes a third of the time.
        """
        push, memo, end = self.stack.append, self.memo, len(data) - _ROOM if len(self.memo) < MANY else 0
        while at < end:
            code = data[at]
            if code == _SHORT_TEXT:
                start, at = at + 2, at + 2 + data[at + 1]
                value: Any = data[start:at]
            elif code == _BYTE:
                value, at = data[at + 1], at + 2
            elif code == _FLOAT and data[at + 9] != _FLOAT:  # a row of them goes quicker still
                value, at = DATA, at + 9
            elif code == _GET and data[at + 1] < self.dense:
                value, at = memo.get(data[at + 1], ANYTHING), at + 2
            elif code == _LONG_GET and (number := int.from_bytes(data[at + 1 : at + 5], "little")) < self.dense:
                value, at = memo.get(number, ANYTHING), at + 5
            else:
                break
            push(value)
            if data[at] == _MEMOIZE and not self.sparse:
                if value is not ANYTHING:
                    memo[self.dense] = value
                self.dense += 1
                at += 1
        if len(self.stack) > MANY:
            raise Broken("it has too many values at a time")
        return at

    # The stack.

    def push(self, value: Any) -> None:
        """Put a value on top."""
        if len(self.stack) >= MANY:
            raise Broken("it has too many values at a time")
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the value on top."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Broken("it takes what is not there")
        return self.stack.pop()

    def top(self) -> Any:
        """Return the value on top."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Broken("it takes what is not there")
        return self.stack[-1]

    def to_mark(self) -> list[Any]:
        """Take all above the mark, and the mark."""
        if not self.marks:
            raise Broken("it takes what is not there")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    # The memo.

    def put(self, number: int, value: Any) -> None:
        """Remember a value under a number."""
        if number == self.dense:
            self.dense += 1
            while self.sparse and self.dense in self.sparse:
                self.sparse.remove(self.dense)
                self.dense += 1
        elif number > self.dense:
            self.sparse.add(number)
        if value is not ANYTHING and (len(self.memo) < MANY or type(value) is not bytes):
            self.memo[number] = value
        elif number in self.memo:
            del self.memo[number]
        if len(self.memo) > 2 * MANY or len(self.sparse) > MANY:
            raise Broken("it has too many values at a time")

    def get(self, number: int) -> None:
        """Put on top what was remembered."""
        if number >= self.dense and number not in self.sparse:
            raise Broken("it takes what is not there")
        self.push(self.memo.get(number, ANYTHING))

    # Names.

    def name(self, module: str, name: str) -> Name:
        """Import a name."""
        full = f"{module}.{name}"
        if self.doubtful and (not _REPORTED.fullmatch(module) or not name.isprintable()):
            raise Broken("it names what cannot be a module")
        if self.misread and name == "dtype" and module.partition(".")[0] not in harmless.ARRAYS:
            raise Broken("it names what is no module")  # a nested pickle, and numbers of the memo of the outer one
        if "." in name or not harmless.may_be_named(full):
            self.found.add(full)
            return Name("")
        return Name(full)

    def line_name(self) -> Name:
        """Import the name that the next two lines have."""
        module, name = (decoded(self.source.line()) for _ in range(2))
        if len(module) > SHORT or len(name) > SHORT:
            self.found.add(COMPUTED)
            return Name("")
        return self.name(module, name)

    def call(self, function: Any, arguments: Any) -> Any:
        """Call something; what is known of the result."""
        if type(function) is not Name:
            if function is not ANYTHING and function is not OBJECT:
                raise Broken("it calls what cannot be called")
            self.found.add(CALLED, called=True)
            return ANYTHING
        name = function.name
        if name in harmless.CHECKED:
            return self.checked_call(name, arguments)
        if not harmless.may_be_called(name):
            self.note_called(name)
            return ANYTHING
        if name == harmless.WRAPPER:  # joblib never calls it
            self.found.add(f"{name}()", called=True)
        return Dtype(arguments[0]) if name == "numpy.dtype" and _is_dtype_call(arguments) else ANYTHING

    def note_called(self, name: str) -> None:
        """Note that something is called; empty for what is noted already."""
        self.found.called = True
        if name:
            self.found.add(name if " " in name else f"{name}()")

    def checked_call(self, name: str, arguments: Any) -> Any:
        """Call what is harmless with some arguments only."""
        values = arguments if type(arguments) is tuple else ()
        if name in harmless.NEW_OBJECTS and values:
            return self.make(values[0])
        if name in harmless.RECONSTRUCTORS and len(values) == 3 and _is_plain(values[1]):  # noqa: PLR2004 - its arguments
            return self.make(values[0])
        if name in harmless.ENCODERS and len(values) == 2 and values[1] in (b"latin1", b"latin-1"):  # noqa: PLR2004 - as above
            return ANYTHING
        if name in harmless.OF_TYPES and values and type(values[0]) is Name and values[0].name.startswith(_REBUILD):
            return ANYTHING
        self.found.add(f"{name}()", called=True)
        return ANYTHING

    def make(self, kind: Any) -> Any:
        """Make an instance of a class, without a call of it."""
        if type(kind) is not Name:
            if kind is not ANYTHING:
                raise Broken("it makes an instance of what is no class")
            self.found.add(CALLED, called=True)
        elif kind.name == harmless.WRAPPER:
            return Wrapper()
        elif not harmless.may_be_made(kind.name):
            self.note_called(kind.name)
        return ANYTHING if kind in _TEXTS else OBJECT

    def build(self) -> None:
        """Give the value on top its state."""
        state = self.pop()
        value = self.top()
        if type(value) is Name:
            self.note_called(value.name and f"{ALTERED} {value.name}")
        elif type(value) is Dtype:
            value.set(state)
        elif type(value) is Wrapper:
            self.found.wrapped = True
            if self.arrays:
                self.array(value, state)
            else:
                self.misread = True

    def array(self, wrapper: Wrapper, state: Any) -> None:
        """Go behind an array of joblib's: `NumpyArrayWrapper.read_array` in its sources."""
        if self.source.position < self.frame or wrapper.built or type(state) is not Dict or state.items is None:
            raise Broken("it has an array where joblib writes none")
        wrapper.built = True
        self.stack[-1] = OBJECT
        size = _item_size(state.items.get(b"dtype"))
        if size == _OBJECTS:
            Machine(self.opcodes, self.source, self.found, arrays=False, doubtful=self.doubtful).run()
            return
        shape = state.items.get(b"shape")
        if size is None or type(shape) is not tuple or not all(type(item) is int and item >= 0 for item in shape):
            raise Broken("it has an array of which nobody can say how long it is")
        padding = state.items.get(b"numpy_array_alignment_bytes")
        if padding is not None:
            if type(padding) is not int:
                raise Broken("it has an array of which nobody can say how long it is")
            self.source.skip(self.source.byte())
        count = size
        for item in shape:
            count *= item
        self.source.skip(count)


_TEXTS = (ANYTHING, Name(""), Name("builtins.str"), Name("__builtin__.str"), Name("__builtin__.unicode"))
_REBUILD = "torch._utils._rebuild_"
_OBJECTS = -1
_FIXED = re.compile(rb"[biufcmM](1|2|4|8|16|32)")
_FLEXIBLE = re.compile(rb"([SUV])([0-9]{1,9})")


def _is_dtype_call(arguments: Any) -> bool:
    return type(arguments) is tuple and len(arguments) == 3 and type(arguments[0]) is bytes  # noqa: PLR2004 - as numpy writes it


def _is_plain(value: Any) -> bool:
    return type(value) is Name and value.name in harmless.PLAIN


def _item_size(dtype: Any) -> int | None:
    """Return the bytes of one item; `_OBJECTS` where they are pickled, None where nobody can say.

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
        Broken: it is none.

    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Broken("it has a name that is no text") from None
