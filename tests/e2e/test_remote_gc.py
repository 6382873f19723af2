"""`mvc gc -r`: what no clone needs of a remote goes, in two steps; what any clone needs stays, whoever pushes when."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from harness import LARGE, MANY, InProcess, Repo, Result, make_home, noise
from s3 import S3Server, make_bucket

from mvc.ops.shared.transfers import open_remote
from mvc.packages import UPGRADE
from mvc.store.buckets.address import RemoteSettings
from mvc.store.buckets.bucket import Bucket
from mvc.store.buckets.open import open_bucket

NOW = ("--grace", "0", "--yes")


@pytest.fixture(params=["directory", "s3"])
def pushed(request: pytest.FixtureRequest, repo: Repo, tmp_path: Path) -> Repo:
    """Return a repository that pushed a large file and a directory, and a version of each that it gave up since."""
    if request.param == "directory":
        repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        url = request.getfixturevalue("s3_url")
        make_bucket(server, url)
        repo.environ.update(server.environ)
        repo.ok("remote", "add", "nas", url, "-o", f"endpoint_url={server.endpoint}", "-o", "region=us-east-1")
    return pushed_twice(repo)


@pytest.fixture(scope="session")
def pushed_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with `repo` and `nas` to copy: a repository as `pushed` is, and its remote."""
    top = tmp_path_factory.mktemp("pushed")
    shutil.copytree(template, top / "repo", symlinks=True)
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.ok("remote", "add", "nas", "../nas")
    pushed_twice(repo)
    return top


@pytest.fixture
def nas(repo: Repo, pushed_template: Path, tmp_path: Path) -> Path:
    """Return the directory that the repository pushed to, as `pushed` is."""
    shutil.rmtree(repo.root)
    shutil.copytree(pushed_template / "repo", repo.root, symlinks=True)
    shutil.copytree(pushed_template / "nas", tmp_path / "nas", symlinks=True)
    shutil.rmtree(tmp_path / "nas/repos")  # the copy is another clone
    return tmp_path / "nas"


def pushed_twice(repo: Repo) -> Repo:
    """Push two versions and go back to the first, so that nothing leads to the second."""
    repo.git("add", ".mvc")
    repo.commit("remote")
    for seed in "first", "second":
        write(repo, seed)
        repo.commit(seed)
        repo.ok("push")
    give_up(repo)
    return repo


def write(repo: Repo, seed: str, files: int = 5) -> None:
    """Add a version of a large file and of a directory, one file of which is always the same."""
    repo.write("m.bin", noise(f"m {seed}", LARGE))
    repo.write_dir("data", files, seed)
    repo.write("data/same", "same")
    repo.ok("add", "m.bin", "data")


KEPT, GONE = 7, 6
"""Objects of the version that is committed; and of the other one, which no other needs."""


def give_up(repo: Repo) -> None:
    """Go back by a commit, and have Git forget it."""
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("update-ref", "-d", "ORIG_HEAD")
    repo.ok("checkout", "-f")


def age(nas: Path, days: float) -> None:
    """Make everything on a remote older."""
    for path in nas.rglob("*"):
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - int(days * 86_400e9)))


def holds(repo: Repo) -> None:
    """Make sure that a fresh clone gets everything, and that nothing on the remote is damaged."""
    clone = repo.clone(repo.root.parent / f"clone-{uuid4().hex}")
    clone.ok("pull")
    assert clone.ok("status", "--exit-code", "--pushed", "--json").json["clean"]
    shutil.rmtree(clone.root)


def objects_on(repo: Repo) -> int:
    """Return how many objects the remote holds, damaged ones not allowed."""
    return int(repo.ok("verify", "-r", "nas", "--json").json["objects"])


# In two steps.


def test_what_nothing_needs_is_listed_and_deleted_after_the_grace(repo: Repo, nas: Path) -> None:
    plan = repo.ok("gc", "-r", "nas", "--json").json
    assert (plan["garbage"], plan["young"]["objects"], plan["done"]) == ([], GONE, False)
    age(nas, 15)
    plan = repo.ok("gc", "-r", "nas")
    assert "m.bin, from" in plan.out
    assert "Next: git fetch --all && mvc gc -r nas --yes\n" in plan.out
    assert not (nas / "gc").exists()
    listed = repo.ok("gc", "-r", "nas", "--yes", "--json").json
    assert (len(listed["garbage"]), listed["deleted"]["objects"], listed["done"]) == (GONE, 0, True)
    assert {use["path"].split("/")[0] for item in listed["garbage"] for use in item["users"]} == {"m.bin", "data"}
    age(nas / "gc", 13)
    waiting = repo.ok("gc", "-r", "nas", "--yes", "--json").json
    assert (waiting["garbage"], waiting["waiting"]["objects"], waiting["deleted"]["objects"]) == ([], GONE, 0)
    assert objects_on(repo) == KEPT + GONE
    age(nas / "gc", 2)
    due = repo.ok("gc", "-r", "nas", "--json").json
    assert (due["deleted"]["objects"], due["deleted"]["bytes"] > LARGE) == (GONE, True)
    assert repo.ok("gc", "-r", "nas", "--yes", "--json").json["deleted"] == due["deleted"]
    assert objects_on(repo) == KEPT
    assert list((nas / "gc").iterdir()) == []
    holds(repo)


def test_without_a_grace_it_is_one_step(pushed: Repo) -> None:
    assert objects_on(pushed) == KEPT + GONE
    assert f"Deleted on nas: {GONE} objects" in pushed.ok("gc", "-r", "nas", *NOW).out
    assert objects_on(pushed) == KEPT
    holds(pushed)
    assert pushed.ok("gc", "-r", "nas", *NOW).out == "Nothing to free on nas.\n"


def test_a_manifest_that_was_never_fetched_protects_its_files(repo: Repo, nas: Path, tmp_path: Path) -> None:
    write(repo, "many", MANY)
    repo.commit("many")
    repo.ok("push")
    shutil.rmtree(nas / "repos")
    write(repo, "few")
    repo.commit("few")
    repo.git("add", ".mvc")
    clone = repo.clone(tmp_path / "clone")
    before = objects_on(repo)
    assert clone.ok("gc", "-r", "nas", *NOW, "--json").json["deleted"]["objects"] == GONE
    assert objects_on(repo) == before - GONE
    repo.git("reset", "-q", "--hard", "HEAD~1")
    holds(repo)


# Others.


def test_two_repositories_on_one_remote_keep_what_either_needs(repo: Repo, nas: Path, tmp_path: Path) -> None:
    other = another(repo, tmp_path / "other", nas)
    other.ok("push")
    for each in repo, other:
        each.ok("gc", "-r", "nas", *NOW)
    assert objects_on(repo) == KEPT + 1 + 5
    holds(repo)
    holds(other)
    told = repo.ok("gc", "-r", "nas").out
    assert f"Kept only for {os.uname().nodename}:{other.root}: {GONE} objects" in told
    shutil.rmtree(next(path.parent for path in nas.glob("repos/*/roots") if str(other.root) in path.read_text()))
    repo.ok("gc", "-r", "nas", *NOW)
    assert objects_on(repo) == KEPT


def another(repo: Repo, root: Path, nas: Path) -> Repo:
    """Make another repository that has added and committed the version that `repo` gave up, and not pushed it."""
    root.mkdir()
    other = Repo(root, repo.environ)
    other.git("init", "-q")
    other.ok("init")
    other.ok("remote", "add", "nas", str(nas))
    other.git("add", ".mvc")
    write(other, "second")
    other.commit("as second")
    return other


# Races. One command stops before each of its requests in turn, and another one runs there from start to end.


class Interposed:
    """A bucket before one of whose requests something else happens."""

    def __init__(self, bucket: Bucket, at: int, act: Callable[[], object]) -> None:
        self._bucket, self._left, self._act = bucket, at, act

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._bucket, name)
        if name not in ("head", "list", "read", "write", "upload", "delete"):
            return found

        def call(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self._act()
            return found(*args, **options)

        return call


@pytest.fixture
def race(monkeypatch: pytest.MonkeyPatch, in_process: InProcess) -> Callable[..., tuple[Result, Result | None]]:
    """Return a function that runs a command, and within it before its nth request another one; how both ended."""

    def run(
        root: Path, command: tuple[str, ...], at: int, other: Path, meanwhile: tuple[str, ...], how: Any = in_process,
    ) -> Any:
        inner: list[Result] = []

        def act() -> None:
            monkeypatch.setattr(open_remote, "open_bucket", open_bucket)
            inner.append(how(other, *meanwhile))

        def opened(settings: RemoteSettings) -> Bucket:
            return Interposed(open_bucket(settings), at, act)  # type: ignore[return-value]  # it passes on

        monkeypatch.setattr(open_remote, "open_bucket", opened)
        outer = in_process(root, *command)
        monkeypatch.setattr(open_remote, "open_bucket", open_bucket)
        return outer, inner[0] if inner else None

    return run


Race = Callable[..., tuple[Result, Result | None]]
GC = ("gc", "-r", "nas", *NOW)
LISTED = ("gc", "-r", "nas", "--yes", "--grace", "1d")


@pytest.fixture
def scene(repo: Repo, nas: Path, tmp_path: Path) -> Callable[[], tuple[Repo, Repo]]:
    """Return a function that lays out the same two repositories and their remote anew: one collects, one pushes."""
    other = another(repo, tmp_path / "other", nas)
    repo.ok("gc", "-r", "nas")  # the clone has an id
    places = [repo.root, other.root, nas]
    for place in places:
        shutil.copytree(place, f"{place}.kept", symlinks=True)

    def lay_out() -> tuple[Repo, Repo]:
        for place in places:
            shutil.rmtree(place)
            shutil.copytree(f"{place}.kept", place, symlinks=True)
        return repo, other

    return lay_out


def lost_nothing(repo: Repo, other: Repo, push: Result | None, in_process: InProcess) -> None:
    """Make sure that what was pushed is there; a push that failed said so, and succeeds now."""
    assert push is not None
    if push.code != 0:
        assert push.code == 3
        assert "is deleting what this push needs" in push.err
        in_process(repo.root, *GC)
        assert in_process(other.root, "push").code == 0
    for each in repo, other:
        assert in_process(each.root, "status", "--pushed", "--exit-code").code == 0
        assert in_process(each.root, "verify", "-r", "nas").code == 0


@pytest.mark.parametrize("listed", [False, True], ids=["one step", "listed before"])
@pytest.mark.parametrize("outer", ["gc", "push"])
def test_a_push_at_any_moment_of_a_gc_and_the_other_way_round(
    nas: Path, scene: Callable[[], tuple[Repo, Repo]], race: Race, in_process: InProcess, outer: str, listed: bool,
) -> None:
    for at in range(1, 100):
        collecting, pushing = scene()
        if listed:
            age(nas, 2)
            in_process(collecting.root, *LISTED)
        if outer == "gc":
            gc, push = race(collecting.root, GC, at, pushing.root, ("push",))
        else:
            push, gc = race(pushing.root, ("push",), at, collecting.root, GC)
        if push is None or gc is None:
            break
        assert gc.code == 0
        lost_nothing(collecting, pushing, push, in_process)
    assert {"gc": 8, "push": 5}[outer] < at < 99


def test_a_gc_that_was_killed_is_finished_by_the_next(
    nas: Path, scene: Callable[[], tuple[Repo, Repo]], in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    for at in range(1, 100):
        collecting, _ = scene()
        with monkeypatch.context() as patch:
            patch.setattr(
                open_remote, "open_bucket", lambda settings, at=at: Interposed(open_bucket(settings), at, die),
            )
            ended = in_process(collecting.root, *GC)
        age(nas / "gc", 0.02)  # half an hour: until then it may be alive
        assert in_process(collecting.root, *GC).code == 0
        assert in_process(collecting.root, "verify", "-r", "nas", "--json").json["objects"] == KEPT
        assert not list((nas / "gc").glob("*"))
        if ended.code == 0:
            break
        assert ended.code == 130
    assert 8 < at < 99


# What is doomed, and pushed again.


def test_what_is_doomed_is_sent_once_more_and_then_stays(repo: Repo, nas: Path, tmp_path: Path) -> None:
    other = another(repo, tmp_path / "other", nas)
    age(nas, 2)
    repo.ok("gc", "-r", "nas", "--yes", "--grace", "1d")
    assert other.ok("push", "--json").json["transferred"] == GONE
    assert other.ok("push", "--json").json["transferred"] == 0
    age(nas / "gc", 2)
    repo.ok("gc", "-r", "nas", "--yes", "--grace", "1d")
    holds(other)


def test_what_is_doomed_and_not_in_the_cache_is_there_still(repo: Repo, nas: Path, tmp_path: Path) -> None:
    other = another(repo, tmp_path / "other", nas)
    age(nas, 2)
    repo.ok("gc", "-r", "nas", "--yes", "--grace", "1d")
    for place in "objects", "packs":
        shutil.rmtree(other.store / place, ignore_errors=True)
    result = other.ok("push", "--json").json
    assert (result["transferred"], result["failed"]) == (0, [])
    age(nas / "gc", 2)
    repo.ok("gc", "-r", "nas", "--yes", "--grace", "1d")
    holds(other)


def test_a_list_of_a_stranger_deletes_nothing_that_is_needed(repo: Repo, nas: Path) -> None:
    bucket = open_bucket(RemoteSettings("nas", str(nas), {}))
    lines = [f"{each.key} {each.modified!r} {each.etag}" for each in bucket.list("objects/")]
    bucket.write(f"gc/{uuid4()}", "\n".join(["mvc-gc 1", *lines, ""]).encode())
    assert repo.ok("gc", "-r", "nas", *NOW, "--json").json["deleted"]["objects"] == GONE
    holds(repo)


# Refusals.


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--depth=1"], "shallow"),
        (["--filter=blob:none"], "partial"),
        (["--single-branch"], "lacks some branches"),
        (["--no-tags"], "no tags"),
    ],
)
def test_a_clone_that_does_not_know_everything_is_refused(
    repo: Repo, nas: Path, tmp_path: Path, options: list[str], told: str,
) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", *options, f"file://{repo.root}", str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", repo.environ)
    before = objects_on(repo)
    result = clone.fails(2, "gc", "-r", "nas", *NOW)
    assert told in result.errors[0]
    while told != "partial" and result.code:  # a shallow clone has not all branches, either
        assert clone.shell(result.fixes[0]).code == 0
        result = clone.mvc("gc", "-r", "nas", "--grace", "0")
    assert objects_on(repo) == before
    assert nas.exists()


def test_roots_that_cannot_be_read_stop_it(repo: Repo, nas: Path) -> None:
    repo.ok("push")
    raw = next(nas.glob("repos/*/roots")).read_bytes()
    other = nas / f"repos/{uuid4()}/roots"
    other.parent.mkdir()
    for damaged, code in ((b"", 3), (raw[:-1], 3), (b"mvc-roots 1\nmodels\n", 3), (b"mvc-roots 2\n", 2)):
        other.write_bytes(damaged)
        result = repo.fails(code, "gc", "-r", "nas", *NOW)
        assert objects_on(repo) == KEPT + GONE
        line = f"mvc gc -r nas --yes  # in that clone; if that clone was deleted: rm -f -- {other}"
        assert result.fixes == [line if code == 3 else UPGRADE]
    assert repo.shell(line.rpartition(": ")[2]).code == 0
    repo.ok("gc", "-r", "nas", *NOW)
    assert objects_on(repo) == KEPT


def test_a_clone_whose_own_roots_rotted_says_them_anew_before_it_pushes(repo: Repo, nas: Path) -> None:
    repo.ok("push")
    roots = next(nas.glob("repos/*/roots"))
    before = roots.read_bytes()
    roots.chmod(0o644)
    roots.write_bytes(b"rot")
    result = repo.fails(3, "push")
    assert "what that clone needs is unknown" in result.errors[0]
    repo.ok("gc", "-r", "nas")
    assert repo.shell(result.fixes[0]).code == 0
    assert roots.read_bytes() == before
    repo.ok("push")


def test_a_list_that_cannot_be_read_stops_push_and_gc(repo: Repo, nas: Path) -> None:
    (nas / "gc").mkdir()
    for raw in (b"", b"mvc-gc 2\n", b"mvc-gc 1\nmvc-remote.yaml 1.0 etag\n", b"mvc-gc 1\npacks/../x.pack 1.0 etag\n"):
        (nas / "gc" / str(uuid4())).write_bytes(raw)
        repo.fails(2, "gc", "-r", "nas", *NOW)
        result = repo.fails(2, "push")
        if raw == b"mvc-gc 2\n":
            shutil.rmtree(nas / "gc")
        else:
            assert result.fixes[0].endswith("  # only a list: the next gc writes a new one")
            assert repo.shell(result.fixes[0]).code == 0
            assert list((nas / "gc").iterdir()) == []
            repo.ok("push")
        (nas / "gc").mkdir(exist_ok=True)
    assert objects_on(repo) == KEPT + GONE


def test_a_damaged_manifest_that_only_the_remote_has_stops_it(repo: Repo, nas: Path, tmp_path: Path) -> None:
    write(repo, "many", MANY)
    repo.commit("many")
    repo.ok("push")
    shutil.rmtree(nas / "repos")
    clone = repo.clone(tmp_path / "clone")
    manifest = repo.digest("data")
    before = objects_on(repo)
    for pack in (nas / "packs").glob("*.pack"):
        raw = pack.read_bytes()
        if (at := raw.find(b"mvc-manifest 1\n")) >= 0:
            pack.chmod(0o644)
            pack.write_bytes(raw[:at] + b"x" + raw[at + 1 :])
    result = clone.fails(3, "gc", "-r", "nas", *NOW)
    assert manifest in result.errors[0]
    assert len(list((nas / "packs").glob("*.idx"))) > 0
    assert before > MANY


def test_what_is_asked_wrongly(repo: Repo, tmp_path: Path) -> None:
    assert "no remote is called" in repo.fails(2, "gc", "-r", "nas").errors[0]
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    assert "is empty" in repo.fails(2, "gc", "-r", "nas").errors[0]
    assert "--unpushed is for the cache" in repo.fails(2, "gc", "-r", "nas", "--unpushed").errors[0]


# Pushes.


def test_a_push_says_what_the_clone_needs_before_it_sends_anything(repo: Repo, nas: Path) -> None:
    repo.ok("push")
    roots = next(nas.glob("repos/*/roots"))
    stamp = os.stat(roots).st_mtime_ns
    repo.ok("push")
    repo.write("n.bin", noise("n", LARGE))
    repo.ok("add", "n.bin")
    repo.ok("push", "--dry-run")
    assert os.stat(roots).st_mtime_ns == stamp  # nothing new, so nothing was written
    repo.ok("push")
    assert repo.digest("n.bin") in roots.read_text()
    assert len(list(nas.glob("repos/*"))) == 1


def test_a_copy_of_a_clone_is_a_clone_of_its_own(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.ok("push")
    shutil.copytree(repo.root, tmp_path / "copy", symlinks=True)
    copy = Repo(tmp_path / "copy", repo.environ)
    copy.write("n.bin", noise("copy", LARGE))
    copy.ok("add", "n.bin")
    copy.ok("push")
    assert len(list(nas.glob("repos/*"))) == 2
    repo.ok("gc", "-r", "nas", *NOW)
    assert copy.ok("status", "--pushed", "--exit-code")


def test_a_push_that_cannot_say_what_it_needs_says_so(repo: Repo, nas: Path) -> None:
    repo.ok("push")
    shutil.rmtree(nas / "repos")
    (nas / "repos").write_text("in the way")
    result = repo.ok("push", "--json").json
    assert "will not know what this clone needs" in result["warnings"][0]["error"]
    assert "warning: a gc of nas will not know" in repo.ok("push").err
    repo.write("n.bin", noise("n", LARGE))
    repo.ok("add", "n.bin")
    repo.fails(3, "push")


# More races.


def test_a_push_asks_anew_after_it_has_said_what_it_needs(
    repo: Repo, nas: Path, tmp_path: Path, race: Race, in_process: InProcess,
) -> None:
    """A clone that never fetched looks at the remote's packs for manifests first."""
    write(repo, "many", MANY)
    repo.commit("many")
    repo.ok("push")
    clone = repo.clone(tmp_path / "clone")
    for path in ("objects", "packs"):
        shutil.rmtree(clone.store / path, ignore_errors=True)
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("update-ref", "-d", "ORIG_HEAD")
    shutil.rmtree(nas / "repos")
    places = [repo.root, clone.root, nas]
    for place in places:
        shutil.copytree(place, f"{place}.kept", symlinks=True)
    for at in range(1, 100):
        for place in places:
            shutil.rmtree(place)
            shutil.copytree(f"{place}.kept", place, symlinks=True)
        push, gc = race(clone.root, ("push",), at, repo.root, GC)
        if gc is None:
            break
        assert gc.code == 0
        pushed = in_process(clone.root, "status", "--pushed", "--exit-code").code == 0
        assert pushed == (push.code == 0)  # what it says is true
    assert 5 < at < 99


def test_two_gcs_and_a_push_that_does_what_it_is_told(
    nas: Path, scene: Callable[[], tuple[Repo, Repo]], race: Race, in_process: InProcess,
) -> None:
    """A push is refused while one gc deletes; the other gc, and the push again, end before the first one goes on."""
    for at in range(1, 100):
        collecting, pushing = scene()
        age(nas, 2)
        in_process(collecting.root, *LISTED)
        acknowledged: list[bool] = []

        def meanwhile(folder: Path, *args: str, done: list[bool] = acknowledged) -> Result:
            in_process(folder, "push")
            in_process(folder, *GC)
            done.append(in_process(folder, "push").code == 0)
            return in_process(folder, "status")

        gc, _ = race(collecting.root, GC, at, pushing.root, (), meanwhile)
        if not acknowledged:
            break
        assert gc.code in (0, 3)
        if acknowledged[0]:
            assert in_process(pushing.root, "status", "--pushed", "--exit-code").code == 0, at
    assert 8 < at < 99


# Pushes that merge small packs.


@pytest.mark.parametrize("meanwhile", [("gc", "-r", "nas", *NOW), ("push",), ("pull",)], ids=["gc", "push", "pull"])
def test_a_push_that_merges_packs_loses_nothing(
    nas: Path,
    scene: Callable[[], tuple[Repo, Repo]],
    race: Race,
    in_process: InProcess,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: tuple[str, ...],
) -> None:
    monkeypatch.setattr("mvc.store.remote.compaction.MANY_PACKS", 1)
    for at in range(1, 100):
        other, pushing = scene()
        pushing.write("n", "new")
        assert in_process(pushing.root, "add", "n").code == 0
        age(nas, 2)  # halves of packs are old enough, too
        push, inner = race(pushing.root, ("push",), at, other.root, meanwhile)
        if inner is None:
            assert len(list((nas / "packs").glob("*.idx"))) <= 2
            break
        assert inner.code == 0
        lost_nothing(other, pushing, push, in_process)
    assert 15 < at < 99


def test_old_packs_go_after_the_grace(
    repo: Repo, nas: Path, in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mvc.store.remote.compaction.MANY_PACKS", 1)
    repo.write("n", "new")
    repo.added("n")
    assert in_process(repo.root, "push").code == 0
    old = len(list((nas / "packs").glob("*.pack"))) - len(list((nas / "packs").glob("*.idx")))
    assert old > 1
    age(nas, 15)
    assert repo.ok("gc", "-r", "nas", "--yes", "--json").json["strays"]["objects"] == old
    holds(repo)
    age(nas / "gc", 15)
    repo.ok("gc", "-r", "nas", "--yes")
    packs, indexes = ({path.stem for path in (nas / "packs").glob(f"*.{kind}")} for kind in ("pack", "idx"))
    assert packs == indexes
    holds(repo)


# What relies on a remote says so first; what replaces anything there sends first.


def test_a_gc_at_any_moment_of_an_eviction(
    nas: Path, scene: Callable[[], tuple[Repo, Repo]], race: Race, in_process: InProcess,
) -> None:
    """The clone that evicts is not known to the remote before."""
    for at in range(1, 100):
        collecting, evicting = scene()
        write(evicting, "third")
        evicting.commit("third")
        evict, gc = race(evicting.root, ("gc", "--evict", "--yes", "--grace", "0"), at, collecting.root, GC)
        if gc is None:
            break
        assert gc.code == 0
        assert evict.code in (0, 3)
        assert in_process(evicting.root, "push", "--all-commits").code == 0  # it is here or there
    assert 5 < at < 99


def test_a_repair_that_is_killed_has_lost_nothing(
    nas: Path, scene: Callable[[], tuple[Repo, Repo]], in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    for at in range(1, 100):
        _, repairing = scene()
        for pack in (nas / "packs").glob("*.pack"):
            raw = pack.read_bytes()
            pack.chmod(0o644)
            pack.write_bytes(raw[:30] + bytes([raw[30] ^ 1]) + raw[31:])
        assert in_process(repairing.root, "verify", "-r", "nas").code == 1
        with monkeypatch.context() as patch:
            patch.setattr(
                open_remote, "open_bucket", lambda settings, at=at: Interposed(open_bucket(settings), at, die),
            )
            ended = in_process(repairing.root, "push", "--repair")
        assert in_process(repairing.root, "status", "--pushed", "--exit-code").code == 0
        if ended.code == 0:
            break
        assert ended.code == 130
    assert 10 < at < 99
