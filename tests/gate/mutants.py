"""Makes mutants of the judge, in this process.

The judge is pure: the same facts are judged again with the code of one function replaced. Nothing is written to disk.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple, TypeVar

_Node = TypeVar("_Node", bound=ast.AST)
Line = tuple[str, int]
"""A file and a line number."""


class Mutant(NamedTuple):
    """A function of the judge with one change."""

    function: str
    """As `regressions.judge_data`."""
    what: str
    """The change: the source before and after."""
    lines: tuple[Line, ...]
    """The lines of the change; a case that executes none of them cannot detect it."""
    whole: frozenset[Line]
    """All lines of the function."""
    code: CodeType
    target: FunctionType

    @property
    def name(self) -> str:
        """The name in lists and failures."""
        return f"{self.function}: {self.what}"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Run the judge with it."""
        before = self.target.__code__
        self.target.__code__ = self.code
        try:
            yield
        finally:
            self.target.__code__ = before


class Source:
    """A function of a module, and its mutants."""

    def __init__(self, module: ModuleType, owner: str, node: ast.FunctionDef, target: FunctionType) -> None:
        """Take the function `target` with the source `node`, of the class `owner` if that is not empty."""
        self._module, self._node, self._target = module, node, target
        self.name = ".".join(filter(None, (module.__name__.rpartition(".")[2], owner, node.name)))

    @property
    def finds(self) -> bool:
        """Whether it is a rule, which returns or yields findings."""
        said = self._returns
        return said.startswith(("Iterator[", "Iterable[", "list[", "tuple[")) and "Finding" in said

    @property
    def _returns(self) -> str:
        return ast.unparse(self._node.returns) if self._node.returns else ""

    def removed(self) -> Mutant:
        """Return the rule without effect: it finds nothing, or returns the findings that it was given."""
        given = [item.arg for item in self._node.args.args if item.arg == "findings"]
        text = f"return list({given[0]})" if given else "return; yield" if self._generates else self._nothing()
        node = _copy(self._node)
        node.body = ast.parse(f"def f():\n    {text}").body[0].body  # type: ignore[attr-defined]
        return self._mutant(node, "taken out", self._lines(self._node))

    @property
    def _generates(self) -> bool:
        return any(isinstance(item, ast.Yield | ast.YieldFrom) for item in ast.walk(self._node))

    def _nothing(self) -> str:
        if self._returns.startswith("tuple[tuple"):
            return "return (), ()"
        return "return iter(())" if self._returns.startswith("Iter") else f"return {self._returns.partition('[')[0]}()"

    def mutants(self) -> Iterator[Mutant]:
        """Yield a mutant for each comparison, connective, condition and returned constant."""
        number = 0
        while True:
            change = _Change(number)
            node = change.visit(_copy(self._node))
            if change.what is None or change.place is None:
                return
            yield self._mutant(node, change.what, self._lines(change.place))
            number += 1

    def _lines(self, node: ast.AST) -> tuple[Line, ...]:
        file = inspect.getfile(self._module)
        last = node.end_lineno or node.lineno  # type: ignore[attr-defined]
        return tuple((file, line) for line in range(node.lineno, last + 1))  # type: ignore[attr-defined]

    def _mutant(self, node: ast.FunctionDef, what: str, lines: tuple[Line, ...]) -> Mutant:
        node.decorator_list = []
        code = compile(_alone(node), inspect.getfile(self._module), "exec", dont_inherit=True)
        (inner,) = (item for item in code.co_consts if isinstance(item, CodeType))
        return Mutant(self.name, what, lines, frozenset(self._lines(self._node)), inner, self._target)


def _copy(node: _Node) -> _Node:
    """Return a deep copy; `copy.deepcopy` takes four times as long."""
    return pickle.loads(pickle.dumps(node))


def _alone(node: ast.FunctionDef) -> ast.Module:
    node.returns = None
    node.args = _copy(node.args)
    for item in (*node.args.args, *node.args.kwonlyargs):
        item.annotation = None
    node.args.defaults, node.args.kw_defaults = [], [None for _ in node.args.kw_defaults]
    return ast.fix_missing_locations(ast.Module([node], []))


_OTHER: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}
"""The replacements of each comparison."""


class _Change(ast.NodeTransformer):
    """Makes change number N in a function; `what` stays None when there are fewer."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.what: str | None = None
        self.place: ast.AST | None = None

    def _is_it(self) -> bool:
        self._left -= 1
        return self._left == -1 and self.what is None

    def _made(self, old: ast.AST, new: ast.AST) -> ast.AST:
        self.what, self.place = f"{ast.unparse(old)}  ->  {ast.unparse(new)}", old
        return ast.copy_location(new, old)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        for index, operator in enumerate(node.ops):
            for other in _OTHER[type(operator)]:
                if self._is_it():
                    ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                    return self._made(node, ast.Compare(node.left, ops, node.comparators))
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        if self._is_it():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            return self._made(node, ast.BoolOp(other, node.values))
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not) and self._is_it():
            return self._made(node, ast.Call(ast.Name("bool", ast.Load()), [node.operand], []))
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        return self._condition(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self._condition(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        for index, test in enumerate(node.ifs):
            if not _is_said_otherwise(test) and self._is_it():
                node.ifs[index] = self._negated(test)
                return node
        return self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if isinstance(node.value, ast.Constant) and self._is_it():
            return self._made(node, ast.Return(ast.Constant(_unlike(node.value.value))))
        return self.generic_visit(node)

    def _condition(self, node: ast.If | ast.IfExp) -> ast.AST:
        if not _is_said_otherwise(node.test) and self._is_it():
            node.test = self._negated(node.test)
            return node
        return self.generic_visit(node)

    def _negated(self, test: ast.expr) -> ast.expr:
        new = ast.UnaryOp(ast.Not(), test)
        self._made(test, new)
        return new


def _is_said_otherwise(test: ast.expr) -> bool:
    """Whether another mutant negates the condition already."""
    return (isinstance(test, ast.Compare) and len(test.ops) == 1) or isinstance(test, ast.UnaryOp)


def _unlike(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return "" if value else "mutated"


# Functions.


def sources(module: str) -> list[Source]:
    """Return the functions of a module and the methods of its classes."""
    found = importlib.import_module(module)
    tree = ast.parse(inspect.getsource(found))
    parts = [(owner, node, _target(found, owner, node)) for owner, node in _functions(tree)]
    return [Source(found, owner, node, target) for owner, node, target in parts if target]


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for item in tree.body:
        if isinstance(item, ast.FunctionDef):
            yield "", item
        elif isinstance(item, ast.ClassDef):
            yield from ((item.name, inner) for inner in item.body if isinstance(inner, ast.FunctionDef))


def _target(module: ModuleType, owner: str, node: ast.FunctionDef) -> FunctionType | None:
    found = inspect.getattr_static(getattr(module, owner) if owner else module, node.name)
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, cached_property):
        found = found.func
    return inspect.unwrap(found) if callable(found) else None


# Executed lines.


def lines_of(run: Callable[[], object], files: Collection[str]) -> frozenset[Line]:
    """Return the lines of `files` that `run` executes."""
    seen: set[Line] = set()

    def trace(frame: object, event: str, _: object) -> object:
        file = frame.f_code.co_filename  # type: ignore[attr-defined]
        if file not in files:
            return None
        if event == "line":
            seen.add((file, frame.f_lineno))  # type: ignore[attr-defined]
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        run()
    finally:
        sys.settrace(before)
    return frozenset(seen)


def reaching(mutant: Mutant, lines: Iterable[tuple[str, frozenset[Line]]]) -> list[str]:
    """Return the names of the cases that execute a mutant's change."""
    return [name for name, seen in lines if not seen.isdisjoint(mutant.lines)]
