"""`mvc add`: what it stores, writes, ignores and stages, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import LARGE, MANY, MVC, Repo, noise

from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import emit, file_pointer

NAMES = [
    "model.onnx",
    "a b.bin",
    "模型.onnx",
    "naïve é.pt",
    "-rf.bin",
    "#x",
    "!x",
    "q'uote.bin",
    'dq".bin',
    "[x]*?.bin",
    "$HOME.bin",
]


@pytest.mark.parametrize("size", [1, 1000, LARGE])
def test_add_of_a_file_stores_points_ignores_and_stages(repo: Repo, size: int) -> None:
    content = noise("m", size)
    repo.write("models/m.bin", content)
    result = repo.ok("add", "models/m.bin")
    assert "Next: git commit" in result.out
    assert repo.git("status", "--porcelain").splitlines() == ["A  models/.gitignore", "A  models/m.bin.mvc"]
    assert "/m.bin\n" in repo.path("models/.gitignore").read_text()
    assert repo.read("models/m.bin") == content
    assert repo.states() == {"models/m.bin": "clean"}
    repo.remove("models/m.bin")
    repo.ok("checkout")
    assert repo.read("models/m.bin") == content


@pytest.mark.parametrize("count", [0, 3, MANY])
def test_add_of_a_directory_brings_it_back_whole(repo: Repo, count: int) -> None:
    repo.path("data").mkdir()
    repo.write_dir("data", count)
    repo.write("data/deep/er/large.bin", noise("l", LARGE))
    held = repo.contents("data")
    repo.ok("add", "data")
    repo.remove("data")
    repo.ok("checkout", "data")
    assert repo.contents("data") == held
    assert repo.states() == {"data": "clean"}


def test_add_of_an_empty_directory(repo: Repo) -> None:
    repo.path("empty").mkdir()
    repo.ok("add", "empty")
    assert repo.read("empty.mvc") == b'mvc: 1\nkind: "dir"\nmanifest: []\n'
    assert repo.states() == {"empty": "clean"}


def test_add_json_has_just_the_documented_keys(repo: Repo) -> None:
    repo.write("m.bin", b"weights")
    repo.write_dir("data", 3)
    added = repo.ok("add", "--json", "m.bin", "data").json["added"]
    keys = {"path", "pointer", "kind", "size", "files", "blake3", "xxh128", "changed"}
    assert [set(item) for item in added] == [keys, keys]
    assert [(item["path"], item["pointer"], item["kind"], item["size"], item["files"]) for item in added] == [
        ("m.bin", "m.bin.mvc", "file", 7, 1),
        ("data", "data.mvc", "dir", 600, 3),
    ]
    again = repo.ok("add", "--json", "m.bin", "data").json["added"]
    assert [item["changed"] for item in (*added, *again)] == [True, True, False, False]


def test_add_takes_a_glob_and_leaves_pointers_and_submodules_out(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other", repo.environ)
    other.root.mkdir()
    other.git("init", "-q")
    other.write("theirs.onnx", b"theirs")
    other.git("add", ".")
    other.commit()
    repo.git("submodule", "--quiet", "add", str(other.root), "sub")
    for name in ("a.onnx", "deep/b.onnx", "c.txt"):
        repo.write(name, name)
    repo.ok("add", "*.onnx")
    assert sorted(repo.states()) == ["a.onnx", "deep/b.onnx"]
    assert "unchanged" in repo.ok("add", "*.onnx").out
    assert sorted(repo.states()) == ["a.onnx", "deep/b.onnx"]


def test_add_of_several_stages_once_for_all(repo: Repo) -> None:
    names = [f"models/{number}.bin" for number in range(5)]
    for name in names:
        repo.write(name, name)
    repo.ok("add", *names)
    assert repo.path("models/.gitignore").read_text().splitlines()[1:-1] == [f"/{number}.bin" for number in range(5)]
    assert len(repo.git("diff", "--cached", "--name-only").splitlines()) == 6


@pytest.mark.parametrize("name", NAMES)
def test_every_decent_name_works_and_git_ignores_just_it(repo: Repo, name: str) -> None:
    repo.write(f"models/{name}", b"weights")
    repo.write("models/other.bin", b"not tracked")
    repo.ok("add", f"models/{name}")
    assert set(repo.git("status", "--porcelain", "-z").split("\0")[:-1]) == {
        "A  models/.gitignore",
        f"A  models/{name}.mvc",
        "?? models/other.bin",
    }
    repo.commit()
    repo.remove(f"models/{name}")
    repo.ok("checkout", f"models/{name}")
    assert repo.read(f"models/{name}") == b"weights"


def test_a_leading_dash_needs_two_dashes_and_works_from_its_own_directory(repo: Repo) -> None:
    repo.write("-x.bin", b"weights")
    repo.ok("add", "--", "-x.bin")
    repo.ok("status", "--", "-x.bin")
    repo.write("-x.bin", b"other")
    result = repo.mvc("status")
    line = next(line for line in result.out.splitlines() if "mvc add" in line)
    assert repo.shell(line).code == 0
    assert repo.states() == {"-x.bin": "clean"}


# Inside a tracked directory.


@pytest.mark.parametrize("count", [5, MANY])
def test_a_path_inside_a_tracked_directory_updates_just_that(repo: Repo, count: int) -> None:
    held = repo.write_dir("data", count)
    repo.added("data")
    repo.write("data/part-0000.bin", b"meant")
    repo.write("data/part-0001.bin", b"not meant")
    repo.write("data/new.bin", b"not meant either")
    repo.ok("add", "data/part-0000.bin")
    repo.commit("one part")
    repo.ok("checkout", "-f", "data")
    assert repo.contents("data") == {**held, "part-0000.bin": b"meant"}


def test_add_of_a_deleted_file_inside_takes_it_out(repo: Repo) -> None:
    repo.write_dir("data", 4)
    repo.added("data")
    repo.remove("data/part-0002.bin")
    repo.ok("add", "data/part-0002.bin")
    assert [item["path"] for item in repo.ok("ls", "data", "-R", "--json").json["items"]] == [
        "data/part-0000.bin",
        "data/part-0001.bin",
        "data/part-0003.bin",
    ]
    assert repo.states() == {"data": "clean"}


def test_add_of_a_subdirectory_inside_and_of_two_parts(repo: Repo) -> None:
    repo.write("data/a/x", b"x")
    repo.write("data/b/y", b"y")
    repo.write("data/c/z", b"z")
    repo.added("data")
    for name in ("a/x", "a/new", "b/y", "c/z"):
        repo.write(f"data/{name}", b"changed")
    repo.ok("add", "data/a", "data/b/y")
    changes = repo.mvc("status", "--json").json["items"][0]["changes"]
    assert [change["path"] for change in changes] == ["c/z"]


def test_a_pattern_inside_a_tracked_directory(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.added("data")
    repo.write("data/x.txt", b"x")
    repo.write("data/y.log", b"y")
    repo.ok("add", "data/*.txt")
    assert [change["path"] for change in repo.mvc("status", "--json").json["items"][0]["changes"]] == ["y.log"]


def test_a_path_that_is_nowhere_inside_is_refused(repo: Repo) -> None:
    repo.write_dir("data", 2)
    repo.added("data")
    assert "does not exist" in repo.fails(2, "add", "data/nothing").errors[0]


# Options.


def test_message_and_name_stand_in_the_pointer_and_stay(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin", "-m", 'distilled "v1"', "--name", "ranker")
    repo.write("m.bin", b"2")
    repo.ok("add", "m.bin")
    assert repo.read("m.bin.mvc").decode().splitlines()[-2:] == ['name: "ranker"', 'desc: "distilled \\"v1\\""']


def test_a_name_is_unique_in_the_repository(repo: Repo) -> None:
    repo.write("a.bin", b"a")
    repo.write("b.bin", b"b")
    repo.ok("add", "a.bin", "--name", "ranker")
    assert "a.bin already has the name" in repo.fails(2, "add", "b.bin", "--name", "ranker").errors[0]
    assert "differ only by case" in repo.fails(2, "add", "b.bin", "--name", "Ranker").errors[0]
    assert not repo.path("b.bin.mvc").exists()
    repo.ok("add", "a.bin", "--name", "ranker")


@pytest.mark.parametrize("name", ["v1.2", "-x", "x-", "a b", "é", "x@v1", "a#b", "../x", "x\n"])
def test_a_name_outside_of_the_grammar_is_refused(repo: Repo, name: str) -> None:
    repo.write("a.bin", b"a")
    result = repo.fails(2, "add", "a.bin", f"--name={name}")
    assert repo.shell(result.fixes[0].replace("PATH", "a.bin")).code == 0


def test_a_name_takes_one_path(repo: Repo) -> None:
    repo.write("a.bin", b"a")
    repo.write("b.bin", b"b")
    assert "one path" in repo.fails(2, "add", "a.bin", "b.bin", "--name", "x").errors[0]


def test_no_stage_leaves_the_index_alone(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    said = repo.ok("add", "--no-stage", "m.bin").out
    assert repo.git("diff", "--cached", "--name-only") == ""
    assert repo.git("status", "--porcelain").splitlines() == ["?? .gitignore", "?? m.bin.mvc"]
    assert "git add" in said
    assert repo.states() == {"m.bin": "clean"}


def test_symlinks_are_refused_by_name_unless_followed(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_bytes(b"outside")
    repo.write("data/plain", b"plain")
    repo.path("data/link").symlink_to(tmp_path / "outside.bin")
    result = repo.fails(2, "add", "data")
    assert "data/link" in result.errors[0]
    assert "--follow-symlinks" in result.err
    repo.ok("add", "--follow-symlinks", "data")
    repo.remove("data")
    repo.ok("checkout", "data")
    assert repo.contents("data") == {"plain": b"plain", "link": b"outside"}
    assert not repo.path("data/link").is_symlink()


def test_a_fifo_and_a_dangling_symlink_are_refused_by_name_and_nothing_hangs(repo: Repo) -> None:
    repo.write("data/plain", b"plain")
    os.mkfifo(repo.path("data/pipe"))
    assert "data/pipe is neither a regular file" in repo.fails(2, "add", "data").errors[0]
    repo.remove("data/pipe")
    repo.path("data/dead").symlink_to("nowhere")
    assert "data/dead is a dangling symlink" in repo.fails(2, "add", "data").errors[0]
    repo.fails(2, "add", "--follow-symlinks", "data")


def test_the_executable_bit_comes_back(repo: Repo) -> None:
    repo.write("run.sh", b"#!/bin/sh\n").chmod(0o755)
    repo.write("data/tool", b"#!/bin/sh\n").chmod(0o755)
    repo.write("data/plain", b"text")
    repo.ok("add", "run.sh", "data")
    repo.remove("run.sh")
    repo.remove("data")
    repo.ok("checkout")
    assert [bool(repo.path(name).stat().st_mode & 0o100) for name in ("run.sh", "data/tool", "data/plain")] == [
        True,
        True,
        False,
    ]


def test_mvcignore_holds_inside_tracked_directories(repo: Repo) -> None:
    repo.write(".mvcignore", "*.log\n")
    repo.write("data/.mvcignore", "/tmp/\n!keep.log\n")
    for name in ("a.bin", "x.log", "keep.log", "tmp/y", "deep/tmp/z"):
        repo.write(f"data/{name}", name)
    repo.ok("add", "data")
    assert [item["path"] for item in repo.ok("ls", "-R", "data", "--json").json["items"]] == [
        "data/.mvcignore",
        "data/a.bin",
        "data/deep/tmp/z",
        "data/keep.log",
    ]
    repo.write("data/more.log", b"ignored")
    assert repo.states() == {"data": "clean"}
    repo.ok("checkout", "-f", "data")
    assert repo.read("data/more.log") == b"ignored"


# What is refused.


@pytest.mark.parametrize(
    ("path", "folder"), [("m.bin", "."), ("models/m.bin", "models"), ("a b/m.bin", "a b"), ("-d/m", ".")]
)
def test_a_path_tracked_by_git_is_refused_with_a_line_that_works(repo: Repo, path: str, folder: str) -> None:
    repo.write(path, b"weights")
    repo.git("add", "--", path)
    repo.commit()
    result = repo.fails(2, "add", "--", os.path.relpath(path, folder), cwd=folder)
    assert "tracked by Git" in result.errors[0]
    assert not repo.path(f"{path}.mvc").exists()
    assert repo.shell(result.fixes[0], cwd=folder).code == 0
    assert repo.states() == {path: "clean"}
    assert path not in repo.git("ls-files", "-z").split("\0")


def test_a_directory_with_files_in_git_is_refused_with_a_line_that_works(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.git("add", "data/part-0001.bin")
    result = repo.fails(2, "add", "data")
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.states() == {"data": "clean"}


@pytest.mark.parametrize(
    "path", [".", "nothing", "../outside", "/etc/passwd", ".git/config", ".mvc/config.yaml", "*.nothing", ""]
)
def test_what_cannot_be_added_is_refused_in_one_line(repo: Repo, path: str) -> None:
    result = repo.fails(2, "add", path)
    assert len(result.errors) == 1
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["a\\b", "x\ny", "con", "dot.", "aux.txt", "e\x1b[31m", os.fsdecode(b"\xff\xfe")])
def test_a_file_whose_name_mvc_refuses(repo: Repo, name: str) -> None:
    repo.write(name, b"weights")
    result = repo.fails(2, "add", name)
    assert "refused name" in result.errors[0]
    assert len(result.err.splitlines()) <= 2
    assert sorted(path.name for path in repo.root.iterdir()) == sorted([".git", ".gitattributes", ".mvc", name])


def test_names_that_differ_in_case_only_are_refused(repo: Repo) -> None:
    repo.write("data/A", b"1")
    repo.write("data/a", b"2")
    result = repo.fails(2, "add", "data")
    assert "'A'" in result.errors[0]
    assert "'a'" in result.errors[0]


@pytest.mark.parametrize("place", ["data", "data/deep"])
def test_a_directory_with_a_repository_of_its_own_in_it_is_refused_until_git_is_ignored(repo: Repo, place: str) -> None:
    repo.write("data/plain", b"plain")
    nested = Repo(repo.root / place, repo.environ)
    nested.root.mkdir(exist_ok=True)
    nested.git("init", "-q")
    nested.write("weights", b"weights")
    result = repo.fails(2, "add", "data")
    assert ".git" in result.err
    assert ".mvcignore" in result.fixes[0]
    repo.write("data/.mvcignore", ".git\n")
    repo.ok("add", "data")
    assert nested.path(".git/HEAD").exists()


def test_one_that_fails_does_not_undo_the_others(repo: Repo) -> None:
    repo.write("a.bin", b"a")
    repo.write("z.bin", b"z")
    repo.write("data/plain", b"plain")
    repo.path("data/dead").symlink_to("nowhere")
    result = repo.fails(2, "add", "a.bin", "data", "z.bin")
    assert len(result.errors) == 1
    assert repo.states() == {"a.bin": "clean", "z.bin": "clean"}
    assert not repo.path("data.mvc").exists()


def test_what_was_added_stays_when_a_later_version_cannot_be_read(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.added("data")
    before = repo.read("data.mvc")
    repo.remove("data/part-0001.bin")
    repo.path("data/part-0001.bin").symlink_to("nowhere")
    repo.fails(2, "add", "data")
    assert repo.read("data.mvc") == before
    repo.remove("data/part-0001.bin")
    repo.ok("checkout", "data")
    assert repo.states() == {"data": "clean"}


# Stand-ins for content.

LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'7' * 64}\nsize 12345\n"
ANNEX = f"/annex/objects/SHA256E-s12345--{'7' * 64}.bin\n"
DVC = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 12345\n  hash: md5\n  path: m.bin\n"
STUBS = {
    "m.bin": (LFS, "m.bin is a pointer of git-lfs", "git lfs pull --include=m.bin"),
    "a b.bin": (LFS, "a b.bin is a pointer of git-lfs", "git lfs pull '--include=a b.bin'"),
    "n.bin": (ANNEX, "n.bin is a pointer of git-annex", "git annex get -- n.bin"),
    "m.bin.dvc": (DVC, "m.bin.dvc is a pointer of DVC", "dvc pull m.bin.dvc"),
    "k.dvc": ("md5: 0123456789abcdef0123456789abcdef\n" + DVC, "k.dvc is a pointer of DVC", "dvc pull k.dvc"),
}


@pytest.mark.parametrize(("name", "content", "message", "line"), [(name, *told) for name, told in STUBS.items()])
def test_a_file_that_stands_for_content_elsewhere_is_refused(
    repo: Repo, name: str, content: str, message: str, line: str,
) -> None:
    repo.write(name, content)
    repo.write("good.bin", "good")
    result = repo.fails(2, "add", name, "good.bin")
    assert result.errors == [f"{message}, whose content was not fetched"]
    assert result.fixes == [f"{line}  # then run the command again"]
    assert repo.states() == {"good.bin": "clean"}
    assert repo.fails(2, "eval", "record", name, "--tag", "v1.0.0", "--metric", "auc=1").errors == result.errors
    data = ("--dataset", f"h={name}")
    recorded = repo.mvc("eval", "record", "good.bin", "--tag", "v1.0.0", "--metric", "auc=1", *data)
    assert (recorded.code, recorded.errors) == (2, result.errors)


@pytest.mark.parametrize("name", STUBS)
def test_neither_in_a_directory(repo: Repo, name: str) -> None:
    repo.write_dir("data", 3)
    repo.ok("add", "data")
    before = repo.read("data.mvc")
    repo.write(f"data/deep/{name}", STUBS[name][0])
    for path in ("data", "data/deep", f"data/deep/{name}"):
        assert f"data/deep/{STUBS[name][1]}" in repo.fails(2, "add", path).errors[0]
    assert repo.read("data.mvc") == before
    repo.write(".mvcignore", f"/data/deep/{name}\n")
    repo.ok("add", "data")


def test_what_only_looks_like_a_stub(repo: Repo) -> None:
    repo.write("large.bin", LFS + "x" * 1024)
    repo.write("my.dvc", "not a pointer")
    repo.write("data/m.bin", "content")
    repo.write("data/m.bin.dvc", DVC)  # beside its content
    repo.write("readme.md", f"a stub begins with {LFS}")
    repo.ok("add", "large.bin", "my.dvc", "data", "readme.md")
    repo.write("m.bin", "content")
    repo.write("m.bin.dvc", DVC)
    assert repo.fails(2, "add", "m.bin.dvc").fixes == ["mvc add m.bin"]


def test_a_stub_in_git_is_fetched_before_git_forgets_it(repo: Repo) -> None:
    """The whole way of a model from git-lfs to mvc, as the lines to type lead it."""
    repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("m.bin", "the content")
    repo.git("lfs", "install", "--local", "--skip-repo")
    repo.git("add", ".")
    repo.git("commit", "-q", "--no-verify", "-m", "by git-lfs")
    stub = repo.git("cat-file", "-p", "HEAD:m.bin")
    repo.write("m.bin", f"{stub}\n")
    for _ in range(3):
        result = repo.mvc("add", "m.bin")
        if result.code == 0:
            break
        repo.run("bash", "-c", result.fixes[0])
    assert repo.read("m.bin") == b"the content"
    assert repo.states() == {"m.bin": "clean"}


# Empty files.


def test_an_empty_file_is_refused_alone_and_usual_in_a_directory(repo: Repo) -> None:
    repo.write("m.bin", "")
    result = repo.fails(2, "add", "m.bin")
    assert result.errors == ["m.bin is empty"]
    assert repo.fails(2, "eval", "record", "m.bin", "--tag", "v1.0.0", "--metric", "auc=1").errors == result.errors
    repo.run("bash", "-c", result.fixes[0])
    assert repo.git("diff", "--cached", "--name-only") == "m.bin"
    for name in ("package/__init__.py", "package/data/.gitkeep"):
        repo.write(name, "")
    repo.ok("add", "package")
    assert repo.states() == {"package": "clean"}


@pytest.mark.parametrize("lost", [False, True])
def test_a_tracked_file_that_became_empty_is_brought_back_by_the_line_to_type(
    repo: Repo, tmp_path: Path, lost: bool,
) -> None:
    repo.added("m.bin", "content")
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.ok("push")
    repo.write("m.bin", "")
    if lost:
        repo.remove(".git/mvc/packs")
    result = repo.fails(2, "add", "m.bin")
    assert result.errors == ["m.bin is empty"]
    assert result.fixes[0].startswith("mvc fetch" if lost else "mvc checkout -f m.bin")
    repo.run("bash", "-c", result.fixes[0].replace("mvc ", f"{MVC} "))
    assert repo.read("m.bin") == b"content"


def test_a_pointer_of_an_empty_file_from_an_earlier_mvc_still_works(repo: Repo) -> None:
    repo.write("data/empty", "")
    repo.ok("add", "data")
    repo.write("m.bin.mvc", emit(file_pointer(hash_bytes(b""))))
    repo.ok("checkout", "m.bin")
    assert repo.read("m.bin") == b""
    repo.path("m.bin").touch()
    repo.ok("add", "m.bin")
    assert repo.states() == {"data": "clean", "m.bin": "clean"}
