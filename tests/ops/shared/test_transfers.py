"""Which objects a transfer moves, to which remote, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from harness import Repo
from manifests import Encoded, encode

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest, Shard, encode_index, encode_lines
from mvc.objects.pointer import Notes, Pointer, dir_pointer, emit, file_pointer
from mvc.ops.shared.transfers.by_remote import by_remote, to_each_remote
from mvc.ops.shared.transfers.failures import failures
from mvc.ops.shared.transfers.needed import needed, objects_at, users_of
from mvc.ops.shared.transfers.open_remote import bring_manifests, opening
from mvc.ops.shared.transfers.results import TransferFailure, TransferResult
from mvc.ops.shared.transfers.selected import RevisionScope, Selected, selected
from mvc.project import Project
from mvc.store.buckets.bucket import RemoteError
from mvc.store.cache.writer import CacheWriter
from mvc.transfer.tools import Lost, Moved, Tools
from mvc.workspace.tracked import Selection, Tracked, pointers_of

REMOTES = 'remotes: {default: "nas", nas: {url: "../nas"}, s3: {url: "s3://bucket"}}\n'
A, B, C, D = map(hash_bytes, (b"a", b"b", b"c", b"d"))


class Directory(NamedTuple):
    """A directory with more files than a pointer lists."""

    manifest: Manifest
    encoded: Encoded
    pointer: Pointer


def directory(files: int) -> Directory:
    """Return a directory with so many files."""
    manifest = Manifest.of([Entry(f"{number:05}", *A) for number in range(files)])
    return Directory(manifest, encode(manifest), dir_pointer(manifest))


def selection(path: str, pointer: Pointer, *inside: str) -> Selection:
    """Return a pointer that is meant."""
    return Selection(Tracked(path, emit(pointer), pointer), inside)


@pytest.fixture
def project(repo: Repo, open_fresh: Callable[..., Project]) -> Project:
    """Return a project with two remotes."""
    repo.write(".mvc/config.yaml", REMOTES)
    return open_fresh()


# Results.


def test_a_command_fails_when_something_was_not_moved() -> None:
    assert TransferResult("nas").exit_code == 0
    assert TransferResult("nas", warnings=(TransferFailure("a"),)).exit_code == 0
    assert TransferResult("nas", failed=(TransferFailure("a"),)).exit_code == 3


# Pointers that are meant.


def track(repo: Repo, path: str, pointer: Pointer) -> None:
    """Write and commit a pointer."""
    repo.write(f"{path}.mvc", emit(pointer))
    repo.git("add", f"{path}.mvc")
    repo.git("commit", "-q", "-m", path)


@pytest.fixture
def history(repo: Repo) -> Repo:
    """Return a repository with two versions of `m`; `old` was deleted, and `side` is on another branch."""
    track(repo, "m", file_pointer(A))
    track(repo, "old", file_pointer(C))
    repo.git("branch", "side")
    repo.git("rm", "-q", "old.mvc")
    track(repo, "m", file_pointer(B))
    repo.git("tag", "v1", "HEAD~1")
    repo.git("switch", "-q", "side")
    track(repo, "side", file_pointer(D))
    repo.git("switch", "-q", "main")
    return repo


def meant(found: Selected) -> list[tuple[str, str]]:
    """Return path and content of what is meant."""
    versions = {A.blake3: "A", B.blake3: "B", C.blake3: "C", D.blake3: "D"}
    return sorted((item.item.path, versions[item.item.pointer.digest.blake3]) for item in found.selections)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("scope", "paths", "expected"),
    [
        (RevisionScope(), [], [("m", "B")]),
        (RevisionScope(("HEAD~1",)), [], [("m", "A"), ("old", "C")]),
        (RevisionScope(("main", "side")), ["m"], [("m", "A"), ("m", "B")]),
        (RevisionScope(branches=True), ["side"], [("side", "D")]),
        (RevisionScope(tags=True), [], [("m", "A"), ("old", "C")]),
        (RevisionScope(commits=True), [], [("m", "A"), ("m", "B"), ("old", "C"), ("side", "D")]),
        (RevisionScope(commits=True), ["old"], [("old", "C")]),
    ],
)
def test_the_pointers_of_the_workspace_or_of_revisions(
    history: Repo, project: Project, scope: RevisionScope, paths: list[str], expected: list[tuple[str, str]],
) -> None:
    assert history.git("rev-parse", "v1") == history.git("rev-parse", "HEAD~1")
    found = selected(project, paths, scope)
    assert (meant(found), found.failed) == (expected, ())


@pytest.mark.parametrize("scope", [RevisionScope(("main",)), RevisionScope(commits=True)])
def test_a_path_that_no_revision_tracks_is_refused(history: Repo, project: Project, scope: RevisionScope) -> None:
    with pytest.raises(MvcError, match="gone is not tracked at any of these revisions"):
        selected(project, ["m", "gone"], scope)


def test_an_invalid_pointer_does_not_stop_the_others(history: Repo, project: Project) -> None:
    history.write("bad.mvc", "bad")
    history.git("add", "bad.mvc")
    history.git("commit", "-qm", "bad")
    (here,) = selected(project, [], RevisionScope()).failed
    (there,) = selected(project, [], RevisionScope(("HEAD",))).failed
    commit = history.git("rev-parse", "HEAD")[:12]
    assert (here.path, here.fix) == ("bad", "mvc log bad  # its other versions")
    assert (there.path, there.fix, there.error) == ("bad", here.fix, f"at {commit}: {here.error}")


def test_without_a_commit_there_are_no_revisions(project: Project) -> None:
    with pytest.raises(UsageError, match="there is no commit yet"):
        selected(project, [], RevisionScope(("HEAD",)))


# By remote.


def test_each_pointer_goes_to_its_own_remote_or_the_default(project: Project) -> None:
    own, default = selection("own", file_pointer(A, notes=Notes(remote="s3"))), selection("m", file_pointer(A))
    lost = selection("lost", file_pointer(A, notes=Notes(remote="gone")))
    groups, (failure,) = by_remote(project, [own, default, lost], None)
    assert groups == {"s3": (own,), "nas": (default,)}
    assert failure.path == "lost"
    assert failure.error.startswith("lost.mvc names its own remote: no remote is called 'gone'")
    assert by_remote(project, [own, default, lost], "s3") == ({"s3": (own, default, lost)}, ())
    assert by_remote(project, [], None) == ({"nas": ()}, ())
    with pytest.raises(UsageError):
        by_remote(project, [own], "gone")


def test_a_remote_that_fails_does_not_stop_the_others(project: Project) -> None:
    own, default = selection("own", file_pointer(A, notes=Notes(remote="s3"))), selection("m", file_pointer(A))

    def move(name: str, items: tuple[Selection, ...]) -> TransferResult:
        if name == "s3":
            raise MvcError("denied", "aws sso login")
        return TransferResult(name, transferred=len(items))

    results = to_each_remote(project, Selected((own, default), (TransferFailure("x"),)), None, move)
    assert results == [
        TransferResult("s3", failed=(TransferFailure("x"), TransferFailure(error="denied", fix="aws sso login"))),
        TransferResult("nas", transferred=1),
    ]
    assert to_each_remote(project, Selected(()), None, move) == [TransferResult("nas")]


@pytest.mark.parametrize(("error", "raised"), [(MvcError("x"), True), (RemoteError("x"), False)])
def test_the_only_remote_raises_unless_it_does_not_answer(project: Project, error: MvcError, raised: bool) -> None:
    @contextmanager
    def expected() -> Iterator[None]:
        if not raised:
            yield
            return
        with pytest.raises(MvcError) as caught:
            yield
        assert caught.value is error

    def move(_: str, __: tuple[Selection, ...]) -> TransferResult:
        raise error

    with expected():
        (result,) = to_each_remote(project, Selected((selection("m", file_pointer(A)),)), None, move)
        assert result.failed == (TransferFailure(error="x"),)


# Needed objects.


def test_each_object_is_needed_once_by_the_path_that_has_it(project: Project) -> None:
    inline = dir_pointer(Manifest.of([Entry("x", *A), Entry("y/z", *B)]))
    wanted = [selection("m", file_pointer(A)), selection("d", inline, "y"), selection("n", file_pointer(B))]
    found = needed(project, wanted)
    assert ([*found.objects.digests()], found.failed) == ([A, B], ())
    assert users_of(project.cache, wanted, {A.blake3, B.blake3}) == {A.blake3: "m", B.blake3: "d/y/z"}
    assert objects_at(project.cache, wanted, {"m", "n", "x"}) == {"m": {A.blake3}, "n": {B.blake3}, "x": set()}
    assert objects_at(project.cache, wanted, {"d/y/z"}) == {"d/y/z": {B.blake3}}


def test_a_manifest_that_is_not_here_is_all_that_is_known(project: Project) -> None:
    large = directory(300)
    assert {*needed(project, [selection("d", large.pointer)]).objects} == {large.pointer.digest.blake3}
    store(project, *(body for _, body in large.encoded.objects))
    assert {*needed(project, [selection("d", large.pointer)]).objects} == {large.pointer.digest.blake3, A.blake3}


def test_of_pushed_parts_only_the_manifests_are_needed(project: Project) -> None:
    large = directory(300)
    store(project, *(body for _, body in large.encoded.objects))
    wanted = [selection("d", large.pointer)]
    first = needed(project, wanted)
    name = large.pointer.digest.blake3
    assert (first.parts, first.is_new, first.pushed) == ({name: 1, f"+{name}": 1}, True, 0)
    assert not needed(project, wanted, first.parts).is_new
    assert needed(project, [*wanted, selection("m", file_pointer(B))], first.parts).is_new
    assert needed(project, [selection("d", large.pointer, "00001")]).parts == {}


def test_a_manifest_with_a_broken_format_fails_alone(project: Project) -> None:
    store(project, b"garbage")
    broken = large_pointer(b"garbage")
    found = needed(project, [selection("d", broken), selection("m", file_pointer(A))])
    assert {*found.objects} == {A.blake3}
    assert found.failed[0].error.startswith("d: its manifest cannot be used:")
    assert objects_at(project.cache, [selection("d", broken)], {"d"}) == {"d": set()}


def test_a_lost_shard_of_an_invalid_manifest_has_its_path(project: Project) -> None:
    invalid = encode_lines([Entry("same", *A)] * 2)
    shards = [Shard(hash_bytes(invalid), 2, "same"), Shard(B, 5000, "z")]
    store(project, invalid, encode_index(shards))
    lost = [Lost(B.blake3, MissingObject("away"))]
    (absent,) = failures(project, "nas", [selection("d", large_pointer(encode_index(shards)))], lost)
    assert (absent.path, absent.blake3) == ("d", B.blake3)


def store(project: Project, *contents: bytes) -> None:
    """Store objects in the cache."""
    with CacheWriter(project.cache) as writer:
        for content in contents:
            writer.put_bytes(content)


def large_pointer(manifest: bytes) -> Pointer:
    """Return the pointer of a directory with this manifest object."""
    return Pointer("dir", hash_bytes(manifest), files=300, total=300)


# Manifests.


@pytest.mark.parametrize("files", [300, 10_000])
def test_manifests_and_their_shards_are_brought_and_nothing_else(project: Project, files: int) -> None:
    large = directory(files)
    bodies = {digest.blake3: body for digest, body in large.encoded.objects}
    asked: list[set[str]] = []

    def fetch(_: Tools, digests: Sequence[Digest]) -> Moved:
        asked.append({*digests})
        store(project, *map(bodies.__getitem__, digests))
        return Moved(len(digests))

    inline = dir_pointer(Manifest.of([Entry("x", *A)]))
    pointers = pointers_of([selection("m", file_pointer(A)), selection("i", inline), selection("d", large.pointer)])
    with opening(project, "nas", 1) as tools:
        moved = bring_manifests(tools, pointers, fetch)
        assert bring_manifests(tools, pointers, fetch) == Moved()
    assert moved == Moved(len(bodies))
    assert set().union(*asked) == bodies.keys()
    assert len(asked) == (2 if len(bodies) > 1 else 1)


def test_what_does_not_arrive_is_asked_for_once(project: Project) -> None:
    large = directory(300)
    lost = Lost(large.pointer.digest.blake3, MissingObject("away"))
    with opening(project, "nas", 1) as tools:
        assert bring_manifests(tools, [large.pointer], lambda _, __: Moved(failed=(lost,))).failed == (lost,)


# Failures.


def test_who_committed_a_lost_object_is_asked_for_it(history: Repo, project: Project) -> None:
    wanted = [selection("m", file_pointer(A)), selection("d", dir_pointer(Manifest.of([Entry("b", *B)])))]
    commit = history.git("rev-list", "--max-parents=0", "HEAD")[:12]
    lost = [Lost(A.blake3, MissingObject("away")), Lost(B.blake3, CorruptObject("damaged"))]
    absent, damaged = failures(project, "nas", wanted, lost, ["s3"])
    assert absent.error.startswith(f"object {A.blake3} is neither in the cache nor on any of the remotes nas, s3")
    assert absent.fix == f"mvc push --rev {commit}  # in the clone where you added it"
    assert (damaged.path, damaged.error) == ("d/b", "damaged")
    assert damaged.fix == "mvc push --repair -r nas d/b  # in a clone where it is intact"
    bob = {"GIT_AUTHOR_EMAIL": "bob@example.com", "GIT_COMMITTER_EMAIL": "bob@example.com"}
    (absent,) = failures(project.with_git(project.git.with_environ(**bob)), "nas", wanted, lost[:1])
    assert absent.fix == f"ask Ada to run: mvc push --rev {commit}"


def test_an_object_that_no_commit_has_is_added_again(project: Project) -> None:
    (absent,) = failures(project, "nas", [selection("m", file_pointer(A))], [Lost(A.blake3, MissingObject("away"))])
    assert absent.error.endswith("on the remote nas, and its pointer was never committed")
    assert absent.fix == "mvc add m  # where the file still is"
