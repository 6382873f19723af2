"""What the cache tells of a model: the files of a directory, and what their pickles would call."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from manifests import encode

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import dir_pointer, emit, file_pointer
from mvc.ops.shared.evidence.cached_content import file_names
from mvc.ops.shared.evidence.pickle_scans import scan_model
from mvc.quality.judge.facts import PickleScan
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import CacheWriter


class Shell:
    def __reduce__(self) -> object:
        return os.system, ("true",)


BAD = pickle.dumps(Shell())
FILES = {f"{number:03}.txt": b"text" for number in range(300)} | {"bad.pkl": BAD}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(str(tmp_path / "cache"))


def store(cache: Cache, *contents: bytes) -> None:
    with CacheWriter(cache) as writer:
        for content in contents:
            writer.put_bytes(content)


def directory() -> tuple[bytes, list[bytes]]:
    """Return the pointer of a directory that does not list its files, and its manifest's objects."""
    entries = sorted(Entry(path, *hash_bytes(data)) for path, data in FILES.items())
    manifest = Manifest.holding(entries)
    return emit(dir_pointer(manifest)), [data for _, data in encode(manifest).objects]


def test_the_names_of_a_directory_s_files_are_in_its_manifest(cache: Cache) -> None:
    pointer, objects = directory()
    assert file_names(cache, pointer) is None
    assert file_names(cache, b"garbage") is None
    store(cache, *objects)
    assert file_names(cache, pointer) == tuple(sorted(FILES))


def test_a_scan_names_what_is_bad_and_what_is_absent(cache: Cache) -> None:
    file = emit(file_pointer(hash_bytes(BAD)))
    pointer, objects = directory()
    assert scan_model(cache, "m.pkl", b"garbage", trusted=True) is None
    assert scan_model(cache, "m.pkl", file, trusted=True) == (PickleScan("", absent=True),)
    assert scan_model(cache, "m", pointer, trusted=True) == (PickleScan("", absent=True),)
    store(cache, *objects, BAD, b"text")
    for trusted in (True, False):
        (found,) = scan_model(cache, "m.pkl", file, trusted=trusted) or ()
        assert (found.file, found.problem, found.absent) == ("", "", False)
        assert any("system" in name for name in found.names)
        (inside,) = scan_model(cache, "m", pointer, trusted=trusted) or ()
        assert inside == found._replace(file="bad.pkl")
