"""One cache for several repositories and several users: modes, umasks, who trusts whom, who uses it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import LARGE, MVC, PROJECT, Repo, Result, make_home, noise
from store.test_collision import colliding_pair

from mvc.errors import MvcError
from mvc.store.cache.registrations import registered
from mvc.store.cache.writer import LOOSE_AT

GROUP = 41_000
"""The group that shares: nobody has its number."""
NOBODYS = 41_009

as_root = pytest.mark.skipif(
    os.getuid() != 0 and "CI" not in os.environ,  # in CI it fails instead
    reason="only root can become several users",
)


def opened(place: Path) -> tuple[str, ...]:
    """Return the command that lets others get to Python and mvc where those lie in a home that is closed to them.

    In a mount namespace of its own, the closed directory is replaced by one that holds just them.
    """
    needed = {Path(path).resolve() for path in (sys.base_prefix, sys.prefix, PROJECT)}
    closed = {top for path in needed for top in path.parents if not top.stat().st_mode & 0o001}
    if not closed:
        return ()
    lines = ["set -e"]
    for number, path in enumerate(sorted(needed)):
        lines.append(f"mkdir -p '{place}/.{number}'; mount --bind '{path}' '{place}/.{number}'")
    lines += [f"mount -t tmpfs -o mode=755 tmpfs '{path}'" for path in closed]
    for number, path in enumerate(sorted(needed)):
        lines.append(f"mkdir -p '{path}'; mount --bind '{place}/.{number}' '{path}'")
    return ("unshare", "-m", "bash", "-c", "\n".join([*lines, 'exec "$@"']), "bash")


@dataclass(frozen=True)
class User(Repo):
    """The repository of a user of their own, with the commands that they type in it."""

    uid: int
    groups: str
    umask: str
    opened: tuple[str, ...]

    def run(
        self,
        *args: str,
        cwd: Path | str = ".",
        env: Mapping[str, str] | None = None,
        timeout: float = 100,
    ) -> Result:
        """See `Repo.run`."""
        user = (f"--reuid={self.uid}", f"--regid={self.uid}", f"--groups={self.groups}", "--bounding-set=-all")
        shell = ("bash", "-c", f'umask {self.umask}; exec "$@"', "bash")
        return super().run(*self.opened, "setpriv", *user, *shell, *args, cwd=cwd, env=env, timeout=timeout)

    def write(self, name: str, content: bytes | str) -> Path:
        """See `Repo.write`."""
        path = super().write(name, content)
        for part in (path, *path.relative_to(self.root).parents):
            os.chown(self.root / part, self.uid, self.uid)
        return path

    def take(self, other: Repo, name: str) -> None:
        """Take over the pointer of what another user added."""
        self.write(f"{name}.mvc", other.read(f"{name}.mvc"))


Users = Callable[..., User]


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a directory that every user can get to, which those of pytest are not."""
    path = Path(tempfile.mkdtemp(prefix="mvc-users-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def users(place: Path) -> Users:
    """Return a function that makes a user, their home and a Git repository."""

    def make(name: str, number: int, umask: str, groups: str = str(GROUP)) -> User:
        environ = make_home(place / name)
        environ = {key: value for key, value in environ.items() if not key.startswith("COVERAGE_")}
        root = place / name / "repo"
        root.mkdir()
        for path in (place / name, place / name / ".gitconfig", root):
            os.chown(path, number, number)
        (place / name).chmod(0o755)
        user = User(root, environ, number, groups, umask, opened(place))
        user.git("init", "-q")
        return user

    return make


@pytest.fixture(params=[("077", "022"), ("022", "077"), ("077", "077")], ids="-".join)
def pair(request: pytest.FixtureRequest, users: Users, cache: Path) -> tuple[User, User]:
    """Return two users, with different umasks, who share a cache that the first one made."""
    ada, bob = users("ada", 41_001, request.param[0]), users("bob", 41_002, request.param[1])
    ada.ok("init", "--cache", str(cache), "--shared", "group")
    bob.ok("init", "--cache", str(cache))
    return ada, bob


@pytest.fixture
def cache(place: Path) -> Path:
    """Return an empty directory that ada owns and the group may share."""
    path = place / "cache"
    path.mkdir()
    os.chown(path, 41_001, GROUP)
    path.chmod(0o700)
    return path


def holds_to_its_modes(cache: Path) -> None:
    """Hold every directory and file of a shared cache against what its users need."""
    for path in [cache, *cache.rglob("*")]:
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        assert status.st_gid == GROUP, path
        if path.is_dir():
            assert mode == 0o2775, path
        elif path.parent.name == "locks":
            assert mode == 0o664, path
        else:
            assert mode == 0o444, path


def put_something(user: User) -> dict[str, bytes]:
    """Add large and small content, some of which others add as well; what it was."""
    files = {
        "large.bin": noise((user.uid, "large"), LARGE),
        "same.bin": noise("same", LARGE),
        "data/a": b"the same for all",
        "data/b": noise((user.uid, "b"), 300),
        "data/c": noise((user.uid, "c"), LARGE),
    }
    for name, content in files.items():
        user.write(name, content)
    user.ok("add", "large.bin", "same.bin", "data")
    return files


@as_root
def test_two_users_share_a_cache_whatever_their_umasks(pair: tuple[User, User], cache: Path) -> None:
    contents = [put_something(user) for user in pair]
    for user in reversed(pair):
        put_something(user)
        user.write("more/x", noise((user.uid, "more"), 100))
        user.ok("add", "more")
    for user, files in zip(pair, contents, strict=True):
        shutil.rmtree(user.path("data"))
        user.path("large.bin").unlink()
        user.ok("checkout")
        assert {name: user.read(name) for name in files} == files
        user.ok("verify")
    holds_to_its_modes(cache)
    assert list((cache / "tmp").iterdir()) == []


@as_root
def test_each_gets_what_the_other_added(pair: tuple[User, User]) -> None:
    for giver, taker in (pair, pair[::-1]):
        name = f"by-{giver.uid}"
        giver.write(f"{name}.bin", noise(name, LARGE))
        giver.write(f"{name}/small", noise(name, 50))
        giver.ok("add", f"{name}.bin", name)
        taker.take(giver, f"{name}.bin")
        taker.take(giver, name)
        taker.ok("checkout")
        assert taker.read(f"{name}.bin") == noise(name, LARGE)
        assert taker.read(f"{name}/small") == noise(name, 50)
        assert taker.states()[name] == "clean"


@as_root
@pytest.mark.parametrize("size", [500, LARGE], ids=["packed", "loose"])
def test_one_puts_aside_what_is_damaged_of_the_other_s(pair: tuple[User, User], cache: Path, size: int) -> None:
    ada, bob = pair
    content = noise("m", size)
    ada.write("m.bin", content)
    ada.ok("add", "m.bin")
    (path,) = cache.glob("objects/*/*") if size >= LOOSE_AT else cache.glob("packs/*.pack")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # root may, and the mode stays
    bob.take(ada, "m.bin")
    assert bob.mvc("checkout").code == 1
    assert not bob.path("m.bin").exists()
    assert bob.mvc("verify").code == 1
    assert list((cache / "quarantine").iterdir())
    ada.ok("add", "m.bin")
    bob.ok("checkout")
    assert bob.read("m.bin") == content
    ada.ok("verify")
    holds_to_its_modes(cache)


@as_root
@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_links_to_what_another_user_owns_deliver(pair: tuple[User, User], link: str) -> None:
    ada, bob = pair
    for user in pair:
        user.ok("config", "set", "cache.link", link)
    ada.write("m.bin", noise("m", LARGE))
    ada.ok("add", "m.bin")
    bob.take(ada, "m.bin")
    bob.ok("checkout")
    assert bob.read("m.bin") == noise("m", LARGE)
    assert bob.path("m.bin").is_symlink() == (link == "symlink")
    if link == "hardlink":  # the kernel's own rule, where it is in force
        refused = Path("/proc/sys/fs/protected_hardlinks").read_text().strip() == "1"
        assert (bob.path("m.bin").stat().st_nlink == 1) == refused
    bob.write("n.bin", noise("m", LARGE))
    bob.ok("add", "n.bin")


@as_root
def test_gc_reads_another_user_s_repository_only_when_told_to_trust_it(pair: tuple[User, User], cache: Path) -> None:
    ada, bob = pair
    ada.write("m.bin", noise("needed", LARGE))
    ada.ok("add", "m.bin")
    for seed in "garbage", "kept":
        bob.write("n.bin", noise(seed, LARGE))
        bob.ok("add", "n.bin")
    free = ("gc", "--yes", "--grace", "0", "--unpushed")
    ran = ada.root / "ran"
    ada.git("config", "core.fsmonitor", f"touch {ran}; false")
    result = bob.fails(3, *free)
    if ada.umask == "077":
        assert result.errors[0].endswith("Permission denied")
        ada.run("chmod", "-R", "a+rX", ".")
        result = bob.fails(3, *free)
    assert "it belongs to another user, so Git does not read it" in result.errors[0]
    assert len(list(cache.glob("objects/*/*"))) == 3
    assert not ran.exists()
    assert bob.shell(result.fixes[0]).code == 0
    bob.ok(*free)
    assert len(list(cache.glob("objects/*/*"))) == 2
    ada.path("m.bin").unlink()
    ada.ok("checkout")
    assert ada.read("m.bin") == noise("needed", LARGE)
    holds_to_its_modes(cache)


@as_root
def test_what_a_killed_command_of_another_user_left_is_swept(pair: tuple[User, User], cache: Path) -> None:
    ada, bob = pair
    ada.write("large.bin", noise("large", LARGE))
    calls = ("-e", "trace=fsync", "-e", "inject=fsync:signal=KILL:when=1")
    assert ada.run("strace", "-f", "-qq", "-o", "/dev/null", *calls, MVC, "add", "large.bin").code < 0
    (left,) = (cache / "tmp").iterdir()
    assert list(left.iterdir())
    bob.write("m.bin", b"1")
    bob.ok("add", "m.bin")
    assert not left.exists()


@as_root
def test_what_cannot_be_swept_is_left_without_complaint(pair: tuple[User, User], cache: Path) -> None:
    ada, bob = pair
    left = cache / "tmp" / "0123456789abcdef"
    ada.run("bash", "-c", f"mkdir -m 700 {left} && echo half > {left}/1")
    bob.write("m.bin", b"1")
    bob.ok("add", "m.bin")
    assert (left / "1").exists()


@as_root
def test_who_may_only_read_gets_content_and_one_clear_refusal(
    pair: tuple[User, User], users: Users, cache: Path
) -> None:
    ada, eve = pair[0], users("eve", 41_003, "022", "41003")
    put_something(ada)
    refused = eve.fails(3, "init", "--cache", str(cache))
    assert len(refused.errors) == len(refused.fixes) == 1
    eve.ok("init")
    eve.ok("config", "set", "cache.dir", str(cache))
    for name in ("large.bin", "data"):
        eve.take(ada, name)
    eve.ok("checkout")
    assert eve.read("data/b") == ada.read("data/b")
    for name in ("other.bin", "small.bin"):
        eve.write(name, noise("eve", LARGE if name == "other.bin" else 10))
        assert str(cache) in eve.fails(3, "add", name).err
    assert not any(eve.uid == path.lstat().st_uid for path in cache.rglob("*"))
    ada.ok("verify")


@as_root
@pytest.mark.parametrize("options", [(), ("--shared", "group")], ids=["joining", "sharing"])
def test_a_directory_that_another_user_keeps_closed_has_one_line_to_type(
    users: Users, place: Path, options: tuple[str, ...]
) -> None:
    ada, bob = users("ada", 41_001, "077"), users("bob", 41_002, "022")
    cache = place / "ada/cache"
    ada.ok("init", "--cache", str(cache))
    put_something(ada)
    os.chown(cache, ada.uid, GROUP)
    cache.chmod(0o755)
    refused = bob.fails(3, "init", "--cache", str(cache), *options)
    assert f"{cache} belongs to {ada.uid}" in refused.errors[0]
    assert not bob.path(".mvc").exists()
    (fix,) = refused.fixes
    assert fix.endswith(f"# as {ada.uid}")
    assert ada.shell(fix).code == 0
    bob.ok("init", "--cache", str(cache), *options)
    ada.ok("init", "--cache", str(cache), "--shared", "group")
    for user in (ada, bob):
        put_something(user)
        user.ok("verify")
    assert {stat.S_IMODE(path.stat().st_mode) for path in [cache, *cache.rglob("*")] if path.is_dir()} == {0o2775}


@as_root
def test_a_group_that_one_is_not_in_cannot_be_shared_with(users: Users, cache: Path) -> None:
    ada = users("ada", 41_001, "022")
    os.chown(cache, ada.uid, NOBODYS)
    refused = ada.fails(3, "init", "--cache", str(cache), "--shared", "group")
    assert str(NOBODYS) in refused.errors[0]
    assert ada.shell(refused.fixes[0]).code == 0
    ada.ok("init", "--cache", str(cache), "--shared", "group")


@as_root
@pytest.mark.parametrize("size", [500, LOOSE_AT + 13], ids=["packed", "loose"])
@pytest.mark.parametrize("link", ["copy", "hardlink", "symlink"])
def test_content_that_a_co_user_forged_is_not_delivered(
    pair: tuple[User, User], cache: Path, size: int, link: str
) -> None:
    ada, bob = pair
    honest, forged = colliding_pair(size)
    ada.ok("config", "set", "cache.link", link)
    ada.write("m.bin", honest)
    ada.ok("add", "m.bin")
    ada.path("m.bin").unlink()
    if size < LOOSE_AT:
        (path,) = cache.glob("packs/*.pack")
        forged = path.read_bytes().replace(honest, forged)
    else:
        (path,) = cache.glob("objects/*/*")
    bob.write("forged", forged)
    assert bob.shell(f"mv -f forged {path} && chmod 444 {path}").code == 0
    refused = ada.fails(1, "checkout")
    assert "is damaged" in refused.errors[0]
    assert not ada.path("m.bin").exists()
    assert not ada.path("m.bin").is_symlink()
    assert ada.mvc("verify").code == 1


@as_root
def test_a_lock_file_that_leads_to_another_s_file_is_not_written_through(pair: tuple[User, User], cache: Path) -> None:
    ada, bob = pair
    precious = ada.write("precious", "years of work")
    assert bob.shell(f"rm -f {cache}/locks/store && ln -s {precious} {cache}/locks/store").code == 0
    refused = ada.fails(3, "checkout")
    assert str(cache / "locks/store") in refused.errors[0]
    assert precious.read_text() == "years of work"


# Modes, for one user.


def test_shared_takes_a_cache_and_only_a_group(bare_git: Repo, tmp_path: Path) -> None:
    for options in (["--shared", "group"], ["--cache", str(tmp_path / "c"), "--shared", "all"]):
        refused = bare_git.fails(2, "init", *options)
        assert refused.fixes == ["mvc init --cache DIR --shared group"]
    assert not bare_git.path(".mvc").exists()
    assert not (tmp_path / "c").exists()


def test_a_private_cache_becomes_a_shared_one(bare_git: Repo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert bare_git.run("bash", "-c", f"umask 077; mvc init --cache {cache}").code == 0
    bare_git.write("m.bin", noise("m", LARGE))
    assert bare_git.run("bash", "-c", "umask 077; mvc add m.bin").code == 0
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [cache, *cache.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert "shares the cache" in bare_git.ok("init", "--cache", str(cache), "--shared", "group").out
    for path in [cache, *cache.rglob("*")]:
        wanted = 0o2775 if path.is_dir() else 0o664 if path.parent.name == "locks" else 0o444
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_a_private_cache_stays_private(bare_git: Repo, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    parent.chmod(0o2775)
    assert "shares" not in bare_git.ok("init", "--cache", str(parent / "cache")).out
    bare_git.added("m.bin", noise("m", LARGE))
    assert not any(path.stat().st_mode & 0o020 for path in (parent / "cache").rglob("*") if path.is_dir())


def test_a_cache_behind_a_symlink(bare_git: Repo, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    bare_git.ok("init", "--cache", str(tmp_path / "link"), "--shared", "group")
    assert stat.S_IMODE((tmp_path / "real/packs").stat().st_mode) == 0o2775
    bare_git.write("m.bin", b"1")
    bare_git.ok("add", "m.bin")
    bare_git.ok("doctor")


@pytest.mark.parametrize("name", ["/dev/null", "/dev/null/cache", "/proc/cache"])
def test_a_directory_that_cannot_be_made_is_one_clear_error(bare_git: Repo, name: str) -> None:
    for options in ((), ("--shared", "group")):
        refused = bare_git.fails(3, "init", "--cache", name, *options)
        assert name in refused.errors[0]
        assert len(refused.fixes) == 1
    assert not bare_git.path(".mvc").exists()


# Who uses it.


def test_repositories_are_registered_by_what_they_do(repo: Repo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    repo.ok("init", "--cache", str(cache))
    other = repo.clone(tmp_path / "other")
    other.ok("config", "set", "cache.dir", str(cache))
    assert [item.common_dir for item in registered(str(cache))] == [str(repo.path(".git"))]
    other.write("m.bin", b"1")
    other.ok("add", "m.bin")
    repo.git("worktree", "add", "-q", str(tmp_path / "side"))
    Repo(tmp_path / "side", repo.environ).ok("checkout")
    found = registered(str(cache))
    assert sorted(item.common_dir for item in found) == sorted([str(repo.path(".git")), str(other.path(".git"))])
    for item in found:
        assert Path(item.path_of_file).read_text() == f"mvc-repo 1\n{item.common_dir}\n"
        assert stat.S_IMODE(Path(item.path_of_file).stat().st_mode) == 0o444


def test_a_repository_registers_nowhere_in_its_own_cache(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert not (repo.store / "repos").exists()


def test_the_repository_that_a_cache_lies_in_uses_it(repo: Repo, tmp_path: Path) -> None:
    other = repo.clone(tmp_path / "other")
    other.ok("init", "--cache", str(repo.store))
    assert [item.common_dir for item in registered(str(repo.store))] == [
        str(repo.path(".git")),
        str(other.path(".git")),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"", "damaged"), (b"mvc-repo 1\n/other\n", "damaged"), (b"mvc-repo 2\nx\n", "newer"), (None, "cannot read")],
    ids=["empty", "another's path", "newer", "no file"],
)
def test_a_registration_that_cannot_be_read_stops_whoever_asks(
    repo: Repo, tmp_path: Path, text: bytes | None, said: str
) -> None:
    cache = tmp_path / "cache"
    repo.ok("init", "--cache", str(cache))
    (path,) = (cache / "repos").iterdir()
    path.unlink()
    if text is None:
        path.mkdir()
    else:
        path.write_bytes(text)
    with pytest.raises(MvcError, match=said) as error:
        registered(str(cache))
    assert error.value.fix


def test_a_damaged_registration_is_mended_by_the_line_that_is_told(repo: Repo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    repo.ok("init", "--cache", str(cache))
    (path,) = (cache / "repos").iterdir()
    path.chmod(0o644)
    path.write_text("")
    with pytest.raises(MvcError) as error:
        registered(str(cache))
    assert repo.shell(error.value.fix).code == 0
    repo.ok("checkout")
    assert [item.common_dir for item in registered(str(cache))] == [str(repo.path(".git"))]


def test_many_register_at_once(repo: Repo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    clones = [repo.clone(tmp_path / str(number)) for number in range(4)]
    for clone in clones:
        clone.ok("config", "set", "cache.dir", str(cache))
    running = [
        subprocess.Popen(["mvc", "checkout"], cwd=clone.root, env=clone.environ, stdout=subprocess.DEVNULL)
        for clone in clones * 2
    ]
    assert [process.wait() for process in running] == [0] * 8
    assert len(registered(str(cache))) == 4
