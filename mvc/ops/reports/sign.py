"""`mvc eval sign`: a signature under a report, or under the change of a file that guards the models."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import UnsafePath
from mvc.fs.tree import Replacement, replace_files
from mvc.ops.shared.reports import file_in, model_of
from mvc.ops.shared.ssh_signatures import Key, fits, sign
from mvc.project import Project
from mvc.quality.files import SIGNATURES, SUFFIX, FileAt
from mvc.quality.judge.facts import PolicyFileChange
from mvc.quality.judge.fixes import explained
from mvc.quality.judge.rules.policy_files import POLICY_FILES, broken, weaker
from mvc.quality.policy.policy import STRICT
from mvc.quality.reports.report import parse_report
from mvc.quality.reports.signers import CHANGES, MAX_BYTES, REPORTS, Block, change_text, split_blocks
from mvc.quality.words import short
from mvc.scm.commits import committed_file, resolve
from mvc.scm.index import staged_file
from mvc.scm.plumbing import Git
from mvc.scm.refs import local_base
from mvc.scm.staging import stage

_LITERAL = re.compile(r"(?:ssh|sk-ssh|ecdsa|sk-ecdsa)-\S+ \S+.*")
_USUAL = "~/.ssh/id_ed25519"
_AGENT = "key::"
"""Before a public key, as Git has it in `user.signingkey`."""


class Signed(NamedTuple):
    """What was signed."""

    path: str
    """The report, or the guarded file."""
    file: str
    """The signatures."""
    key: str
    """The fingerprint of the key."""
    signatures: int
    """How many there are now."""
    dropped: int
    """How many there were that no longer fitted."""
    base: str
    """The commit that a change is signed against; empty for a report."""
    weakens: tuple[str, ...]
    """What a change weakens."""
    staged: bool
    """Whether the index has what was signed, too."""


class _Text(NamedTuple):
    """What is to be signed."""

    path: str
    raw: bytes
    namespace: str
    committed: bytes | None
    """What Git is to have at `path`."""
    base: str = ""
    weakens: tuple[str, ...] = ()


def eval_sign(project: Project, typed: str, key: str | None, base: str | None) -> Signed:
    """Sign the report of the model that is `typed`, or the change of that guarded file, and stage the signature.

    `key` is a path or a public key; None: Git's `user.signingkey`. `base` is the revision that a change is signed
    against; None: the target branch as far as it can be told.

    Raises:
        UsageError: there is no key, no change, or no such revision; the file cannot be read.
        MvcError: the report is missing or of other bytes, or nothing could be signed.

    """
    guarded = _guarded(project, typed)
    if base and not guarded:
        raise UsageError("--base is for the change of a guarded file, such as the policy", "mvc eval sign MODEL")
    text = _change(project, guarded, base) if guarded else _report(project, model_of(project.shell.path(typed)))
    return _write(project, text, sign(text.raw, text.namespace, _key(project, key)))


def _guarded(project: Project, typed: str) -> str:
    """Return the guarded file that the user typed, or whose signatures; empty when it is none."""
    folder, name = os.path.split(os.path.join(project.around.cwd, typed.removesuffix(SIGNATURES)))
    path = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(project.root))
    return path if path in POLICY_FILES else ""


def _write(project: Project, text: _Text, block: Block) -> Signed:
    file = text.path + SIGNATURES
    with project.locks.worktree():
        old = _there(project, file)
        others = [item for item in split_blocks(old or b"") if item.key != block.key or not item.key]
        kept = [item for item in others if fits(text.raw, item, text.namespace)]
        new = b"".join(item.armour for item in (*kept, block))
        with project.staging() as staging:
            replace_files(project.tree, staging, [Replacement(file, old, new)])
        stage(project.git, [file])
    staged = staged_file(project.git, text.path) == text.committed
    dropped = len(others) - len(kept)
    return Signed(
        text.path, file, block.fingerprint, len(kept) + 1, dropped, text.base, text.weakens, staged,
    )


def _there(project: Project, file: str) -> bytes | None:
    try:
        return project.tree.read(file, MAX_BYTES + 1)
    except UnsafePath as error:
        raise UsageError(error.message, project.shell.line("rm -r --", file)) from None


# A report.


def _report(project: Project, path: str) -> _Text:
    """Return the report of a model, which must be of the bytes that its pointer stands for."""
    file = path + SUFFIX
    raw = _read(project, file)
    line = project.shell.line("mvc eval record", path)
    if raw is None:
        raise MvcError(f"{path} has no report to sign", f"{line} --tag v1.0.0 --metric NAME=NUMBER")
    try:
        report = parse_report(raw, file)
    except InvalidFormat as error:
        raise UsageError(error.message, error.fix or explained("MVC102")) from None
    item = project.tracked().get(path)
    if item is None:
        raise MvcError(f"{path} is not tracked, so its report cannot be checked", project.shell.line("mvc add", path))
    if item.pointer is None:
        raise MvcError(f"the pointer of {path} cannot be read: {item.problem}", project.shell.line("mvc add", path))
    if item.pointer.digest.blake3 != report.model.blake3:
        have, want = report.model.blake3, item.pointer.digest.blake3
        message = f"the report of {path} is of {short(have, want)}, its pointer says {short(want, have)}"
        raise MvcError(message, f"{line} --bump patch")
    return _Text(file, raw, REPORTS, raw)


def _read(project: Project, path: str) -> bytes | None:
    """Return a file of the workspace as Git will have it: line ends may differ."""
    found = file_in(project.tree, path)
    if found is None:
        return None
    if found.mode != "100644":
        raise UsageError(f"{path} is no regular file", project.shell.line("rm -r --", path))
    oid = project.git.run(
        "-c", "core.safecrlf=false", "hash-object", "-w", "--stdin", f"--path={path}", stdin=found.raw,
    )
    return project.git.run("cat-file", "blob", oid.decode().strip())


# The change of a guarded file.


def _change(project: Project, path: str, base: str | None) -> _Text:
    commit = resolve(project.git, base or _target(project.git))
    old, new = committed_file(project.git, commit, path), _read(project, path)
    if old == new:
        raise UsageError(f"{path} is as {base or 'the target branch'} has it", "mvc eval sign PATH --base REV")
    change = PolicyFileChange(path, _at(old), _at(new))
    if reason := broken(change):
        raise UsageError(f"{path} cannot be read: {reason}", explained("MVC411"))
    return _Text(path, change_text(path, old, new), CHANGES, new, commit, tuple(weaker(change, STRICT)))


def _at(raw: bytes | None) -> FileAt | None:
    return None if raw is None else FileAt("100644", raw)


def _target(git: Git) -> str:
    """Return the branch that a change is for, as far as this clone can tell."""
    if found := local_base(git):
        return found
    raise UsageError("this clone does not say which branch the change is for", "mvc eval sign PATH --base REV")


# The key.


def _key(project: Project, said: str | None) -> Key:
    text = said or _configured(project)
    around = project.around
    if text.startswith(_AGENT) or _LITERAL.fullmatch(text):
        return Key(text.removeprefix(_AGENT), literal=True, cwd=around.cwd, environ=around.environ)
    path = around.environ.get("HOME", "~") + text[1:] if text.startswith("~/") else text
    if not os.path.isfile(os.path.join(around.cwd, path)):
        where = "--key" if said else "Git's user.signingkey"
        raise UsageError(f"{where} names no SSH key: there is no file {text}", f"mvc eval sign PATH --key {_USUAL}")
    return Key(path, literal=False, cwd=around.cwd, environ=around.environ)


def _configured(project: Project) -> str:
    done = project.git.attempt("config", "--type=path", "--get", "user.signingkey")
    text = os.fsdecode(done.stdout).strip("\n")
    if done.returncode or not text:
        line = "git config --global user.signingkey ~/.ssh/id_ed25519.pub  # or --key"
        raise UsageError("nobody said which key signs", line)
    return text
