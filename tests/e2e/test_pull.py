"""`mvc fetch` and `mvc pull` from a directory: all of it arrives, proven; what is wrong never does."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from harness import LARGE, MANY, Begin, InProcess, Repo, noise, some

BOB = {"GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "bob@example.com"}


@pytest.fixture
def nas(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the directory of the remote `nas`: with content if the test has `pushed`, else added to its repository."""
    if "pushed" not in request.fixturenames:
        with_remote(request.getfixturevalue("repo"))
    return tmp_path / "nas"


def with_remote(repo: Repo) -> None:
    """Add a remote to which nothing has been pushed."""
    repo.ok("remote", "add", "nas", "../nas")
    repo.git("add", ".mvc")
    repo.commit("remote")


def pushed_once(repo: Repo) -> None:
    """Push a large file, a listed and an unlisted directory."""
    with_remote(repo)
    repo.write("m.bin", noise("m", LARGE))
    repo.write_dir("data", MANY)
    repo.write("few/run.sh", "#!/bin/sh\n").chmod(0o755)
    repo.write("few/large", noise("few", LARGE))
    repo.write("few/empty", b"")
    repo.ok("add", "m.bin", "data", "few")
    repo.commit()
    repo.ok("push")


@pytest.fixture
def pushed(begin: Begin) -> Repo:
    """Return a repository with a large file, a listed and an unlisted directory, pushed."""
    return begin(pushed_once)


@pytest.fixture
def clone(pushed: Repo, tmp_path: Path) -> Repo:
    """Return a fresh clone of it."""
    return pushed.clone(tmp_path / "clone")


def flip(path: Path, offset: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    rewrite(path, bytes(content))


def rewrite(path: Path, content: bytes) -> None:
    """Put other bytes into a read-only file."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def aside(repo: Repo) -> dict[str, bytes]:
    """Return what lies in quarantine."""
    return {path.name: path.read_bytes() for path in (repo.store / "quarantine").glob("*")}


def there(nas: Path, repo: Repo, path: str) -> Path:
    """Return where a large object lies on the remote."""
    name = repo.digest(path)
    return nas / "objects" / name[:2] / name


# Round trips.


def test_everything_arrives(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.write_dir("listed", 10)
    repo.write("listed/run", "x").chmod(0o755)
    repo.write_dir("manifest", MANY)
    repo.write_dir("sharded", 5000)
    repo.write("tool", noise("tool", LARGE)).chmod(0o755)
    repo.write("listed/zero", b"")
    repo.path("hollow").mkdir()
    repo.write("huge", noise("huge", 40 << 20))
    names = ["listed", "manifest", "sharded", "tool", "hollow", "huge"]
    repo.ok("add", *names)
    repo.commit()
    sent = repo.ok("push", "--json").json
    clone = repo.clone(tmp_path / "clone")
    plan = clone.ok("pull", "--dry-run", "--json").json
    assert clone.states()["huge"] == "not-in-cache"
    result = clone.ok("pull", "--json").json
    assert list(result) == ["remote", "transferred", "skipped", "bytes", "requests", "failed", "warnings"]
    assert result["warnings"] == []
    assert plan["transferred"] == result["transferred"] + result["skipped"] == sent["transferred"]
    assert set(clone.states().values()) == {"clean"}
    for name in ("listed", "manifest", "sharded"):
        assert clone.contents(name) == repo.contents(name)
    for name in ("tool", "huge"):
        assert clone.read(name) == repo.read(name)
    assert os.access(clone.path("tool"), os.X_OK)
    assert os.access(clone.path("listed/run"), os.X_OK)
    assert list(clone.path("hollow").iterdir()) == []
    clone.ok("verify")
    clone.ok("status", "--pushed", "--exit-code")
    assert clone.ok("pull").out.startswith("The cache is up to date (")
    assert clone.debris() == []
    assert (nas / "mvc-remote.yaml").exists()


def test_fetch_touches_the_cache_only(clone: Repo) -> None:
    result = clone.ok("fetch")
    assert result.out.endswith("Next: mvc checkout\n")
    assert set(clone.states().values()) == {"missing"}
    clone.ok("checkout")
    assert set(clone.states().values()) == {"clean"}


def test_part_of_a_directory(clone: Repo) -> None:
    result = clone.ok("pull", "data/part-0007.bin", "few/run.sh", "--json").json
    assert result["transferred"] == 3  # the manifest, too
    assert list(clone.contents("data")) == ["part-0007.bin"]
    assert list(clone.contents("few")) == ["run.sh"]
    assert clone.ok("pull", "data/part-001*", "--json").json["transferred"] == 10
    assert clone.ok("pull", "data/part-001*", "--json").json["transferred"] == 0
    assert len(clone.contents("data")) == 11


def test_a_few_changed_files_of_many_are_few_bytes(repo: Repo, nas: Path, tmp_path: Path) -> None:
    for number in range(5000):
        repo.write(f"data/{number:05}", noise(number, 2000))
    repo.added("data")
    repo.ok("push")
    clone = repo.clone(tmp_path / "clone")
    clone.ok("pull")
    for number in range(5):
        repo.write(f"data/{number:05}", noise(("new", number), 2000))
    repo.added("data")
    sent = repo.ok("push", "--json").json
    clone.git("pull", "-q")
    result = clone.ok("pull", "--json").json
    shards = 5000 * 130  # a manifest's lines; no file's bytes
    assert sent["bytes"] < 5 * 2000 + shards
    assert result["bytes"] < 5 * 2000 + shards
    assert result["transferred"] <= 5 + 1 + 5
    assert clone.contents("data") == repo.contents("data")
    assert nas.exists()


def test_an_older_version(pushed: Repo, clone: Repo) -> None:
    old = pushed.read("m.bin")
    pushed.added("m.bin", noise("new", LARGE))
    pushed.ok("push")
    clone.git("pull", "-q")
    clone.ok("pull", "m.bin")
    result = clone.fails(3, "checkout", "--rev", "HEAD~1", "m.bin")
    assert result.fixes == ["mvc fetch --rev 'HEAD~1' m.bin"]
    assert clone.shell(result.fixes[0]).code == 0
    clone.ok("checkout", "--rev", "HEAD~1", "m.bin")
    assert clone.read("m.bin") == old
    clone.git("reset", "-q", "--hard")
    assert clone.ok("pull", "--all-commits", "m.bin", "--json").json["transferred"] == 0
    assert clone.read("m.bin") == pushed.read("m.bin")


# What is missing.


def test_a_missing_object_names_who_has_it(pushed: Repo, nas: Path, clone: Repo) -> None:
    there(nas, pushed, "m.bin").unlink()
    result = clone.fails(3, "pull", env=BOB)
    commit, day = pushed.git("log", "-1", "--abbrev=12", "--format=%h %as").split()
    assert len(result.errors) == 1
    assert f"committed by Ada on {day} in {commit}, never pushed or since deleted" in result.errors[0]
    assert result.fixes == [f"ask Ada to run: mvc push --rev {commit}"]
    assert clone.contents("data") == pushed.contents("data")
    (failure,) = clone.mvc("fetch", "--json").json["failed"]
    assert (failure["path"], failure["blake3"]) == ("m.bin", pushed.digest("m.bin"))
    assert clone.fails(3, "checkout").fixes == ["mvc pull m.bin  # brings it from the remote"]
    assert "mvc pull m.bin" in clone.ok("status").out
    assert clone.fails(3, "pull").fixes == [f"mvc push --rev {commit}  # in the clone where you added it"]
    assert pushed.shell(result.fixes[0].partition(": ")[2]).code == 0
    clone.ok("pull")
    assert clone.read("m.bin") == pushed.read("m.bin")


def test_a_missing_manifest_is_told_once(pushed: Repo, nas: Path, clone: Repo) -> None:
    for path in (nas / "packs").iterdir():
        path.unlink()
    result = clone.fails(3, "pull", "data")
    assert len(result.errors) == 1
    assert result.errors[0].startswith("data: object ")
    assert clone.mvc("pull").code == 3
    assert clone.read("m.bin") == pushed.read("m.bin")


def test_many_missing_objects_do_not_flood(pushed: Repo, nas: Path, clone: Repo) -> None:
    clone.ok("fetch", "data/part-0000.bin")
    shutil.rmtree(nas / "packs")
    result = clone.fails(3, "pull", "data")
    assert len(result.errors) < 15
    assert "more" in result.errors[-1]
    assert len(clone.mvc("-v", "fetch", "data").err.splitlines()) > MANY
    assert pushed.states()["data"] == "clean"


def test_a_remote_that_is_gone(pushed: Repo, nas: Path, clone: Repo, tmp_path: Path) -> None:
    nas.rename(tmp_path / "elsewhere")
    for command in (["fetch"], ["pull"], ["pull", "--dry-run"]):
        assert "empty" in clone.fails(3, *command).errors[0]
    clone.ok("remote", "set", "nas", str(tmp_path / "no/such/place"))
    for command in (["pull"], ["push"], ["status", "--pushed"], ["verify", "-r", "nas"]):
        assert "cannot be reached" in clone.fails(3, *command).errors[0]
    assert not (tmp_path / "no").exists()
    assert not nas.exists()
    assert pushed.ok("pull").out  # nothing is needed, so nobody is asked


def test_what_the_cache_has_is_checked_out_when_the_remote_is_gone(nas: Path, clone: Repo) -> None:
    clone.ok("fetch", "m.bin")
    shutil.rmtree(nas)
    result = clone.fails(3, "pull")
    assert len(result.errors) == 1
    assert "is empty" in result.errors[0]
    assert clone.states()["m.bin"] == "clean"
    failed = clone.mvc("pull", "--json").json["failed"]
    assert [item["path"] for item in failed] == [""]


# What is wrong there.


@pytest.mark.parametrize("what", ["symlink", "symlink to nothing", "pipe"])
@pytest.mark.parametrize("place", ["data", "data/inside"])
def test_what_is_in_the_way_and_no_file_is_told_with_a_line(clone: Repo, what: str, place: str) -> None:
    clone.ok("pull")
    clone.write("elsewhere/file", b"mine")
    path = clone.path(place)
    if place == "data":
        clone.remove("data")
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(clone.path("elsewhere" if what == "symlink" else "nowhere"))
    result = clone.fails(3, "pull", f"../{'data'}", cwd="few")
    assert result.fixes[0].startswith(f"mv -n -- ../{place} ../data.")
    assert (result.fixes[0].count(".mvcignore"), len(result.fixes)) == (int(place != "data"), 1)
    assert clone.shell(result.fixes[0], cwd="few").code == 0
    clone.ok("pull", "data")
    assert clone.states()["data"] == "clean"
    assert clone.read("elsewhere/file") == b"mine"


def test_a_flipped_byte_in_a_large_object(pushed: Repo, nas: Path, clone: Repo) -> None:
    flip(there(nas, pushed, "m.bin"), LARGE // 2)
    result = clone.fails(3, "pull")
    assert len(result.errors) == 1
    assert "damaged on" in result.errors[0]
    assert result.errors[0].startswith("m.bin: ")
    assert not clone.path("m.bin").exists()
    assert clone.contents("data") == pushed.contents("data")
    assert aside(clone) == {f"{pushed.digest('m.bin')}.arrived": there(nas, pushed, "m.bin").read_bytes()}
    assert "quarantine" in clone.fails(1, "verify").errors[0]
    assert pushed.digest("m.bin") in clone.fails(1, "verify", "-r", "nas").errors[0]
    pushed.ok("push", "--repair", "m.bin")
    clone.ok("pull")
    assert clone.read("m.bin") == pushed.read("m.bin")
    clone.ok("verify")


def test_one_wrong_copy_is_kept_and_no_more(pushed: Repo, nas: Path, clone: Repo) -> None:
    path = there(nas, pushed, "m.bin")
    flip(path, 0)
    first = path.read_bytes()
    clone.fails(3, "pull")
    for offset in range(1, 4):
        flip(path, offset)
        clone.fails(3, "pull")
    assert aside(clone) == {f"{path.name}.arrived": first}
    assert clone.debris() == []


def test_the_wrong_bytes_of_a_large_download_are_kept(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.added("huge", noise("huge", 17 << 20))
    repo.ok("push")
    path = there(nas, repo, "huge")
    flip(path, 16 << 20)
    clone = repo.clone(tmp_path / "clone")
    clone.fails(3, "pull")
    assert aside(clone) == {f"{path.name}.arrived": path.read_bytes()}
    assert clone.debris() == []


def test_a_flipped_byte_in_a_pack(pushed: Repo, nas: Path, clone: Repo) -> None:
    body = pushed.read("data/part-0100.bin")
    (pack,) = (nas / "packs").glob("*.pack")
    flip(pack, pack.read_bytes().index(body) + 9)
    result = clone.fails(3, "pull")
    assert [error.partition(":")[0] for error in result.errors] == ["data/part-0100.bin"]
    assert len(clone.contents("data")) == MANY - 1
    (wrong,) = aside(clone).values()
    assert (len(wrong), wrong == body) == (len(body), False)
    assert len(clone.fails(1, "verify").errors) == 2  # the object, and who needs it


def test_a_flipped_byte_in_a_manifest(pushed: Repo, nas: Path, clone: Repo) -> None:
    (pack,) = (nas / "packs").glob("*.pack")
    flip(pack, pack.read_bytes().index(b"mvc-manifest 1") + 20)
    result = clone.fails(3, "pull")
    assert [error.partition(":")[0] for error in result.errors] == ["data"]
    clone.ok("gc")  # a manifest that never was here hides nothing
    assert clone.mvc("status", "--pushed", "--json", "data").json["items"][0]["pushed"] is False
    assert clone.read("m.bin") == pushed.read("m.bin")


@pytest.mark.parametrize("offset", [0, 20, 1100, 3000, -1])
def test_a_flipped_byte_in_an_index(pushed: Repo, nas: Path, clone: Repo, offset: int) -> None:
    (index,) = (nas / "packs").glob("*.idx")
    flip(index, offset)
    clone.fails(3, "pull")
    assert clone.read("m.bin") == pushed.read("m.bin")
    assert "index" in clone.fails(1, "verify", "-r", "nas").errors[0]
    clone.ok("verify")
    pushed.ok("push")  # what nobody sees is not there
    clone.ok("pull")
    assert clone.contents("data") == pushed.contents("data")


def test_objects_that_took_each_other_s_places(pushed: Repo, nas: Path, clone: Repo) -> None:
    first, second = there(nas, pushed, "m.bin"), next(
        path for path in (nas / "objects").glob("*/*") if path.name != pushed.digest("m.bin")
    )
    one, two = first.read_bytes(), second.read_bytes()
    rewrite(first, two)
    rewrite(second, one)
    result = clone.fails(3, "pull")
    assert sorted(error.partition(":")[0] for error in result.errors) == ["few/large", "m.bin"]
    assert sorted(aside(clone).values()) == sorted([one, two])
    assert clone.read("few/run.sh") == pushed.read("few/run.sh")


@pytest.mark.parametrize("length", [0, 1000, LARGE + 1])
def test_a_large_object_of_another_length(pushed: Repo, nas: Path, clone: Repo, length: int) -> None:
    path = there(nas, pushed, "m.bin")
    rewrite(path, (path.read_bytes() + b"x")[:length])
    assert len(clone.fails(3, "pull").errors) == 1
    assert not clone.path("m.bin").exists()
    assert clone.debris() == []
    assert aside(clone) == {}  # what has not even the length is not brought
    clone.ok("verify")


def test_a_pack_that_is_cut(pushed: Repo, nas: Path, clone: Repo) -> None:
    (pack,) = (nas / "packs").glob("*.pack")
    rewrite(pack, pack.read_bytes()[:20_000])
    clone.fails(3, "pull")
    assert clone.read("m.bin") == pushed.read("m.bin")
    clone.ok("verify")
    pushed.ok("push")
    clone.ok("pull")
    assert clone.contents("data") == pushed.contents("data")


def test_an_index_that_lies(pushed: Repo, nas: Path, clone: Repo) -> None:
    """Its hash is right, what it says is absurd: a terabyte, before or behind the end, another object's place."""
    from mvc.store.packs.index import PackIndex, encode_index

    (index,) = (nas / "packs").glob("*.idx")
    known = PackIndex(index.read_bytes())
    lies = [
        record._replace(**change)
        for record, change in zip(
            known.records(),
            [{"stored": 1 << 40}, {"offset": 1 << 62}, {"size": 1 << 50}, {"offset": 8}, {"codec": 7}] * MANY,
            strict=False,
        )
    ]
    rewrite(index, encode_index((item.pack() for item in lies), known.pack_hash))
    result = clone.fails(3, "pull")
    assert "MemoryError" not in result.err
    assert clone.read("m.bin") == pushed.read("m.bin")
    clone.fails(1, "verify", "-r", "nas")
    assert all(len(wrong) == 200 for wrong in aside(clone).values())


def test_a_kept_index_that_lies_heals(pushed: Repo, nas: Path, clone: Repo) -> None:
    """It was fetched when the remote's was wrong, with a hash that is right, and that one was mended since."""
    from mvc.store.packs.index import PackIndex, encode_index

    clone.ok("fetch", "data/part-0000.bin")
    (kept,) = clone.store.glob("remotes/*/*.idx")
    (index,) = (nas / "packs").glob("*.idx")
    known = PackIndex(index.read_bytes())
    lies = [
        record._replace(**change)
        for record, change in zip(known.records(), [{"stored": 1 << 40}, {"offset": 8}, {}] * MANY, strict=False)
    ]
    rewrite(kept, encode_index((item.pack() for item in lies), known.pack_hash))
    assert clone.ok("pull", "--json").json["failed"] == []
    assert clone.contents("data") == pushed.contents("data")
    assert kept.read_bytes() == index.read_bytes()
    assert aside(clone) == {}


# A hostile or odd directory.


def test_a_hostile_listing(pushed: Repo, nas: Path, clone: Repo, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (nas / "objects/..odd").mkdir()
    for name in ("objects/\x1b[31m", "objects/ab", "packs/x.idx", "packs/x.pack", "objects/..odd/x", "packs/\n.idx"):
        path = nas / name
        if not path.exists():
            path.write_bytes(b"x")
    (nas / f"packs/{'a' * 64}.idx").symlink_to(secret)
    (nas / f"packs/{'a' * 64}.pack").symlink_to(secret)
    os.mkfifo(nas / f"packs/{'b' * 64}.idx")
    (nas / f"packs/{'b' * 64}.pack").write_bytes(b"")
    (nas / "objects/loop").symlink_to(nas)
    path = there(nas, pushed, "m.bin")
    path.unlink()
    path.symlink_to(secret)
    result = clone.fails(3, "pull")
    assert "secret" not in result.err + result.out
    assert clone.contents("data") == pushed.contents("data")
    assert "\x1b" not in clone.mvc("verify", "-r", "nas").err
    assert pushed.mvc("push").code == 0
    assert secret.read_bytes() == b"secret"
    clone.ok("pull")
    assert clone.read("m.bin") == pushed.read("m.bin")


def test_a_read_only_remote_can_be_pulled_from(pushed: Repo, nas: Path, clone: Repo) -> None:
    script = f"""
        mount --bind {nas} {nas} && mount -o remount,ro,bind {nas}
        mvc pull && mvc status --pushed --exit-code && mvc verify -r nas || exit 9
        echo new > new && mvc -q add new; mvc push; echo code $?
    """
    result = clone.run("unshare", "-rm", "bash", "-c", script)
    assert result.out.splitlines()[-1] == "code 3", result
    assert "ead-only" in result.err
    assert "Traceback" not in result.err
    assert clone.read("m.bin") == pushed.read("m.bin")


def test_pull_never_overwrites_what_only_the_workspace_has(pushed: Repo, clone: Repo) -> None:
    clone.write("m.bin", "mine")
    result = clone.fails(3, "pull")
    assert len(result.errors) == 1
    assert clone.read("m.bin") == b"mine"
    assert clone.contents("data") == pushed.contents("data")
    (failure,) = clone.mvc("pull", "--json").json["failed"]
    assert (failure["path"], failure["blake3"]) == ("m.bin", "")


def test_one_broken_pointer_does_not_stop_the_rest(pushed: Repo, clone: Repo) -> None:
    clone.write("m.bin.mvc", "nonsense")
    result = clone.fails(3, "pull")
    assert len(result.errors) == 1
    assert clone.contents("data") == pushed.contents("data")


# Killed.


@pytest.mark.sampled
@pytest.mark.parametrize("command", ["push", "pull"])
@pytest.mark.parametrize(
    ("calls", "points"),
    [
        ("write,pwrite64", (2, 5)),
        ("fsync,fdatasync", (1, 2, 4, 6)),
        ("link,linkat,rename,renameat,renameat2", (1, 2, 3, 5)),
        ("unlink,unlinkat,rmdir", (1, 3)),
        ("mkdir,mkdirat", (1, 3, 5)),
        ("fchmod", (1, 3)),
    ],
)
def test_killed_and_run_again(
    pushed: Repo, nas: Path, clone: Repo, tmp_path: Path, command: str, calls: str, points: tuple[int, ...],
) -> None:
    from harness import MVC

    died = 0
    here = (clone.store, clone.path("data"), clone.path("few"))
    for point in some(points, 2):
        for gone in (nas, pushed.store / "remotes") if command == "push" else here:
            shutil.rmtree(gone, ignore_errors=True)
        fault = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={point}"]
        repo = pushed if command == "push" else clone
        killed = repo.run("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), *fault, MVC, command)
        assert "Traceback" not in killed.err, killed
        died += killed.code < 0
        if command == "push" and nas.exists():
            repo.ok("verify", "-r", "nas")
        repo.ok("verify")
        repo.ok(command)
        repo.ok("verify")
        repo.ok("verify", "-r", "nas")
        repo.ok("status", "--pushed", "--exit-code")
        if command == "pull":
            assert clone.contents("data") == pushed.contents("data")
            assert clone.read("m.bin") == pushed.read("m.bin")
        assert not list((nas / "tmp").glob("*/*"))
        assert repo.debris() == []
    assert died


HUGE = noise("huge", 1 << 20) * 40


@pytest.mark.parametrize("damaged", [False, True])
def test_a_copy_that_was_cut_off_goes_on(
    repo: Repo, nas: Path, tmp_path: Path, in_process: InProcess, monkeypatch: pytest.MonkeyPatch, damaged: bool,
) -> None:
    """Unless what it had copied is damaged: then it begins anew."""
    repo.added("huge.bin", HUGE)
    repo.ok("push")
    clone = repo.clone(tmp_path / "clone")
    asked: list[int] = []

    def copy_file_range(source: int, target: int, count: int, start: int, end: int) -> int:
        asked.append(start)
        if len(asked) == 4:
            raise OSError(errno.EIO, "Input/output error")
        return os.pwrite(target, os.pread(source, count, start), end)

    monkeypatch.setattr(os, "copy_file_range", copy_file_range)
    monkeypatch.setattr("mvc.transfer.download.reflink", lambda *_: False)
    assert in_process(clone.root, "fetch").code == 3
    (part,) = clone.store.glob("tmp/*.part")
    begun = part.stat().st_size
    assert begun == asked[3] > 0
    if damaged:
        flip(part, 100)
    assert in_process(clone.root, "fetch").code == 0
    assert (asked[4], 0 in asked[4:]) == (begun, damaged)
    monkeypatch.undo()
    clone.ok("pull")
    assert clone.read("huge.bin") == HUGE
    clone.ok("verify")
    assert clone.debris() == []
    assert nas.exists()


# Copies.


def test_a_damaged_copy_hides_no_good_one(pushed: Repo, nas: Path, clone: Repo) -> None:
    """Two clones pushed the same; in one pack it rots, whichever is looked into first."""
    shutil.move(nas / "packs", nas / "first")
    pushed.ok("push")
    for path in (nas / "first").iterdir():
        shutil.move(path, nas / "packs")
    packs = sorted((nas / "packs").glob("*.pack"))
    assert len(packs) == 2
    for pack in packs:
        whole = pack.read_bytes()
        flip(pack, len(whole) - 5)
        flip(pack, 100)
        shutil.rmtree(clone.store / "packs", ignore_errors=True)
        clone.ok("pull")
        assert clone.contents("data") == pushed.contents("data")
        rewrite(pack, whole)


def test_a_copy_that_is_damaged_everywhere_is_named(pushed: Repo, nas: Path, clone: Repo) -> None:
    shutil.move(nas / "packs", nas / "first")
    pushed.ok("push")
    for path in (nas / "first").iterdir():
        shutil.move(path, nas / "packs")
    for pack in (nas / "packs").glob("*.pack"):
        flip(pack, pack.stat().st_size - 1)
    result = clone.fails(3, "pull")
    assert "damaged" in result.errors[0]
    assert len(aside(clone)) == 1


def test_a_part_of_a_directory_reads_a_part_of_the_index(
    clone: Repo, nas: Path, in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of a large one; what looks wrong in it is looked for in the whole."""
    monkeypatch.setattr("mvc.store.packs.ranged_index.A_REQUEST", 1000)
    names = [f"data/part-{number:04}.bin" for number in range(5)]
    assert in_process(clone.root, "pull", *names).code == 0
    assert sorted(clone.contents("data")) == [name.removeprefix("data/") for name in names]
    assert not list(clone.store.glob("remotes/*/*.idx"))
    assert in_process(clone.root, "pull").code == 0
    assert list(clone.store.glob("remotes/*/*.idx"))
