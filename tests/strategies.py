"""What hypothesis makes up for several tests: names, entries, manifests."""

from __future__ import annotations

from hypothesis import strategies as st

from mvc.errors import InvalidName
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.names import check_path, check_paths


def accepted(path: str) -> bool:
    """Whether mvc takes the path."""
    try:
        check_path(path)
    except InvalidName:
        return False
    return True


def compatible(entries: list[Entry]) -> bool:
    """Whether the entries may stand together in a manifest."""
    try:
        check_paths(lambda: (entry.path for entry in entries))
    except InvalidName:
        return False
    return True


any_character = st.characters(exclude_categories=["Cs", "Cc"])
parts = st.text(st.sampled_from("abcXYZ019._- é数\N{ROCKET}\u2028\u0378'\"*[]{}#!:,"), min_size=1, max_size=6)
rel_paths = st.lists(parts | st.text(any_character, min_size=1, max_size=4), min_size=1, max_size=3)
good_paths = rel_paths.map("/".join).filter(accepted)
entries = st.builds(
    lambda path, data, executable: Entry(path, *hash_bytes(data), executable),
    good_paths,
    st.binary(max_size=3),
    st.booleans(),
)
manifests = st.lists(entries, max_size=8, unique_by=lambda entry: entry.path).filter(compatible).map(Manifest.of)
