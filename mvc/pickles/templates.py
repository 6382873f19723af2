"""The text that SciPy's distributions run as code when they are unpickled: three functions that sort arguments."""

from __future__ import annotations

_FUNCTIONS = ("_parse_args", "_parse_args_rvs", "_parse_args_stats")
_METHOD = "_argcheck_rvs"


def is_parser(text: bytes) -> bool:
    """Whether `text` only defines functions, with constants for defaults, that return arguments."""
    import ast  # noqa: PLC0415 - few files need it

    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    if len(module.body) != len(_FUNCTIONS):
        return False
    return all(
        isinstance(node, ast.FunctionDef) and node.name == name and not node.decorator_list and not node.returns
        and all(isinstance(item, ast.Constant) for item in (*node.args.defaults, *node.args.kw_defaults))
        and all(type(part).__name__ in _PARTS and getattr(part, "attr", _METHOD) == _METHOD for part in ast.walk(node))
        and not any(isinstance(part, ast.arg) and part.annotation for part in ast.walk(node))
        for node, name in zip(module.body, _FUNCTIONS, strict=True)
    )


_PARTS = frozenset({
    "FunctionDef", "arguments", "arg", "Return", "Tuple", "Name", "Load", "Constant", "Call", "Attribute", "keyword",
})
