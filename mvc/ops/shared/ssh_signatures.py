"""SSH signatures, made and verified by `ssh-keygen`: the only place that runs it.

Why a program and no library: docs/adr/0013-signatures-by-ssh-keygen.md.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.quality.files import REVOKED, SIGNERS
from mvc.quality.judge.facts import Signer
from mvc.quality.reports.signers import AllowedKey, Block, parse_revoked, parse_signers, split_blocks

PATIENCE = 60
"""Seconds in which a signature must be verified."""

_PROGRAM = "ssh-keygen"
_INSTALL = "apt-get install openssh-client"
_ONE = "signer"
"""What the signer is called in the one line that `ssh-keygen` gets to see."""
_TOO_OLD = re.compile(
    r"^(?:ssh-keygen: )?(?:unknown|illegal|invalid)[a-z ]* option|^usage:", re.IGNORECASE | re.MULTILINE,
)
_REASONS = {
    "has expired": "the key has expired",
    "not yet valid": "the key is not valid yet",
    "not permitted for use": "the key may not sign this: its line has other namespaces",
    "bad options": "its line has an option that ssh-keygen does not know",
    "incorrect signature": "it is of other content",
    "does not match": "it is of other content",
}
"""What `ssh-keygen` says, in our words."""


def signers_of(
    raw: bytes, signatures: bytes, allowed: bytes | None, revoked: bytes | None, namespace: str, now: float,
) -> tuple[Signer, ...]:
    """Return who signed `raw`, by the blocks of the `.sig` file `signatures`; `now` in seconds since the epoch.

    `allowed` and `revoked` are base's `allowed_signers` and `revoked_signers`; None where it has none. A report is
    signed in the namespace `signers.REPORTS`; of a guarded file `signers.change_text` is, in `signers.CHANGES`.
    A key under several principals is several signers. Whatever a block holds, it is a signer or a problem.

    Raises:
        MvcError: `ssh-keygen` is not there, too old, or does not answer.

    """
    known = parse_signers(allowed or b"").keys
    with tempfile.TemporaryDirectory(prefix="mvc-") as folder:
        case = _Case(raw, namespace, revoked, now, folder)
        found = [signer for block in split_blocks(signatures) for signer in _of_block(case, block, known)]
    return tuple(dict.fromkeys(found))


class _Case(NamedTuple):
    """What is to be signed, and what there is besides to judge a signature by."""

    raw: bytes
    namespace: str
    revoked: bytes | None
    now: float
    folder: str
    """Nobody else's."""

    def write(self, name: str, content: bytes) -> str:
        path = f"{self.folder}/{name}"
        with open(path, "wb") as file:
            file.write(content)
        return path


def _of_block(case: _Case, block: Block, known: Sequence[AllowedKey]) -> Iterator[Signer]:
    if block.problem:
        yield Signer("", "", block.problem)
        return
    lines = [line for line in known if line.key == block.key]
    if not lines:
        yield Signer("", block.fingerprint, f"{SIGNERS} of the target branch does not name the key")
    for line in lines:
        yield Signer(line.principal, block.fingerprint, _problem(case, block, line))


def _problem(case: _Case, block: Block, line: AllowedKey) -> str:
    """Return why a signature does not count; empty when it does."""
    if block.namespace != case.namespace:
        return f"it was made for {block.namespace!r}, expected {case.namespace!r}"
    done = _verify(case, block, line, revoked=True)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace")
    if reason := next((ours for theirs, ours in _REASONS.items() if theirs in said), ""):
        return reason
    if _TOO_OLD.search(said):
        raise MvcError(f"{_PROGRAM} is too old to verify signatures: use OpenSSH 8.9 or newer", _INSTALL)
    if case.revoked is not None and _verify(case, block, line, revoked=False).returncode == 0:
        return _revocation(case.revoked, block)
    return f"{_PROGRAM} does not accept it"


def _revocation(revoked: bytes, block: Block) -> str:
    if any(line.key == block.key for line in parse_revoked(revoked).keys):
        return "the key is revoked"
    return f"the key is revoked, or {REVOKED} cannot be read"


def _verify(case: _Case, block: Block, line: AllowedKey, *, revoked: bool) -> subprocess.CompletedProcess[bytes]:
    """Ask about one signature and one line, under a name of ours: patterns and lists of names have no say."""
    moment = time.strftime("%Y%m%d%H%M%S", time.localtime(case.now))
    arguments = [
        "-f", case.write("allowed", f"{_ONE} {line.line}\n".encode()), "-I", _ONE, "-O", f"verify-time={moment}",
        "-s", case.write("signature", block.armour),
    ]
    if revoked and case.revoked is not None:
        arguments += ["-r", case.write("revoked", case.revoked)]
    return _ask("verify", "-n", case.namespace, *arguments, stdin=case.raw)


def fits(raw: bytes, block: Block, namespace: str) -> bool:
    """Whether a signature is of just these bytes, whoever made it.

    Raises:
        MvcError: `ssh-keygen` is not there, or does not answer.

    """
    if block.problem or block.namespace != namespace:
        return False
    with tempfile.TemporaryDirectory(prefix="mvc-") as folder:
        path = _Case(raw, namespace, None, 0, folder).write("signature", block.armour)
        return _ask("check-novalidate", "-n", namespace, "-s", path, stdin=raw).returncode == 0


def _ask(*arguments: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    with _there():
        return subprocess.run(  # noqa: S603 - a fixed program, never a shell
            [_PROGRAM, "-Y", *arguments], input=stdin, capture_output=True, check=False, timeout=PATIENCE,
        )


@contextmanager
def _there() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MvcError(f"{_PROGRAM} is not installed, or not on PATH", _INSTALL) from None
    except subprocess.TimeoutExpired:
        raise MvcError(f"{_PROGRAM} does not answer", "run the command again") from None


# Signing.


class Key(NamedTuple):
    """A key to sign with."""

    text: str
    """A path, or a public key whose private half the agent has."""
    literal: bool
    cwd: str
    """Where the path starts."""
    environ: Mapping[str, str]
    """Where the agent is."""


def sign(raw: bytes, namespace: str, key: Key) -> Block:
    """Return a signature under `raw`. `ssh-keygen` asks for a passphrase where the key has one.

    Raises:
        MvcError: there is no such key, it cannot be unlocked, or `ssh-keygen` is not there.

    """
    with tempfile.TemporaryDirectory(prefix="mvc-") as folder:
        case = _Case(raw, namespace, None, 0, folder)
        # The data in a file, not on stdin: that is where the passphrase is asked for.
        message = case.write("message", raw)
        place = case.write("key.pub", f"{key.text}\n".encode()) if key.literal else key.text
        _run(key, ["-q", "-Y", "sign", "-n", namespace, "-f", place, message])
        with open(f"{message}.sig", "rb") as file:
            (block,) = split_blocks(file.read())
    return block


def _run(key: Key, arguments: list[str]) -> None:
    with _there():
        done = subprocess.run(  # noqa: S603 - a fixed program, never a shell
            [_PROGRAM, *arguments],
            cwd=key.cwd, env=dict(key.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        raise MvcError(f"nothing was signed: {_reason(key, said)}", "ssh-add -L  # lists the keys that the agent has")


def _reason(key: Key, said: str) -> str:
    if key.literal:
        return "ssh-agent does not have the private half of that key"
    lines = said.strip().splitlines() or [f"{_PROGRAM} failed"]
    return lines[-1].rpartition("Enter passphrase: ")[2]
