"""Models that the user's own function loads."""

from __future__ import annotations

import sys
from importlib import import_module

from mvc.errors import UsageError
from mvc.runtime.estimator import Estimator


def load(path: str, loader: str, folder: str) -> Estimator:
    """Call `loader`, a `module:function`, with `path`; it returns an object with `predict`.

    The module is looked for in `folder`, too.

    Raises:
        UsageError: there is no such function, or it fails.
    """
    module, _, name = loader.partition(":")
    if not module or not name:
        raise UsageError(f"--loader {loader}: expected MODULE:FUNCTION", "--loader MODULE:FUNCTION")
    sys.path.insert(0, folder)
    try:
        function = getattr(import_module(module), name, None)
    except (Exception, SystemExit) as error:
        reason = error if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise UsageError(f"--loader {loader}: {reason}", "--loader MODULE:FUNCTION") from error
    if not callable(function):
        raise UsageError(f"--loader {loader}: module {module} has no function {name}", "--loader MODULE:FUNCTION")
    try:
        model = function(path)
    except (Exception, SystemExit) as error:
        raise UsageError(f"--loader {loader} failed: {type(error).__name__}: {error}") from error
    return Estimator(model, f"what {loader} returns")
