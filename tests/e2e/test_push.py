"""`mvc push` to a directory: everything that is needed, once, and nothing that is wrong."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from harness import LARGE, MANY, InProcess, Repo, noise

from mvc.store.packs.index import PackIndex


@pytest.fixture
def nas(repo: Repo, tmp_path: Path) -> Path:
    """Return the directory of the remote `nas`, which the repository has and nobody has pushed to."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.git("add", ".mvc")
    repo.commit("remote")
    return tmp_path / "nas"


def on(nas: Path) -> dict[str, bytes]:
    """Return what lies on a remote."""
    return {str(path.relative_to(nas)): path.read_bytes() for path in nas.rglob("*") if path.is_file()}


def flip(path: Path, offset: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def test_push_says_what_it_did_and_does_it_once(repo: Repo, nas: Path) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.write_dir("data", MANY)
    repo.added("data")
    plan = repo.ok("push", "--dry-run", "--json").json
    assert (plan["transferred"], plan["bytes"] >= LARGE, nas.exists()) == (MANY + 2, True, False)
    assert "Next: mvc push" in repo.ok("push", "--dry-run").out
    first = repo.ok("push", "--json").json
    assert list(first) == ["remote", "transferred", "skipped", "bytes", "requests", "failed", "warnings"]
    assert (first["remote"], first["transferred"], first["skipped"], first["failed"]) == ("nas", MANY + 2, 0, [])
    before = {name: os.stat(nas / name).st_mtime_ns for name in on(nas)}
    assert len(before) == 5  # the format, roots, an object, a pack and its index
    again = repo.ok("push", "--json").json
    assert (again["transferred"], again["skipped"], again["bytes"]) == (0, MANY + 2, 0)
    assert {name: os.stat(nas / name).st_mtime_ns for name in on(nas)} == before
    assert repo.ok("push").out == f"nas is up to date ({MANY + 2} objects).\n"
    assert repo.debris() == []
    assert not list((nas / "tmp").glob("*"))


def test_the_next_step_after_a_push(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.write("m.bin", noise("m", LARGE))
    repo.ok("add", "m.bin")
    assert "Next: git commit" in repo.ok("push").out
    repo.commit()
    assert "Next" not in repo.ok("push").out
    repo.git("init", "-q", "--bare", str(tmp_path / "hub"))
    repo.git("remote", "add", "origin", str(tmp_path / "hub"))
    assert repo.ok("push").out.endswith("Next: git push\n")
    repo.git("push", "-q", "-u", "origin", "main")
    assert "Next" not in repo.ok("push").out
    assert (nas / "mvc-remote.yaml").exists()


def test_paths_parts_and_patterns(repo: Repo, nas: Path) -> None:
    for name in ("a/x", "a/y", "b/x"):
        repo.write(f"data/{name}", noise(name, 100))
    repo.write("one.onnx", noise(1, LARGE))
    repo.write("two.onnx", noise(2, LARGE))
    repo.ok("add", "data", "one.onnx", "two.onnx")
    assert repo.ok("push", "data/a/x", "--json").json["transferred"] == 1
    assert repo.ok("push", "data/a", "--json").json["transferred"] == 1
    assert repo.ok("push", "*.onnx", "--json").json["transferred"] == 2
    assert repo.ok("push", "--json").json["transferred"] == 1
    assert "not tracked" in repo.fails(3, "push", "nothing").errors[0]
    assert nas.exists()


# Revisions.


@pytest.fixture
def history(repo: Repo, nas: Path) -> Repo:
    """Return a repository with four versions of a file: on main, on a branch, under a tag only, and in between."""
    assert not nas.exists()
    repo.added("m.bin", noise("first", LARGE))
    repo.git("switch", "-qc", "side")
    repo.added("m.bin", noise("side", LARGE))
    repo.git("switch", "-qc", "gone")
    repo.added("m.bin", noise("tagged", LARGE))
    repo.git("tag", "-am", "t", "v1")
    repo.git("switch", "-q", "main")
    repo.git("branch", "-qD", "gone")
    repo.ok("checkout")
    repo.added("m.bin", noise("last", LARGE))
    return repo


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 1),
        (["--rev", "HEAD~1"], 1),
        (["--rev", "HEAD~1", "--rev", "v1"], 2),
        (["--all-branches"], 2),
        (["--all-tags"], 1),
        (["--all-branches", "--all-tags"], 3),
        (["--all-commits"], 4),
        (["--all-commits", "m.bin"], 4),
    ],
)
def test_revisions(history: Repo, options: list[str], count: int) -> None:
    assert history.ok("push", "--json", *options).json["transferred"] == count
    assert history.ok("push", "--json", *options).json["transferred"] == 0


def test_a_path_need_not_be_tracked_at_every_revision(history: Repo) -> None:
    history.added("new.bin", noise("new", LARGE))
    assert history.ok("push", "--all-branches", "new.bin", "--json").json["transferred"] == 1
    assert history.ok("push", "--all-commits", "new.bin", "--json").json["transferred"] == 0
    for scope in ("--all-branches", "--all-commits"):
        assert "none.bin is not tracked at any of these" in history.fails(3, "push", scope, "none.bin").errors[0]
    assert "not a revision" in history.fails(2, "push", "--rev", "nonsense").errors[0]


def test_a_commit_whose_pointers_cannot_be_read_does_not_stop_the_rest(history: Repo) -> None:
    blob = history.git("rev-parse", "v1:m.bin.mvc")
    (history.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    history.git("config", "remote.hub.promisor", "true")  # as in a partial clone
    result = history.mvc("push", "--all-commits", "--json")
    assert (result.code, result.json["transferred"]) == (3, 3)
    (failure,) = result.json["failed"]
    assert (failure["path"], failure["blake3"], failure["fix"]) == ("m.bin", "", "git fetch --refetch --no-filter hub")
    result = history.fails(3, "push", "--all-tags", "--rev", "HEAD")
    assert history.git("rev-parse", "v1^{commit}")[:12] in result.errors[0]
    assert "not in this clone" in result.errors[0]


def test_unborn_and_detached(bare_git: Repo, repo: Repo, nas: Path, tmp_path: Path) -> None:
    bare_git.ok("init")
    bare_git.ok("remote", "add", "nas", str(tmp_path / "other"))
    assert "Next: mvc add PATH" in bare_git.ok("push").out
    assert bare_git.ok("push", "--all-commits", "--json").json["transferred"] == 0
    for scope in (["--rev", "HEAD"], ["--all-branches"], ["--all-tags"]):
        assert bare_git.fails(2, "push", *scope).errors == ["there is no commit yet"]
    bare_git.write("m.bin", "x")
    bare_git.ok("add", "m.bin")
    assert "Next: git commit" in bare_git.ok("push").out
    repo.added("m.bin", noise("m", LARGE))
    repo.git("switch", "-q", "--detach")
    assert repo.ok("push", "--json").json["transferred"] == 1
    assert nas.exists()


def test_no_remote(repo: Repo) -> None:
    repo.added("m.bin", "m")
    for command in ("push", "fetch", "pull"):
        assert repo.fails(2, command).fixes == ["mvc remote add NAME URL"]


# Several remotes.


def test_a_pointer_s_own_remote(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.ok("remote", "default", "nas")
    repo.ok("remote", "add", "prod", str(tmp_path / "prod"))
    for name in ("a", "b", "c"):
        repo.write(name, noise(name, LARGE))
    repo.ok("add", "a", "b", "c")
    for name, remote in (("b", "prod"), ("c", "none")):
        repo.path(f"{name}.mvc").write_text(repo.path(f"{name}.mvc").read_text() + f'remote: "{remote}"\n')
    result = repo.mvc("push", "--json")
    assert result.code == 3
    assert [(item["remote"], item["transferred"]) for item in result.json] == [("nas", 1), ("prod", 1)]
    assert [item["path"] for part in result.json for item in part["failed"]] == ["c"]
    items = {item["path"]: item["pushed"] for item in repo.mvc("status", "--pushed", "--json").json["items"]}
    assert items == {"a": True, "b": True, "c": False}
    assert repo.ok("push", "-r", "prod", "--json").json["transferred"] == 2
    assert len([name for name in on(nas) if name.startswith("objects/")]) == 1


def test_a_program_is_told_of_the_only_remote_that_refuses(repo: Repo, nas: Path) -> None:
    repo.added("m.bin", noise("m", LARGE))
    for url, word in (("https://127.0.0.1:1/x", "127.0.0.1"), (f"{nas}/not/mounted", "cannot be reached")):
        repo.ok("remote", "set", "nas", url)
        for command in (["push"], ["push", "--dry-run"]):
            result = repo.mvc(*command, "--json")
            assert (result.code, result.err) == (3, "")
            assert (result.json["remote"], result.json["transferred"]) == ("nas", 0)
            assert [word in item["error"] and item["path"] == "" for item in result.json["failed"]] == [True]
            assert result.json["failed"][0]["fix"]
            told = repo.fails(3, *command)
            assert (told.errors, told.fixes) == ([result.json["failed"][0]["error"]], [result.json["failed"][0]["fix"]])
            assert told.out == ""


def test_a_remote_that_is_gone_does_not_stop_the_other(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.ok("remote", "default", "nas")
    repo.ok("remote", "add", "prod", str(tmp_path / "not/mounted"))
    for name in ("a", "b"):
        repo.write(name, noise(name, LARGE))
    repo.ok("add", "a", "b")
    repo.path("b.mvc").write_text(repo.path("b.mvc").read_text() + 'remote: "prod"\n')
    result = repo.mvc("push", "--json")
    assert (result.code, [item["transferred"] for item in result.json]) == (3, [1, 0])
    assert "cannot be reached" in result.json[1]["failed"][0]["error"]
    assert "cannot be reached" in repo.fails(3, "push", "-r", "prod").errors[0]
    assert not (tmp_path / "not").exists()
    assert nas.exists()


# What is wrong.


def test_one_broken_pointer_does_not_stop_the_rest(repo: Repo, nas: Path) -> None:
    for name in ("a", "b", "c"):
        repo.write(name, noise(name, LARGE))
    repo.ok("add", "a", "b", "c")
    repo.write("b.mvc", "nonsense")
    result = repo.mvc("push", "--json")
    assert (result.code, result.json["transferred"]) == (3, 2)
    assert [item["path"] for item in result.json["failed"]] == ["b"]
    assert "git checkout" in repo.fails(3, "push").fixes[0]
    assert nas.exists()


@pytest.mark.parametrize("size", [100, LARGE, 20 << 20])
def test_a_damaged_local_object_is_not_pushed(repo: Repo, nas: Path, size: int) -> None:
    repo.added("good", noise("good", 300))
    repo.added("bad", noise("bad", size))
    name = repo.digest("bad")
    path = repo.loose(name)
    if not path.exists():
        (path,) = [pack for pack in (repo.store / "packs").glob("*.pack") if noise("bad", size) in pack.read_bytes()]
    flip(path, 50)
    result = repo.mvc("push", "--json")
    assert (result.code, result.json["transferred"]) == (3, 1)
    assert [(item["path"], item["blake3"]) for item in result.json["failed"]] == [("bad", name)]
    assert "damaged" in result.json["failed"][0]["error"]
    assert repo.fails(3, "push").fixes == ["mvc verify"]
    repo.ok("verify", "-r", "nas")
    assert not any(name in key for key in on(nas))


def test_an_object_that_nobody_here_has(repo: Repo, nas: Path) -> None:
    commit = repo.added("m.bin", noise("m", LARGE))[:12]
    day = repo.git("log", "-1", "--format=%as")
    repo.added("n.bin", noise("n", LARGE))
    repo.loose(repo.digest("m.bin")).unlink()
    result = repo.fails(3, "push")
    assert f"committed by Ada on {day} in {commit}, never pushed or since deleted" in result.errors[0]
    assert result.fixes == [f"mvc push --rev {commit}  # in the clone where you added it"]
    assert len([name for name in on(nas) if name.startswith("objects/")]) == 1
    assert repo.mvc("push", "--dry-run").code == 3


@pytest.mark.parametrize("text", ['mvc-remote: 2\nid: "x"\nfeatures: {read: [], write: []}\n',
                                  'mvc-remote: 1\nid: "x"\nfeatures: {read: ["zstd"], write: []}\n', "x"])
def test_a_remote_of_a_newer_format_is_refused(repo: Repo, nas: Path, text: str) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.ok("push")
    (nas / "mvc-remote.yaml").chmod(0o644)
    (nas / "mvc-remote.yaml").write_text(text)
    before = on(nas)
    repo.added("n.bin", noise("n", LARGE))
    repo.loose(repo.digest("m.bin")).unlink()
    for command in (["push"], ["fetch"], ["pull"], ["status", "--pushed"], ["verify", "-r", "nas"]):
        assert repo.fails(2, *command).fixes
    assert on(nas) == before


def test_a_cut_object_on_the_remote_is_sent_again(repo: Repo, nas: Path) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.write_dir("data", MANY)
    repo.added("data")
    repo.ok("push")
    whole = on(nas)
    (pack,) = (nas / "packs").glob("*.pack")
    for path in (next((nas / "objects").glob("*/*")), pack):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-100])
    assert len(repo.mvc("verify", "-r", "nas", "--json").json["wrong"]) >= 2
    assert repo.mvc("status", "--pushed", "--exit-code").code == 1
    assert repo.ok("push", "--json").json["transferred"] >= 2
    repo.ok("status", "--pushed", "--exit-code")
    assert on(nas)[next(name for name in whole if name.startswith("objects/"))] in whole.values()


def test_push_repairs_what_is_damaged_on_the_remote(repo: Repo, nas: Path) -> None:
    repo.added("m.bin", noise("m", LARGE))
    files = repo.write_dir("data", MANY)
    repo.added("data")
    repo.ok("push")
    (pack,) = (nas / "packs").glob("*.pack")
    flip(next((nas / "objects").glob("*/*")), 100)
    flip(pack, pack.read_bytes().index(files["part-0003.bin"]) + 5)
    flip(pack.with_suffix(".idx"), 1500)
    assert repo.mvc("verify", "-r", "nas").code == 1
    repo.ok("push", "--repair")
    repo.ok("verify", "-r", "nas")
    repo.ok("status", "--pushed", "--exit-code")
    clone = repo.clone(repo.root.parent / "clone")
    clone.ok("pull")
    assert clone.contents("data") == files


def in_pack(store: Path, name: str) -> tuple[Path, int]:
    """Return the pack that holds an object, and where it begins there."""
    for path in store.glob("packs/*.idx"):
        if record := PackIndex(path.read_bytes()).find(bytes.fromhex(name)):
            return path.with_suffix(".pack"), record.offset
    raise AssertionError(name)


def test_files_that_nobody_can_list_are_not_pushed(repo: Repo, nas: Path, tmp_path: Path) -> None:
    """The manifest is damaged on the remote, and this clone has none."""
    repo.write_dir("data", MANY)
    repo.write("m.bin", "m")
    repo.ok("add", "data", "m.bin")
    repo.commit()
    repo.ok("push", "data")
    name = repo.digest("data")
    flip(*in_pack(nas, name))
    clone = repo.clone(tmp_path / "clone")
    for options in ([], ["--dry-run"], ["--repair"]):
        result = clone.mvc("push", "data", "--json", *options)
        assert (result.code, result.json["skipped"]) == (3, 0)
        assert [(item["path"], item["blake3"]) for item in result.json["failed"]] == [("data", name)]
    told = clone.fails(3, "push")
    assert "damaged on" in told.errors[0]
    assert "m.bin" in told.errors[1]  # the rest goes on
    assert "already" not in told.out
    assert told.fixes[0] == "mvc push --repair -r nas data  # in a clone where it is intact"
    repo.shell(told.fixes[0])
    repo.ok("push")
    clone.ok("push")
    clone.ok("status", "--pushed", "--exit-code")


def test_files_of_a_manifest_that_is_damaged_here_are_not_pushed(repo: Repo, nas: Path) -> None:
    files = repo.write_dir("data", MANY)
    repo.added("data")
    repo.ok("push")
    flip(*in_pack(repo.store, repo.digest("data")))
    for _ in range(2):
        assert repo.fails(3, "push").fixes == ["mvc verify"]
    assert repo.mvc("verify").code == 1
    repo.ok("push")
    repo.ok("verify")
    assert repo.contents("data") == files


# Others.


def test_two_clones_push_at_once(repo: Repo, nas: Path, tmp_path: Path) -> None:
    import subprocess

    from harness import MVC

    repo.write_dir("shared", MANY)
    repo.added("shared")
    clones = [repo.clone(tmp_path / f"clone-{number}") for number in range(2)]
    for number, clone in enumerate(clones):
        clone.write_dir("shared", MANY)
        clone.ok("add", "shared")
        clone.added(f"own-{number}", noise(number, LARGE))
    running = [subprocess.Popen([MVC, "push"], cwd=clone.root, env=clone.environ) for clone in clones]
    assert [process.wait(60) for process in running] == [0, 0]
    for clone in clones:
        clone.ok("status", "--pushed", "--exit-code")
        clone.ok("verify", "-r", "nas")
    assert len((nas / "mvc-remote.yaml").read_text().splitlines()) == 3
    assert not list((nas / "tmp").glob("*"))


def test_a_full_remote_disk(repo: Repo, tmp_path: Path) -> None:
    script = f"""
        set -e; mkdir {tmp_path}/full; mount -t tmpfs -o size=1m tmpfs {tmp_path}/full
        mvc remote add full {tmp_path}/full/remote; set +e
        mvc push; echo code $?; mvc push small; echo code $?; mvc verify -r full; ls {tmp_path}/full/remote/tmp
    """
    repo.write("large", noise("large", 3 << 20))
    repo.write("small", noise("small", 1000))
    repo.ok("add", "large", "small")
    result = repo.run("unshare", "-rm", "bash", "-c", script)
    assert "Traceback" not in result.err
    lines = result.out.splitlines()
    assert lines[-1] == "Checked 1 object on full, 1.0 kB: no problems.", result
    assert [line for line in lines if line.startswith("code")] == ["code 3", "code 0"], result
    assert "No space left" in result.err


def test_no_room_to_shape_packs_in_stops_the_small_ones_only(
    repo: Repo, nas: Path, in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    repo.added("large", noise("large", LARGE))
    repo.added("small", b"small")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mvc.store.packs.builder.encode_index", full)
    result = in_process(repo.root, "push", "--json")
    assert (result.code, result.json["transferred"]) == (3, 1)
    assert [item["path"] for item in result.json["failed"]] == ["small"]
    assert "No space left" in result.json["failed"][0]["error"]
    monkeypatch.undo()
    repo.ok("push")
    repo.ok("verify", "-r", "nas")
    assert nas.exists()


def test_a_sparse_checkout_pushes_what_it_has(repo: Repo, nas: Path) -> None:
    repo.added("in/m.bin", noise("m", LARGE))
    repo.added("out/n.bin", noise("n", LARGE))
    shutil.rmtree(repo.root / "out")
    repo.git("sparse-checkout", "set", "in")
    assert repo.ok("push", "--json").json["transferred"] == 1
    assert "sparse" in repo.fails(3, "push", "out/n.bin").errors[0]
    assert repo.ok("push", "--rev", "HEAD", "--json").json["transferred"] == 1
    assert nas.exists()
