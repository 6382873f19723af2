"""Hostile repositories: nothing outside the worktree is read or written, and nothing controls the terminal."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from harness import MANY, InProcess, Repo, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_hexdigest

from mvc.store.packs.index import PackIndex, encode_index

B3, XX = "0" * 64, "0" * 32
BAD_PATHS = [
    "../escape",
    "/etc/cron.d/x",
    "a/../../escape",
    ".git/hooks/post-checkout",
    ".GIT/config",
    "git~1/config",
    ".g\u200cit/config",
    "a/.git",
    ".mvc/config.yaml",
    "a//b",
    "./a",
    "a\\b",
    "con",
    "aux.txt",
    "nul",
    "a.",
    "a ",
    "x\u0000y",
    "x\u001b[2J",
    "",
]


def entry(path: str) -> str:
    """Return the line of an inline directory's file, as mvc would not write it."""
    quoted = "".join(char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08X}" for char in path)
    quoted = quoted.replace("\\U0000005C", "\\\\")
    return f'  - {{path: "{quoted}", size: 0, blake3: "{B3}", xxh128: "{XX}"}}\n'


def directory(*paths: str) -> str:
    """Return the pointer of a directory with these files."""
    return 'mvc: 1\nkind: "dir"\nmanifest:\n' + "".join(map(entry, paths))


def file_pointer(**changes: str) -> str:
    """Return a file's pointer with some values replaced."""
    values = {"mvc": "1", "kind": '"file"', "blake3": f'"{B3}"', "xxh128": f'"{XX}"', "size": "0", **changes}
    return "".join(f"{key}: {value}\n" for key, value in values.items())


def everything(top: Path) -> dict[str, str]:
    """Return kind and content of everything below `top`."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink():
                found[str(path)] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[str(path)] = "directory"
    return found


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """Return a directory beside the repository that must be the same afterwards."""
    top = tmp_path / "outside"
    (top / "deep").mkdir(parents=True)
    (top / "precious").write_text("precious")
    (top / "m.bin").write_text("theirs")
    before = everything(top)
    yield top
    assert everything(top) == before


def worktree(repo: Repo) -> dict[str, str]:
    """Return the files of the worktree, and Git's hooks and config, but not mvc's own directory."""
    return {
        path: what
        for path, what in everything(repo.root).items()
        if "/.git/mvc" not in path and "/.git/index" not in path
    }


def assert_refused(repo: Repo, *args: str) -> Result:
    """Run a command that must refuse in a line or two and change nothing."""
    before = worktree(repo)
    result = repo.mvc(*args)
    assert result.code in (2, 3), result
    assert len(result.err.splitlines()) <= 2, result
    assert worktree(repo) == before
    return result


# Pointers.


@pytest.mark.parametrize("path", BAD_PATHS, ids=ascii)
def test_a_directory_with_a_refused_name_is_refused_before_anything_is_written(
    repo: Repo, outside: Path, path: str
) -> None:
    repo.write("data.mvc", directory("fine", path))
    repo.git("add", "data.mvc")
    repo.commit()
    for arguments in (["checkout"], ["checkout", "-f"], ["checkout", "--rev", "HEAD"], ["ls", "-R"]):
        assert "data" in assert_refused(repo, *arguments).errors[0]
    assert repo.mvc("status").code == 2
    assert repo.states() == {"data": "invalid"}


def test_twins_that_are_one_file_elsewhere_are_refused(repo: Repo) -> None:
    for twins in (("A", "a"), ("é", "e\u0301"), ("a", "a/b")):
        repo.write("data.mvc", directory(*sorted(twins)))
        assert_refused(repo, "checkout")


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "con", "x\x1b[31m", "x\n::error::y", "a\\b"])
def test_a_pointer_whose_own_path_is_refused(repo: Repo, outside: Path, name: str) -> None:
    repo.write(f"sub/{name}.mvc", file_pointer())
    assert repo.mvc("status").code == 2
    result = assert_refused(repo, "checkout")
    assert "\x1b" not in result.err


BOMBS = {
    "deep": "[" * 60_000,
    "aliases": "a: &a [x]\nb: [*a, *a]\n",
    "billion": 'a: &a ["x"]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n',
    "large": "mvc: 1\n" + "#" * (1 << 20),
    "digits": file_pointer(size="9" * 5000),
    "over": file_pointer(size=str(2**63)),
    "negative": file_pointer(size="-1"),
    "tag": "mvc: 1\nkind: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "merge": "mvc: 1\n<<: {kind: file}\n",
    "twice": file_pointer() + "size: 0\n",
    "unknown": file_pointer(run='"rm -rf /"'),
    "newer": file_pointer(mvc="2"),
    "bool": file_pointer(size="true"),
    "sexagesimal": file_pointer(size="1:30"),
    "upper": file_pointer(blake3=f'"{"A" * 64}"'),
    "nothing": "",
    "scalar": "hello",
    "list": "- 1\n- 2\n",
    "documents": file_pointer() + "---\n" + file_pointer(),
    "not utf-8": "\udcff\udcfe",
    "nul": "mvc: 1\x00\n",
    "crlf": file_pointer().replace("\n", "\r\n"),
    "bom": "\ufeff" + file_pointer(),
    "order": 'kind: "file"\nmvc: 1\n',
    "conflict": "<<<<<<< HEAD\nmvc: 1\n=======\nmvc: 1\n>>>>>>> side\n",
    "unterminated": 'mvc: 1\nkind: "file',
    "tabs": "mvc:\t1\n\tkind: x\n",
    "name": file_pointer(name='"../x"'),
    "escapes": file_pointer(desc='"\\x1b[31m"'),
    "directive": "%YAML 9.9\n---\nmvc: 1\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_pointer_that_is_none_is_exit_2_and_one_line(repo: Repo, bomb: str) -> None:
    repo.write("m.bin.mvc", os.fsencode(BOMBS[bomb]))
    result = repo.mvc("status", "--json")
    assert result.code == 2
    (item,) = result.json["items"]
    assert item["state"] == "invalid"
    assert "m.bin.mvc" in item["problem"]
    assert len(item["problem"]) < 400
    refused = assert_refused(repo, "checkout", "m.bin")
    assert refused.code == 2
    assert not Path("/tmp/owned").exists()


def test_a_claimed_size_beyond_any_disk_is_only_a_missing_object(repo: Repo) -> None:
    repo.write("m.bin.mvc", file_pointer(size=str(2**62)))
    assert repo.states() == {"m.bin": "not-in-cache"}
    repo.fails(3, "checkout")
    assert not repo.path("m.bin").exists()


def test_a_size_that_lies_about_an_object_in_the_cache_is_found_out(repo: Repo) -> None:
    repo.added("m.bin", b"weights")
    pointer = repo.path("m.bin.mvc").read_text()
    repo.remove("m.bin")
    for lie in ("6", "8", str(2**40)):
        repo.write("m.bin.mvc", pointer.replace("size: 7", f"size: {lie}"))
        repo.fails(1, "checkout")
        assert not repo.path("m.bin").exists()


def test_an_xxh128_that_lies_is_found_out(repo: Repo) -> None:
    repo.added("m.bin", b"weights")
    pointer = repo.path("m.bin.mvc").read_text().splitlines()
    pointer[3] = f'xxh128: "{XX}"'
    repo.write("m.bin.mvc", "\n".join(pointer) + "\n")
    repo.remove("m.bin")
    repo.fails(1, "checkout")
    assert not repo.path("m.bin").exists()


def test_a_manifest_object_with_a_refused_name_is_refused(repo: Repo, outside: Path) -> None:
    repo.write_dir("data", MANY)
    repo.added("data")
    body = f"mvc-manifest 1\n{B3} {XX} 0 - ../escape\n"
    repo.write("evil.bin", body)
    digest = repo.ok("add", "--json", "evil.bin").json["added"][0]
    repo.write(
        "data.mvc",
        'mvc: 1\nkind: "dir"\n'
        f'blake3: "{digest["blake3"]}"\nxxh128: "{digest["xxh128"]}"\nsize: {len(body)}\nfiles: 1\ntotal: 0\n',
    )
    for arguments in (["checkout", "data"], ["checkout", "-f", "data"], ["ls", "-R", "data"]):
        assert_refused(repo, *arguments)
    assert repo.mvc("status").code in (0, 2)


@pytest.fixture
def lists(repo: Repo, tmp_path: Path) -> Repo:
    """Return a fresh clone of a repository with two directories; the manifest of `data` on the remote is hostile."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.git("add", ".mvc")
    repo.write_dir("good", MANY)
    repo.added("good")
    body = f"mvc-manifest 1\n{B3} {XX} 0 - ../../escape\n"
    repo.added("evil.bin", body)
    repo.ok("push")
    digest = repo.ok("ls", "evil.bin", "--json").json["items"][0]["blake3"]
    xxh128 = xxh3_128_hexdigest(body.encode())
    repo.git("rm", "-q", "evil.bin.mvc")
    repo.write(
        "data.mvc",
        f'mvc: 1\nkind: "dir"\nblake3: "{digest}"\nxxh128: "{xxh128}"\nsize: {len(body)}\nfiles: 1500\ntotal: 0\n',
    )
    repo.git("add", "data.mvc")
    repo.commit("evil")
    return repo.clone(tmp_path / "clone")


BROKEN = "its manifest cannot be used: refused name '../../escape': a part is '..'"


def test_a_hostile_manifest_does_not_stop_the_rest(lists: Repo, outside: Path) -> None:
    pulled = lists.mvc("pull", "--json").json
    assert (pulled["transferred"], pulled["skipped"]) == (MANY + 2, 0)
    assert [(item["path"], item["error"]) for item in pulled["failed"]] == [("data", f"data: {BROKEN}")]
    again = lists.mvc("pull", "--json").json
    assert (again["transferred"], again["skipped"]) == (0, MANY + 1)
    assert lists.states() == {"data": "invalid", "good": "clean"}
    for arguments in ([], ["--pushed"]):
        result = lists.mvc("status", *arguments)
        assert result.code == 2
        assert f"invalid          data  ({BROKEN})\n" in result.out
        assert "  mvc log data  # its other versions\n" in result.out
        assert "mvc push data" not in result.out
    assert [item["pushed"] for item in lists.mvc("status", "--pushed", "--json").json["items"]] == [False, True]


def test_a_path_with_a_hostile_manifest_fails_when_it_is_named(lists: Repo, outside: Path, tmp_path: Path) -> None:
    for address in (lists.root, f"file://{lists.root}"):
        result = lists.fails(3, "get", str(address), "data", "-o", str(tmp_path / "got"))
        assert result.errors == [f"data: {BROKEN}"]
    lists.fails(3, "fetch")
    assert lists.fails(2, "get", ".", "data", "-o", str(tmp_path / "got")).errors == [f"data: {BROKEN}"]
    for arguments in (["checkout"], ["checkout", "--rev", "HEAD", "data"], ["ls", "-R"]):
        result = lists.mvc(*arguments)
        assert result.code == 2
        assert result.errors == [f"data: {BROKEN}"]
        assert result.fixes == ["mvc log data  # its other versions"]
    assert lists.ok("ls", "-R", "good").out.count("part-") == MANY
    lists.ok("init")
    lists.ok("doctor")
    lists.ok("diff", "HEAD~1")


def test_verify_goes_past_a_manifest_that_means_harm(lists: Repo, outside: Path) -> None:
    lists.fails(3, "pull")
    for arguments in ([], ["-r", "nas"]):
        result = lists.fails(1, "verify", *arguments)
        assert result.errors[0].endswith(": refused name '../../escape': a part is '..'")
        assert ", needed by data: the manifest is intact, but invalid" in result.errors[0]
        assert result.fixes == ["mvc log data  # its other versions"]
        assert "\n  needed by data, from " in result.err
    assert lists.ok("verify", "good").out.endswith(": no problems.\n")
    part = lists.read("good/part-0100.bin")
    (pack,) = (path for path in lists.store.glob("packs/*.pack") if part in path.read_bytes())
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes().replace(part, bytes(200)))
    lists.remove("good/part-0100.bin")
    wrong = {tuple(item["users"]) for item in lists.mvc("verify", "--json").json["wrong"]}
    assert wrong == {("data",), ("good/part-0100.bin",)}


# Symlinks.


def test_a_committed_symlink_in_a_parent_is_not_followed(repo: Repo, outside: Path) -> None:
    repo.added("sub/m.bin", b"weights")
    repo.added("sub/data", b"weights")
    repo.git("rm", "-q", "-r", "--cached", "sub")
    pointer = repo.read("sub/m.bin.mvc")
    repo.remove("sub")
    repo.path("sub").symlink_to(outside)
    (outside / "m.bin.mvc").write_bytes(pointer)
    try:
        for arguments in (
            ["checkout"],
            ["checkout", "-f"],
            ["checkout", "--rev", "HEAD"],
            ["checkout", "--rev", "HEAD", "-f"],
        ):
            repo.mvc(*arguments)
            assert (outside / "m.bin").read_text() == "theirs"
        assert repo.mvc("add", "sub/m.bin").code in (2, 3)
    finally:
        (outside / "m.bin.mvc").unlink()
    assert repo.fails(3, "checkout", "--rev", "HEAD", "-f").errors


def test_a_symlink_inside_a_tracked_directory_is_not_followed(repo: Repo, outside: Path) -> None:
    repo.write("data/deep/m.bin", b"weights")
    repo.write("data/plain", b"plain")
    repo.added("data")
    repo.remove("data/deep")
    repo.path("data/deep").symlink_to(outside)
    for arguments in (["checkout"], ["checkout", "-f"], ["checkout", "data/deep/m.bin"]):
        result = repo.fails(2, *arguments)
        assert "data/deep" in result.errors[0]
    assert repo.path("data/deep").is_symlink()


def test_a_target_that_is_a_symlink_is_not_written_through(repo: Repo, outside: Path) -> None:
    repo.added("m.bin", b"weights")
    repo.remove("m.bin")
    repo.path("m.bin").symlink_to(outside / "m.bin")
    repo.mvc("checkout")
    repo.mvc("checkout", "-f")
    repo.mvc("add", "m.bin")
    assert (outside / "m.bin").read_text() == "theirs"


def test_a_pointer_that_is_a_symlink_is_not_read(repo: Repo, outside: Path) -> None:
    repo.added("m.bin", b"weights")
    (repo.root.parent / "pointer").write_bytes(repo.read("m.bin.mvc"))
    repo.remove("m.bin.mvc")
    repo.path("m.bin.mvc").symlink_to(repo.root.parent / "pointer")
    assert repo.states() == {"m.bin": "invalid"}
    repo.mvc("add", "m.bin")
    assert b"weights" not in (repo.root.parent / "pointer").read_bytes()


@pytest.mark.parametrize("file", [".gitignore", "m.bin.mvc", ".gitattributes"])
def test_a_file_of_mvc_that_is_a_symlink_out_of_the_repository_is_not_written(
    repo: Repo, outside: Path, file: str
) -> None:
    if repo.path(file).exists():
        repo.remove(file)
    repo.path(file).symlink_to(outside / "precious")
    repo.write("m.bin", b"weights")
    repo.mvc("add", "m.bin")
    repo.mvc("init")
    assert repo.path(file).is_symlink() or not repo.path(file).read_bytes().startswith(b"precious")


def test_an_mvc_directory_that_is_a_symlink_out_of_the_repository(repo: Repo, outside: Path) -> None:
    repo.remove(".mvc")
    repo.path(".mvc").symlink_to(outside)
    for arguments in (["init"], ["status"], ["config", "set", "--project", "cache.link", "copy"], ["add", "m.bin"]):
        repo.write("m.bin", b"weights")
        result = repo.mvc(*arguments)
        assert result.code in (2, 3), result
        assert ".mvc is a symlink" in result.errors[0]


def test_a_committed_attack_as_a_clone_sees_it(repo: Repo, outside: Path, tmp_path: Path) -> None:
    """A directory pointer `x` and a committed symlink `x` to Git's hooks."""
    repo.write("payload/post-checkout", b"#!/bin/sh\ntouch /tmp/owned\n").chmod(0o755)
    repo.ok("add", "payload")
    pointer = repo.read("payload.mvc")
    repo.path("x").symlink_to(".git/hooks")
    repo.write("x.mvc", pointer)
    repo.git("add", "x", "x.mvc", "payload.mvc")
    repo.commit()
    clone = repo.clone(tmp_path / "clone")
    clone.ok("config", "set", "cache.dir", str(repo.store))
    hooks = everything(clone.path(".git/hooks"))
    for arguments in (["checkout"], ["checkout", "-f"], ["add", "x"], ["add", "--follow-symlinks", "x"]):
        clone.mvc(*arguments)
    assert everything(clone.path(".git/hooks")) == hooks


# Configuration.


def test_a_committed_config_cannot_name_a_cache_directory(repo: Repo, outside: Path) -> None:
    repo.write(".mvc/config.yaml", f'mvc-config: 1\ncache:\n  dir: "{outside}"\n')
    repo.git("add", ".mvc")
    repo.commit()
    repo.write("m.bin", b"weights")
    result = repo.ok("add", "m.bin")
    assert "warning: ignored cache.dir" in result.err
    assert repo.ok("config", "get", "cache.dir").out == "\n"
    assert "warning" not in repo.ok("status", "--json").err


# Output.

EVIL = [
    "::set-output name=x::y",
    "::error::gone",
    "##[add-path]/tmp",
    "##vso[task.setvariable]x",
    "\u202egnp.exe",
    "a\u2028b",
    "a\u0085b",
]


def assert_harmless(result: Result) -> None:
    """Check that nothing was printed that terminals and CI systems act on."""
    text = result.out + result.err
    assert not [char for char in text if not char.isprintable() and char != "\n"], ascii(text)
    for line in text.split("\n"):
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line
        assert "##vso[" not in line, line


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_names_and_descriptions_drive_neither_terminal_nor_ci(repo: Repo, in_process: InProcess, evil: str) -> None:
    repo.write(f"data/{evil}", b"1")
    repo.write(f"other/{evil}", b"1")
    added = repo.mvc("add", "data", f"other/{evil}", "-m", f" {evil}")
    assert_harmless(added)
    if added.code == 0:
        repo.commit(evil)
    for file in (f"data/{evil}", f"other/{evil}"):
        repo.write(file, b"22")
    for arguments in (
        ["status"],
        ["-v", "status"],
        ["diff"],
        ["diff", "--md"],
        ["ls"],
        ["ls", "-R"],
        ["log", "data"],
        ["log", f"other/{evil}"],
        ["status", "--json"],
        ["diff", "--json"],
        ["ls", "-R", "--json"],
        ["log", "data", "--json"],
        ["checkout"],
        ["checkout", evil],
        ["checkout", "--rev", evil],
        ["add", evil],
        ["ls", evil],
        ["config", "get", evil],
        [evil],
        ["config", "set", "cache.dir", f"/{evil}"],
    ):
        assert_harmless(in_process(repo.root, *arguments))


def test_commit_messages_and_authors_drive_nothing(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin")
    for author in ("\x1b[31mred", "::error::x", "\u202eevil"):
        repo.git("commit", "-q", "--allow-empty", "-m", "\x1b]0;owned\x07 ::error::x", f"--author={author} <a@b.c>")
    assert_harmless(repo.mvc("log", "m.bin"))
    repo.git("tag", "::error::x", "HEAD", code=128)


# Only exit codes and plain lines, for any input.

POINTERS = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode(errors="surrogatepass")),
    st.lists(
        st.sampled_from(
            [*"[]{}:,-&*!|>'\"%@`#?\n \t", "mvc: 1\n", 'kind: "dir"\n', "manifest:\n", "a: ", "\\U0000", B3, XX]
        ),
        max_size=60,
    ).map(lambda parts: "".join(parts).encode()),
    st.tuples(st.integers(0, 250), st.binary(min_size=1, max_size=4)).map(
        lambda edit: file_pointer().encode()[: edit[0]] + edit[1] + file_pointer().encode()[edit[0] + 1 :],
    ),
)
FUZZ = settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(raw=POINTERS)
def test_no_pointer_yields_a_traceback(repo: Repo, in_process: InProcess, raw: bytes) -> None:
    repo.write("m.bin.mvc", raw)
    for arguments in (["status"], ["ls", "-R"], ["checkout"], ["diff"]):
        result = in_process(repo.root, *arguments)
        assert result.code in (0, 1, 2, 3), result
        assert "Traceback" not in result.err
        assert len(result.err.splitlines()) <= 2
        assert_harmless(result)


WORDS = st.one_of(
    st.sampled_from(
        [
            "init",
            "add",
            "status",
            "diff",
            "checkout",
            "ls",
            "log",
            "verify",
            "config",
            "get",
            "set",
            "list",
            "--json",
            "--rev",
            "-f",
            "-m",
            "--name",
            "-j",
            "--",
            "-C",
            "-q",
            "-v",
            "HEAD",
            "HEAD~9",
            ":",
            ":m.bin",
            "HEAD:",
            "../..",
            "*",
            "[",
            "m.bin",
            "--md",
            "--relink",
            "cache.link",
            "--upload-pack=x",
            "ext::sh -c true",
            "-",
            "",
            "~",
            "\udcff",
            "/",
            ".",
            "--=",
            "-9",
        ]
    ),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=()), max_size=12),
)


@FUZZ
@given(words=st.lists(WORDS, min_size=1, max_size=5))
def test_no_command_line_yields_a_traceback(repo: Repo, in_process: InProcess, words: list[str]) -> None:
    result = in_process(repo.root, *words)
    assert result.code in (0, 1, 2, 3), result
    assert "Traceback" not in result.err
    assert_harmless(result)


CONFIGS = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            ["mvc-config: 1\n", "cache:\n", "  link: ", '"copy"\n', "  dir: /x\n", "{", "[", "&a", "? ", "- ", "x: y\n"]
        )
    ).map(lambda parts: "".join(parts).encode()),
)


@FUZZ
@given(raw=CONFIGS)
def test_no_config_yields_a_traceback(repo: Repo, in_process: InProcess, raw: bytes) -> None:
    repo.write(".mvc/config.yaml", raw)
    for arguments in (["status"], ["config", "list"], ["config", "set", "--project", "cache.link", "copy"]):
        result = in_process(repo.root, *arguments)
        assert result.code in (0, 2), result
        assert "Traceback" not in result.err


@FUZZ
@given(ignore=st.binary(max_size=200), mvcignore=st.binary(max_size=200))
def test_no_ignore_file_yields_a_traceback(repo: Repo, in_process: InProcess, ignore: bytes, mvcignore: bytes) -> None:
    repo.write("data/x", b"1")
    repo.write(".gitignore", ignore)
    repo.write("data/.mvcignore", mvcignore)
    for arguments in (["add", "data"], ["status"]):
        result = in_process(repo.root, *arguments)
        assert result.code in (0, 2, 3), result
        assert "Traceback" not in result.err


# A remote that makes its readers use all memory.

HUGE = 40 << 30


def sparse(path: Path) -> None:
    """Make a file huge, without a byte of it on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.chmod(0o644)
    with path.open("ab") as file:
        file.truncate(HUGE)


def huge_marker(nas: Path) -> None:
    sparse(nas / "mvc-remote.yaml")


def huge_index(nas: Path) -> None:
    sparse(next((nas / "packs").glob("*.idx")))


def huge_roots(nas: Path) -> None:
    sparse(nas / f"repos/{uuid4()}/roots")


def roots_without_a_line(nas: Path) -> None:
    huge_roots(nas)
    os.truncate(next(path for path in nas.glob("repos/*/roots") if path.stat().st_size == HUGE), (1 << 30) - 1)


def huge_list(nas: Path) -> None:
    sparse(nas / f"gc/{uuid4()}")


def huge_object(nas: Path) -> None:
    """Say in the index of a pack that the objects in it are huge."""
    pack, index = next((nas / "packs").glob("*.pack")), next((nas / "packs").glob("*.idx"))
    records = PackIndex(index.read_bytes()).records()
    huge = [record._replace(size=HUGE - 100, stored=HUGE - 100) for record in records]
    index.chmod(0o644)
    index.write_bytes(encode_index((item.pack() for item in huge), bytes.fromhex(pack.stem)))
    sparse(pack)


@pytest.mark.parametrize(("spoil", "command", "code", "said"), [
    (huge_marker, "pull", 2, "expected at most 4096"),
    (huge_marker, "remote test", 3, "expected at most 4096"),
    (huge_index, "pull", 3, "is neither in the cache nor on the remote"),
    (huge_index, "push --all-commits", 3, "is neither in the cache nor on the remote"),
    (huge_index, "verify -r nas", 1, "is damaged"),
    (huge_index, "push --repair", 3, "is neither in the cache nor on the remote"),
    (huge_roots, "gc -r nas", 3, "is damaged: what that clone needs is unknown"),
    (roots_without_a_line, "gc -r nas", 3, "is damaged: what that clone needs is unknown"),
    (huge_list, "push", 2, "is damaged"),
    (huge_object, "pull", 3, "is damaged on"),
    (huge_object, "verify -r nas", 1, "its index wrong"),
    (huge_object, "push --repair", 3, "is neither in the cache nor on the remote"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_remote_does_not_decide_how_much_memory_is_used(
    repo: Repo, tmp_path: Path, spoil: Callable[[Path], None], command: str, code: int, said: str,
) -> None:
    repo.ok("remote", "add", "nas", "../nas")
    repo.added("m.bin", b"content")
    repo.ok("push")
    clone = repo.clone(tmp_path / "clone")
    pointer = clone.path("m.bin.mvc")
    if spoil is huge_object:
        pointer.write_text(pointer.read_text().replace("size: 7", f"size: {HUGE - 100}"))
    spoil(tmp_path / "nas")
    result = clone.shell(f"ulimit -v 1500000; mvc {command}")
    assert result.code == code, result
    assert said in result.out + result.err
    assert result.fixes or command.startswith("verify")
