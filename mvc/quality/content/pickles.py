"""What unpickling would import and call, read from the opcodes: nothing is unpickled.

The opcodes are followed on a stack of what is known of each value: names, short strings, small numbers; of all
else nothing. What a name does is not looked at, only whether it is known to be harmless. The machine and its
opcodes: https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from mvc.quality.content import harmless
from mvc.quality.content.pickle_source import SHORT, Broken, Source
from mvc.quality.content.pickle_values import ANYTHING, DATA, KEYS, OBJECT, Dict, Dtype, Found, Name, Wrapper

COMPUTED = "a name that it computes"
CALLED = "a value that it computes, called"
ALTERED = "an attribute of"
_MANY = 1 << 23
"""Values that a stack, and names that a memo, may hold."""
_LONG = 1 << 26
"""Opcodes that are followed, those aside of which there are many: some minutes."""
_MAX_PROTOCOL = 5
_REPORTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


def follow(source: Source, found: Found, *, arrays: bool = False, doubtful: bool = False) -> None:
    """Follow one pickle to its end, and note in `found` what it does.

    With `arrays`, behind what joblib puts before an array there is that array. One that is `doubtful` may be
    something else altogether: then a name that no module can have ends it.

    Raises:
        Broken: it has no end.

    """
    _Machine(source, found, arrays=arrays, doubtful=doubtful).run()


_Act: TypeAlias = "Callable[[_Machine], object]"


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self, source: Source, found: Found, *, arrays: bool, doubtful: bool) -> None:
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
        source, table = self.source, _OPCODES
        for _ in range(_LONG):
            source.at = self.quickly(source.data, source.at)
            code = source.byte()
            if code == _STOP:
                self.pop()
                return
            act = table.get(code)
            if act is None:
                raise Broken(f"at byte {source.position - 1} there is no opcode")
            act(self)
        raise Broken("it is too long")

    def quickly(self, data: bytes, at: int) -> int:
        """Follow the opcodes at `at` as long as they are those of which there are many; where they end.

        What each does, and does not, is what `_OPCODES` says of it. Without calls it takes a third of the time.
        """
        push, memo, end = self.stack.append, self.memo, len(data) - _ROOM if len(self.memo) < _MANY else 0
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
        if len(self.stack) > _MANY:
            raise Broken("it has too many values at a time")
        return at

    # The stack.

    def push(self, value: Any) -> None:
        """Put a value on top."""
        if len(self.stack) >= _MANY:
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
        if value is not ANYTHING and (len(self.memo) < _MANY or type(value) is not bytes):
            self.memo[number] = value
        elif number in self.memo:
            del self.memo[number]
        if len(self.memo) > 2 * _MANY or len(self.sparse) > _MANY:
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
        module, name = (_decoded(self.source.line()) for _ in range(2))
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
            follow(self.source, self.found, doubtful=self.doubtful)
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


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Broken("it has a name that is no text") from None


# The opcodes, each with what it does. Those with an argument of their own are made by a function.

_STOP = ord(".")
_SHORT_TEXT, _BYTE, _FLOAT, _GET, _LONG_GET, _MEMOIZE = 0x8C, ord("K"), ord("G"), ord("h"), ord("j"), 0x94
_ROOM = 300
"""Bytes that each of these has at most, with all that belongs to it."""
_FEW = 8
"""Numbers in a row that may be a shape: of longer rows nothing is known."""


def _constant(value: Any) -> _Act:
    return lambda machine: machine.push(value)


def _rows(code: str, width: int) -> _Act:
    """Return the act of a number of `width` bytes, and of all that follow it in a row."""
    pattern = re.compile(re.escape(code.encode()) + b".{%d}" % width, re.DOTALL)
    row = re.compile(b"(?:%s)*" % pattern.pattern, re.DOTALL)

    def act(machine: _Machine) -> None:
        source = machine.source
        data = source.take(width)
        machine.push(DATA if code == "G" else int.from_bytes(data, "little", signed=code == "J"))
        count = source.run(row) // (width + 1)
        if count <= _FEW:
            source.go(source.position - count * (width + 1))
        elif len(machine.stack) + count > _MANY:
            raise Broken("it has too many values at a time")
        else:
            machine.stack.extend([DATA] * count)

    return act


def _text(width: int) -> _Act:
    """Return the act of a string behind its length, a number of `width` bytes."""

    def act(machine: _Machine) -> None:
        size = machine.source.number(width)
        if size > SHORT:
            machine.source.skip(size)
            machine.push(ANYTHING)
        else:
            machine.push(machine.source.take(size))

    return act


def _bytes(width: int) -> _Act:
    """Return the act of something that is no name, behind its length."""

    def act(machine: _Machine) -> None:
        machine.source.skip(machine.source.number(width))
        machine.push(DATA)

    return act


def _long(machine: _Machine) -> None:
    size = machine.source.byte()
    data = machine.source.take(size)
    machine.push(int.from_bytes(data, "little", signed=True) if size <= _FEW else DATA)


def _line(machine: _Machine) -> None:
    machine.source.line()
    machine.push(DATA)


def _integer(machine: _Machine) -> None:
    text = machine.source.line()
    machine.push(int(text) if re.fullmatch(rb"0|-?[1-9][0-9]{0,17}", text) else DATA)


def _quoted(machine: _Machine) -> None:
    text = machine.source.line().strip()
    if len(text) > SHORT:
        machine.push(ANYTHING)
        return
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in b"'\"":  # noqa: PLR2004 - the quotes
        raise Broken("it has a text without quotes")
    machine.push(text[1:-1] if text.isascii() and b"\\" not in text else ANYTHING)


def _raw_text(machine: _Machine) -> None:
    text = machine.source.line()
    machine.push(text if text.isascii() and b"\\" not in text and len(text) <= SHORT else ANYTHING)


def _pop(machine: _Machine) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _mark(machine: _Machine) -> None:
    if len(machine.marks) >= _MANY:
        raise Broken("it has too many values at a time")
    machine.marks.append(len(machine.stack))


def _collect(machine: _Machine) -> None:
    machine.to_mark()
    machine.push(DATA)


def _dict(machine: _Machine) -> None:
    found = Dict()
    _set_all(found, machine.to_mark())
    machine.push(found)


def _set_all(target: Any, values: list[Any]) -> None:
    if type(target) is Dict:
        if len(values) > 2 * KEYS:
            target.items = None
        for key, value in zip(values[: 2 * KEYS : 2], values[1 : 2 * KEYS : 2], strict=False):
            target.set(key, value)


def _set_items(machine: _Machine) -> None:
    values = machine.to_mark()
    _set_all(machine.top(), values)


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_all(machine.top(), [key, value])


def _add_items(machine: _Machine) -> None:
    machine.to_mark()
    machine.top()


def _append(machine: _Machine) -> None:
    machine.pop()
    machine.top()


def _tuple(machine: _Machine) -> None:
    values = machine.to_mark()
    machine.push(tuple(values) if len(values) <= KEYS else DATA)


def _small_tuple(size: int) -> _Act:
    def act(machine: _Machine) -> None:
        values = [machine.pop() for _ in range(size)]
        machine.push(tuple(reversed(values)))

    return act


def _put(width: int) -> _Act:
    return lambda machine: machine.put(machine.source.number(width), machine.top())


def _get(width: int) -> _Act:
    return lambda machine: machine.get(machine.source.number(width))


def _put_line(machine: _Machine) -> None:
    machine.put(_index(machine), machine.top())


def _get_line(machine: _Machine) -> None:
    machine.get(_index(machine))


def _index(machine: _Machine) -> int:
    text = machine.source.line()
    if re.fullmatch(rb"[0-9]{1,18}", text) is None:
        raise Broken("it takes what is not there")
    return int(text)


def _memoize(machine: _Machine) -> None:
    machine.put(machine.dense + len(machine.sparse), machine.top())


def _protocol(machine: _Machine) -> None:
    if machine.source.byte() > _MAX_PROTOCOL:
        raise Broken("it is of a protocol that nobody knows")


def _frame(machine: _Machine) -> None:
    machine.frame = machine.source.number(8) + machine.source.position


def _global(machine: _Machine) -> None:
    machine.push(machine.line_name())


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(module) is bytes and type(name) is bytes:
        machine.push(machine.name(_decoded(module), _decoded(name)))
    elif any(type(value) is not bytes and value is not ANYTHING for value in (module, name)):
        raise Broken("it has a name that is no text")
    else:
        machine.found.add(COMPUTED)
        machine.push(Name(""))


def _extension(width: int) -> _Act:
    def act(machine: _Machine) -> None:
        machine.found.add(f"the extension {machine.source.number(width)}")
        machine.push(Name(""))

    return act


def _instance(machine: _Machine) -> None:
    name = machine.line_name()
    machine.push(machine.call(name, tuple(machine.to_mark())))


def _object(machine: _Machine) -> None:
    values = machine.to_mark()
    if not values:
        raise Broken("it takes what is not there")
    machine.push(machine.call(values[0], tuple(values[1:])))


def _reduce(machine: _Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.push(machine.call(function, arguments))


def _new(machine: _Machine) -> None:
    machine.pop()
    machine.push(machine.make(machine.pop()))


def _new_with_keywords(machine: _Machine) -> None:
    machine.pop()
    _new(machine)


def _persistent_line(machine: _Machine) -> None:
    machine.source.line()
    machine.push(ANYTHING)


def _persistent(machine: _Machine) -> None:
    machine.pop()
    machine.push(ANYTHING)


_OPCODES: dict[int, _Act] = {
    **{ord(code): _rows(code, width) for code, width in (("G", 8), ("J", 4), ("M", 2), ("K", 1))},
    **{ord(code): _line for code in "FL"},
    **{ord(code): _constant(DATA) for code in "]\x8f\x97"},
    **{code: _small_tuple(size) for size, code in enumerate((0x85, 0x86, 0x87), 1)},
    **{code: _extension(width) for code, width in ((0x82, 1), (0x83, 2), (0x84, 4))},
    **{ord(code): _collect for code in "l\x91"},
    **{ord(code): _add_items for code in "e\x90"},
    ord("N"): _constant(None), 0x88: _constant(value=True), 0x89: _constant(value=False), ord(")"): _constant(()),
    ord("I"): _integer, 0x8A: _long, 0x8B: _bytes(4),
    ord("S"): _quoted, ord("V"): _raw_text,
    ord("T"): _text(4), ord("U"): _text(1), ord("X"): _text(4), 0x8C: _text(1), 0x8D: _text(8),
    ord("B"): _bytes(4), ord("C"): _bytes(1), 0x8E: _bytes(8), 0x96: _bytes(8), 0x98: _Machine.top,
    ord("("): _mark, ord("0"): _pop, ord("1"): _Machine.to_mark, ord("2"): lambda machine: machine.push(machine.top()),
    ord("}"): lambda machine: machine.push(Dict()), ord("d"): _dict, ord("s"): _set_item, ord("u"): _set_items,
    ord("a"): _append, ord("t"): _tuple,
    ord("p"): _put_line, ord("q"): _put(1), ord("r"): _put(4), 0x94: _memoize,
    ord("g"): _get_line, ord("h"): _get(1), ord("j"): _get(4),
    0x80: _protocol, 0x95: _frame,
    ord("c"): _global, 0x93: _stack_global, ord("i"): _instance, ord("o"): _object, ord("R"): _reduce,
    0x81: _new, 0x92: _new_with_keywords, ord("b"): _Machine.build, ord("P"): _persistent_line, ord("Q"): _persistent,
}
