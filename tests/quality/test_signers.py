"""`.sig` files and lists of signers: invalid ones are reported, and nothing is misread."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.quality.reports import signers
from mvc.quality.reports.signers import (
    MAX_BLOCKS,
    MAX_BYTES,
    AllowedKey,
    armoured,
    change_text,
    fingerprint,
    parse_revoked,
    parse_signers,
    split_blocks,
)

KIND = b"ssh-ed25519"


def string(data: bytes) -> bytes:
    """Return a string in SSH's encoding."""
    return len(data).to_bytes(4, "big") + data


def key(seed: bytes = b"a", kind: bytes = KIND) -> str:
    """Return a key in base64."""
    return b64encode(string(kind) + string(seed * 32)).decode()


def body(seed: bytes = b"a", namespace: bytes = b"mvc-eval@v1", version: int = 1) -> bytes:
    """Return a signature of nothing, not armored."""
    public = string(KIND) + string(seed * 32)
    fields = (public, namespace, b"", b"sha512", string(KIND) + string(b"s" * 64))
    return b"SSHSIG" + version.to_bytes(4, "big") + b"".join(map(string, fields))


BLOCK = armoured(body())
LINE = f"ada@example.com ssh-ed25519 {key()}"


def problems(raw: bytes) -> list[str]:
    return [block.problem for block in split_blocks(raw)]


def test_a_change_is_told_by_its_path_and_both_contents() -> None:
    text = change_text(".mvc/policy.yaml", None, b"hello\n").decode()
    assert text == (
        "mvc-change 1\npath .mvc/policy.yaml\nfrom none\n"
        "to 8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99\n"
    )
    others = [("b", None, b"x"), ("a", b"", b"x"), ("a", None, b"y"), ("a", b"x", None), ("a", None, None)]
    assert len({change_text("a", None, b"x"), *(change_text(*other) for other in others)}) == 6


def test_blocks_are_split_with_their_keys_and_namespaces() -> None:
    other = armoured(body(b"b", b"git"))
    found = split_blocks(BLOCK + b"\r\n\n" + other.replace(b"\n", b"\r\n"))
    assert [(block.key, block.namespace, block.problem) for block in found] == [
        (key(), "mvc-eval@v1", ""), (key(b"b"), "git", ""),
    ]
    assert [block.armour for block in found] == [BLOCK, other]
    assert found[0].fingerprint == fingerprint(key())


def test_the_same_block_counts_once_however_it_is_laid_out() -> None:
    lines = BLOCK.splitlines(keepends=True)
    long = lines[0] + b"".join(line.strip() for line in lines[1:-1]) + b"\n" + lines[-1]
    assert [block.armour for block in split_blocks(BLOCK * 3 + long)] == [BLOCK]


BEGIN, END = BLOCK.splitlines(keepends=True)[0], BLOCK.splitlines(keepends=True)[-1]
DAMAGED = {
    "no base64": BEGIN + b"!!!!\n" + END,
    "nothing in it": BEGIN + END,
    "no signature in it": BEGIN + b"AAAA\n" + END,
    "a line missing": BEGIN + b"".join(BLOCK.splitlines(keepends=True)[2:]),
    "bytes at the end": armoured(body() + b"\0"),
    "bytes missing at the end": armoured(body()[:-1]),
    "cut in a length": armoured(body()[:12]),
    "a length of four gigabytes": armoured(body().replace((51).to_bytes(4, "big"), b"\xff" * 4, 1)),
    "newer": armoured(body(version=2)),
    "no key": armoured(b"SSHSIG\0\0\0\1" + string(b"") + string(b"n") + string(b"") * 2 + string(b"s")),
    "namespace not UTF-8": armoured(body(namespace=b"\xff")),
    "NUL": BLOCK.replace(b"U1NI", b"\0", 1),
    "CR inside": BEGIN + BLOCK.removeprefix(BEGIN).replace(b"\n", b"\r", 1),
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_block_is_a_problem_and_the_next_one_still_counts(raw: bytes) -> None:
    found = split_blocks(raw + BLOCK)
    assert len([block for block in found if block.problem]) == 1, found
    assert [block.armour for block in found if not block.problem] == [BLOCK]


@pytest.mark.parametrize(("raw", "said"), [
    (b"", []),
    (b"\n \r\n", []),
    (b"hello\n", ["not a signature of ssh-keygen"]),
    (BEGIN + BLOCK, ["its end is missing", ""]),
    (BLOCK + END, ["", "its beginning is missing"]),
    (BLOCK + BEGIN, ["", "its end is missing"]),
    (BLOCK + b"<<<<<<< HEAD\n" + BLOCK, ["", "not a signature of ssh-keygen"]),
    (b"x" * (MAX_BYTES + 1), [f"the file has {MAX_BYTES + 1:,} bytes, expected at most {MAX_BYTES:,}"]),
])
def test_what_lies_around_a_block(raw: bytes, said: list[str]) -> None:
    assert problems(raw) == said


def test_no_more_blocks_than_are_read() -> None:
    blocks = [armoured(body(bytes([number]))) for number in range(MAX_BLOCKS + 1)]
    assert problems(b"".join(blocks[:-1])) == [""] * MAX_BLOCKS
    assert problems(b"".join(blocks)) == [*[""] * MAX_BLOCKS, "the file has 33 signatures, expected at most 32"]


@given(st.binary(max_size=300), st.integers(0, len(BLOCK)))
def test_whatever_stands_there_is_a_signature_or_a_problem(noise: bytes, place: int) -> None:
    for raw in (noise, BLOCK[:place] + noise + BLOCK[place:], BEGIN + b64encode(noise) + b"\n" + END):
        for block in split_blocks(raw):
            assert bool(block.problem) != bool(block.armour)
            assert bool(block.armour) == bool(block.key)
        parse_signers(raw)
        parse_revoked(raw)


# Lists of signers.


def test_lines_are_read_as_ssh_keygen_has_them() -> None:
    raw = f"""# ours

{LINE}
\t"Ada Lovelace"  namespaces="git,mvc eval",valid-before="20300101"\tssh-ed25519  {key(b'b')}  a comment
*@example.com,!eve@example.com cert-authority ssh-ed25519 {key(b'c')}\r
""".encode()
    found = parse_signers(raw)
    assert found.invalid == ()
    assert found.keys == (
        AllowedKey("ada@example.com", "", "ssh-ed25519", key()),
        AllowedKey("Ada Lovelace", 'namespaces="git,mvc eval",valid-before="20300101"', "ssh-ed25519", key(b"b")),
        AllowedKey("*@example.com,!eve@example.com", "cert-authority", "ssh-ed25519", key(b"c")),
    )
    assert found.keys[0].line == f"ssh-ed25519 {key()}"
    assert found.keys[1].line.startswith('namespaces="git,mvc eval",valid-before="20300101" ssh-ed25519 AAAA')


CERTIFICATE = "ssh-ed25519-cert-v01@openssh.com"
BROKEN = {
    "no key": "ada@example.com",
    "no principal": f"ssh-ed25519 {key()}",
    "no base64": "ada ssh-ed25519 ????????????????????",
    "a key of another kind": f"ada ssh-rsa {key()}",
    "half a key": f"ada ssh-ed25519 {key()[:16]}",
    "a certificate": f"ada {CERTIFICATE} {key(kind=CERTIFICATE.encode())}",
    "a quote that is not closed": f'"ada ssh-ed25519 {key()}',
    "options with a quote that is not closed": f'ada namespaces="x ssh-ed25519 {key()}',
    "two words of options": f"ada a b ssh-ed25519 {key()}",
    "NUL": f"ada\0 ssh-ed25519 {key()}",
    "a line break of another kind": f"ada\x0b ssh-ed25519 {key()}",
    "an escape": f"ada\x1b[31m ssh-ed25519 {key()}",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_what_is_no_line_counts_for_nobody(line: str) -> None:
    found = parse_signers(f"{line}\n{LINE}\n".encode())
    assert [item.principal for item in found.keys] == ["ada@example.com"]
    assert found.invalid == (line,)


def test_a_key_has_one_spelling() -> None:
    padded = b64encode(string(KIND) + string(b"a" * 33)).decode()
    assert padded.endswith("=")
    loose = re.sub(r"(.)(=+)$", lambda match: chr(ord(match[1]) + 1) + match[2], padded)
    lines = f"ada ssh-ed25519 {padded}\nada ssh-ed25519 {loose}\n"
    assert loose != padded
    assert len(parse_signers(lines.encode()).keys) == 1


def test_too_large_a_list_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "MAX_SIGNERS_BYTES", 10)
    assert parse_signers(LINE.encode()).keys == ()
    assert len(parse_signers(LINE.encode()).invalid) == 1


def test_revoked_keys_are_keys_alone() -> None:
    found = parse_revoked(f"# stolen\nssh-ed25519 {key()} ada@laptop\n{LINE}\n".encode())
    assert [item.key for item in found.keys] == [key()]
    assert found.invalid == (LINE,)
