"""What must hold after a fault, against a model that is kept outside of the repository.

The model is the world before the command and after a clean run of it, read without mvc.
"""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3
from faults.injector import TIMED_OUT, Call, Outcome
from faults.worlds import Node, Nodes, World, look
from formats.second_implementation import Store, read_index, read_manifest, read_pointer

_TIME = re.compile(rb"(?m)^created_at: .*$")
_LINE = re.compile(r"error: |  try: |warning: |mvc: |waiting for |nothing was |note: |The commit could not be judged")
_MOST_LINES = 8


class State(NamedTuple):
    """A world as it was at some moment."""

    plain: Nodes
    """Workspace and everything foreign."""
    git: Nodes
    """Git's own files but index and objects."""
    index: frozenset[str]
    stores: dict[str, frozenset[str]]
    """The objects that each store holds, by the store's path."""
    scraps: frozenset[str]
    """Temporary files and what else a command may leave behind."""
    wrong: tuple[str, ...] = ()
    """What is damaged."""


def _private(path: str) -> bool:
    """Whether a path is looked at as part of a store, or as Git's index or objects."""
    parts = path.split("/")
    if parts[0] in ("remote", "tmp"):
        return True
    return parts[1:2] == [".git"] and parts[2:3] in (["mvc"], ["objects"], ["index"], ["index.lock"])


def observe(world: World, emptied: str = "") -> State:
    """Read the whole world; whether the directory `emptied` is there does not count once it is empty."""
    root = world.root
    nodes = {path: _timeless(path, node) for path, node in look(str(root), _private).items()}
    if emptied and not any(path.startswith(f"{emptied}/") for path in nodes):
        nodes.pop(emptied, None)
    git = {path: node for path, node in nodes.items() if path.split("/")[1:2] == [".git"]}
    plain = {path: node for path, node in nodes.items() if path not in git}
    wrong: list[str] = []
    stores, scraps = {}, set()
    for store in ("repo/.git/mvc", "clone/.git/mvc", "remote"):
        stores[store] = frozenset(objects(root / store, wrong))
        scraps |= {f"{store}/{path}" for path in _scraps(root / store)}
    scraps |= {f"tmp/{path}" for path in look(str(root / "tmp"))}
    scraps |= {path for path in plain if ".mvc-tmp" in path}
    index = [line for repo in ("repo", "clone") for line in _index(root / repo, wrong)]
    return State(plain, git, frozenset(index), stores, frozenset(scraps), tuple(wrong))


def _timeless(path: str, node: Node) -> Node:
    return node._replace(content=_TIME.sub(b"", node.content)) if path.endswith(".eval.yaml") else node


def _index(repo: Path, wrong: list[str]) -> Iterator[str]:
    if not repo.exists():
        return
    done = subprocess.run(["git", "ls-files", "-s", "-t"], cwd=repo, capture_output=True, check=False, text=True)
    if done.returncode:
        wrong.append(f"git cannot read its index: {done.stderr}")
    for line in done.stdout.splitlines():
        yield line.split()[-1] if line.endswith(".eval.yaml") else line  # they have the time in them


# Stores.


def objects(store: Path, wrong: list[str]) -> Iterator[str]:
    """Yield the names of all objects of a store, each proven."""
    for path in (store / "objects").glob("*/*"):
        if re.fullmatch("[0-9a-f]{64}", path.name) is None:
            wrong.append(f"{path} is no object")
            continue
        if _blake3(path.read_bytes()) != path.name:
            wrong.append(f"{path} holds other bytes than its name says")
        if stat.S_IMODE(path.stat().st_mode) & 0o222 and ".git" in path.parts:
            wrong.append(f"{path} can be written to")
        yield path.name
    for path in (store / "packs").glob("*.idx"):
        yield from _packed(path, wrong)


def _packed(path: Path, wrong: list[str]) -> Iterator[str]:
    try:
        index = read_index.__wrapped__(path)
        pack = path.with_suffix(".pack").read_bytes()
    except (AssertionError, OSError, IndexError, ValueError) as error:
        wrong.append(f"{path}: {error!r}")
        return
    for start in range(1080, len(index) - 32, 80):
        name = index[start : start + 32].hex()
        offset, size = (int.from_bytes(index[at : at + 8], "little") for at in (start + 48, start + 56))
        if _blake3(pack[offset : offset + size]) != name:
            wrong.append(f"{path}: {name} is damaged")
        yield name


@lru_cache(maxsize=500)
def _blake3(data: bytes) -> str:
    return blake3(data).hexdigest()


def _scraps(store: Path) -> Iterator[str]:
    """Yield what should be in no store for long."""
    for folder in ("tmp", "quarantine", "trash"):
        if (store / folder).exists():
            yield from (f"{folder}/{path}" for path in look(str(store / folder)))
    for path in (store / "packs").glob("*"):
        if path.suffix not in (".idx", ".pack") or not path.with_suffix(".idx").exists():
            yield f"packs/{path.name}"
    known = {"objects", "packs", "tmp", "quarantine", "trash", "locks", "store.yaml", "mvc-remote.yaml", "repos", "gc",
             "config.yaml", "clone-id", "remotes"}
    if store.exists():
        yield from (path.name for path in store.iterdir() if path.name not in known and "catalog" not in path.name)


# Judging.


class Model(NamedTuple):
    """What there was, and what a clean run makes of it."""

    before: State
    after: State
    collected: State
    """After a gc besides."""
    needs: Mapping[bytes, frozenset[str]]
    """The objects that a pointer leads to."""


def about_ending(outcome: Outcome, *, killed: bool, refuses: bool = False) -> Iterator[str]:
    """Judge how a command ended that met a fault; `refuses`: it must say no, with its findings on stderr."""
    yield from _about_code(outcome, killed=killed, refuses=refuses)
    if any(word in outcome.err for word in ("Traceback", "Exception ignored", "a bug in mvc")):
        yield "a traceback"
    if not (refuses and outcome.code == 1):
        yield from _about_lines(outcome)


def _about_code(outcome: Outcome, *, killed: bool, refuses: bool) -> Iterator[str]:
    if outcome.code == TIMED_OUT:
        yield "it hangs"
    allowed = {0, 1, 2, 3} | ({-9} if killed else set())
    if outcome.code not in allowed and not (outcome.code == 130 and outcome.err == "error: interrupted\n"):
        yield f"exit code {outcome.code}"
    if refuses and outcome.code == 0:
        yield "what must be refused was let through"
    if outcome.code in (1, 2) and not (refuses and outcome.code == 1) and not _says_what_failed(outcome):
        yield f"exit code {outcome.code}, although nothing but the system failed"


def _about_lines(outcome: Outcome) -> Iterator[str]:
    lines = outcome.err.splitlines()
    if outcome.code == 3 and not any(line.startswith("error: ") for line in lines):
        yield "it does not say what is wrong"
    if len(lines) > _MOST_LINES or any(not _LINE.match(line) for line in lines):
        yield "it does not say it in a few plain lines"
    if any(re.fullmatch(r".*: *", line) for line in lines):
        yield "it does not say why"
    if "Bad file descriptor" in outcome.err:
        yield "it closed a file twice"


def _says_what_failed(outcome: Outcome) -> bool:
    """Whether mvc passes on what Git says, or calls damaged what it could not read on the remote."""
    if outcome.hit is None:
        return False
    on_remote = "/world/remote/" in outcome.hit.path and "is damaged on store" in outcome.err
    return outcome.hit.program == "git" or (outcome.code == 1 and on_remote)


def in_between(state: State, model: Model) -> Iterator[str]:
    """Judge what a command left that was stopped, or was told of an error."""
    yield from state.wrong
    for kind in ("plain", "git"):
        yield from _files_between(getattr(state, kind), getattr(model.before, kind), getattr(model.after, kind))
    for line in state.index - model.before.index - model.after.index:
        yield f"the index has {line}"
    staged = {_path_of(line) for line in state.index}
    if not {_path_of(line) for line in model.before.index & model.after.index} <= staged:
        yield "the index has lost a path"
    yield from _contents_there(state, model)
    for store, names in state.stores.items():
        kept = model.before.stores[store] & model.after.stores[store]
        for name in kept - names:
            yield f"{store} has lost {name}"
    yield from _references(state, model)


def _path_of(line: str) -> str:
    return line.rpartition("\t")[2].rpartition(" ")[2]


def _files_between(now: Nodes, before: Nodes, after: Nodes) -> Iterator[str]:
    for path in sorted(now.keys() | before.keys() | after.keys()):
        if ".mvc-tmp" in path:
            continue
        node, old, new = now.get(path), before.get(path), after.get(path)
        if old is not None and new is not None and old.same == new.same:
            if node is None:
                yield f"{path} is gone"
            elif node.same != old.same:
                yield f"{path} was changed"
            elif not stat.S_ISDIR(node.mode) and node.mtime_ns != old.mtime_ns and old.mtime_ns == new.mtime_ns:
                yield f"{path} was written to"
        elif node is None:
            if old is not None and new is not None:
                yield f"{path} is gone"
        elif node.same not in [it.same for it in (old, new) if it is not None]:
            yield f"{path} is neither what it was nor what it should become"


def _contents_there(state: State, model: Model) -> Iterator[str]:
    """What the user had before and has after a clean run, wherever, must be there all the time."""
    def contents(nodes: Nodes) -> set[bytes]:
        return {node.content for path, node in nodes.items() if stat.S_ISREG(node.mode) and not _is_text(path)}

    for content in contents(model.before.plain) & contents(model.after.plain) - contents(state.plain):
        yield f"content is gone: {content[:20]!r}…, {len(content)} bytes"


def _is_text(path: str) -> bool:
    return path.endswith((".mvc", ".gitignore", ".eval.yaml"))


def _references(state: State, model: Model) -> Iterator[str]:
    """A pointer that is there has its content in the cache, unless it never had."""
    for path, node in state.plain.items():
        if not path.endswith(".mvc") or node.content not in model.needs:
            continue
        store = _cache_of(path)
        was, becomes = (_content(known.plain, path) for known in (model.before, model.after))
        held = (model.after if node.content == becomes != was else model.before).stores[store]
        for name in model.needs[node.content] & held - state.stores[store]:
            yield f"{path} stands for {name}, which the cache lacks"


def needs(states: Iterable[State], world: World) -> dict[bytes, frozenset[str]]:
    """Return the objects that each pointer leads to, in the world as it is."""
    found = {}
    for state in states:
        for path, node in state.plain.items():
            if path.endswith(".mvc") and stat.S_ISREG(node.mode) and b"<<<<<<<" not in node.content:
                store = Store(world.root / _cache_of(path))
                found[node.content] = frozenset(_needed(node.content, store))
    return found


def _content(nodes: Nodes, path: str) -> bytes:
    return nodes[path].content if path in nodes else b""


def incomplete(model: Model, where: str) -> list[str]:
    """Return the pointers of a repository whose content its cache lacks after a clean run."""
    held = model.after.stores[f"{where}/.git/mvc"]
    pointers = ((path, node.content) for path, node in model.after.plain.items() if path.startswith(f"{where}/"))
    return [path for path, raw in pointers if not model.needs.get(raw, held) <= held]


def _cache_of(path: str) -> str:
    return "clone/.git/mvc" if path.startswith("clone/") else "repo/.git/mvc"


def _needed(raw: bytes, store: Store) -> Iterator[str]:
    pointer = read_pointer(raw)
    yield from (file.digest.blake3 for file in pointer.listed or ())
    if pointer.digest:
        yield pointer.digest.blake3
    if pointer.digest and pointer.kind == "dir":
        with suppress(KeyError):  # not there yet
            yield from (file.digest.blake3 for file in read_manifest(store, pointer.digest.blake3))


def done(state: State, wanted: State) -> Iterator[str]:
    """Judge whether a command has done all of its work."""
    yield from state.wrong
    for kind in ("plain", "git"):
        now, then = getattr(state, kind), getattr(wanted, kind)
        for path in sorted(now.keys() | then.keys()):
            if (now[path].same if path in now else None) != (then[path].same if path in then else None):
                yield f"{path} is not what it should be ({'there' if path in now else 'missing'})"
    for line in sorted(state.index ^ wanted.index):
        yield f"the index {'has' if line in state.index else 'lacks'} {line}"
    for store, names in wanted.stores.items():
        for name in names - state.stores[store]:
            yield f"{store} lacks {name}"


def clean(state: State, wanted: State) -> Iterator[str]:
    """Judge whether nothing is left over."""
    for path in sorted(state.scraps - wanted.scraps):
        yield f"{path} is left over"


def about_fsync(outcome: Outcome, fault: str) -> Iterator[str]:
    """An fsync that failed is an error, and must not be tried again: the kernel may have dropped the data."""
    hit = outcome.hit
    if fault != "EIO" or hit is None or hit.name not in ("fsync", "fdatasync") or hit.program != "mvc":
        return
    if _is_catalogs(hit):
        return
    if any(call.name == hit.name and call.path == hit.path for call in outcome.after):
        yield f"{hit.path} was fsynced again after an error"
    if outcome.code == 0:
        yield "an fsync failed, and nobody was told"


def _is_catalogs(hit: Call) -> bool:
    """Whether it is SQLite's, which makes its files and their names durable: the catalog may be lost."""
    return "catalog-" in hit.path or (hit.name == "fdatasync" and hit.path.endswith("/.git/mvc"))
