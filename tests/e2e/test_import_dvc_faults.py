"""`mvc import dvc`, killed at any point, and of hostile repositories."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc import TRACKED, with_dvc
from faults.strace import CALLS, broken
from harness import LARGE, Begin, Repo, noise, some

POINTS = [
    *(("link", point) for point in range(1, 4)), *(("rename", point) for point in range(1, 12)),
    *(("fsync", point) for point in range(1, 20)), *(("unlink", point) for point in range(1, 8)),
    *(("write", point) for point in range(1, 40, 3)),
]


def with_twin(repo: Repo) -> None:
    """Let DVC track files; beside is what Git's index has once they are imported."""
    with_dvc(repo)
    twin = Repo(repo.root.parent / "twin", repo.environ)
    shutil.copytree(repo.root, twin.root, symlinks=True)
    twin.ok("import", "dvc", "--all-commits")
    repo.write("../expected", twin.git("ls-files", "-s"))
    shutil.rmtree(twin.root)


@pytest.mark.parametrize(("kind", "point"), some(POINTS, 8))
def test_a_killed_import_goes_on(begin: Begin, kind: str, point: int) -> None:
    repo = begin(with_twin)
    names = ("big.bin", "mo del[1].bin", "models/ranker.pkl")
    before = {name: repo.read(name) for name in names}
    broken(repo, f"{CALLS[kind]}:signal=KILL:when={point}", "import", "dvc", "--all-commits")
    assert {name: repo.read(name) for name in names} == before
    repo.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
    repo.ok("verify")
    repo.ok("import", "dvc", "--all-commits")
    assert repo.git("ls-files", "-s") == repo.read("../expected").decode().rstrip("\n")
    assert repo.states() == dict.fromkeys(TRACKED, "clean")
    assert {name: repo.read(name) for name in names} == before
    assert not repo.debris()


def test_ignore_files_of_before_the_import_are_mended(begin: Begin) -> None:
    repo = begin(with_twin)
    repo.ok("import", "dvc", "--all-commits")
    repo.git("restore", "--staged", "--worktree", "--", ".gitignore", ":(top)*.dvc")
    repo.ok("import", "dvc", "--all-commits")
    assert repo.git("ls-files", "-s") == repo.read("../expected").decode().rstrip("\n")
    assert repo.git("ls-files", "--others", "--exclude-standard") == ""


# Hostile repositories.


def plain(repo: Repo) -> None:
    """Make a repository of DVC without DVC: a file, and a directory of two."""
    repo.write(".dvc/config", "")
    repo.write("good.bin", "good")
    tracked(repo, "good.bin", stored(repo, b"good"))
    names = {"a": b"a", "b/c": b"c"}
    listed(repo, "data", {name: stored(repo, content) for name, content in names.items()})
    repo.commit("of DVC")


def stored(repo: Repo, content: bytes, suffix: str = "") -> str:
    """Put an object into DVC's cache; return its name."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    repo.write(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}", content)
    return md5


def tracked(repo: Repo, path: str, md5: str, more: str = "") -> None:
    repo.write(f"{path}.dvc", f"outs:\n- md5: '{md5}'\n  hash: md5\n  path: {json.dumps(path)}\n{more}")
    repo.git("add", "-f", f"{path}.dvc", ".dvc/config")


def listed(repo: Repo, path: str, files: dict[str, str], more: str = "") -> None:
    rows = [{"relpath": name, "md5": md5} for name, md5 in files.items()]
    tracked(repo, path, stored(repo, json.dumps(rows).encode(), ".dir"), more)


@pytest.fixture
def dvc_repo(begin: Begin) -> Repo:
    """Return a plain repository of DVC."""
    return begin(plain)


def outside(repo: Repo) -> dict[str, str]:
    """Return all that lies outside of the repository, and in `.git` but for mvc's and Git's own."""
    found = {}
    for top, folders, names in os.walk(repo.root.parent):
        folders[:] = [name for name in folders if Path(top, name) != repo.root]
        found |= {f"{top}/{name}": "" for name in [*folders, *names]}
    return found | {path.name: path.read_text("utf-8", "replace") for path in repo.path(".git/hooks").iterdir()}


def test_a_dvc_file_stays_while_one_of_its_outputs_lacks_content(dvc_repo: Repo) -> None:
    tracked(dvc_repo, "two.bin", stored(dvc_repo, b"two"))
    text = dvc_repo.read("two.bin.dvc").decode()
    lost = hashlib.md5(b"lost", usedforsecurity=False).hexdigest()
    dvc_repo.write("two.bin.dvc", f"{text}- md5: '{lost}'\n  hash: md5\n  path: lost.bin\n")
    dvc_repo.git("commit", "-qam", "an output that nobody has")
    for _ in range(2):
        assert "lost.bin: neither DVC's cache" in dvc_repo.fails(3, "import", "dvc").err
        assert dvc_repo.path("two.bin.dvc").exists()
        assert dvc_repo.states() == {"good.bin": "clean", "data": "missing", "two.bin": "missing"}
    stored(dvc_repo, b"lost")
    dvc_repo.ok("import", "dvc")
    assert not dvc_repo.path("two.bin.dvc").exists()


PATHS = {
    "../../escape": "'..'", "/etc/escape": "absolute", ".git/hooks/post-checkout": ".git", "a/../../../escape": "'..'",
    ".mvc/policy.yaml": ".mvc", "git~1/x": "git~1", "a\\b": "backslash", "nul": "Windows", "x\x00y": "control",
    "x\x1b[2Jy": "control", "": "empty", "a//b": "", "x\u202ey": "",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_list_with_a_hostile_path_is_refused(dvc_repo: Repo, path: str) -> None:
    listed(dvc_repo, "bad", {"fine": stored(dvc_repo, b"good"), path: stored(dvc_repo, b"bad")})
    dvc_repo.commit()
    before = outside(dvc_repo)
    result = dvc_repo.mvc("import", "dvc")
    if path == "x\u202ey":
        assert result.code == 0
        assert "\u202e" not in result.out
        return
    assert result.code in (2, 3), result
    (error,) = result.errors
    assert error.startswith("bad"), error
    assert len(error) < 300
    assert "\x1b" not in error
    assert outside(dvc_repo) == before
    assert dvc_repo.states() == {"good.bin": "clean", "data": "missing"}


def a_symlink(place: Path, tmp: Path) -> None:
    (tmp / "secret").write_bytes(b"bad")  # the right content, at a place that DVC's cache does not have
    place.symlink_to(tmp / "secret")


def a_symlink_above(place: Path, tmp: Path) -> None:
    folder = tmp / place.parent.name
    folder.mkdir()
    (folder / place.name).write_bytes(b"bad")
    place.parent.rmdir()
    place.parent.symlink_to(folder)


def a_pipe(place: Path, tmp: Path) -> None:
    del tmp
    os.mkfifo(place)


def a_directory(place: Path, tmp: Path) -> None:
    del tmp
    place.mkdir()


def other_content(place: Path, tmp: Path) -> None:
    del tmp
    place.write_bytes(b"bad?")


def large_content(place: Path, tmp: Path) -> None:
    del tmp
    place.write_bytes(noise("bad", LARGE))


@pytest.mark.parametrize("put", [a_symlink, a_symlink_above, a_pipe, a_directory, other_content, large_content])
def test_strange_things_in_dvc_s_cache(dvc_repo: Repo, tmp_path: Path, put: Callable[[Path, Path], None]) -> None:
    md5 = stored(dvc_repo, b"bad")
    tracked(dvc_repo, "bad.bin", md5)
    dvc_repo.commit()
    place = dvc_repo.path(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}")
    place.unlink()
    put(place, tmp_path)
    result = dvc_repo.mvc("import", "dvc")
    assert result.code in (1, 3), result
    (error,) = result.errors
    assert error.startswith("bad.bin: "), error
    assert dvc_repo.states() == {"good.bin": "clean", "data": "missing"}


SETTINGS = {
    "command": ("['remote \"r\"']\nurl = ext::sh -c touch% ../ran\n", ""),
    "ssh": ("['remote \"r\"']\nurl = ssh://-oProxyCommand=touch${IFS}../ran/x\n", "not ssh://"),
    "web": ("['remote \"r\"']\nurl = https://user:canary@example.invalid/\n", "not https://"),
    "option": ("['remote \"r\"']\nurl = --upload-pack=touch ../ran\n", ""),
    "itself": ("['remote \"r\"']\nurl = remote://r/x\n", "not remote://"),
    "circle": ("['remote \"r\"']\nurl = remote://q/x\n['remote \"q\"']\nurl = remote://r/x\n", "not remote://"),
    "unverified": ("['remote \"r\"']\nurl = s3://bucket\nssl_verify = false\n", "ssl_verify = false"),
    "bucket": ("['remote \"r\"']\nurl = s3://\n", "s3://"),
    "endpoint": ("['remote \"r\"']\nurl = s3://bucket\nendpointurl = file:///etc\nsession_token = canary\n", "file:///etc"),
    "null": ("['remote \"r\"']\nurl = /x\0y\n", ""),
    "home": ("['remote \"r\"']\nurl = ~root/x\n", ""),
    "long": (f"['remote \"r\"']\nurl = /{'x' * 5000}\n", ""),
    "cache": ("[cache]\ndir = /dev/null\n", ""),
    "device": ("['remote \"r\"']\nurl = /dev\n", ""),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_hostile_settings_run_and_show_nothing(dvc_repo: Repo, name: str) -> None:
    text, reason = SETTINGS[name]
    dvc_repo.write(".dvc/config", f"[core]\nremote = r\n{text}")
    tracked(dvc_repo, "bad.bin", "0" * 32)
    dvc_repo.commit()
    before = outside(dvc_repo)
    result = dvc_repo.mvc("import", "dvc")
    assert result.code == 3, result
    error = next(line for line in result.errors if line.startswith("bad.bin: "))
    assert reason in error
    assert len(error) < 6000
    assert "canary" not in result.out + result.err
    assert outside(dvc_repo) == before
    if name != "cache":
        assert dvc_repo.states() == {"good.bin": "clean", "data": "missing"}


@pytest.mark.parametrize("text", ["no section\n", "[core\n", "[a]\n[a]\nx\n", "\0\n", "['remote \"r\"']\n  x\n"])
def test_settings_of_another_form(dvc_repo: Repo, text: str) -> None:
    dvc_repo.write(".dvc/config.local", text)
    result = dvc_repo.mvc("import", "dvc")
    assert result.code in (0, 2), result
    assert all(".dvc/config.local is not in DVC's format" in line for line in result.errors)
    assert len(result.errors) == (result.code == 2)


@pytest.mark.parametrize("more", [
    "  size: 1000000000000000000000000000000\n", "  size: -1\n  nfiles: 99999999999999999999\n", "  size: .inf\n",
    "  desc: 1\n  labels: 7\n  meta: [1e999]\n", '  desc: "\\e[2J"\n  labels: ["\\e[2J"]\n',
    f"  desc: {'x' * 70_000}\n",
])
def test_what_a_dvc_file_says_of_size_and_notes_is_not_believed(dvc_repo: Repo, more: str) -> None:
    tracked(dvc_repo, "odd.bin", stored(dvc_repo, b"odd"), more)
    dvc_repo.commit()
    result = dvc_repo.mvc("import", "dvc")
    assert result.code in (0, 2), result
    assert "\x1b" not in result.out + result.err
    if result.code:
        (error,) = result.errors
        assert error.startswith("odd.bin"), error
        assert dvc_repo.states().keys() == {"good.bin", "data"}
    else:
        shutil.rmtree(dvc_repo.path(".dvc/cache"))
        dvc_repo.ok("checkout", "odd.bin")
        assert dvc_repo.read("odd.bin") == b"odd"
