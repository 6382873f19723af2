"""`mvc eval sign`: signs a report, or the change of a policy file."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import UnsafePath, aside_line
from mvc.fs.tree import Replacement, replace_files
from mvc.ops.shared.evidence.ssh_signatures import Key, fits, sign
from mvc.ops.shared.other_pointers.workspace import pointers_here
from mvc.ops.shared.reports import file_in, model_of
from mvc.project import Project
from mvc.quality.files import SIGNATURES, SUFFIX, FileAt
from mvc.quality.judge.facts import PolicyFileChange
from mvc.quality.judge.fixes import explained
from mvc.quality.judge.rules.policy_files import POLICY_FILES, broken, weaker
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.policy.policy import STRICT
from mvc.quality.reports.binding import is_of, named_like
from mvc.quality.reports.report_document import parse_report
from mvc.quality.reports.signers import CHANGES, MAX_BYTES, REPORTS, Block, change_text, split_blocks
from mvc.quality.words import short
from mvc.scm.blobs import as_stored
from mvc.scm.commits import committed_file, resolve
from mvc.scm.index import staged_file
from mvc.scm.plumbing import Git
from mvc.scm.refs import local_base
from mvc.scm.staging import stage
from mvc.workspace.tracked import Tracked

_LITERAL = re.compile(r"(?:ssh|sk-ssh|ecdsa|sk-ecdsa)-\S+ \S+.*")
_DEFAULT_KEY = "~/.ssh/id_ed25519"
_AGENT = "key::"
"""Git's prefix of a public key in `user.signingkey`."""


class Signed(NamedTuple):
    """What was signed."""

    path: str
    """The report, or the policy file."""
    file: str
    """The file of signatures."""
    key: str
    """Fingerprint."""
    signatures: int
    """Number of signatures in `file`."""
    dropped: int
    """Number of signatures that were removed because they no longer matched."""
    base: str
    """The commit that a change is relative to; empty for a report."""
    weakens: tuple[str, ...]
    """What a change weakens."""
    staged: bool
    """Whether the index has the content that was signed."""


class _Signable(NamedTuple):
    """The text to sign."""

    path: str
    raw: bytes
    namespace: str
    committed: bytes | None
    """The content that Git should have at `path`."""
    base: str = ""
    weakens: tuple[str, ...] = ()


def eval_sign(project: Project, typed: str, key: str | None, base: str | None) -> Signed:
    """Sign the report of the model `typed`, or the change of the policy file `typed`, and stage the signature.

    `key` is a path or a public key; None: Git's `user.signingkey`. `base` is the revision that a change is relative
    to; None: the target branch.

    Raises:
        UsageError: there is no key, no change or no such revision, or the file cannot be read.
        MvcError: the report is missing or does not match the model, or signing failed.
    """
    policy_file = _policy_file(project, typed)
    if base and not policy_file:
        raise UsageError("--base is for changes of policy files, such as .mvc/policy.yaml", "mvc eval sign MODEL")
    text = _change(project, policy_file, base) if policy_file else _report(project, typed)
    return _write(project, text, sign(text.raw, text.namespace, _key(project, key)))


def _policy_file(project: Project, typed: str) -> str:
    """Return the policy file that `typed`, or the signature file `typed`, is for; empty if there is none."""
    folder, name = os.path.split(os.path.join(project.around.cwd, typed.removesuffix(SIGNATURES)))
    path = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(project.root))
    return path if path in POLICY_FILES else ""


def _write(project: Project, text: _Signable, block: Block) -> Signed:
    file = text.path + SIGNATURES
    with project.locks.worktree():
        old = _read_signatures(project, file)
        others = [item for item in split_blocks(old or b"") if item.key != block.key or not item.key]
        matching = [item for item in others if fits(text.raw, item, text.namespace)]
        new = b"".join(item.armour for item in (*matching, block))
        with project.staging() as staging:
            replace_files(project.tree, staging, [Replacement(file, old, new)])
        stage(project.git, [file])
    staged = staged_file(project.git, text.path) == text.committed
    return Signed(
        text.path,
        file,
        key=block.fingerprint,
        signatures=len(matching) + 1,
        dropped=len(others) - len(matching),
        base=text.base,
        weakens=text.weakens,
        staged=staged,
    )


def _read_signatures(project: Project, file: str) -> bytes | None:
    try:
        return project.tree.read(file, MAX_BYTES + 1)
    except UnsafePath as error:
        raise UsageError(error.message, aside_line(project.shell.show(file))) from None


# A report.


def _report(project: Project, typed: str) -> _Signable:
    """Return the report of the model `typed`, which must match the pointer."""
    path = model_of(project.shell.path(typed))
    file = path + SUFFIX
    raw = _read(project, file)
    line = project.shell.line("mvc eval record", path)
    if raw is None:
        raise MvcError(f"{path} has no report to sign", f"{line} --bump major --metric NAME=NUMBER")
    try:
        report = parse_report(raw, file)
    except InvalidFormat as error:
        raise UsageError(error.message, error.fix or explained("MVC102")) from None
    item = project.tracked().get(path)
    if item is None and (other := pointer_in_file(pointers_here(project).get(path))):
        item = Tracked(path, pointer=other)
    if item is None:
        raise MvcError(f"{path} is not tracked: its report cannot be checked", project.shell.line("mvc add", path))
    if item.pointer is None:
        raise MvcError(f"the pointer of {path} cannot be read: {item.problem}", project.shell.line("mvc add", path))
    if not is_of(report.model, item.pointer):
        found, expected = named_like(report.model, item.pointer), item.pointer.identity
        message = f"the report of {path} is for {short(found, expected)}, its pointer has {short(expected, found)}"
        raise MvcError(message, f"{line} --bump patch")
    return _Signable(file, raw, REPORTS, raw)


def _read(project: Project, path: str) -> bytes | None:
    """Return a file of the workspace as Git will store it: with its line ends converted."""
    found = file_in(project.tree, path)
    if found is None:
        return None
    if found.mode != "100644":
        raise UsageError(f"{path} is not a regular file", aside_line(project.shell.show(path)))
    return as_stored(project.git, path, found.raw)


# The change of a policy file.


def _change(project: Project, path: str, base: str | None) -> _Signable:
    commit = resolve(project.git, base or _target(project.git))
    old, new = committed_file(project.git, commit, path), _read(project, path)
    if old == new:
        raise UsageError(f"{path} has no change since {base or 'the target branch'}", "mvc eval sign PATH --base REV")
    before, after = (None if raw is None else FileAt("100644", raw) for raw in (old, new))
    change = PolicyFileChange(path, before, after)
    if reason := broken(change):
        raise UsageError(f"{path} cannot be read: {reason}", explained("MVC411"))
    return _Signable(path, change_text(path, old, new), CHANGES, new, commit, tuple(weaker(change, STRICT)))


def _target(git: Git) -> str:
    if found := local_base(git):
        return found
    raise UsageError("cannot tell which branch the change is for", "mvc eval sign PATH --base REV")


# The key.


def _key(project: Project, option: str | None) -> Key:
    text = option or _configured_key(project.git)
    around = project.around
    if text.startswith(_AGENT) or _LITERAL.fullmatch(text):
        return Key(text.removeprefix(_AGENT), literal=True, cwd=around.cwd, environ=around.environ)
    path = around.environ.get("HOME", "~") + text[1:] if text.startswith("~/") else text
    if not os.path.isfile(os.path.join(around.cwd, path)):
        where = "--key" if option else "Git's user.signingkey"
        raise UsageError(f"{where}: the SSH key {text} does not exist", f"mvc eval sign PATH --key {_DEFAULT_KEY}")
    return Key(path, literal=False, cwd=around.cwd, environ=around.environ)


def _configured_key(git: Git) -> str:
    done = git.attempt("config", "--type=path", "--get", "user.signingkey")
    text = os.fsdecode(done.stdout).strip("\n")
    if done.returncode or not text:
        line = "git config --global user.signingkey ~/.ssh/id_ed25519.pub  # or --key"
        raise UsageError("no signing key is configured", line)
    return text
