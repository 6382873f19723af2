"""The opcodes of pickles, each with its handler: a function, or what a function with a parameter returns."""

from __future__ import annotations

import re
from typing import Any

from mvc.pickles.allowed.kinds import STORAGE
from mvc.pickles.allowed.tables import Entry
from mvc.pickles.machine import COMPUTED, MAX_VALUES, REPORTED_NAME, Handler, Machine, decoded
from mvc.pickles.source import SHORT, MalformedPickle, Unreadable
from mvc.pickles.values import DATA, KEYS, TEXT, UNKNOWN, Container, Instance, KnownDict, Tuple, reach_of

_MAX_PROTOCOL = 5
_FEW = 8
"""Most numbers in a row that are kept: they may be the shape of an array."""


def _constant(value: Any) -> Handler:
    return lambda machine: machine.push(value)


def _numbers(code: str, width: int) -> Handler:
    """Return the handler of a number of `width` bytes and of all numbers that follow it."""
    pattern = re.compile(re.escape(code.encode()) + b".{%d}" % width, re.DOTALL)
    row = re.compile(b"(?:%s)*" % pattern.pattern, re.DOTALL)

    def handle(machine: Machine) -> None:
        reader = machine.reader
        data = reader.take(width)
        machine.push(DATA if code == "G" else int.from_bytes(data, "little", signed=code == "J"))
        count = reader.skip_matching(row) // (width + 1)
        if count <= _FEW:
            reader.go(reader.position - count * (width + 1))
        elif len(machine.stack) + count > MAX_VALUES:
            raise Unreadable("too many values on the stack")
        else:
            machine.stack.extend([DATA] * count)

    return handle


def _text(width: int) -> Handler:
    """Return the handler of a string after its length in `width` bytes."""

    def handle(machine: Machine) -> None:
        size = machine.reader.number(width)
        if size > SHORT:
            machine.reader.skip(size)
            machine.push(TEXT)
        else:
            machine.push(machine.reader.take(size))

    return handle


def _bytes(width: int) -> Handler:
    """Return the handler of bytes after their length in `width` bytes."""

    def handle(machine: Machine) -> None:
        machine.reader.skip(machine.reader.number(width))
        machine.push(DATA)

    return handle


def _long(machine: Machine) -> None:
    size = machine.reader.byte()
    data = machine.reader.take(size)
    machine.push(int.from_bytes(data, "little", signed=True) if size <= _FEW else DATA)


def _line(machine: Machine) -> None:
    machine.reader.line()
    machine.push(DATA)


def _integer(machine: Machine) -> None:
    """INT and LONG: a number, with an `L` behind a long one, or a Boolean."""
    text = machine.reader.line()
    if text in (b"00", b"01"):
        machine.push(text == b"01")
    else:
        machine.push(int(text.removesuffix(b"L")) if re.fullmatch(rb"(?:0|-?[1-9][0-9]{0,17})L?", text) else DATA)


def _quoted(machine: Machine) -> None:
    text = machine.reader.line().strip()
    if len(text) > SHORT:
        machine.push(TEXT)
        return
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in b"'\"":  # noqa: PLR2004 - the quotes
        raise MalformedPickle("a string has no quotes")
    machine.push(text[1:-1] if text.isascii() and b"\\" not in text else TEXT)


def _raw_text(machine: Machine) -> None:
    text = machine.reader.line()
    if len(text) > SHORT:
        machine.push(TEXT)
        return
    try:
        machine.push(text.decode("raw-unicode-escape").encode())
    except UnicodeEncodeError:
        machine.push(TEXT)
    except UnicodeDecodeError:
        raise MalformedPickle("a string has an invalid escape") from None


def _pop(machine: Machine) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _mark(machine: Machine) -> None:
    if len(machine.marks) >= MAX_VALUES:
        raise Unreadable("too many values on the stack")
    machine.marks.append(len(machine.stack))


def _list(machine: Machine) -> None:
    new = Container()
    machine.add_items(new, machine.pop_mark())
    machine.push(new)


def _frozen_set(machine: Machine) -> None:
    new = Container()
    machine.add_items(new, machine.pop_mark(), hashed=True)
    machine.push(new)


def _dict(machine: Machine) -> None:
    new = KnownDict()
    machine.set_items(new, machine.pop_mark())
    machine.push(new)


def _set_items(machine: Machine) -> None:
    pairs = machine.pop_mark()
    machine.set_items(machine.top(), pairs)


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.set_items(machine.top(), [key, value])


def _add_items(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.add_items(machine.top(), items, hashed=True)


def _append_all(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.add_items(machine.top(), items)


def _append(machine: Machine) -> None:
    item = machine.pop()
    machine.add_items(machine.top(), [item])


def _tuple_of(machine: Machine, items: list[Any]) -> Tuple:
    return Tuple(tuple(items) if len(items) <= KEYS else None, machine.reach_of_all(items))


def _tuple(machine: Machine) -> None:
    machine.push(_tuple_of(machine, machine.pop_mark()))


def _small_tuple(size: int) -> Handler:
    def handle(machine: Machine) -> None:
        items = [machine.pop() for _ in range(size)]
        machine.push(_tuple_of(machine, items[::-1]))

    return handle


def _put(width: int) -> Handler:
    return lambda machine: machine.put(machine.reader.number(width), machine.top())


def _get(width: int) -> Handler:
    return lambda machine: machine.get(machine.reader.number(width))


def _memo_number(machine: Machine) -> int:
    text = machine.reader.line()
    if re.fullmatch(rb"[0-9]{1,18}", text) is None:
        raise MalformedPickle("invalid memo number")
    return int(text)


def _memoize(machine: Machine) -> None:
    machine.put(machine.dense + len(machine.sparse), machine.top())


def _protocol(machine: Machine) -> None:
    version = machine.reader.byte()
    if version > _MAX_PROTOCOL:
        raise MalformedPickle(f"pickle protocol {version}: expected at most {_MAX_PROTOCOL}")


def _frame(machine: Machine) -> None:
    machine.frame = machine.reader.number(8) + machine.reader.position


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(module) is bytes and type(name) is bytes:
        machine.push(machine.import_name(decoded(module), decoded(name)))
    elif not all(map(_may_be_text, (module, name))):
        raise MalformedPickle("a name is not a string")
    else:
        machine.findings.add(COMPUTED)
        machine.push(REPORTED_NAME)


def _may_be_text(value: Any) -> bool:
    persistent = type(value) is Instance and value.entry is _STORED
    return type(value) is bytes or value is TEXT or value is UNKNOWN or persistent


def _extension(width: int) -> Handler:
    def handle(machine: Machine) -> None:
        machine.findings.add(f"extension {machine.reader.number(width)}")
        machine.push(REPORTED_NAME)

    return handle


def _instance(machine: Machine) -> None:
    name = machine.import_lines()
    machine.push(machine.call(name, _tuple_of(machine, machine.pop_mark())))


def _object(machine: Machine) -> None:
    values = machine.pop_mark()
    if not values:
        raise MalformedPickle("stack underflow")
    machine.push(machine.call(values[0], _tuple_of(machine, values[1:])))


def _reduce(machine: Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.push(machine.call(function, arguments))


def _new(machine: Machine) -> None:
    arguments, kind = machine.pop(), machine.pop()
    machine.push(machine.instantiate(kind, arguments))


def _new_with_keywords(machine: Machine) -> None:
    keywords, arguments, kind = machine.pop(), machine.pop(), machine.pop()
    machine.push(machine.instantiate(kind, arguments, keywords))


def _persistent_line(machine: Machine) -> None:
    machine.reader.line()
    machine.push(Instance(_STORED, 0, PERSISTENT))


def _persistent(machine: Machine) -> None:
    machine.push(Instance(_STORED, reach_of(machine.pop()), PERSISTENT))


PERSISTENT = "a persistent value"
_STORED = Entry(result=STORAGE)
"""What a loader such as PyTorch's puts in place of a persistent id."""

OPCODES: dict[int, Handler] = {
    **{ord(code): _numbers(code, width) for code, width in (("G", 8), ("J", 4), ("M", 2), ("K", 1))},
    **{ord(code): _integer for code in "IL"},
    **{ord(code): lambda machine: machine.push(Container()) for code in "]\x8f"},
    **{code: _small_tuple(size) for size, code in enumerate((0x85, 0x86, 0x87), 1)},
    **{code: _extension(width) for code, width in ((0x82, 1), (0x83, 2), (0x84, 4))},
    ord("l"): _list, ord("e"): _append_all, 0x90: _add_items, 0x91: _frozen_set, 0x97: _constant(DATA),
    ord("N"): _constant(None), 0x88: _constant(value=True), 0x89: _constant(value=False),
    ord(")"): _constant(Tuple((), 0)), ord("F"): _line, 0x8A: _long, 0x8B: _bytes(4),
    ord("S"): _quoted, ord("V"): _raw_text,
    ord("T"): _text(4), ord("U"): _text(1), ord("X"): _text(4), 0x8C: _text(1), 0x8D: _text(8),
    ord("B"): _bytes(4), ord("C"): _bytes(1), 0x8E: _bytes(8), 0x96: _bytes(8), 0x98: Machine.top,
    ord("("): _mark, ord("0"): _pop, ord("1"): Machine.pop_mark, ord("2"): lambda machine: machine.push(machine.top()),
    ord("}"): lambda machine: machine.push(KnownDict()), ord("d"): _dict, ord("s"): _set_item, ord("u"): _set_items,
    ord("a"): _append, ord("t"): _tuple,
    ord("p"): lambda machine: machine.put(_memo_number(machine), machine.top()),
    ord("q"): _put(1), ord("r"): _put(4), 0x94: _memoize,
    ord("g"): lambda machine: machine.get(_memo_number(machine)),
    ord("h"): _get(1), ord("j"): _get(4),
    0x80: _protocol, 0x95: _frame,
    ord("c"): lambda machine: machine.push(machine.import_lines()),
    0x93: _stack_global, ord("i"): _instance, ord("o"): _object, ord("R"): _reduce,
    0x81: _new, 0x92: _new_with_keywords, ord("b"): Machine.build, ord("P"): _persistent_line, ord("Q"): _persistent,
}
