"""mvc in a fork of this process, with one fsync switched off: the product itself has no such switch."""

from __future__ import annotations

import ast
import gc
import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

from forkserver import keep_command_line
from harness import Result

import mvc

PACKAGE = Path(mvc.__file__).parent
_CALLS = frozenset({
    "fsync", "fdatasync", "fsync_directory", "fsync_upward", "fsync_names", "fsync_folders",
    "_fsync_all", "_fsync_file", "fsync_folder",
})
"""What makes something durable. Inside of functions with such a name it is their own: their callers count."""
_HEAVY = ("s3", "gs", "azure", "web", "ssh", "session", "open", "grpc_server", "rest", "server", "client")


class Site(NamedTuple):
    """A place in the code that makes something durable."""

    file: str
    function: str
    number: int
    """Which one of that function."""

    def __str__(self) -> str:
        """Return how a test names it."""
        return f"{self.file}:{self.function}:{self.number}"


@cache
def sites() -> dict[Site, ast.Call]:
    """Return every place in mvc that makes something durable."""
    found: dict[Site, ast.Call] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for function, call in _calls(ast.parse(_source(str(path))), ()):
            name = str(path.relative_to(PACKAGE))
            number = sum(site[:2] == (name, function) for site in found)
            found[Site(name, function, number)] = call
    return found


@cache
def _source(path: str) -> bytes:
    return Path(path).read_bytes()


def _calls(node: ast.AST, inside: tuple[str, ...]) -> Iterator[tuple[str, ast.Call]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        inside = (*inside, node.name)
    if isinstance(node, ast.Call) and _name(node) in _CALLS and not set(inside) & _CALLS:
        yield ".".join(inside), node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inside)


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


class _Remover(ast.NodeTransformer):
    """Puts `None` in the place of one call."""

    def __init__(self, call: ast.Call) -> None:
        self._place = (call.lineno, call.col_offset)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value if isinstance(node.value, ast.Constant) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if (node.lineno, node.col_offset) == self._place and _name(node) in _CALLS:
            return ast.copy_location(ast.Constant(None), node)
        return node


def switch_off(site: Site) -> None:
    """Take one fsync out of this process, for good."""
    path = str(PACKAGE / site.file)
    importlib.import_module(f"mvc.{site.file.removesuffix('.py').replace('/', '.')}")
    tree = _Remover(sites()[site]).visit(ast.parse(_source(path)))
    top = _functions(compile(tree, path, "exec"))
    changed = 0
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            code = top.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
            if code is not None:
                function.__code__ = code
                changed += 1
    assert changed, site


def _functions(code: CodeType) -> dict[tuple[str, int], CodeType]:
    """Return the functions in a module that are no other function's own."""
    found = {}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            found[part.co_qualname, part.co_firstlineno] = part
            if not part.co_flags & 0x2:  # of a class, not a function
                found.update(_functions(part))
    return found


@cache
def load_all() -> None:
    """Import what commands may need, once for all of their forks."""
    for module in pkgutil.walk_packages(mvc.__path__, "mvc."):
        if module.name.rpartition(".")[2] not in (*_HEAVY, "__main__"):
            importlib.import_module(module.name)
    keep_command_line()


def run(
    folder: Path, environ: Mapping[str, str], *args: str, off: Site | None = None, boot: Path | None = None,
) -> Result:
    """Run `mvc ARGS` in `folder`, without the fsync at `off`; `boot` holds what the system calls itself."""
    load_all()
    out, err = os.memfd_create("out"), os.memfd_create("err")
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(_become_mvc(folder, environ, args, out, err, off, boot))
        finally:
            os._exit(99)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    result = Result(args, code, *(_text(fd) for fd in (out, err)))
    assert "Traceback" not in result.err, result
    assert result.code in (0, 1, 2, 3), result
    return result


def _become_mvc(
    folder: Path,
    environ: Mapping[str, str],
    args: tuple[str, ...],
    out: int,
    err: int,
    off: Site | None,
    boot: Path | None,
) -> int:
    for number, fd in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
        os.dup2(fd, number)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", errors="surrogateescape") for number, mode in enumerate("rww")
    )
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    if off is not None:
        switch_off(off)
    from mvc.cli.main import run as run_mvc
    from mvc.workspace import catalog

    if boot is not None:
        catalog.BOOT_ID = str(boot)

    try:
        code = run_mvc(list(args))
    except BaseException:  # noqa: BLE001 - shown as the interpreter would
        import traceback

        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _text(fd: int) -> str:
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return file.read().decode(errors="surrogateescape")
