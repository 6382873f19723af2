"""The machine that follows a pickle: its stack and memo have partly known values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from mvc.pickles import calls, dtypes, states
from mvc.pickles.allowed.kinds import (
    ARRAY,
    CONSTRUCTOR,
    CONTAINER,
    GENERATOR,
    HASHABLE,
    MADE_TYPE,
    NAME,
    OBJECT,
    SPECIAL,
    TABLE,
    VALUE,
    accepts,
)
from mvc.pickles.allowed.names import ARRAY_PACKAGES, ARRAY_WRAPPER
from mvc.pickles.allowed.tables import Entry
from mvc.pickles.joblib_arrays import joblib_array
from mvc.pickles.source import SHORT, MalformedPickle, PickleReader, Unreadable
from mvc.pickles.values import (
    DATA,
    TEXT,
    UNKNOWN,
    ArrayWrapper,
    Container,
    Dtype,
    Findings,
    Global,
    Instance,
    KnownDict,
    Tuple,
    is_special,
    reach_of,
    reach_of_all,
)

COMPUTED = "a computed name"
CALLED = "a computed value, called"
STATE = "the state of"
ITEMS = "an item of"
KEY = "the hash of a key"
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
        """Values by number; a number that is in use and not here has an unknown string."""
        self.dense = 0
        """All numbers below this are in use, and those in `sparse`."""
        self.sparse: set[int] = set()
        self.misread = False
        """Whether an array of joblib was skipped, which `pickle.load` reads as opcodes."""
        self.frame = 0
        """The end of the last frame."""
        self.cyclic = False
        """Whether a value was altered after it became part of another: what that one reaches is not known."""

    def run(self) -> Any:
        """Follow the opcodes until STOP; return the value that it pops."""
        reader, opcodes = self.reader, self.opcodes
        for _ in range(_MAX_OPCODES):
            reader.at = self.run_common(reader.data, reader.at)
            code = reader.byte()
            if code == _STOP:
                value = self.pop()
                self.reach_of_all((value,))
                return value
            act = opcodes.get(code)
            if act is None:
                raise MalformedPickle(f"invalid opcode at byte {reader.position - 1}")
            act(self)
        raise Unreadable("too many opcodes")

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
                value, at = memo.get(data[at + 1], TEXT), at + 2
            elif code == _LONG_GET and (number := int.from_bytes(data[at + 1 : at + 5], "little")) < self.dense:
                value, at = memo.get(number, TEXT), at + 5
            else:
                break
            push(value)
            if data[at] == _MEMOIZE and not self.sparse:
                if value is not TEXT:
                    memo[self.dense] = value
                self.dense += 1
                at += 1
        if len(self.stack) > MAX_VALUES:
            raise Unreadable("too many values on the stack")
        return at

    # The stack.

    def push(self, value: Any) -> None:
        """Push a value."""
        if len(self.stack) >= MAX_VALUES:
            raise Unreadable("too many values on the stack")
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
        if value is not TEXT and (len(self.memo) < MAX_VALUES or type(value) is not bytes):
            self.memo[number] = value
        elif number in self.memo:
            del self.memo[number]
        if len(self.memo) > 2 * MAX_VALUES or len(self.sparse) > MAX_VALUES:
            raise Unreadable("too many values in the memo")

    def get(self, number: int) -> None:
        """Push a value from the memo."""
        if number >= self.dense and number not in self.sparse:
            raise MalformedPickle(f"memo has no value {number}")
        self.push(self.memo.get(number, TEXT))

    # Imports.

    def import_name(self, module: str, name: str) -> Global:
        """Import a name."""
        full = f"{module}.{name}"
        if self.uncertain and (not _REPORTED.fullmatch(module) or not name.isprintable()):
            raise MalformedPickle("invalid module name")
        if self.misread and name == "dtype" and module.partition(".")[0] not in ARRAY_PACKAGES:
            raise MalformedPickle("invalid module name")  # a nested pickle with memo numbers of the outer one
        entry = self.findings.allowed.find(full)
        if entry is None:
            self.findings.add(full)
            return REPORTED_NAME
        return Global(full, entry, entry.kind)

    def import_lines(self) -> Global:
        """Import the name in the next two lines."""
        module, name = (decoded(self.reader.line()) for _ in range(2))
        if len(module) > SHORT or len(name) > SHORT:
            self.findings.add(COMPUTED)
            return REPORTED_NAME
        return self.import_name(module, name)

    # Calls.

    def call(self, function: Any, arguments: Any) -> Any:
        """Call `function`; return its partly known result."""
        if type(function) is not Global:
            if not _may_be_callable(function):
                raise MalformedPickle("calls a value that is not callable")
            return self.refuse(CALLED)
        items = arguments.items if type(arguments) is Tuple else None
        if (check := calls.CHECKED.get(function.name)) is not None:
            result = check(self, items) if items is not None else None
            return self.refuse(f"{function.name}()") if result is None else result
        accepted = function.entry.call
        if accepted is None or type(arguments) is not Tuple or not self.accepts(accepted, arguments.reach):
            return self.refuse(function.name and f"{function.name}()")
        return Instance(function.entry, arguments.reach & ~MADE_TYPE, function.name)  # a function is given the class

    def instantiate(self, kind: Any, arguments: Any, keywords: Any = None) -> Any:
        """Make an instance of a class by its `__new__`."""
        if type(kind) is not Global:
            if not _may_be_callable(kind):
                raise MalformedPickle("instantiates a value that is not a class")
            return self.refuse(CALLED)
        plain = keywords is None or (type(keywords) is KnownDict and not keywords.special)
        plain = plain and type(arguments) is Tuple
        reach = reach_of(arguments) | reach_of(keywords)
        if kind.name == ARRAY_WRAPPER and plain and not reach:
            return ArrayWrapper()
        if kind.entry.new is None or not plain or not self.accepts(kind.entry.new, reach):
            return self.refuse(kind.name and f"{kind.name}()")
        return Instance(kind.entry, reach, kind.name)

    def accepts(self, kinds: int, reach: int) -> bool:
        """Whether a value that reaches `reach` only reaches `kinds`."""
        return accepts(kinds, reach, cyclic=self.cyclic)

    def refuse(self, name: str) -> Any:
        """Report a call; an empty name was reported at its import. Return its unknown result."""
        self.findings.calls = True
        if name:
            self.findings.add(name)
        return UNKNOWN

    # Items.

    def reach_of_all(self, values: Sequence[Any]) -> int:
        """Return what values reach that become part of another; report a function that is only there to be called."""
        reach = reach_of_all(values)
        if reach & CONSTRUCTOR:
            for value in values:
                if reach_of(value) & CONSTRUCTOR:
                    self.findings.add(value.name if type(value) is Global else CALLED)
        return reach

    def grow(self, target: Container | Instance, reach: int) -> None:
        """Note that `target` reaches more. An instance of any class reaches everything anyway."""
        if target.stored and reach & ~target.reach and not target.reach & OBJECT:
            self.cyclic = True
        target.reach |= reach

    def add_items(self, target: Any, items: list[Any], *, hashed: bool = False) -> None:
        """Append `items` to a list, or add them to a set, where they are `hashed`."""
        if hashed:
            self.check_keys(items)
        self.fill(target, self.reach_of_all(items))

    def set_items(self, target: Any, pairs: list[Any]) -> None:
        """Set keys and values, which alternate in `pairs`, in a dictionary."""
        keys, values = pairs[::2], pairs[1::2]
        if len(keys) != len(values):
            raise MalformedPickle("a key has no value")
        self.check_keys(keys)
        if type(target) is KnownDict:
            if target.frozen:
                self.refuse(f"{STATE} an object, altered")
            target.set_all(keys, values)
        elif type(target) is Instance and not target.entry.result & CONTAINER and any(map(is_special, keys)):
            self.refuse(f"{ITEMS} an object, as an attribute")
        special = SPECIAL if type(target) is KnownDict and target.special else 0
        self.fill(target, self.reach_of_all(keys) | self.reach_of_all(values) | special)

    def check_keys(self, keys: list[Any]) -> None:
        """Report a key whose class may run code to hash or compare it."""
        if not all(self.accepts(HASHABLE, reach_of(key)) for key in keys):
            self.refuse(KEY)

    def fill(self, target: Any, reach: int) -> None:
        """Add items that reach `reach` to `target`."""
        fits = type(target) is Instance and target.entry.items is not None and not target.built and (
            self.accepts(target.entry.items, reach)
        )
        if isinstance(target, Container) or fits:
            self.grow(target, reach)
        else:
            self.refuse(_altered(ITEMS, target))

    # States.

    def build(self) -> None:
        """Give the top value its state."""
        state = self.pop()
        value = self.top()
        if type(value) is Dtype:
            if value.stored or not dtypes.set_state(value, state):
                self.refuse(f"{STATE} numpy.dtype")
        elif type(value) is ArrayWrapper:
            self.findings.has_arrays = True
            if self.arrays:
                self.skip_array(value, state)
            else:
                self.misread = True
        elif type(value) is Instance and self.may_build(value, state):
            value.built = True
            self.grow(value, self.reach_of_all((state,)))
            for part in states.dictionaries(state):
                part.frozen = True
        else:
            self.refuse(_altered(STATE, value))

    def may_build(self, value: Instance, state: Any) -> bool:
        """Whether an instance may get this state. Pickle gives it once, and to an array before it is used."""
        fresh = not value.built and not (value.stored and value.entry.form in ("array", "masked array"))
        return fresh and states.is_allowed(value.entry, state, cyclic=self.cyclic)

    def skip_array(self, wrapper: ArrayWrapper, state: Any) -> None:
        """Skip an array as joblib reads it: `joblib.numpy_pickle.NumpyArrayWrapper.read_array`."""
        if self.reader.position < self.frame or wrapper.built:
            raise MalformedPickle("an array stands where joblib does not write one")
        wrapper.built = True
        array = joblib_array(state)
        self.stack[-1] = Instance(_ARRAY, 0, ARRAY_WRAPPER)
        if array.size is None:
            inner = Machine(self.opcodes, self.reader, self.findings, arrays=False, uncertain=self.uncertain)
            self.stack[-1] = inner.run()
            return
        if array.padded:
            self.reader.skip(self.reader.byte())
        self.reader.skip(array.size)


REPORTED_NAME = Global("", Entry(NAME), NAME)
_ARRAY = Entry(result=ARRAY)


def _may_be_callable(value: Any) -> bool:
    known = type(value) is Instance and value.entry.result in (ARRAY, GENERATOR, TABLE, VALUE)
    return value is UNKNOWN or (type(value) is Instance and not known)


def _altered(what: str, value: Any) -> str:
    """Return how a finding names what alters a value; empty if the value is there because of another finding.

    Raises:
        MalformedPickle: It cannot be altered: the unpickler fails.
    """
    if value is UNKNOWN:
        return ""
    if type(value) in (Global, Instance):
        return value.name and f"{what} {value.name}"
    if value is DATA:
        return f"{what} an object"
    raise MalformedPickle("alters a value that has no attributes or items")


def decoded(raw: bytes) -> str:
    """Return a name as text.

    Raises:
        MalformedPickle: It is not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedPickle("a name is not UTF-8") from None
