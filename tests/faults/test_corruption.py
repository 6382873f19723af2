"""Whatever rots in cache or remote is found, is not delivered, is put aside, and is mended from where it is whole.

MVC_FAULTS_SEED chooses other points, MVC_FAULTS_ROTS more or fewer of each kind.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from faults.damage import ROTS, replace, rot
from harness import LARGE, MANY, InProcess, Repo, Result, noise, rounds
from store.test_collision import colliding_pair

import mvc

SEED = os.environ.get("MVC_FAULTS_SEED", "1")
POINTS = rounds("MVC_FAULTS_ROTS", 9, 96)
FEW = max(1, POINTS // 3)
FIRST, OTHER = colliding_pair(LARGE), colliding_pair(3000)
"""Contents that xxh128 cannot tell apart."""
FILES: dict[str, bytes] = {
    "m.bin": noise("m", LARGE), "twin.bin": FIRST[0], "small.bin": noise("small", 100), "little.bin": OTHER[0],
    **{f"data/{number}": noise(("data", number), number * 150) for number in range(12)},
    **{f"many/part-{number:04}.bin": noise(("many", number), 200) for number in range(MANY)},
}
TRACKED = ("m.bin", "twin.bin", "small.bin", "little.bin", "data", "many")


class Bench(NamedTuple):
    """A repository whose content is also on two remotes, and a clone with nothing; both are put back for each point."""

    repo: Repo
    clone: Repo
    remotes: Path
    kept: Path
    run: InProcess

    def put_back(self) -> None:
        """Make cache, workspaces and remotes as they were."""
        for path in (self.repo.store, self.clone.store, self.remotes):
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(self.kept / path.relative_to(self.kept.parent), path, symlinks=True)
        for repo in (self.repo, self.clone):
            self.clear(repo)

    def fill(self, repo: Repo) -> None:
        """Lay all content out."""
        for name, content in FILES.items():
            repo.write(name, content)

    def clear(self, repo: Repo) -> None:
        """Take all content out of a workspace."""
        for path in TRACKED:
            if repo.path(path).exists():
                repo.remove(path)

    def keep(self) -> None:
        """Remember how everything is."""
        for path in (self.repo.store, self.clone.store, self.remotes):
            shutil.copytree(path, self.kept / path.relative_to(self.kept.parent), symlinks=True)

    def mvc(self, repo: Repo, *args: str) -> Result:
        """Run mvc; whatever happens, it is neither a bug nor a traceback."""
        result = self.run(repo.root, *args)
        assert result.code in (0, 1, 2, 3), result
        assert "Traceback" not in result.err, result
        assert bool(result.code) == bool(result.errors), result
        assert not result.code or result.fixes or args[0] == "verify", result
        return result


@pytest.fixture
def tmp_path(in_memory: Path) -> Path:
    """Return a directory in memory."""
    return in_memory


@pytest.fixture
def bench(repo: Repo, tmp_path: Path, in_process: InProcess) -> Bench:
    """Return the bench, everything whole."""
    remotes = tmp_path / "remotes"
    remotes.mkdir()
    made = Bench(repo, Repo(tmp_path / "clone", repo.environ), remotes, tmp_path / "kept", in_process)
    for name in ("a", "b"):
        made.mvc(repo, "remote", "add", name, str(remotes / name))
    made.fill(repo)
    made.mvc(repo, "add", *TRACKED)
    repo.commit("all")
    for name in ("a", "b"):
        assert made.mvc(repo, "push", "-r", name).code == 0
    made.clear(repo)
    repo.clone(made.clone.root)
    made.mvc(made.clone, "status")  # makes what it has of a cache
    made.keep()
    return made


# Getting at content, in every way there is.


def check_out(bench: Bench, repo: Repo, chance: random.Random) -> bool:
    """Whether a checkout delivers everything; whatever it delivers must be right."""
    result = bench.mvc(repo, "checkout")
    return _all_there(bench, repo) and not result.code


def pull(bench: Bench, repo: Repo, chance: random.Random) -> bool:
    """The same by a pull from the first remote alone."""
    result = bench.mvc(repo, "pull", "-r", "a")
    return _all_there(bench, repo) and not result.code


def _all_there(bench: Bench, repo: Repo) -> bool:
    found = {name for name in FILES if repo.path(name).exists()}
    for name in found:
        assert repo.read(name) == FILES[name], f"{name} was delivered with other bytes"
    return found == FILES.keys()


def get(bench: Bench, repo: Repo, chance: random.Random) -> bool:
    """The same by `mvc get`, of some."""
    target = bench.kept / "got"
    target.mkdir()
    whole = True
    for path in chance.sample(TRACKED, 3):
        whole &= not bench.mvc(repo, "get", str(repo.root), path, "-o", str(target / path), "-r", "a").code
    for file in filter(Path.is_file, target.rglob("*")):
        assert file.read_bytes() == FILES[str(file.relative_to(target))], f"{file} was delivered with other bytes"
    shutil.rmtree(target)
    return whole


def open_(bench: Bench, repo: Repo, chance: random.Random) -> bool:
    """The same by `mvc.open`, of some."""
    os.chdir(repo.root)
    whole = True
    for name in [*chance.sample(TRACKED[:4], 2), *chance.sample([*FILES], 2)]:
        with told() as failed, mvc.open(f"HEAD:{name}", remote="a") as file:
            assert file.read() == FILES[name], f"{name} was delivered with other bytes"
        whole &= not failed
    return whole


def path_(bench: Bench, repo: Repo, chance: random.Random) -> bool:
    """The same by `mvc.path`, of some."""
    os.chdir(repo.root)
    whole = True
    for name in chance.sample(TRACKED, 3):
        with told() as failed:
            path = mvc.path(f"HEAD:{name}", remote="a")
            for file in [path] if path.is_file() else path.iterdir():
                key = name if path.is_file() else f"{name}/{file.name}"
                assert file.read_bytes() == FILES[key], f"{key} was delivered with other bytes"
        whole &= not failed
    return whole


@contextmanager
def told() -> Iterator[list[mvc.MvcError]]:
    """Go on after an error that says what to type; it is in the list then."""
    failed: list[mvc.MvcError] = []
    try:
        yield failed
    except mvc.MvcError as error:
        failed.append(error)
    assert all(error.fix for error in failed), failed


Way = Callable[[Bench, Repo, random.Random], bool]


class Point(NamedTuple):
    """What rots, how, and how somebody gets at the content then."""

    target: str
    kind: str
    way: Way
    chance: random.Random


def points(area: str, targets: list[str], ways: list[Way], count: int = POINTS) -> Iterator[Point]:
    """Yield what to try, as the seed decides."""
    print(f"seed {SEED}, {count} points in {area}")  # noqa: T201
    chance = random.Random(f"{SEED}/{area}")
    kinds, ways = [*ROTS], [*ways]
    pairs: list[tuple[str, Way]] = []
    for number in range(count):
        if number % (len(kinds) * len(ways)) == 0:
            chance.shuffle(kinds)
            chance.shuffle(ways)
            turns = range(len(ways))  # each turn has all kinds
            pairs += [(kind, ways[(place + turn) % len(ways)]) for turn in turns for place, kind in enumerate(kinds)]
        one = random.Random(chance.random())
        yield Point(one.choice(targets), *pairs[number], one)


def files(top: Path, pattern: str) -> list[str]:
    """Return files by their path below `top`."""
    return sorted(str(path.relative_to(top)) for path in top.glob(pattern) if path.is_file())


# The cache.


MAGIC, SALT = 8, 16
"""Bytes of a pack that are no object's; whatever comes after the last object is none's, either. Nobody reads them."""
AREAS = {"loose": "objects/*/*", "packs": "packs/*.pack", "indexes": "packs/*.idx"}


@pytest.mark.sampled
@pytest.mark.parametrize("area", AREAS)
def test_rot_in_the_cache(bench: Bench, area: str) -> None:
    repo = bench.repo
    for point in points(f"cache, {area}", files(repo.store, AREAS[area]), [check_out, get, open_, path_]):
        bench.put_back()
        assert bench.mvc(repo, "verify").code == 0  # so that it knows the file as sound
        target = repo.store / point.target
        sound = target.read_bytes()
        wrong = rot(target, point.kind, point.chance)
        whole = point.way(bench, repo, point.chance)
        bench.clear(repo)
        if area == "packs" and wrong[MAGIC : len(sound)] == sound[MAGIC:]:
            assert whole, point
            continue
        mend = point.chance.choice([_from_workspace, _from_a_remote])
        if mend is _from_workspace:
            bench.fill(repo)
        found = bench.mvc(repo, "verify", *point.chance.choice([[], ["--quick"]]))
        assert found.code == 1, (point, whole, found)
        assert not target.exists() or target.read_bytes() != wrong, (point, "is in use still")
        aside = [path.read_bytes() for path in (repo.store / "quarantine").iterdir()]
        assert wrong in aside, (point, "is not in quarantine")
        mend(bench)
        assert bench.mvc(repo, "verify").code == 0, point
        bench.clear(repo)
        assert check_out(bench, repo, point.chance), point


def _from_workspace(bench: Bench) -> None:
    """`verify` has done it."""


def _from_a_remote(bench: Bench) -> None:
    assert bench.mvc(bench.repo, "pull").code == 0


def test_one_run_repairs_a_directory_whose_manifest_is_lost_with_its_files(bench: Bench) -> None:
    repo = bench.repo
    bench.fill(repo)
    (pack,) = (repo.store / "packs").glob("*.pack")
    rot(pack, "empty", random.Random(SEED))
    assert bench.mvc(repo, "verify").code == 1
    assert bench.mvc(repo, "verify").code == 0
    bench.clear(repo)
    assert check_out(bench, repo, random.Random(SEED))


def test_what_a_damaged_index_hides_is_named_and_repaired(bench: Bench) -> None:
    repo = bench.repo
    (index,) = (repo.store / "packs").glob("*.idx")
    before, data = index.stat(), index.read_bytes()
    start = data.index(bytes.fromhex(repo.digest("small.bin")))
    replace(index, data[:start] + bytes(32) + data[start + 32 :], before)
    repo.write("small.bin", FILES["small.bin"])
    found = bench.mvc(repo, "verify")
    assert found.code == 1
    assert "absent, and the index of a pack was damaged; repaired from small.bin" in found.err
    assert bench.mvc(repo, "verify").code == 0
    bench.clear(repo)
    assert check_out(bench, repo, random.Random(SEED))


# A remote.


@pytest.mark.sampled
@pytest.mark.parametrize("area", AREAS)
def test_rot_on_a_remote(bench: Bench, area: str) -> None:
    first = bench.remotes / "a"
    for point in points(f"remote, {area}", files(first, AREAS[area]), [pull, get, open_, path_]):
        bench.put_back()
        sound = (first / point.target).read_bytes()
        wrong = rot(first / point.target, point.kind, point.chance)
        whole = point.way(bench, bench.clone, point.chance)
        if area == "packs" and wrong[MAGIC + SALT : len(sound)] == sound[MAGIC + SALT :]:
            assert whole, point
            continue
        found = bench.mvc(bench.repo, "verify", "-r", "a")
        assert found.code == 1, (point, whole, found)
        bench.clear(bench.clone)
        assert bench.mvc(bench.clone, "pull").code == 0, (point, "the other remote has everything")
        assert _all_there(bench, bench.clone), point
        assert bench.mvc(bench.repo, "push", "--repair", "-r", "a").code == 0, point
        assert bench.mvc(bench.repo, "verify", "-r", "a").code == 0, point


@pytest.mark.sampled
def test_rot_in_what_a_remote_says_of_itself(bench: Bench) -> None:
    """It is found, or it is the remote's id alone, which nothing that is delivered depends on."""
    first = bench.remotes / "a"
    sound = (first / "mvc-remote.yaml").read_bytes()
    for point in points("remote, mvc-remote.yaml", ["mvc-remote.yaml"], [pull, get, open_, path_], FEW):
        bench.put_back()
        wrong = rot(first / point.target, point.kind, point.chance)
        whole = point.way(bench, bench.clone, point.chance)
        found = bench.mvc(bench.repo, "verify", "-r", "a")
        if not found.code:
            assert whole, point
            assert {**yaml.safe_load(wrong), "id": ""} == {**yaml.safe_load(sound), "id": ""}, (point, wrong)
        (first / point.target).unlink()  # and mended by what is told
        assert bench.mvc(bench.repo, "push", "-r", "a").code == 0, point
        bench.clear(bench.clone)
        assert pull(bench, bench.clone, point.chance), point


@pytest.mark.sampled
def test_rot_in_what_a_cache_says_of_itself(bench: Bench) -> None:
    """It is refused, or reads as it did."""
    repo, marker = bench.repo, bench.repo.store / "store.yaml"
    for point in points("cache, store.yaml", ["store.yaml"], [check_out, get, open_, path_], FEW):
        bench.put_back()
        rot(marker, point.kind, point.chance)
        whole = point.way(bench, repo, point.chance)
        assert whole == (not bench.mvc(repo, "verify").code), point
        marker.unlink()
        assert bench.mvc(repo, "gc", "--yes").code == 0, point
        assert marker.exists()
        bench.clear(repo)
        assert check_out(bench, repo, point.chance), point


@pytest.mark.sampled
def test_rot_in_what_a_clone_has_kept_of_a_remote(bench: Bench) -> None:
    """The indexes of packs, which a clone fetches once."""
    bench.mvc(bench.clone, "fetch", "-r", "a")
    kept = files(bench.clone.store, "remotes/**/*.idx")
    assert kept
    shutil.rmtree(bench.kept / bench.clone.store.relative_to(bench.kept.parent))
    for folder in ("objects", "packs"):
        shutil.rmtree(bench.clone.store / folder)
    shutil.copytree(bench.clone.store, bench.kept / bench.clone.store.relative_to(bench.kept.parent))
    for point in points("indexes that are kept", kept, [pull, get, open_, path_], FEW):
        bench.put_back()
        rot(bench.clone.store / point.target, point.kind, point.chance)
        assert point.way(bench, bench.clone, point.chance), point


# Forgery: xxh128 says that nothing is wrong.


class First(random.Random):
    """Leaves nothing to chance: what is tracked is tried, all of it."""

    def sample(self, population: Sequence[str], k: int) -> list[str]:
        return [*population][: max(k, len(TRACKED))]


@pytest.mark.parametrize("way", [pull, get, open_, path_])
def test_a_remote_that_sends_what_xxh128_cannot_tell_apart(bench: Bench, way: Way) -> None:
    first = bench.remotes / "a"
    name = bench.repo.digest("twin.bin")
    loose = first / "objects" / name[:2] / name
    replace(loose, FIRST[1], loose.stat())
    (pack,) = first.glob("packs/*.pack")
    assert OTHER[0] in pack.read_bytes()
    replace(pack, pack.read_bytes().replace(*OTHER), pack.stat())
    assert not way(bench, bench.clone, First(SEED))
    found = bench.mvc(bench.repo, "verify", "-r", "a")
    assert (found.code, len([line for line in found.errors if "do not match" in line])) == (1, 2), found
    assert bench.mvc(bench.clone, "pull").code == 0
    bench.mvc(bench.clone, "checkout")
    assert _all_there(bench, bench.clone)
    assert bench.mvc(bench.repo, "push", "--repair", "-r", "a").code == 0
    assert bench.mvc(bench.repo, "verify", "-r", "a").code == 0
