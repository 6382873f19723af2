"""Objects are written into the workspace with every link type, and checked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from store.test_collision import colliding_pair

from mvc.errors import CorruptObject, MissingObject
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.cache.cache import Cache
from mvc.store.cache.source_file import LinkType
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.workspace import links as links_module
from mvc.workspace.links import Links

BODIES = {"empty": b"", "packed": b"small", "loose": b"L" * LOOSE_AT}
TYPES: dict[str, tuple[LinkType, ...]] = {
    "copy": ("copy",),
    "reflink,copy": ("reflink", "copy"),
    "hardlink": ("hardlink",),
    "symlink": ("symlink",),
    "copy,hardlink": ("copy", "hardlink"),
}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Return a cache that holds every body."""
    found = Cache(str(tmp_path / "cache"))
    with CacheWriter(found) as writer:
        for body in BODIES.values():
            writer.put_bytes(body)
    return found


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("types", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("executable", [False, True], ids=["plain", "executable"])
def test_the_bytes_arrive_in_every_way(
    cache: Cache, tmp_path: Path, body: bytes, types: tuple[LinkType, ...], executable: bool
) -> None:
    path = tmp_path / "file"
    Links(cache, types).materialise(hash_bytes(body), str(path), executable=executable)
    assert path.read_bytes() == body
    linked = types[0] in ("hardlink", "symlink") and len(body) == LOOSE_AT and not executable
    assert (
        path.samefile(cache.loose_path(hash_bytes(body).blake3)) is linked
        if len(body) == LOOSE_AT
        else not path.is_symlink()
    )
    assert bool(path.stat().st_mode & 0o100) is executable
    assert bool(path.stat().st_mode & 0o200) is not linked


def test_a_copy_can_be_changed_without_harm_to_the_cache(cache: Cache, tmp_path: Path) -> None:
    digest = hash_bytes(BODIES["loose"])
    Links(cache, ("reflink", "copy")).materialise(digest, str(tmp_path / "file"), executable=False)
    (tmp_path / "file").write_bytes(b"changed")
    assert cache.intact(digest)


def test_a_reflink_that_works_is_checked_and_not_copied(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links_module, "reflink", _shared_blocks)
    monkeypatch.setattr(links_module, "write_all", lambda *_: pytest.fail("copied"))
    Links(cache, ("reflink", "copy")).materialise(hash_bytes(BODIES["loose"]), str(tmp_path / "file"), executable=False)
    assert (tmp_path / "file").read_bytes() == BODIES["loose"]


def damage(cache: Cache, body: bytes) -> None:
    """Flip a byte of an object."""
    digest = hash_bytes(body)
    if cache.is_loose(digest.blake3):
        path, offset = cache.loose_path(digest.blake3), 7
    else:
        found = cache.packs.find(bytes.fromhex(digest.blake3))
        assert found is not None
        path, offset = f"{cache.packs.folder}/{found[0]}.pack", found[1].offset
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"\xff")


@pytest.mark.parametrize("body", [BODIES["packed"], BODIES["loose"]], ids=["packed", "loose"])
@pytest.mark.parametrize("types", TYPES.values(), ids=TYPES)
def test_damage_is_never_handed_on(cache: Cache, tmp_path: Path, body: bytes, types: tuple[LinkType, ...]) -> None:
    damage(cache, body)
    with pytest.raises(CorruptObject, match="damaged"):
        Links(cache, types).materialise(hash_bytes(body), str(tmp_path / "file"), executable=False)
    assert not os.path.lexists(tmp_path / "file")


@pytest.mark.parametrize("size", [241, LOOSE_AT + 13], ids=["packed", "loose"])
@pytest.mark.parametrize("types", TYPES.values(), ids=TYPES)
def test_what_others_may_have_forged_is_proven_by_blake3(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, types: tuple[LinkType, ...]
) -> None:
    honest, forged = colliding_pair(size)
    digest = hash_bytes(honest)
    with CacheWriter(cache) as writer:
        writer.put_bytes(honest)
    path = tmp_path / "file"
    Links(cache, types, trusted=False).materialise(digest, str(path), executable=False)
    assert path.read_bytes() == honest
    path.unlink()
    target = _place_of(cache, digest)
    data = target.read_bytes()
    target.unlink()
    target.write_bytes(data.replace(honest, forged))
    cache.packs.close()
    Links(cache, types).materialise(digest, str(path), executable=False)  # xxh128 alone does not show it
    assert path.read_bytes() == forged
    path.unlink()
    monkeypatch.setattr(links_module, "reflink", _shared_blocks)
    with pytest.raises(CorruptObject, match="damaged"):
        Links(cache, types, trusted=False).materialise(digest, str(path), executable=False)
    assert not os.path.lexists(path)


def _place_of(cache: Cache, digest: Digest) -> Path:
    """Return the file that contains an object: its own, or a pack."""
    found = cache.packs.find(bytes.fromhex(digest.blake3))
    return Path(f"{cache.packs.folder}/{found[0]}.pack" if found else cache.loose_path(digest.blake3))


def _shared_blocks(source_fd: int, target_fd: int) -> bool:
    return os.write(target_fd, os.pread(source_fd, 1 << 30, 0)) > 0


@pytest.mark.parametrize("types", [("hardlink",), ("symlink",)], ids=["hardlink", "symlink"])
def test_an_object_exchanged_while_it_is_linked_is_not_handed_on(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, types: tuple[LinkType, ...]
) -> None:
    digest = hash_bytes(BODIES["loose"])
    link = links_module._link

    def exchanging(kind: LinkType, source: str, path: str) -> bool:
        os.unlink(source)
        Path(source).write_bytes(b"planted")
        return link(kind, source, path)

    monkeypatch.setattr(links_module, "_link", exchanging)
    with pytest.raises(CorruptObject, match="damaged"):
        Links(cache, types, trusted=False).materialise(digest, str(tmp_path / "file"), executable=False)
    assert not os.path.lexists(tmp_path / "file")


@pytest.mark.parametrize("size", [5, LOOSE_AT, 1 << 62])
def test_what_the_cache_lacks_is_missing(cache: Cache, tmp_path: Path, size: int) -> None:
    with pytest.raises(MissingObject):
        Links(cache, ("copy",)).materialise(Digest("0" * 64, "0" * 32, size), str(tmp_path / "file"), executable=False)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("claimed", [0, 1, LOOSE_AT - 1, LOOSE_AT + 1, 1 << 62])
@pytest.mark.parametrize("types", TYPES.values(), ids=TYPES)
def test_a_pointer_that_lies_about_the_size_gets_nothing(
    cache: Cache, tmp_path: Path, body: bytes, claimed: int, types: tuple[LinkType, ...]
) -> None:
    digest = hash_bytes(body)._replace(size=claimed + (claimed == len(body)))
    with pytest.raises(CorruptObject):
        Links(cache, types).materialise(digest, str(tmp_path / "file"), executable=False)
    assert not os.path.lexists(tmp_path / "file")


def test_nothing_that_is_there_is_overwritten(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    for types in TYPES.values():
        for body in BODIES.values():
            with pytest.raises(FileExistsError):
                Links(cache, types).materialise(hash_bytes(body), str(tmp_path / "file"), executable=False)
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_the_object_behind_a_symlink_must_be_this_cache_s(cache: Cache, tmp_path: Path) -> None:
    name = hash_bytes(BODIES["loose"]).blake3
    found = Links(cache, ("symlink",))
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for link, target, expected in (
            ("good", cache.loose_path(name), name),
            ("elsewhere", f"/other/objects/{name[:2]}/{name}", ""),
            ("no name", f"{cache.root}/objects/xx/rubbish", ""),
            ("relative", f"cache/objects/{name[:2]}/{name}", ""),
        ):
            os.symlink(target, tmp_path / link)
            assert found.object_behind(link, folder) == expected
    finally:
        os.close(folder)
