"""The opcodes of pickles, each with what it does to the machine. Those with an argument are made by a function."""

from __future__ import annotations

import re
from typing import Any

from mvc.pickles.machine import COMPUTED, MANY, Act, Machine, decoded
from mvc.pickles.source import SHORT, Broken
from mvc.pickles.values import ANYTHING, DATA, KEYS, Dict, Name

_MAX_PROTOCOL = 5
_FEW = 8
"""Numbers in a row that may be a shape: of longer rows nothing is known."""


def _constant(value: Any) -> Act:
    return lambda machine: machine.push(value)


def _rows(code: str, width: int) -> Act:
    """Return the act of a number of `width` bytes, and of all that follow it in a row."""
    pattern = re.compile(re.escape(code.encode()) + b".{%d}" % width, re.DOTALL)
    row = re.compile(b"(?:%s)*" % pattern.pattern, re.DOTALL)

    def act(machine: Machine) -> None:
        source = machine.source
        data = source.take(width)
        machine.push(DATA if code == "G" else int.from_bytes(data, "little", signed=code == "J"))
        count = source.run(row) // (width + 1)
        if count <= _FEW:
            source.go(source.position - count * (width + 1))
        elif len(machine.stack) + count > MANY:
            raise Broken("it has too many values at a time")
        else:
            machine.stack.extend([DATA] * count)

    return act


def _text(width: int) -> Act:
    """Return the act of a string behind its length, a number of `width` bytes."""

    def act(machine: Machine) -> None:
        size = machine.source.number(width)
        if size > SHORT:
            machine.source.skip(size)
            machine.push(ANYTHING)
        else:
            machine.push(machine.source.take(size))

    return act


def _bytes(width: int) -> Act:
    """Return the act of something that is no name, behind its length."""

    def act(machine: Machine) -> None:
        machine.source.skip(machine.source.number(width))
        machine.push(DATA)

    return act


def _long(machine: Machine) -> None:
    size = machine.source.byte()
    data = machine.source.take(size)
    machine.push(int.from_bytes(data, "little", signed=True) if size <= _FEW else DATA)


def _line(machine: Machine) -> None:
    machine.source.line()
    machine.push(DATA)


def _integer(machine: Machine) -> None:
    text = machine.source.line()
    machine.push(int(text) if re.fullmatch(rb"0|-?[1-9][0-9]{0,17}", text) else DATA)


def _quoted(machine: Machine) -> None:
    text = machine.source.line().strip()
    if len(text) > SHORT:
        machine.push(ANYTHING)
        return
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in b"'\"":  # noqa: PLR2004 - the quotes
        raise Broken("it has a text without quotes")
    machine.push(text[1:-1] if text.isascii() and b"\\" not in text else ANYTHING)


def _raw_text(machine: Machine) -> None:
    text = machine.source.line()
    machine.push(text if text.isascii() and b"\\" not in text and len(text) <= SHORT else ANYTHING)


def _pop(machine: Machine) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _mark(machine: Machine) -> None:
    if len(machine.marks) >= MANY:
        raise Broken("it has too many values at a time")
    machine.marks.append(len(machine.stack))


def _collect(machine: Machine) -> None:
    machine.to_mark()
    machine.push(DATA)


def _dict(machine: Machine) -> None:
    found = Dict()
    _set_all(found, machine.to_mark())
    machine.push(found)


def _set_all(target: Any, values: list[Any]) -> None:
    if type(target) is Dict:
        if len(values) > 2 * KEYS:
            target.items = None
        for key, value in zip(values[: 2 * KEYS : 2], values[1 : 2 * KEYS : 2], strict=False):
            target.set(key, value)


def _set_items(machine: Machine) -> None:
    values = machine.to_mark()
    _set_all(machine.top(), values)


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_all(machine.top(), [key, value])


def _add_items(machine: Machine) -> None:
    machine.to_mark()
    machine.top()


def _append(machine: Machine) -> None:
    machine.pop()
    machine.top()


def _tuple(machine: Machine) -> None:
    values = machine.to_mark()
    machine.push(tuple(values) if len(values) <= KEYS else DATA)


def _small_tuple(size: int) -> Act:
    def act(machine: Machine) -> None:
        values = [machine.pop() for _ in range(size)]
        machine.push(tuple(reversed(values)))

    return act


def _put(width: int) -> Act:
    return lambda machine: machine.put(machine.source.number(width), machine.top())


def _get(width: int) -> Act:
    return lambda machine: machine.get(machine.source.number(width))


def _put_line(machine: Machine) -> None:
    machine.put(_index(machine), machine.top())


def _get_line(machine: Machine) -> None:
    machine.get(_index(machine))


def _index(machine: Machine) -> int:
    text = machine.source.line()
    if re.fullmatch(rb"[0-9]{1,18}", text) is None:
        raise Broken("it takes what is not there")
    return int(text)


def _memoize(machine: Machine) -> None:
    machine.put(machine.dense + len(machine.sparse), machine.top())


def _protocol(machine: Machine) -> None:
    if machine.source.byte() > _MAX_PROTOCOL:
        raise Broken("it is of a protocol that nobody knows")


def _frame(machine: Machine) -> None:
    machine.frame = machine.source.number(8) + machine.source.position


def _global(machine: Machine) -> None:
    machine.push(machine.line_name())


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(module) is bytes and type(name) is bytes:
        machine.push(machine.name(decoded(module), decoded(name)))
    elif any(type(value) is not bytes and value is not ANYTHING for value in (module, name)):
        raise Broken("it has a name that is no text")
    else:
        machine.found.add(COMPUTED)
        machine.push(Name(""))


def _extension(width: int) -> Act:
    def act(machine: Machine) -> None:
        machine.found.add(f"the extension {machine.source.number(width)}")
        machine.push(Name(""))

    return act


def _instance(machine: Machine) -> None:
    name = machine.line_name()
    machine.push(machine.call(name, tuple(machine.to_mark())))


def _object(machine: Machine) -> None:
    values = machine.to_mark()
    if not values:
        raise Broken("it takes what is not there")
    machine.push(machine.call(values[0], tuple(values[1:])))


def _reduce(machine: Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.push(machine.call(function, arguments))


def _new(machine: Machine) -> None:
    machine.pop()
    machine.push(machine.make(machine.pop()))


def _new_with_keywords(machine: Machine) -> None:
    machine.pop()
    _new(machine)


def _persistent_line(machine: Machine) -> None:
    machine.source.line()
    machine.push(ANYTHING)


def _persistent(machine: Machine) -> None:
    machine.pop()
    machine.push(ANYTHING)


OPCODES: dict[int, Act] = {
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
    ord("B"): _bytes(4), ord("C"): _bytes(1), 0x8E: _bytes(8), 0x96: _bytes(8), 0x98: Machine.top,
    ord("("): _mark, ord("0"): _pop, ord("1"): Machine.to_mark, ord("2"): lambda machine: machine.push(machine.top()),
    ord("}"): lambda machine: machine.push(Dict()), ord("d"): _dict, ord("s"): _set_item, ord("u"): _set_items,
    ord("a"): _append, ord("t"): _tuple,
    ord("p"): _put_line, ord("q"): _put(1), ord("r"): _put(4), 0x94: _memoize,
    ord("g"): _get_line, ord("h"): _get(1), ord("j"): _get(4),
    0x80: _protocol, 0x95: _frame,
    ord("c"): _global, 0x93: _stack_global, ord("i"): _instance, ord("o"): _object, ord("R"): _reduce,
    0x81: _new, 0x92: _new_with_keywords, ord("b"): Machine.build, ord("P"): _persistent_line, ord("Q"): _persistent,
}
