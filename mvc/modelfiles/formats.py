"""Which formats a policy may name, and the names of files by which they are told."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.objects import patterns

NAMES = {
    "gguf": ("*.gguf",),
    "hdf5": ("*.h5", "*.hdf5"),
    "joblib": ("*.joblib",),
    "onnx": ("*.onnx",),
    "pickle": ("*.pkl", "*.pickle", "*.joblib", "*.pt", "*.pth", "*.ckpt", "pytorch_model*.bin"),
    "safetensors": ("*.safetensors",),
}
"""By format, what its files are called."""


def denied(deny: Iterable[str], files: Iterable[str]) -> tuple[str, str] | None:
    """Return the first file that one of `deny`, a format or a pattern, means, and that one; None when there is none.

    Upper and lower case are one: no loader asks how an ending is spelled.
    """
    globs = {name: NAMES.get(name, (name,)) for name in deny}
    return next(((file, name) for file in files for name in globs if patterns.in_any_case(globs[name], file)), None)


def problem(deny: Iterable[str]) -> str:
    """Return what is wrong with a list of formats; empty when nothing is."""
    for name in deny:
        if name not in NAMES and not any(char in name for char in "*?["):
            return f"{name!r} is neither a pattern nor one of {', '.join(NAMES)}"
        if name not in NAMES and (reason := patterns.problem(name)):
            return reason
    return ""
