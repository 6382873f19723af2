"""Builds pull requests: a branch `main`, and a branch `change` that would be merged into it.

A history is built in memory, with mvc's own emitters, and written to Git by one `git fast-import`. All histories are
branches of one repository: the gate reads nothing but Git's objects. A case that needs tags or other Git commands gets
a repository of its own when it calls `tag()` or `done()`.
"""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from harness import Repo

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import Notes, Pointer, dir_pointer, emit, file_pointer
from mvc.ops.judging.gathering import gate_facts, tree_facts
from mvc.ops.shared.evidence.judged_predictions import with_recomputed
from mvc.ops.shared.evidence.remote_objects import ask_remote
from mvc.project import Project, Surroundings
from mvc.quality.files import POLICY, SIGNATURES, SIGNERS, SUFFIX
from mvc.quality.finding import Judged, Verdict
from mvc.quality.judge.facts import Facts
from mvc.quality.reports.report import Dataset, Metric, Model, Report
from mvc.quality.reports.report_document import emit as emit_report
from mvc.quality.reports.signers import CHANGES, REPORTS, change_text

RANKER = "models/ranker.onnx"
SPAM = "models/spam.onnx"
ONNX = b"\x08\x07\x12\x07pytorch"
FILE, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"
PASSED, BLOCKED, CANNOT = 0, 1, 3
"""Exit codes of the gate."""
_START = 1_700_000_000
"""The time of the first commit, in seconds; each later commit is a minute after the one before."""


class File(NamedTuple):
    """A file of a commit."""

    mode: str
    raw: bytes


class Commit(NamedTuple):
    """A commit and its whole tree."""

    mark: int
    tree: Mapping[bytes, File]
    parents: tuple[Commit, ...] = ()


# File contents.


def content(seed: object) -> bytes:
    """Return the content of a model trained with `seed`; bytes are returned unchanged."""
    return seed if isinstance(seed, bytes) else f"weights of {seed}".encode()


def data(seed: object = 1) -> str:
    """Return the blake3 of a data set."""
    return hash_bytes(f"data {seed}".encode()).blake3


def holdout(seed: object = 1, name: str = "holdout") -> Dataset:
    """Return the data set that the models are evaluated on."""
    return Dataset(name, data(seed), f"data/{name}.csv")


def auc(value: float, stderr: float | None = 0.004, **said: Any) -> Metric:
    """Return a metric where higher is better; `country` and `age` are slices."""
    part = {key: said.pop(key) for key in ("country", "age") if key in said}
    return Metric("auc", value, **{"higher_is_better": True, "stderr": stderr, "slice": part, **said})


def p95(value: float, **said: Any) -> Metric:
    """Return a metric where lower is better."""
    return Metric("p95_ms", value, **{"higher_is_better": False, **said})


def ruled(*lines: str, match: str = "models/**", defaults: str = "", more: str = "") -> str:
    """Return a policy with one rule for the models, and `more` lines after it."""
    rule = "".join(f"    {line}\n" for line in lines)
    first = f"defaults: {defaults}\n" if defaults else ""
    return (
        f'mvc-policy: 1\n{first}evaluators: {{ci: ["ci@example.com"]}}\nrules:\n'
        f'  - {{match: "data/**", report: optional}}\n  - match: "{match}"\n{rule}{more}'
    )


REMOTE = """\
mvc-config: 1
remotes:
  default: nas
  nas: {url: ../nas}
"""
"""The settings of a repository with a remote beside it."""


def regressing(bound: str, name: str = "auc") -> str:
    """Return a policy with one bound on one metric."""
    return ruled(f'metrics: {{"{name}": {{{bound}}}}}')


PLAIN = ruled('metrics: {auc: {min: 0.8, max_regression: 0.005}, p95_ms: {max: 40, max_regression: "5%"}}')
SIGNED = ruled("metrics: {auc: {min: 0.8, max_regression: 0.005}}", "signatures: {min: 1}")
TWICE_SIGNED = ruled("signatures: {min: 2}")
ASSURED = ruled("evaluator: {assurance: ci}", "signatures: {min: 1}")


def waiver(code: str, model: object, report: bytes, expires: str = "2999-01-01") -> str:
    """Return a waivers file with one waiver."""
    return (
        f"mvc-waivers: 1\nwaivers:\n  - code: {code}\n    model: {hash_bytes(content(model)).blake3}\n"
        f"    report: {hash_bytes(report).blake3}\n    reason: known, and being worked on\n"
        f'    owner: ada@example.com\n    expires: "{expires}"\n'
    )


# Keys.


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes of this test run out."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Keys:
    """The signers' keys: one for each name, made on first use."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`."""
        self._folder = folder

    def path(self, name: str) -> Path:
        """Return the path of the private key of `name`."""
        path = self._folder / name
        with locked(self._folder / f"{name}.lock"):
            if not path.exists():
                _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
        return path

    def public(self, name: str) -> str:
        """Return the type and the public key of `name`, as in `allowed_signers`."""
        self.path(name)
        return " ".join((self._folder / f"{name}.pub").read_text().split()[:2])

    def sign(self, name: str, raw: bytes, namespace: str) -> bytes:
        """Return an armoured signature of `raw`."""
        return _ssh_keygen("-Y", "sign", "-q", "-n", namespace, "-f", str(self.path(name)), stdin=raw)


def _ssh_keygen(*args: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(("ssh-keygen", *args), input=stdin, capture_output=True, check=True).stdout


# A history.


class History:
    """A history in the making. Files are put into the next commit of the current branch."""

    def __init__(self, files: Mapping[bytes, File], keys: Keys, repository: Callable[[], Repo]) -> None:
        """Start `main` with `files`; `repository` makes a repository for this history alone."""
        self.keys = keys
        self.branches: dict[str, Commit] = {}
        self.branch = "main"
        self.files = dict(files)
        self._repository = repository
        self._commands: list[_Command] = []
        self._marks = 0

    @cached_property
    def repo(self) -> Repo:
        """This history's own repository, made when it is first asked for."""
        return self._repository()

    @property
    def alone(self) -> bool:
        """Whether it needs a repository of its own."""
        return "repo" in self.__dict__ or any(command.verb == "tag" for command in self._commands)

    # Files.

    def put(self, path: str | bytes, raw: str | bytes, mode: str = FILE) -> None:
        """Write a file; `raw` is the target of a symlink, the commit of a submodule."""
        self.files[_bytes(path)] = File(mode, _bytes(raw))

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        return self.files[path.encode()].raw

    def remove(self, *paths: str | bytes) -> None:
        """Delete files."""
        for path in paths:
            del self.files[_bytes(path)]

    def move(self, old: str, new: str) -> None:
        """Give a file another name."""
        self.files[new.encode()] = self.files.pop(old.encode())

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file."""
        raw = self.read(path)
        assert old.encode() in raw, raw
        self.put(path, raw.replace(old.encode(), new.encode()))

    def take(self, commit: Commit, *paths: str) -> None:
        """Restore files from another commit: `git checkout COMMIT -- PATHS`."""
        for path in paths:
            self.files[path.encode()] = commit.tree[path.encode()]

    # Models.

    def point(self, seed: object, path: str | bytes = RANKER, name: str = "") -> None:
        """Write a model's pointer."""
        self.put(_bytes(path) + b".mvc", emit(file_pointer(hash_bytes(content(seed)), notes=Notes(name))))

    def point_large(self, path: str, files: int = 300) -> None:
        """Write the pointer of a directory that is too large to list its files."""
        digest = hash_bytes(b"a manifest")
        self.put(f"{path}.mvc", emit(Pointer("dir", digest, files=files, total=files)))

    def point_dir(self, path: str, **files: object) -> None:
        """Write the pointer of a directory of models: a seed for each name."""
        entries = [Entry(f"{name}.bin", *hash_bytes(content(seed)), exec=False) for name, seed in files.items()]
        self.put(f"{path}.mvc", emit(dir_pointer(Manifest.of(entries))))

    def report(self, seed: object, tag: str, *metrics: Metric, path: str | bytes = RANKER, **said: Any) -> bytes:
        """Write a model's report, by default with good values on the usual data set."""
        values = list(metrics) or [auc(0.93), p95(30)]
        fields = {"model": Model(*hash_bytes(content(seed))), "datasets": [holdout()], "metrics": values, **said}
        raw = emit_report(Report(1, tag=tag, **fields))
        self.put(_bytes(path) + SUFFIX.encode(), raw)
        return raw

    def train(self, seed: object, tag: str, *metrics: Metric, path: str = RANKER, name: str = "", **said: Any) -> bytes:
        """Write a model's pointer and its report."""
        self.point(seed, path, name)
        return self.report(seed, tag, *metrics, path=path, **said)

    def delete(self, path: str = RANKER) -> None:
        """Delete a model: `mvc rm`."""
        self.remove(*_of(path, self.files))

    def rename(self, old: str, new: str) -> None:
        """Rename a model: `mvc mv`."""
        for file in _of(old, self.files):
            self.move(file, new + file.removeprefix(old))

    def sign(self, *names: str, path: str = RANKER, namespace: str = REPORTS) -> None:
        """Sign a report with the keys of `names`."""
        raw = self.read(path + SUFFIX)
        self.put(path + SUFFIX + SIGNATURES, b"".join(self.keys.sign(name, raw, namespace) for name in names))

    def sign_change(self, name: str, path: str) -> None:
        """Sign the change of a guarded file since the last commit."""
        before = self.branches[self.branch].tree.get(path.encode())
        text = change_text(path, before.raw if before else None, self.read(path))
        self.put(path + SIGNATURES, self.keys.sign(name, text, CHANGES))

    def trust(self, *lines: str) -> None:
        """Write `allowed_signers`. The last word of a line is a name, replaced by its public key."""
        self.put(SIGNERS, "".join(f"{self._signer(line)}\n" for line in lines))

    def _signer(self, line: str) -> str:
        *options, name = line.split()
        return f"{' '.join(options) or f'{name}@example.com'} {self.keys.public(name)}"

    # Commits.

    def commit(self, *merged: str) -> Commit:
        """Commit the files on the current branch; the branches `merged` become further parents."""
        self._marks += 1
        parents = tuple(self.branches[name] for name in (self.branch, *merged) if name in self.branches)
        done = Commit(self._marks, dict(self.files), parents)
        self._commands.append(_Command("commit", self.branch, done))
        self.branches[self.branch] = done
        return done

    def on(self, branch: str) -> None:
        """Switch to a branch; a new one begins at the current commit."""
        if branch not in self.branches:
            here = self.branches[self.branch]
            self.branches[branch] = here
            self._commands.append(_Command("reset", branch, here))
        self.branch = branch
        self.files = dict(self.branches[branch].tree)

    def tag(self, name: str) -> None:
        """Tag the last commit of the branch, annotated. The gate reads all tags, so no other case may see this one."""
        self._commands.append(_Command("tag", name, self.branches[self.branch]))

    def start(self, policy: str = PLAIN, *metrics: Metric, signed: Iterable[str] = (), **said: Any) -> Commit:
        """Commit a policy and a model, version v1.2.0, on `main`."""
        self.put(POLICY, policy)
        self.train("base", "v1.2.0", *metrics, **said)
        if signed:
            self.sign(*signed)
        return self.commit()

    def change(self) -> None:
        """Begin the pull request."""
        self.on("change")

    def done(self) -> Repo:
        """Write all of it into its own repository and check `main` out; the repository."""
        if self._commands:
            fast_import(self.repo, self.stream())
            self._commands = []
            self.repo.git("reset", "-q", "--hard", "main")
        return self.repo

    def stream(self, prefix: str = "", first: int = 0) -> bytes:
        """Return all of it for `git fast-import`: `prefix` begins branch names, `first` is added to the marks."""
        return b"".join(text for command in self._commands for text in command.text(prefix, first))


def fast_import(repo: Repo, stream: bytes, *options: str) -> None:
    """Write histories into a repository."""
    args = ("git", "fast-import", "--quiet", "--force", "--date-format=raw", *options)
    subprocess.run(args, cwd=repo.root, env=repo.environ, input=stream, check=True, capture_output=True)


class _Command(NamedTuple):
    """A command of `git fast-import`."""

    verb: str
    name: str
    """Of a branch or tag."""
    commit: Commit

    def text(self, prefix: str, first: int) -> Iterator[bytes]:
        name = self.name if self.verb == "tag" else f"refs/heads/{prefix}{self.name}"
        yield f"{self.verb} {name}\n".encode()
        mark = self.commit.mark + first
        if self.verb == "commit":
            yield from _commit(self.commit, first)
        elif self.verb == "tag":
            yield b"from :%d\n%s%s" % (mark, _TAGGER, _data(b"a version"))
        else:
            yield b"from :%d\n\n" % mark


_TAGGER = b"tagger Ada <ada@example.com> %d +0000\n" % _START


def _commit(commit: Commit, first: int) -> Iterator[bytes]:
    yield b"mark :%d\n" % (commit.mark + first)
    yield b"committer Ada <ada@example.com> %d +0000\n%s" % (_START + 60 * commit.mark, _data(b"work"))
    for word, parent in zip([b"from", *[b"merge"] * len(commit.parents)], commit.parents, strict=False):
        yield b"%s :%d\n" % (word, parent.mark + first)
    yield b"deleteall\n"
    for path, (mode, raw) in commit.tree.items():
        if mode == SUBMODULE:
            yield b"M 160000 %s %s\n" % (raw, _quoted(path))
        else:
            yield b"M %s inline %s\n%s" % (mode.encode(), _quoted(path), _data(raw))
    yield b"\n"


def _data(raw: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(raw), raw)


def _quoted(path: bytes) -> bytes:
    return b'"%s"' % path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _of(path: str, files: Iterable[bytes]) -> list[str]:
    """Return those of a model's pointer, report and signatures that exist."""
    names = (f"{path}.mvc", path + SUFFIX, path + SUFFIX + SIGNATURES)
    return [name for name in names if name.encode() in files]


# Cases.


class Built(NamedTuple):
    """A pull request in Git."""

    repo: Repo
    prefix: str
    """Of its branches' names."""
    base: str
    """The commit of `main`."""
    head: str
    """The commit of `change`; empty when there is no such branch."""


class Case(NamedTuple):
    """A pull request and the expected verdict."""

    build: Callable[[History], None]
    code: int
    """The exit code."""
    errors: frozenset[str]
    others: frozenset[str]
    """Warnings and notes, such as `note MVC220`."""
    args: tuple[str, ...]
    """Options of the gate."""
    shows: str
    """The expected state of the models in the gate's table: `changed`, `added`; empty for any."""

    @property
    def name(self) -> str:
        """The name of the function that builds it."""
        return self.build.__name__

    def facts(self, built: Built) -> Facts:
        """Return the facts that the gate collects from Git."""
        repo, _, base, head = built
        with Project.discover(Surroundings(str(repo.root), repo.environ, "")) as project:
            if "--all" in self.args:
                return tree_facts(project, base, time.time())
            found = gate_facts(project, base, head, time.time())
            remote = ask_remote(project, self.args[-1], found.models) if "-r" in self.args else None
            found = found._replace(remote=remote)
            return with_recomputed(project, found, "", head) if "--recompute" in self.args else found

    def complaint(self, verdict: Verdict) -> str:
        """Return how a verdict differs from the expected one; empty when it does not."""
        errors, others = told((item.severity, item.code) for item in verdict.findings)
        if errors != self.errors:
            return f"errors: {sorted(errors)}, expected {sorted(self.errors)}"
        if others != self.others:
            return f"besides: {sorted(others)}, expected {sorted(self.others)}"
        shown = " ".join(dict.fromkeys(_shown(model) for model in verdict.models))
        return f"shows: {shown}, expected {self.shows}" if self.shows not in ("", shown) else ""


def told(found: Iterable[tuple[str, str]]) -> tuple[frozenset[str], frozenset[str]]:
    """Split findings into the codes of errors, and the severities and codes of all others."""
    pairs = set(found)
    errors = frozenset(code for severity, code in pairs if severity == "error")
    return errors, frozenset(f"{severity} {code}" for severity, code in pairs if severity != "error")


def _shown(model: Judged) -> str:
    return f"{model.change}{f' from {model.old_path}' if model.old_path else ''}"


CASES: dict[str, Case] = {}
"""All cases, by name."""
Build = Callable[[History], None]


def attack(
    *codes: str, besides: Iterable[str] = (), args: Iterable[str] = (), shows: str = "",
) -> Callable[[Build], Build]:
    """Expect the gate to block what the function builds, with exactly these errors and the findings `besides`."""
    return _case(BLOCKED, codes, besides, args, shows)


def honest(*codes: str, args: Iterable[str] = (), shows: str = "") -> Callable[[Build], Build]:
    """Expect the gate to pass what the function builds, with exactly these notes and warnings."""
    return _case(PASSED, (), codes, args, shows)


def unjudged(args: Iterable[str] = ()) -> Callable[[Build], Build]:
    """Expect the gate to fail because it cannot judge what the function builds."""
    return _case(CANNOT, (), (), args)


def _case(
    code: int, errors: Iterable[str], others: Iterable[str], args: Iterable[str], shows: str = "",
) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        assert build.__name__ not in CASES, build.__name__
        CASES[build.__name__] = Case(build, code, frozenset(errors), frozenset(others), tuple(args), shows)
        return build

    return register
