"""The index of a safetensors model in several files, held against the files beside it.

Format: https://huggingface.co/docs/safetensors and `save_pretrained` of the transformers library.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import msgspec

INDEX = ".safetensors.index.json"
"""How the name of an index ends; what is before it begins the names of the shards."""
LARGEST = 64 << 20
"""Bytes of an index: that of a model with 100,000 tensors has 10 MB."""
_FEW = 3
"""Names in a message."""
_LONG = 100
"""Characters of a name in a message."""


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


def shard_problems(raw: bytes, name: str, beside: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the index `raw`, a file `name` among the files `beside`, all without folders."""
    if len(raw) > LARGEST:
        yield f"{name} has more than {LARGEST >> 20} MiB, which no index has"
        return
    try:
        named = set(msgspec.json.decode(raw, type=_Index).weight_map.values())
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        yield f"{name} is not an index of shards: {error}"
        return
    shards = re.compile(re.escape(name.removesuffix(INDEX)) + r"-\d{5,}-of-\d{5,}\.safetensors")
    if missing := sorted(named - set(beside)):
        yield f"{name} names {_few(missing)}, not there"
    if extra := sorted(shard for shard in set(beside) - named if shards.fullmatch(shard)):
        yield f"{name} does not name {_few(extra)}, beside it"


def _few(names: Iterable[str]) -> str:
    shown = [name if len(name) <= _LONG else f"{name[:_LONG]}…" for name in names]
    first, rest = shown[:_FEW], shown[_FEW:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
