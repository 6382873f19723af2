"""`mvc diff`, `ls` and `log`: changes, tracked paths, versions."""

from __future__ import annotations

from typing import Any

import pytest
from harness import MANY, Repo, noise


def changes(repo: Repo, *args: str) -> list[tuple[str, str]]:
    """Return change and path of every difference."""
    return [(item["change"], item["path"]) for item in repo.ok("diff", "--json", *args).json["changes"]]


@pytest.fixture
def history(repo: Repo) -> tuple[Repo, str, str]:
    """Return a repository and two commits with files added, changed, deleted and moved between them."""
    for name, content in (("same", b"s"), ("gone", b"g"), ("changed", b"1"), ("moved", b"the very same bytes")):
        repo.write(f"models/{name}", content)
    repo.write_dir("data", 3)
    repo.ok("add", "models/same", "models/gone", "models/changed", "models/moved", "data")
    old = repo.commit("old")
    repo.git("rm", "-q", "models/gone.mvc", "models/moved.mvc")
    repo.remove("models/gone")
    repo.path("models/moved").rename(repo.path("models/renamed"))
    repo.write("models/changed", b"22")
    repo.write("models/new", b"n")
    repo.write("data/part-0001.bin", b"changed")
    repo.path("data/part-0002.bin").rename(repo.path("data/elsewhere.bin"))
    repo.ok("add", "models/renamed", "models/changed", "models/new", "data")
    return repo, old, repo.commit("new")


EXPECTED = [
    ("modified", "data"),
    ("modified", "models/changed"),
    ("deleted", "models/gone"),
    ("added", "models/new"),
    ("renamed", "models/renamed"),
]


def test_between_two_revisions(history: tuple[Repo, str, str]) -> None:
    repo, old, new = history
    assert changes(repo, old, new) == EXPECTED
    assert changes(repo, old) == EXPECTED
    assert changes(repo) == []
    assert changes(repo, new, old) == [
        ("modified", "data"),
        ("modified", "models/changed"),
        ("added", "models/gone"),
        ("renamed", "models/moved"),
        ("deleted", "models/new"),
    ]


def test_the_files_of_a_directory_with_renames(history: tuple[Repo, str, str]) -> None:
    repo, old, new = history
    data = repo.ok("diff", "--json", old, new, "data").json["changes"][0]
    assert [(file["change"], file["path"], file["old_path"]) for file in data["files"]] == [
        ("renamed", "elsewhere.bin", "part-0002.bin"),
        ("modified", "part-0001.bin", None),
    ]


def test_only_what_was_asked_for(history: tuple[Repo, str, str]) -> None:
    repo, old, new = history
    assert changes(repo, old, new, "models/changed") == [("modified", "models/changed")]
    assert changes(repo, old, new, "data/part-0000.bin") == []
    assert changes(repo, old, new, "data/part-0001.bin") == [("modified", "data")]


def test_for_people_and_as_markdown(history: tuple[Repo, str, str]) -> None:
    repo, old, new = history
    said = repo.ok("diff", old, new).out
    assert "M models/changed  (1 B -> 2 B)" in said
    assert "R models/moved -> models/renamed" in said
    assert "R part-0002.bin -> elsewhere.bin" in said
    rows = repo.ok("diff", old, new, "--md").out.splitlines()
    assert rows[:2] == ["| change | path | size | files | metrics |", "|---|---|---|---|---|"]
    assert len(rows) == 2 + len(EXPECTED)
    assert all(row.count("|") == 6 for row in rows)


def test_head_to_workspace_sees_what_is_not_added_yet(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.write("m.bin", b"2")
    assert changes(repo) == [("modified", "m.bin")]
    repo.write("m.bin", b"1")
    assert changes(repo) == []


def test_no_commit_yet(bare_git: Repo) -> None:
    bare_git.ok("init")
    bare_git.write("m.bin", b"1")
    bare_git.ok("add", "m.bin")
    assert changes(bare_git) == [("added", "m.bin")]


def test_json_names_both_sides(repo: Repo) -> None:
    old = repo.added("m.bin", b"1")
    new = repo.added("m.bin", b"22")
    document = repo.ok("diff", "--json", old, new).json
    assert (document["old"], document["new"]) == (old, new)
    item = document["changes"][0]
    assert (item["old"]["size"], item["new"]["size"], item["metrics"]) == (1, 2, None)


def test_json_and_md_exclude_each_other(repo: Repo) -> None:
    assert "exclude" in repo.fails(2, "diff", "--json", "--md").errors[0]


def test_a_word_that_is_neither_revision_nor_path(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert "nothing" in repo.fails(3, "diff", "nothing").errors[0]


def test_dashes_separate_revisions_from_paths(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.git("branch", "both")
    repo.added("both", b"1")
    repo.write("m.bin", b"2")
    assert changes(repo, "both", "--") == [("added", "both"), ("modified", "m.bin")]
    assert changes(repo, "both", "--", "m.bin") == [("modified", "m.bin")]
    assert changes(repo, "--", "both") == []
    assert changes(repo, "both") == []
    assert "both a revision and a path" in repo.fails(2, "diff", "both", "m.bin").errors[0]
    assert "3 words before --" in repo.fails(2, "diff", "HEAD", "both", "both", "--").errors[0]


def test_a_revision_with_an_unreadable_pointer_is_a_plain_error(repo: Repo) -> None:
    good = repo.added("m.bin", b"1")
    repo.write("m.bin.mvc", "garbage\n")
    repo.git("add", "m.bin.mvc")
    bad = repo.commit()
    for arguments in ([good, bad], [bad, good], [good], [bad]):
        result = repo.fails(2, "diff", *arguments)
        assert "m.bin.mvc" in result.errors[0]


# ls.


def items(repo: Repo, *args: str) -> list[dict[str, Any]]:
    """Return what `mvc ls` lists."""
    listed: list[dict[str, Any]] = repo.ok("ls", "--json", *args).json["items"]
    return listed


def test_ls_here_and_then(repo: Repo) -> None:
    repo.write_dir("data", 2)
    repo.added("data")
    old = repo.added("m.bin", b"1")
    repo.added("z.bin", b"333")
    assert [(item["path"], item["kind"], item["size"], item["files"]) for item in items(repo)] == [
        ("data", "dir", 400, 2),
        ("m.bin", "file", 1, 1),
        ("z.bin", "file", 3, 1),
    ]
    assert [item["path"] for item in items(repo, old)] == ["data", "m.bin"]
    assert [item["path"] for item in items(repo, f"{old}:m.bin")] == ["m.bin"]
    assert [item["path"] for item in items(repo, "HEAD:data", "-R")] == ["data/part-0000.bin", "data/part-0001.bin"]
    said = repo.ok("ls").out.splitlines()
    assert [line.split()[-1] for line in said] == ["data", "m.bin", "z.bin"]


@pytest.mark.parametrize("count", [3, MANY])
def test_ls_recursive_lists_every_file(repo: Repo, count: int) -> None:
    repo.write_dir("data", count)
    repo.added("data")
    assert len(items(repo, "-R")) == count
    assert [item["path"] for item in items(repo, "data/part-0002.bin")] == ["data/part-0002.bin"]


def test_ls_prefers_the_path_over_a_branch_of_that_name(repo: Repo) -> None:
    repo.added("side", b"1")
    repo.git("branch", "side", "HEAD~1")
    assert [item["path"] for item in items(repo, "side")] == ["side"]
    assert [item["path"] for item in items(repo, "./side")] == ["side"]
    assert items(repo, "side:") == []


def test_ls_of_nothing(repo: Repo) -> None:
    assert repo.ok("ls").out == ""
    repo.fails(2, "ls", "nothing")
    repo.fails(3, "ls", "HEAD:nothing")


def test_ls_from_a_subdirectory(repo: Repo) -> None:
    repo.added("models/m.bin", b"1")
    assert repo.ok("ls", "m.bin", "--json", cwd="models").json["items"][0]["path"] == "models/m.bin"


# log.


def test_log_tells_every_version_the_newest_first(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin", "-m", "first weights")
    first = repo.commit("add the model")
    repo.git("tag", "v1")
    second = repo.added("m.bin", b"22")
    repo.git("rm", "-q", "m.bin.mvc")
    third = repo.commit("drop it")
    entries = repo.ok("log", "m.bin", "--json").json
    assert [(entry["commit"], entry["state"], entry["size"], entry["tags"]) for entry in entries] == [
        (third, "deleted", 0, []),
        (second, "tracked", 2, []),
        (first, "tracked", 1, ["v1"]),
    ]
    assert {"commit", "tag", "description", "blake3", "metrics"} <= set(entries[0])
    said = repo.ok("log", "m.bin").out
    assert "first weights" in said
    assert "(v1)" in said


def test_log_from_a_subdirectory_and_by_pointer(repo: Repo) -> None:
    repo.added("models/m.bin", b"1")
    assert len(repo.ok("log", "m.bin", "--json", cwd="models").json) == 1
    assert len(repo.ok("log", "m.bin.mvc", "--json", cwd="models").json) == 1


def test_log_of_what_never_was(repo: Repo, bare_git: Repo) -> None:
    assert "no version" in repo.fails(3, "log", "m.bin").errors[0]
    bare_git.ok("init")
    bare_git.fails(3, "log", "m.bin")


def test_log_survives_an_unreadable_version(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.write("m.bin.mvc", "garbage\n")
    repo.git("add", "m.bin.mvc")
    repo.commit()
    assert [entry["state"] for entry in repo.ok("log", "m.bin", "--json").json] == ["invalid", "tracked"]


# Texts.


@pytest.fixture
def hub(repo: Repo) -> Repo:
    """Return a repository with a directory of weights and texts, all by mvc."""
    repo.write("bert/model.bin", noise("weights", 600_000))
    repo.write("bert/config.json", '{\n  "layers": 12,\n  "heads": 8\n}\n')
    repo.write("bert/vocab.txt", "".join(f"word{number}\n" for number in range(5000)))
    repo.added("bert")
    return repo


def test_small_texts_in_a_directory_are_shown_as_text(hub: Repo) -> None:
    hub.write("bert/config.json", '{\n  "layers": 24,\n  "heads": 8\n}\n')
    hub.write("bert/model.bin", noise("other", 600_000))
    expected = [
        "    M config.json  33 B", "        @@ -1,4 +1,4 @@", "         {", '        -  "layers": 12,',
        '        +  "layers": 24,', '           "heads": 8', "         }", "    M model.bin  600.0 kB",
    ]
    assert hub.ok("diff").out.splitlines()[1:] == expected
    hub.added("bert")
    assert hub.ok("diff", "HEAD~1", "HEAD").out.splitlines()[1:] == expected
    assert "text" not in hub.ok("diff", "HEAD~1", "HEAD", "--json").out
    assert "layers" not in hub.ok("diff", "HEAD~1", "--md").out


def test_what_is_not_here_or_not_text_or_large_is_named_only(hub: Repo) -> None:
    hub.write("bert/config.json", b"\x00\x01")
    hub.write("bert/vocab.txt", "".join(f"other{number}\n" for number in range(5000)))
    assert hub.ok("diff").out.splitlines()[1:] == [
        "    M config.json  33 B -> 2 B", "    M vocab.txt  43.9 kB -> 48.9 kB",
    ]
    hub.write("bert/config.json", "new\n")
    hub.remove(".git/mvc/packs")
    assert "+new" not in hub.ok("diff").out


def test_the_lines_are_limited_and_escaped(hub: Repo) -> None:
    hub.write("bert/config.json", "::set-output name=x::y\n##[group]\x1b[31m\u202e\n" + "many\n" * 100)
    out = hub.ok("diff").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "##[" not in out
    assert "        ... and " in out
    assert "(-v shows them)" in out
    assert "... and" not in hub.ok("-v", "diff").out
    assert hub.ok("-v", "diff").out.count("+many") == 100
