"""The comparison sees harm where there is some, and none where there is none."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest
from proxy import Answer

from benchmarks import faults_vs_peers as faults
from benchmarks import lfs_server
from benchmarks.faults_vs_peers import FINE, PEERS, Peer, Place

pytestmark = pytest.mark.long
MVC = PEERS[0]
CARELESS = Peer(
    "careless", "sh", ("sh", "-c", "echo 1"), "kept", (("mkdir", "kept"),),
    ("sh", "-c", "cp {} kept/{}"), ("sh", "-c", "cp kept/{} {}"),
    pull=("sh", "-c", 'printf half > f.bin; exit "${CODE:-0}"'),
)
"""A peer that proves nothing."""


@pytest.fixture
def place(tmp_path: Path, environ: dict[str, str]) -> Place:
    """Return a place for a careless peer."""
    (tmp_path / "work").mkdir()
    return Place(CARELESS, tmp_path / "work/r", environ)


def test_who_delivers_what_rotted_is_told(place: Place) -> None:
    assert set(faults.rotten_cache(place, 2)) == {faults.WRONG}


def test_mvc_does_not(place: Place) -> None:
    assert list(faults.rotten_cache(place._replace(peer=MVC), 2)) == [FINE, FINE]


def test_mvc_with_two_writers(place: Place) -> None:
    assert list(faults.two_writers(place._replace(peer=MVC), 2)) == [FINE, FINE]


def test_mvc_killed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "ADD", 4 << 20)
    assert list(faults.killed_add(place._replace(peer=MVC), 3)) == [FINE] * 3


def test_mvc_on_a_full_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "ADD", 8 << 20)
    assert list(faults.full_disk(place._replace(peer=MVC), 2)) == [FINE] * 2


def test_a_full_disk_is_full(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "ADD", 8 << 20)
    loser = CARELESS._replace(add=("sh", "-c", "cp {} kept/{} || rm {}"))
    assert set(faults.full_disk(place._replace(peer=loser), 2)) == {faults.LOST}


@pytest.mark.parametrize(("code", "word"), [("0", faults.WRONG), ("3", faults.WRONG_TOLD)])
def test_half_a_download_is_told(place: Place, code: str, word: str) -> None:
    here = place._replace(environ=MappingProxyType({**place.environ, "CODE": code})).made()
    assert faults.delivered(here, "f.bin", b"all of it") == word


def test_an_add_that_takes_the_original_is_told(place: Place) -> None:
    here = place.made()
    (here.folder / "f.bin").write_bytes(b"content")
    assert here.run(("sh", "-c", "mv f.bin kept/hash")) == 0
    assert faults.after_add(here, "f.bin", b"content") == faults.KEPT
    (here.folder / "kept/hash").unlink()
    assert faults.after_add(here, "f.bin", b"content") == faults.LOST


def test_only_content_is_spoilt() -> None:
    little, large = (Answer(206, {}).with_body(bytes(size)) for size in (100, faults.SMALL))
    for spoil in (faults.cut, faults.short, faults.short_part, faults.flipped):
        assert spoil(little) == little
        assert spoil(large) != large
    assert faults.short_part(large._replace(status=200)).body == large.body


def test_git_lfs_gets_what_it_sent(place: Place) -> None:
    peer = next(peer for peer in PEERS if peer.name == "git-lfs")
    with lfs_server.serving() as port:
        environ = {**place.environ, "LFS": f"http://127.0.0.1:{port}"}
        here = place._replace(peer=peer, environ=environ)
        here.made(*peer.share)
        (here.folder / "f.bin").write_bytes(b"content")
        for command in (peer.add, ("git", "commit", "-qm", "work"), peer.push, ("rm", "-r", ".git/lfs/objects")):
            here.must(command, "f.bin")
        (here.folder / "f.bin").unlink()
        here.run(("git", "-c", "filter.lfs.smudge=cat", "-c", "filter.lfs.process=", "checkout", "--", "f.bin"))
        assert here.run(peer.pull) == 0
        assert here.holds("f.bin", b"content")
