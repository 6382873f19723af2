"""`mvc eval sign`, and what a signature is worth: real keys, real ssh-keygen."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness import MVC, Begin, Repo

from mvc.errors import MvcError
from mvc.ops.shared.evidence.ssh_signatures import signers_of
from mvc.quality.judge.facts import Signer
from mvc.quality.reports.signers import CHANGES, REPORTS, armoured, change_text, split_blocks

MODEL = "models/ranker.onnx"
REPORT = f"{MODEL}.eval.yaml"
SIGNATURES = f"{REPORT}.sig"
POLICY = ".mvc/policy.yaml"
NOW = time.time()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with keys; `locked` has a passphrase."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "bob", "locked"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-C", name, "-f", name, "-N", "secret" * (name == "locked")]
        subprocess.run(words, cwd=folder, check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-f", "rsa", "-N", ""], cwd=folder, check=True)
    return folder


def evaluated(repo: Repo) -> None:
    """Track a model and record its report."""
    repo.write(MODEL, "weights")
    repo.ok("add", MODEL)
    repo.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit()


@pytest.fixture
def signed(begin: Begin, keys: Path) -> Repo:
    """Return a repository with a model and its report, and with Ada's key in Git's config."""
    repo = begin(evaluated)
    repo.git("config", "user.signingkey", str(keys / "ada"))
    return repo


def public(keys: Path, name: str) -> str:
    """Return a public key: type and base64."""
    return " ".join((keys / f"{name}.pub").read_text().split()[:2])


def allowed(keys: Path, *lines: str) -> bytes:
    """Return a list of signers; the last word of each line is the name of a key."""
    words = (line.rpartition(" ") for line in lines)
    return "".join(f"{head} {public(keys, name)}\n" for head, _, name in words).encode()


def staged(repo: Repo, path: str) -> bytes:
    return repo.run("git", "show", f":{path}").out.encode()


def who(repo: Repo, known: bytes | None, revoked: bytes | None = None, now: float = NOW) -> list[str]:
    """Return who signed the report, as principal or problem."""
    found = signers_of(repo.read(REPORT), repo.read(SIGNATURES), known, revoked, REPORTS, now)
    return [signer.problem or signer.principal for signer in found]


# Signing a report.


def test_a_report_is_signed_and_the_signature_staged(signed: Repo, keys: Path) -> None:
    result = signed.ok("eval", "sign", MODEL)
    assert f"Signed {REPORT}: 1 signature in {SIGNATURES}" in result.out
    assert signed.git("diff", "--cached", "--name-only") == SIGNATURES
    assert who(signed, allowed(keys, "ada@example.com ada")) == ["ada@example.com"]


def test_ssh_keygen_alone_verifies_it_as_the_page_says(signed: Repo, keys: Path) -> None:
    signed.ok("eval", "sign", MODEL)
    signed.write("signers", allowed(keys, "ada@example.com ada"))
    line = f"ssh-keygen -Y verify -f signers -I ada@example.com -n mvc-eval@v1 -s {SIGNATURES} < {REPORT}"
    assert signed.shell(line).code == 0
    signed.write(REPORT, signed.read(REPORT) + b"#\n")
    assert signed.shell(line).code != 0


def test_others_sign_as_well_and_the_same_key_signs_once(signed: Repo, keys: Path) -> None:
    both = allowed(keys, "ada@example.com ada", "bob@example.com bob")
    for name in ("ada", "bob", "ada", "bob.pub"):
        result = signed.ok("eval", "sign", MODEL, "--key", str(keys / name), "--json").json
    assert result == {
        "path": REPORT, "file": SIGNATURES, "key": result["key"], "signatures": 2, "dropped": 0, "base": "",
        "weakens": [], "staged": True,
    }
    assert result["key"] in signed.shell(f"ssh-keygen -lf {keys}/bob.pub").out
    assert who(signed, both) == ["ada@example.com", "bob@example.com"]
    assert staged(signed, SIGNATURES) == signed.read(SIGNATURES)


def test_signatures_that_no_longer_fit_are_dropped_with_a_word(signed: Repo, keys: Path) -> None:
    signed.ok("eval", "sign", MODEL, "--key", str(keys / "bob"))
    signed.write(SIGNATURES, signed.read(SIGNATURES) + b"rubbish\n")
    signed.ok("eval", "record", MODEL, "--tag", "v1.0.1", "--metric", "auc=0.95")
    result = signed.ok("eval", "sign", MODEL)
    assert "removed 2 signatures that no longer matched" in result.out
    assert who(signed, allowed(keys, "ada ada", "bob bob")) == ["ada"]


def test_the_model_may_be_named_by_any_of_its_files_from_anywhere(signed: Repo) -> None:
    for name in (MODEL, f"{MODEL}.mvc", REPORT, SIGNATURES):
        assert signed.ok("eval", "sign", name, "--json").json["path"] == REPORT
    assert "Signed ranker.onnx.eval.yaml:" in signed.ok("eval", "sign", "ranker.onnx", cwd="models").out


def test_line_ends_of_the_workspace_do_not_count(signed: Repo, keys: Path) -> None:
    raw = signed.read(REPORT)
    signed.write(REPORT, raw.replace(b"\n", b"\r\n"))
    signed.ok("eval", "sign", MODEL)
    signed.write(REPORT, raw)
    assert who(signed, allowed(keys, "ada ada")) == ["ada"]


def test_what_is_signed_and_not_staged_is_said(signed: Repo) -> None:
    signed.write(REPORT, signed.read(REPORT) + b"# a remark\n")
    result = signed.ok("eval", "sign", MODEL)
    assert result.fixes == [f"git add {REPORT}"]
    assert signed.shell(result.fixes[0]).code == 0
    assert signed.ok("eval", "sign", MODEL).fixes == []


@pytest.mark.parametrize(("spoil", "code", "says"), [
    (lambda repo: repo.remove(REPORT), 3, "has no report to sign"),
    (lambda repo: repo.write(REPORT, "rubbish"), 2, "not an evaluation report"),
    (lambda repo: (repo.write(MODEL, "other"), repo.ok("add", MODEL)), 3, "its pointer has"),
    (lambda repo: repo.remove(f"{MODEL}.mvc"), 3, "is not tracked"),
    (lambda repo: repo.write(f"{MODEL}.mvc", "rubbish"), 3, "cannot be read"),
    (lambda repo: (repo.remove(REPORT), repo.path(REPORT).symlink_to("x")), 2, "not a regular file"),
    (lambda repo: repo.path(SIGNATURES).symlink_to("/etc/hostname"), 2, "symlink"),
    (lambda repo: repo.git("config", "--unset", "user.signingkey"), 2, "no signing key is configured"),
    (lambda repo: repo.git("config", "user.signingkey", "0123ABCD"), 2, "the SSH key 0123ABCD does not exist"),
    (lambda repo: repo.git("config", "user.signingkey", repo.root / POLICY), 3, "nothing was signed"),
])
def test_what_is_not_signed(signed: Repo, spoil: Callable[[Repo], object], code: int, says: str) -> None:
    spoil(signed)
    before = signed.git("status", "--porcelain")
    result = signed.fails(code, "eval", "sign", MODEL)
    assert says in result.errors[0]
    assert result.fixes
    assert signed.git("status", "--porcelain") == before
    assert not signed.debris()


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda text: text.rstrip("\n"), "has wrong line ends"),
    (lambda text: text.replace("\n", "\r\n"), "has wrong line ends"),
    (lambda _: "", "is not an SSH key"),
])
def test_a_private_key_that_a_secret_spoiled(
    signed: Repo, keys: Path, tmp_path: Path, spoil: Callable[[str], str], says: str,
) -> None:
    key = tmp_path / "it's a key"
    key.touch(0o600)
    key.write_text(spoil((keys / "ada").read_text()))
    result = signed.fails(3, "eval", "sign", MODEL, "--key", str(key))
    assert says in result.errors[0]
    assert signed.shell(result.fixes[0]).code == 0


def test_a_private_key_that_others_can_read(signed: Repo, keys: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(0o644)
    key.write_text((keys / "ada").read_text())
    result = signed.fails(3, "eval", "sign", MODEL, "--key", str(key))
    assert result.errors == [f"nothing was signed: other users can read the private key {key}"]
    assert signed.shell(result.fixes[0]).code == 0
    signed.ok("eval", "sign", MODEL, "--key", str(key))


def test_without_ssh_keygen_there_is_a_line_to_type(signed: Repo, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("git", "mvc"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or MVC)
    result = signed.fails(3, "eval", "sign", MODEL, env={"PATH": str(tmp_path / "bin")})
    assert result.errors == ["ssh-keygen is not installed, or not on PATH"]
    assert result.fixes == ["apt-get install openssh-client"]


# Keys.


def test_a_key_below_home(signed: Repo, keys: Path) -> None:
    home = Path(signed.environ["HOME"])
    (home / ".ssh").mkdir()
    for name in ("ada", "ada.pub"):
        shutil.copy2(keys / name, home / ".ssh" / name)
    signed.git("config", "user.signingkey", "~/.ssh/ada.pub")
    signed.ok("eval", "sign", MODEL)
    signed.ok("eval", "sign", MODEL, "--key", "~/.ssh/ada")
    assert who(signed, allowed(keys, "ada ada")) == ["ada"]


def test_a_key_of_another_kind(signed: Repo, keys: Path) -> None:
    signed.ok("eval", "sign", MODEL, "--key", str(keys / "rsa"))
    assert who(signed, allowed(keys, "ada rsa")) == ["ada"]


@pytest.fixture
def agent(keys: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run an agent that has Bob's key; the environment that leads to it."""
    place = {"SSH_AUTH_SOCK": str(tmp_path / "agent")}
    process = subprocess.Popen(["ssh-agent", "-D", "-a", place["SSH_AUTH_SOCK"]], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it listens once it says where
        subprocess.run(["ssh-add", "-q", str(keys / "bob")], env={**os.environ, **place}, check=True)
        yield place
    finally:
        process.terminate()
        process.communicate()


def test_a_key_of_the_agent_by_its_public_half(signed: Repo, keys: Path, agent: dict[str, str]) -> None:
    known = allowed(keys, "bob bob")
    for text in (f"key::{public(keys, 'bob')}", public(keys, "bob")):
        signed.git("config", "user.signingkey", text)
        signed.ok("eval", "sign", MODEL, env=agent)
        assert who(signed, known) == ["bob"]
        signed.git("rm", "-qf", SIGNATURES)
    result = signed.fails(3, "eval", "sign", MODEL, "--key", f"key::{public(keys, 'ada')}", env=agent)
    assert result.errors == ["nothing was signed: ssh-agent does not have the private key"]


def test_a_passphrase_is_asked_for_on_the_terminal(signed: Repo, keys: Path) -> None:
    words = [MVC, "-C", str(signed.root), "eval", "sign", MODEL, "--key", str(keys / "locked")]
    process, terminal = pty.fork()
    if process == 0:
        os.execve(MVC, words, signed.environ)
    said = b""
    while b"passphrase" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, b"secret\n")
    with suppress(OSError):  # it has ended
        while part := os.read(terminal, 1024):
            said += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, said
    assert who(signed, allowed(keys, "ada locked")) == ["ada"]


def test_a_passphrase_that_nobody_can_be_asked_for(signed: Repo, keys: Path) -> None:
    result = signed.fails(3, "eval", "sign", MODEL, "--key", str(keys / "locked"))
    assert "incorrect passphrase" in result.errors[0]
    assert not signed.path(SIGNATURES).exists()


# Signing a change.


def weaken(repo: Repo) -> tuple[bytes, bytes]:
    """Weaken the policy; the bytes before and after."""
    old = repo.read(POLICY)
    new = old.replace(b"report: required", b"report: optional")
    repo.write(POLICY, new)
    return old, new


def test_the_change_of_the_policy_is_signed_and_told(signed: Repo, keys: Path) -> None:
    old, new = weaken(signed)
    result = signed.ok("eval", "sign", POLICY)
    assert "weaker: defaults: report goes from required to optional" in result.err
    assert result.fixes == [f"git add {POLICY}"]
    raw, known = signed.read(f"{POLICY}.sig"), allowed(keys, "ada ada")
    for text, counts in (
        (change_text(POLICY, old, new), True), (change_text(POLICY, new, old), False), (new, False),
        (change_text(POLICY, None, new), False), (change_text(".mvc/waivers.yaml", old, new), False),
    ):
        (found,) = signers_of(text, raw, known, None, CHANGES, NOW)
        assert (not found.problem) == counts


def test_the_signature_of_a_change_is_none_of_a_report(signed: Repo, keys: Path) -> None:
    old, new = weaken(signed)
    signed.ok("eval", "sign", POLICY)
    text = change_text(POLICY, old, new)
    (found,) = signers_of(text, signed.read(f"{POLICY}.sig"), allowed(keys, "ada ada"), None, REPORTS, NOW)
    assert found.problem == "it was made for 'mvc-policy@v1', expected 'mvc-eval@v1'"


def test_a_deletion_and_a_new_file_can_be_signed(signed: Repo, keys: Path) -> None:
    old = signed.read(POLICY)
    signed.git("rm", "-q", POLICY)
    base = signed.git("rev-parse", "HEAD")
    assert signed.ok("eval", "sign", POLICY, "--json").json == {
        "path": POLICY, "file": f"{POLICY}.sig", "key": split_blocks(signed.read(f"{POLICY}.sig"))[0].fingerprint,
        "signatures": 1, "dropped": 0, "base": base, "weakens": ["it is deleted"], "staged": True,
    }
    signers = allowed(keys, "ada ada")
    (found,) = signers_of(change_text(POLICY, old, None), signed.read(f"{POLICY}.sig"), signers, None, CHANGES, NOW)
    assert found.principal == "ada"
    assert not found.problem
    signed.write(".mvc/allowed_signers", signers)
    signed.ok("eval", "sign", "allowed_signers", cwd=".mvc")
    text = change_text(".mvc/allowed_signers", None, signers)
    (found,) = signers_of(text, signed.read(".mvc/allowed_signers.sig"), signers, None, CHANGES, NOW)
    assert not found.problem


def test_against_which_revision(signed: Repo) -> None:
    first = signed.git("rev-parse", "HEAD")
    weaken(signed)
    signed.git("switch", "-qc", "topic")
    signed.git("add", POLICY)
    signed.commit()
    assert signed.ok("eval", "sign", POLICY, "--json").json["base"] == first
    assert "has no change since HEAD" in signed.fails(2, "eval", "sign", POLICY, "--base", "HEAD").errors[0]
    signed.git("branch", "-qD", "main")
    assert "which branch" in signed.fails(2, "eval", "sign", POLICY).errors[0]
    assert signed.ok("eval", "sign", POLICY, "--base", first, "--json").json["base"] == first


@pytest.mark.parametrize(("words", "says"), [
    ((POLICY,), "has no change since the target branch"),
    ((POLICY, "--base", "nope"), "is not a revision"),
    ((POLICY, "--base", "--help"), "is not a revision"),
    ((MODEL, "--base", "main"), "--base is for"),
    ((".mvc/config.yaml",), "nothing there can be tracked"),
])
def test_what_is_no_change(signed: Repo, words: tuple[str, ...], says: str) -> None:
    assert says in signed.fails(2, "eval", "sign", *words).errors[0]


@pytest.mark.parametrize(("path", "raw"), [
    (POLICY, "rules: ["), (".mvc/waivers.yaml", "waivers: []\n"), (".mvc/allowed_signers", "x"),
])
def test_what_cannot_be_read_is_not_signed(signed: Repo, path: str, raw: str) -> None:
    signed.write(path, raw)
    signed.fails(2, "eval", "sign", path)
    assert not signed.path(f"{path}.sig").exists()


# What a signature is worth.


@pytest.fixture
def by_both(keys: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return a directory with a report that Ada and Bob signed."""
    place = Repo(tmp_path, environ)
    place.write(REPORT, "a report\n")
    for name in ("ada", "bob"):
        line = f"ssh-keygen -q -Y sign -n {REPORTS} -f {keys}/{name} < {REPORT} >> {SIGNATURES}"
        assert place.shell(line).code == 0
    return place


UNKNOWN = ".mvc/allowed_signers of the target branch does not name the key"
EXPIRED, EARLY = "the key has expired", "the key is not valid yet"
PURPOSE = "the namespaces of its line in allowed_signers do not allow this signature"


@pytest.mark.parametrize(("lines", "said"), [
    (["ada ada", "bob bob"], ["ada", "bob"]),
    (["ada ada"], ["ada", UNKNOWN]),
    (["ada rsa"], [UNKNOWN, UNKNOWN]),
    (["ada ada", "bob ada"], ["ada", "bob", UNKNOWN]),
    (["ada ada", "ada bob"], ["ada", "ada"]),
    (["ada,*@example.com,!eve ada", "*,!bob bob"], ["ada,*@example.com,!eve", "*,!bob"]),
    (['"Ada L" namespaces="git,mvc-eval@v1",valid-after="19990101" ada', "bob bob"], ["Ada L", "bob"]),
    (['ada valid-before="20010101" ada', "bob bob"], [EXPIRED, "bob"]),
    (['ada valid-after="29990101" ada', "bob bob"], [EARLY, "bob"]),
    (['ada namespaces="git" ada', "bob bob"], [PURPOSE, "bob"]),
    (["ada frobnicate ada", "bob bob"], ["its line in allowed_signers has an unknown option", "bob"]),
    (["ada cert-authority ada", "bob bob"], ["ssh-keygen does not accept it", "bob"]),
    (["signer ada", "ada cert-authority bob"], ["signer", "ssh-keygen does not accept it"]),
])
def test_whose_signature_counts(by_both: Repo, keys: Path, lines: list[str], said: list[str]) -> None:
    assert who(by_both, allowed(keys, *lines)) == said


def test_without_signers_nobody_s_does(by_both: Repo) -> None:
    assert who(by_both, None) == who(by_both, b"# nobody\n") == [UNKNOWN, UNKNOWN]


def test_expiry_is_judged_at_the_time_that_is_told(by_both: Repo, keys: Path) -> None:
    known = allowed(keys, 'ada valid-before="20200601Z" ada')
    before, after = 1590969599.0, 1590969601.0
    assert who(by_both, known, now=before) == ["ada", UNKNOWN]
    assert who(by_both, known, now=after) == [EXPIRED, UNKNOWN]


def test_a_revoked_key_counts_for_nobody(by_both: Repo, keys: Path) -> None:
    known = allowed(keys, "ada ada", "bob bob")
    assert who(by_both, known, f"# stolen\n{public(keys, 'ada')}\n".encode()) == ["the key is revoked", "bob"]
    by_both.shell(f"ssh-keygen -q -k -f krl {keys}/ada.pub")
    (first, second) = who(by_both, known, by_both.read("krl"))
    assert "the key is revoked" in first
    assert second == "bob"
    assert who(by_both, known, b"") == ["ada", "bob"]


@pytest.mark.parametrize("revoked", [b"rubbish\n", b"SSHKRL\n\0rubbish", b"SSHKRL\n\0" + b"\xff" * 100])
def test_where_revocations_cannot_be_read_nobody_counts(by_both: Repo, keys: Path, revoked: bytes) -> None:
    found = who(by_both, allowed(keys, "ada ada", "bob bob"), revoked)
    assert all("cannot be read" in problem for problem in found)
    assert len(found) == 2


def test_a_signature_of_other_bytes(by_both: Repo, keys: Path) -> None:
    by_both.write(REPORT, by_both.read(REPORT) + b"\n")
    assert who(by_both, allowed(keys, "ada ada", "bob bob")) == ["the signature is for other content"] * 2


def test_a_damaged_block_spoils_no_other(by_both: Repo, keys: Path) -> None:
    ada, bob = split_blocks(by_both.read(SIGNATURES))
    (digit,) = re.findall(rb"(.).{20}\n-----END", ada.armour)
    other = b"B" if digit == b"A" else b"A"
    flipped = re.sub(rb".(.{20}\n-----END)", lambda match: other + match[1], ada.armour)
    known = allowed(keys, "ada ada", "bob bob")
    for raw, said in (
        (flipped + bob.armour, ["the signature is for other content", "bob"]),
        (ada.armour[:-40] + b"\n" + bob.armour, ["its end is missing", "bob"]),
        (ada.armour.replace(b"\n", b"\r\n") + b"\0\n" + bob.armour, ["ada", "not a signature of ssh-keygen", "bob"]),
    ):
        by_both.write(SIGNATURES, raw)
        assert who(by_both, known) == said


def test_the_key_in_a_block_is_not_taken_at_its_word(by_both: Repo, keys: Path) -> None:
    """Put Bob's key into a block that Ada made."""
    ada, bob = split_blocks(by_both.read(SIGNATURES))
    from base64 import b64decode

    body = b64decode(b"".join(ada.armour.splitlines()[1:-1]))
    forged = body.replace(b64decode(ada.key), b64decode(bob.key), 1)
    by_both.write(SIGNATURES, armoured(forged))
    assert who(by_both, allowed(keys, "ada ada", "bob bob")) == ["the signature is for other content"]


def test_a_certificate_does_not_count(by_both: Repo, keys: Path) -> None:
    """A key that the signer's own key vouches for, in the form of ssh-keygen's certificates."""
    for name in ("bob", "bob.pub"):
        shutil.copy2(keys / name, by_both.path(name))
    by_both.shell(f"ssh-keygen -q -s {keys}/ada -I bob -n ada bob.pub")
    by_both.shell(f"ssh-keygen -q -Y sign -n {REPORTS} -f bob-cert.pub < {REPORT} > {SIGNATURES}")
    assert b"BEGIN SSH" in by_both.read(SIGNATURES)
    for line in ("ada ada", "ada cert-authority ada", "* cert-authority ada"):
        assert who(by_both, allowed(keys, line)) == [UNKNOWN]


@pytest.mark.parametrize("raw", [
    b"x" * (10 << 20),
    b"-----BEGIN SSH SIGNATURE-----\n" * 8000,
    b"-----BEGIN SSH SIGNATURE-----\n" + b"A" * 200_000 + b"\n-----END SSH SIGNATURE-----\n",
    b"\r" * 200_000,
    b"\0" * 200_000,
    b"x\n" * 100_000,
])
def test_rubbish_is_a_problem_and_soon(raw: bytes) -> None:
    start = time.monotonic()
    found = signers_of(b"report", raw, b"rubbish\0\r\n" * 1000, None, REPORTS, NOW)
    assert time.monotonic() - start < 10
    assert all(signer.problem and not signer.principal for signer in found)
    assert len(found) <= 40


def test_one_block_many_times_is_one(by_both: Repo, keys: Path) -> None:
    ada, _ = split_blocks(by_both.read(SIGNATURES))
    by_both.write(SIGNATURES, ada.armour * 100)
    found = signers_of(
        by_both.read(REPORT), by_both.read(SIGNATURES), allowed(keys, "ada ada") * 100, None, REPORTS, NOW,
    )
    assert found == (Signer("ada", ada.fingerprint),)


def test_without_ssh_keygen_nobody_can_judge(by_both: Repo, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(keys))
    with pytest.raises(MvcError, match="ssh-keygen is not installed") as caught:
        who(by_both, allowed(keys, "ada ada"))
    assert caught.value.exit_code == 3
    assert who(by_both, None) == [UNKNOWN, UNKNOWN]


def test_an_ssh_keygen_from_long_ago(by_both: Repo, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = by_both.write("old/ssh-keygen", "#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    with pytest.raises(MvcError, match="too old"):
        who(by_both, allowed(keys, "ada ada"))
