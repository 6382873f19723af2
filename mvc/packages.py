"""Packages that are missing, and what to type to install them.

No index has mvc under a name that is ours, so no line to type names one: `pip install modelvc` would install what
somebody else put there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

UPGRADE = "upgrade mvc, in the way it was installed"

CORE = (
    "blake3>=1.0.11", "msgspec>=0.22", "pathspec>=1.1", "platformdirs>=4.14", "pyyaml>=6.0.3", "rich>=15",
    "typer>=0.28,<0.29", "xxhash>=4.1",
)
EXTRAS = {
    "s3": ("aiobotocore>=3.10",),
    "gs": ("aiohttp>=3.14", "google-auth[requests]>=2.60"),
    "az": ("azure-identity>=1.27", "azure-storage-blob[aio]>=12.31"),
    "ssh": ("asyncssh>=2.24",),
    "http": ("aiohttp>=3.14",),
    "eval": ("fairlearn>=0.15", "pyarrow>=26", "scikit-learn>=1.9.1"),
    "onnx": ("onnx>=1.23", "onnxruntime>=1.32", "protobuf<7", "skl2onnx>=1.20"),
    "convert": ("safetensors>=0.8", "skops>=0.16"),
    "oci": ("oras>=0.2.43",),
    "serve": ("kserve>=0.21,<0.22", "prometheus-client>=0.26", "pyarrow>=26"),
    "drift": ("pyarrow>=26", "scipy>=1.17"),
    "inspect": ('backports-zstd>=1.8; python_version < "3.14"',),
    "site": ("altair>=6.3", "jinja2>=3.1.6", "vl-convert-python>=1.9"),
}
"""What mvc and each extra of pyproject.toml install: there is no metadata to ask where mvc runs from a checkout."""

_END_OF_NAME = re.compile(r"[^A-Za-z0-9._-]")


def of_server(name: str) -> bool:
    """Whether a server of mvc needs a package of its own choice: mvc itself, and what it stands on."""
    own = {"mvc", "modelvc", "pip", *(_END_OF_NAME.split(item)[0] for item in (*CORE, *EXTRAS["serve"]))}
    return re.sub("[-_.]+", "-", name).lower() in own


def missing(packages: Iterable[str]) -> str:
    """Return the first of some packages that cannot be imported; empty if all can."""
    from importlib.util import find_spec  # noqa: PLC0415 - import time, of the hook

    return next((name for name in packages if find_spec(name) is None), "")


def install(extra: str) -> str:
    """Return the line that installs what `extra` does."""
    return f"pip install {shlex.join(EXTRAS[extra])}"
