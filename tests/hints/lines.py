"""Hints: the lines that mvc tells a user to type, where the code makes them, and what typing them loses."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3
from harness import PROJECT, Repo, Result

from mvc.store.packs.pack_set import PackSet

PROGRAMS = ("mvc", "git", "mv", "cp", "rm", "mkdir", "ls", "echo", "printf", "chmod", "find", "pip")
"""What a line to type begins with; other hints are prose."""
_INSTEAD = {
    "or --theirs": ("--ours", "--theirs"),
    "or --tag TAG": ("--bump minor", "--tag TAG"),
    "or MERGE_HEAD": ("HEAD", "MERGE_HEAD"),
    "or --lower-is-better": ("--higher-is-better", "--lower-is-better"),
}
"""What a remark says to type instead of a part of the line."""
_OTHER = re.compile(
    rf"(?:^|; |(?<!then): |or )((?:{'|'.join(PROGRAMS)}) .+?)(?= (?:deletes|keeps|lists|reverts|saves|takes) |[;,)]|$)",
)
"""Another line, in a remark: `mvc add -f d reverts it`, `or, if it was deleted: git worktree prune`."""
_THEN = re.compile(r"; then: (.+)")
"""The rest of the line, in a remark, if the user has to fill in the beginning."""
_MADE_BY = frozenset({
    "MvcError", "UsageError", "InvalidFormat", "InvalidName", "CorruptObject", "MissingObject", "SourceChanged",
    "UnsafePath", "RemoteError", "Transient", "Changed", "Problem", "TransferFailure", "Failure", "Remark", "Advice",
    "Refused", "UnknownFormat", "WrongColumn", "remark",
})
"""What takes a hint: as its second argument, or as `fix`."""
_SAY = frozenset({"say", "_say", "warn"})
"""What prints one, in the command line and the hook."""
_SHOWN = re.compile(
    r"^  try: (.+)$|Next: (.+)$|Undo: (.+)$|To (?:bring it|go) back: (.+)$|^  ((?:mvc|git|mv|echo) .+)$", re.MULTILINE,
)
_PLACEHOLDER = re.compile(r"(?<![\w./$-])(?!(?:MERGE_|ORIG_)?HEAD\b)(?:[A-Z][A-Z]+|FILE\.json|\.\.\.)(?![\w-])")
FILL = {"NAME=NUMBER": "auc=0.9", "NUMBER": "0.9"}
"""What is typed for placeholders unless the state says otherwise, the longest first."""


def hints_of(result: Result) -> list[str]:
    """Return every line to type that a command printed, with its remark."""
    found = [next(filter(None, match)) for match in _SHOWN.findall(result.out + "\n" + result.err)]
    return list(dict.fromkeys(found))


def lines_to_type(hint: str, fill: Mapping[str, str]) -> list[str]:
    """Return the line of a hint and the others that its remark names, with placeholders filled in; none for prose."""
    line, _, remark = re.fullmatch(r"(.*?)(?:  (#|\() ?(.*))?", hint).groups("")  # type: ignore[union-attr]
    others = [line.replace(*words) for told, words in _INSTEAD.items() if told in remark] + _OTHER.findall(remark)
    if then := _THEN.search(remark):
        line = f"{line} && {then[1]}"
    return [_filled(text.strip(), fill) for text in (line, *others) if text.split(" ")[0] in PROGRAMS]


def _filled(line: str, fill: Mapping[str, str]) -> str:
    for placeholder, text in sorted({**FILL, **fill}.items(), key=lambda item: -len(item[0])):
        line = line.replace(placeholder, text)
    left = _PLACEHOLDER.findall(line.replace('"..."', "").replace("README.md", ""))
    assert not left, f"{line}: what does a user type for {left}?"
    return line


# What is lost.

_WRITTEN = (".mvc", ".gitignore", ".mvc/config.yaml")
_OBJECT = re.compile(r"/objects/\w\w/\w{64}$")


def contents(repo: Repo) -> set[str]:
    """Return the digests of all contents in workspace, index and cache.

    Pointers, `.gitignore` and mvc's config are not content: mvc writes them. Everything else in the workspace is.
    """
    return workspace(repo) | staged(repo) | stored(repo.store)


def workspace(repo: Repo) -> set[str]:
    """Return the digests of all files in the workspace, and of what symlinks say that mvc did not make."""
    found = set()
    for path in repo.root.rglob("*"):
        inside = path.relative_to(repo.root)
        if ".git" in inside.parts or str(inside).endswith(_WRITTEN):
            continue
        if path.is_symlink():
            if _OBJECT.search(text := str(path.readlink())):
                continue
            found.add(blake3(b"symlink " + text.encode()).hexdigest())
        elif path.is_file():
            found.add(blake3(path.read_bytes()).hexdigest())
    return found


def staged(repo: Repo) -> set[str]:
    """Return the digests of all files in the index that mvc does not write."""
    rows = [row.split("\t") for row in repo.git("ls-files", "--stage", "-z").split("\0") if row]
    return blobs(repo, [meta.split(" ")[1] for meta, path in rows if not path.endswith(_WRITTEN)])


def committed(repo: Repo) -> set[str]:
    """Return the digests of all files in all commits, stashes and reflogs."""
    listed = repo.git("rev-list", "--objects", "--all", "--reflog").splitlines()
    return blobs(repo, [row.split(" ")[0] for row in listed if " " in row])


_DIGESTS: dict[str, str] = {}
"""Of blobs that were read, by their names."""


def blobs(repo: Repo, oids: Iterable[str]) -> set[str]:
    """Return the digests of what Git has under these names."""
    oids = [*oids]
    if new := [oid for oid in oids if oid not in _DIGESTS]:
        _DIGESTS.update(_read_blobs(repo, new))
    return {_DIGESTS[oid] for oid in oids if oid in _DIGESTS}


def _read_blobs(repo: Repo, oids: Iterable[str]) -> Iterator[tuple[str, str]]:
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    done = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repo.root, env=repo.environ, input=asked, capture_output=True, check=True,
    )
    position = 0
    while position < len(done.stdout):
        end = done.stdout.index(b"\n", position)
        oid, _, size = done.stdout[position:end].decode().split(" ")
        yield oid, blake3(done.stdout[end + 1 : end + 1 + int(size)]).hexdigest()
        position = end + 2 + int(size)


def stored(folder: Path) -> set[str]:
    """Return the objects of a cache or a remote."""
    packs = PackSet(str(folder / "packs"))
    with closing(packs):
        packed = {record.blake3.hex() for name in packs.names() for record in packs.index(name).records()}
    return packed | {path.name for path in folder.glob("objects/*/*")}


def lost(repo: Repo, before: set[str]) -> set[str]:
    """Return the contents that a user cannot get at any more: not in workspace, index, cache, history or remote."""
    rest = before - contents(repo)
    return rest - committed(repo) - stored(repo.root.parent / "nas") if rest else rest


# Where hints come from.


class Site(NamedTuple):
    """A call in the source that makes a hint."""

    module: str
    function: str
    hint: str
    """The expression of the hint, as written."""
    first: int
    last: int
    """Its lines."""

    @property
    def name(self) -> str:
        """What identifies it, as long as the hint stays as it is."""
        return f"{self.module}:{self.function} {self.hint}"


@cache
def _modules() -> dict[str, ast.Module]:
    top = PROJECT / "mvc"
    return {str(path.relative_to(top)): ast.parse(path.read_text()) for path in sorted(top.rglob("*.py"))}


@cache
def sites() -> tuple[Site, ...]:
    """Return every call of mvc that makes a hint."""
    return tuple(sorted(site for module, tree in _modules().items() for site in _sites(module, tree)))


def _sites(module: str, tree: ast.Module) -> Iterator[Site]:
    printers = _SAY if module.startswith(("cli/", "hook")) else frozenset()
    nodes: list[tuple[ast.AST, str]] = [(tree, "")]
    while nodes:
        node, function = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}".removeprefix(".")
        if isinstance(node, ast.Call) and (hint := _hint(node, printers)) is not None:
            yield Site(module, function, ast.unparse(hint), node.lineno, node.end_lineno or node.lineno)
        nodes += [(child, function) for child in ast.iter_child_nodes(node)]


def _hint(call: ast.Call, printers: frozenset[str]) -> ast.expr | None:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name in ("line", "note"):
        text = ast.unparse(call.args[0]) if call.args else ""
        return call.args[0] if re.search(r"Next: |Undo: |back: |  # ", text) else None
    if name not in _MADE_BY | printers:
        return None
    keyword = next((item.value for item in call.keywords if item.arg == "fix"), None)
    at = {"Problem": 2, "Advice": 0, "TransferFailure": 9, "warn": 2}.get(name, 1)
    given = keyword or (call.args[at] if len(call.args) > at else None)
    return None if isinstance(given, ast.Constant) and not given.value else given


_DELETES = re.compile(
    r"(?:^|[^\w.-])(?:rm|mv|cp)(?: -\w+)*(?: |$)|\bgit (?:clean|reset|restore|rm|mv|checkout|stash)\b",
)


def deleting_texts() -> set[str]:
    """Return the texts in the source of mvc with commands that may delete or overwrite, other than mvc's own."""
    found = set()
    for tree in _modules().values():
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found |= {text.value for text in texts if id(text) not in docs and _DELETES.search(_without_mvc(text.value))}
    return found


def _without_mvc(text: str) -> str:
    return re.sub(r"\bmvc (?:rm|mv)\b|^rm$|^mv$", "", text)
