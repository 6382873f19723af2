"""The formats that a policy can deny, and the file names of each."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.objects.parsing import patterns

NAMES = {
    "gguf": ("*.gguf",),
    "hdf5": ("*.h5", "*.hdf5"),
    "joblib": ("*.joblib",),
    "onnx": ("*.onnx",),
    "pickle": ("*.pkl", "*.pickle", "*.joblib", "*.pt", "*.pth", "*.ckpt", "pytorch_model*.bin"),
    "safetensors": ("*.safetensors",),
}
"""By format: patterns of its file names."""


def denied(deny: Iterable[str], files: Iterable[str]) -> tuple[str, str] | None:
    """Return the first file that matches `deny` (formats or patterns), and the match in it; None without one.

    Case is ignored, as loaders ignore it.
    """
    globs = {name: NAMES.get(name, (name,)) for name in deny}
    return next(((file, name) for file in files for name in globs if patterns.in_any_case(globs[name], file)), None)


def problem(deny: Iterable[str]) -> str:
    """Return why a list of formats is invalid; empty when it is valid."""
    for name in deny:
        if name not in NAMES and not any(char in name for char in "*?["):
            return f"unknown format {name!r}: expected a pattern, or one of {', '.join(NAMES)}"
        if name not in NAMES and (reason := patterns.problem(name)):
            return reason
    return ""
