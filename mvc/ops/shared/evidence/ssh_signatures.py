"""SSH signatures, made and verified by `ssh-keygen`: only this module runs it.

Why a program and not a library: docs/adr/0013-signatures-by-ssh-keygen.md.
"""

from __future__ import annotations

import re
import shlex
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
"""Seconds to wait for the verification of a signature."""

_PROGRAM = "ssh-keygen"
_INSTALL = "apt-get install openssh-client"
_ONE = "signer"
"""The name of the signer in the only line that `ssh-keygen` gets."""
_TOO_OLD = re.compile(
    r"^(?:ssh-keygen: )?(?:unknown|illegal|invalid)[a-z ]* option|^usage:", re.IGNORECASE | re.MULTILINE,
)
_REASONS = {
    "has expired": "the key has expired",
    "not yet valid": "the key is not valid yet",
    "not permitted for use": "the namespaces of its line in allowed_signers do not allow this signature",
    "bad options": "its line in allowed_signers has an unknown option",
    "incorrect signature": "the signature is for other content",
    "does not match": "the signature is for other content",
}
"""Messages of `ssh-keygen`, and mvc's."""


def signers_of(
    raw: bytes, signatures: bytes, allowed: bytes | None, revoked: bytes | None, namespace: str, now: float,
) -> tuple[Signer, ...]:
    """Return the signers of `raw` in the `.sig` file `signatures`; `now` in seconds since the epoch.

    `allowed` and `revoked` are base's `allowed_signers` and `revoked_signers`; None if it has none. A report is
    signed in the namespace `signers.REPORTS`; for a policy file, `signers.change_text` is signed in
    `signers.CHANGES`. A key with several principals counts as several signers. Each block yields signers or a problem.

    Raises:
        MvcError: `ssh-keygen` is missing, too old, or does not answer.
    """
    known = parse_signers(allowed or b"").keys
    with tempfile.TemporaryDirectory(prefix="mvc-") as folder:
        data = _SignedData(raw, namespace, revoked, now, folder)
        found = [signer for block in split_blocks(signatures) for signer in _of_block(data, block, known)]
    return tuple(dict.fromkeys(found))


class _SignedData(NamedTuple):
    """Signed data, and the context for verifying its signatures."""

    raw: bytes
    namespace: str
    revoked: bytes | None
    now: float
    folder: str
    """A private directory."""

    def write(self, name: str, content: bytes) -> str:
        path = f"{self.folder}/{name}"
        with open(path, "wb") as file:
            file.write(content)
        return path


def _of_block(data: _SignedData, block: Block, known: Sequence[AllowedKey]) -> Iterator[Signer]:
    if block.problem:
        yield Signer("", "", block.problem)
        return
    lines = [line for line in known if line.key == block.key]
    if not lines:
        yield Signer("", block.fingerprint, f"{SIGNERS} of the target branch does not name the key")
    for line in lines:
        yield Signer(line.principal, block.fingerprint, _problem(data, block, line))


def _problem(data: _SignedData, block: Block, line: AllowedKey) -> str:
    """Return why a signature does not count; empty if it does."""
    if block.namespace != data.namespace:
        return f"it was made for {block.namespace!r}, expected {data.namespace!r}"
    done = _verify(data, block, line, revoked=True)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace")
    if reason := next((ours for theirs, ours in _REASONS.items() if theirs in said), ""):
        return reason
    if _TOO_OLD.search(said):
        raise MvcError(f"{_PROGRAM} is too old to verify signatures: use OpenSSH 8.9 or newer", _INSTALL)
    if data.revoked is not None and _verify(data, block, line, revoked=False).returncode == 0:
        is_listed = any(line.key == block.key for line in parse_revoked(data.revoked).keys)
        return "the key is revoked" if is_listed else f"the key is revoked, or {REVOKED} cannot be read"
    return f"{_PROGRAM} does not accept it"


def _verify(data: _SignedData, block: Block, line: AllowedKey, *, revoked: bool) -> subprocess.CompletedProcess[bytes]:
    """Verify one signature against one line, under a fixed name, so that its patterns are not matched."""
    moment = time.strftime("%Y%m%d%H%M%S", time.localtime(data.now))
    arguments = [
        "-f", data.write("allowed", f"{_ONE} {line.line}\n".encode()), "-I", _ONE, "-O", f"verify-time={moment}",
        "-s", data.write("signature", block.armour),
    ]
    if revoked and data.revoked is not None:
        arguments += ["-r", data.write("revoked", data.revoked)]
    return _ask("verify", "-n", data.namespace, *arguments, stdin=data.raw)


def fits(raw: bytes, block: Block, namespace: str) -> bool:
    """Whether a signature matches exactly these bytes, by any signer.

    Raises:
        MvcError: `ssh-keygen` is missing, or does not answer.
    """
    if block.problem or block.namespace != namespace:
        return False
    with tempfile.TemporaryDirectory(prefix="mvc-") as folder:
        path = _SignedData(raw, namespace, None, 0, folder).write("signature", block.armour)
        return _ask("check-novalidate", "-n", namespace, "-s", path, stdin=raw).returncode == 0


def _ask(*arguments: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    with _program_errors():
        return subprocess.run(  # noqa: S603 - a fixed program, never a shell
            [_PROGRAM, "-Y", *arguments], input=stdin, capture_output=True, check=False, timeout=PATIENCE,
        )


@contextmanager
def _program_errors() -> Iterator[None]:
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
    """A path, or a public key whose private key the agent has."""
    literal: bool
    cwd: str
    """The directory that the path is relative to."""
    environ: Mapping[str, str]
    """Includes the address of the agent."""


def sign(raw: bytes, namespace: str, key: Key) -> Block:
    """Return a signature of `raw`. `ssh-keygen` asks for the passphrase of the key.

    Raises:
        MvcError: there is no such key, it cannot be unlocked, or `ssh-keygen` is missing.
    """
    with tempfile.TemporaryDirectory(prefix="mvc-") as folder:
        data = _SignedData(raw, namespace, None, 0, folder)
        # In a file: `ssh-keygen` asks for the passphrase on stdin.
        message = data.write("message", raw)
        key_path = data.write("key.pub", f"{key.text}\n".encode()) if key.literal else key.text
        _run(key, ["-q", "-Y", "sign", "-n", namespace, "-f", key_path, message])
        with open(f"{message}.sig", "rb") as file:
            (block,) = split_blocks(file.read())
    return block


def _run(key: Key, arguments: list[str]) -> None:
    with _program_errors():
        done = subprocess.run(  # noqa: S603 - a fixed program, never a shell
            [_PROGRAM, *arguments],
            cwd=key.cwd, env=dict(key.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )
    if done.returncode:
        reason, line = _failure(key, done.stderr.decode(errors="replace"))
        raise MvcError(f"nothing was signed: {reason}", line)


def _failure(key: Key, said: str) -> tuple[str, str]:
    """Return why nothing was signed, and what to type."""
    agent, path = "ssh-add -L  # lists the keys that the agent has", shlex.quote(key.text)
    if key.literal:
        return "ssh-agent does not have the private key", agent
    if "are too open" in said:
        return f"other users can read the private key {key.text}", f"chmod 600 {path}"
    if "load public key" in said:  # of a file that has no private key either
        line = f"head -n 1 {path} | cat -A  # expected: -----BEGIN OPENSSH PRIVATE KEY-----$"
        return f"{key.text} is not an SSH key, or has wrong line ends", line
    lines = said.strip().splitlines() or [f"{_PROGRAM} failed"]
    return lines[-1].rpartition("Enter passphrase: ")[2], agent
