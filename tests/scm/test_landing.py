"""What a merge would land, read from Git's objects: trees, renames, histories, tags; nothing else is touched."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from harness import Repo

from mvc.errors import MvcError
from mvc.scm.blobs import blob_sizes
from mvc.scm.commits import CommitPath, blobs_at, contains, find_commit, parents, resolve, tree_of
from mvc.scm.history import (
    Rename,
    commits_between,
    first_parent_history,
    merged_branches,
    new_objects,
    renames,
    renames_in,
)
from mvc.scm.merging.landing import Merge, as_index, check_trees, differing, list_tree, merging, reading
from mvc.scm.plumbing import Git, Layout, RawChange
from mvc.scm.refs import local_base, remote_tip, version_tags


@pytest.fixture
def repo(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return a repository whose two branches both moved on."""
    repo = Repo(tmp_path / "it's a \"repo\":here", environ)
    repo.root.mkdir()
    repo.git("init", "-q")
    save(repo, "base", a="1", b="2")
    repo.git("switch", "-qc", "change")
    save(repo, "ours", c="3")
    repo.git("switch", "-q", "main")
    save(repo, "theirs", a="4")
    return repo


def save(repo: Repo, message: str, **files: str) -> str:
    for name, text in files.items():
        repo.write(name, text)
    repo.git("add", "-A")
    return repo.commit(message)


def git(repo: Repo) -> Git:
    top = str(repo.root)
    return reading(repo.environ, Layout(top, f"{top}/.git", f"{top}/.git"))


def merged(repo: Repo, here: Git | None = None) -> AbstractContextManager[Merge]:
    """Merge `change` into `main`."""
    return merging(here or git(repo), repo.git("rev-parse", "main"), repo.git("rev-parse", "change"))


def objects(repo: Repo) -> set[Path]:
    return set(repo.path(".git/objects").rglob("*"))


def test_a_merge_is_made_where_nobody_sees_it(repo: Repo) -> None:
    before, here = objects(repo), git(repo)
    with merged(repo, here) as merge:
        assert {path: entry.mode for path, entry in list_tree(merge.git, merge.tree).items()} == dict.fromkeys(
            "abc", "100644",
        )
        assert here.attempt("cat-file", "-e", merge.tree).returncode == 1
        folder = merge.git.environ["GIT_OBJECT_DIRECTORY"]
        assert os.listdir(folder)
    assert not os.path.exists(folder)
    assert objects(repo) == before


def test_a_head_that_has_base_is_taken_as_it_is(repo: Repo) -> None:
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "--no-edit", "main")
    with merged(repo) as merge:
        assert merge.tree == tree_of(git(repo), "change")
        assert "GIT_OBJECT_DIRECTORY" not in merge.git.environ


def test_a_conflict_names_its_paths(repo: Repo) -> None:
    repo.git("switch", "-q", "change")
    save(repo, "too", a="5", b="6")
    repo.git("switch", "-q", "main")
    save(repo, "and", b="7")
    with pytest.raises(MvcError, match=r"conflict in a, b"), merged(repo):
        pass


def test_the_changes_of_a_tree_and_what_base_knows(repo: Repo) -> None:
    here = git(repo)
    with merged(repo, here) as merge:
        entries = list_tree(merge.git, merge.tree)
        index = as_index(entries, differing(list_tree(here, tree_of(here, "main")), entries))
    assert index.changes == {"c": RawChange("c", "000000", "100644", "0" * 40, entries["c"].oid)}
    assert index.known == {entries["a"].oid, entries["b"].oid, "0" * 40}


def test_commits_and_branches(repo: Repo, tmp_path: Path) -> None:
    here = git(repo)
    main, change = (repo.git("rev-parse", name) for name in ("main", "change"))
    assert find_commit(here, "main") == main == local_base(here)
    assert find_commit(here, "nowhere") == find_commit(here, "--all") == ""
    assert contains(here, "main", "main~1")
    assert not contains(here, "main", "change")
    clone = repo.clone(tmp_path / "clone")
    assert remote_tip(git(clone), "change") == change
    assert remote_tip(git(clone), "hange") == ""
    clone.git("reset", "-q", "--hard", change)
    assert local_base(git(clone)) == main
    assert parents(here, "main") == (repo.git("rev-parse", "main~1"),)


AMBIGUOUS = {
    "a tag like a remote-tracking branch": ("origin/main", "refs/tags/origin/main or refs/remotes/origin/main"),
    "with what follows": ("origin/main~1^{commit}", "refs/tags/origin/main or refs/remotes/origin/main"),
    "a moment ago": ("origin/main@{0}", "refs/tags/origin/main or refs/remotes/origin/main"),
    "a tag like a branch": ("main", "refs/tags/main or refs/heads/main"),
    "a branch like a remote": ("origin", "refs/heads/origin or refs/remotes/origin/HEAD"),
    "a tag like a full name that is not there": (
        "refs/remotes/origin/gone", "refs/tags/refs/remotes/origin/gone or refs/remotes/origin/gone",
    ),
    "a tag like a part of a full name": ("heads/main", "refs/heads/main or refs/tags/heads/main"),
    "a tag like an abbreviated commit": ("SHORT", "refs/tags/SHORT or FULL"),
    "a tag as git-describe writes it": ("v1-3-gSHORT", "refs/tags/v1-3-gSHORT or FULL"),
}


def with_ambiguous_names(repo: Repo) -> str:
    """Have tags at `change` that are called like everything else; the id of `main`."""
    oid = repo.git("rev-parse", "main")
    repo.git("update-ref", "refs/remotes/origin/main", "main", "--create-reflog")
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    repo.git("branch", "origin", "change")
    names = ["origin/main", "main", "refs/remotes/origin/gone", "refs/remotes/origin/main", "refs/remotes/origin/HEAD"]
    for name in (*names, "heads/main", oid[:9], f"v1-3-g{oid[:9]}", oid, "HEAD", "v1"):
        repo.git("update-ref", f"refs/tags/{name}", "change")
    return oid


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_an_ambiguous_name_is_no_revision(repo: Repo, case: str) -> None:
    oid = with_ambiguous_names(repo)
    name, meanings = (text.replace("SHORT", oid[:9]).replace("FULL", oid) for text in AMBIGUOUS[case])
    for ask in (find_commit, resolve):
        with pytest.raises(MvcError, match=f"is ambiguous: it may be {meanings}$") as caught:
            ask(git(repo), name)
        assert caught.value.exit_code == 3
        assert caught.value.fix.startswith("git show-ref ")


def test_full_names_and_full_ids_are_never_ambiguous(repo: Repo, tmp_path: Path) -> None:
    oid = with_ambiguous_names(repo)
    change = repo.git("rev-parse", "refs/heads/change")
    for name in ("refs/remotes/origin/main", "refs/heads/main", "refs/heads/main~0", oid, oid.upper()):
        assert find_commit(git(repo), name) == resolve(git(repo), name) == oid
    assert find_commit(git(repo), "v1") == find_commit(git(repo), "refs/tags/main") == change
    assert find_commit(git(repo), "HEAD") == find_commit(git(repo), "@") == oid
    assert find_commit(git(repo), "refs/heads/gone") == find_commit(git(repo), "f" * 9) == ""
    assert local_base(git(repo)) == remote_tip(git(repo), "main") == oid
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    assert local_base(git(repo)) == oid, "no tag stands for a branch of origin"
    assert remote_tip(git(repo), "main") == ""


def test_a_default_branch_that_cannot_be_read_is_not_passed_over(repo: Repo) -> None:
    repo.write(".git/refs/remotes/origin/main", f"{'1' * 40}\n")
    with pytest.raises(MvcError, match="cannot read refs/remotes/origin/main"):
        local_base(git(repo))


def test_a_commit_that_is_not_there_is_none_however_git_finds_out(repo: Repo) -> None:
    """Git has to read commits for that, and tells of grafts then."""
    for environ in (repo.environ, {**repo.environ, **SETTING}, {**repo.environ, "GIT_CONFIG_COUNT": ""}):
        here = reading(environ, Layout(str(repo.root), f"{repo.root}/.git", f"{repo.root}/.git"))
        done = here.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", "main~50^{commit}")
        assert not done.stderr
        assert find_commit(here, "main~50") == ""
        assert blobs_at(here, [CommitPath("main~1", "a"), CommitPath("main~1", "c")]).keys() == {("main~1", "a")}
    assert here.run("config", "advice.graftFileDeprecated") == b"false\n"


SETTING = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "x.y", "GIT_CONFIG_VALUE_0": "z"}


def test_settings_of_the_environment_are_kept(repo: Repo) -> None:
    layout = Layout(str(repo.root), f"{repo.root}/.git", f"{repo.root}/.git")
    assert reading({**repo.environ, **SETTING}, layout).run("config", "x.y") == b"z\n"
    with pytest.raises(MvcError, match="bogus count"):
        reading({**repo.environ, "GIT_CONFIG_COUNT": "-x"}, layout).run("rev-parse", "HEAD")


def test_advice_is_no_reason(repo: Repo) -> None:
    """Whatever Git advises, what is missing is not there, and the reason for a failure is what comes after."""
    here = git(repo)._replace(environ={**repo.environ, "GIT_GRAFT_FILE": os.devnull, "GIT_ADVICE": "1", **ADVICE})
    assert b"hint:" in here.attempt("rev-parse", "--verify", "--quiet", "main~50^{commit}").stderr
    assert find_commit(here, "main~50") == ""
    oid = repo.git("rev-parse", "main")
    (repo.root / ".git/objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(MvcError, match="merge-base failed: Not a valid"):
        contains(here, "change", "main")


ADVICE = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "advice.graftFileDeprecated", "GIT_CONFIG_VALUE_0": "true"}


def test_what_commits_bring_and_of_merges_only_what_they_add(repo: Repo) -> None:
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "main")
    repo.write("evil\x01\n:1", "in the merge alone")
    save(repo, "merge", b="8")
    steps = commits_between(git(repo), "main", "change")
    assert [[change.path for change in step.changes] for step in steps] == [["b", "evil\x01\n:1"], ["c"]]
    new = new_objects(git(repo), "main", "change")
    sized = blob_sizes(git(repo), new)
    assert sorted(new[oid] for oid in sized) == ["b", "c", "evil\x01"]
    assert new.keys() >= {step.commit for step in steps}


def test_a_first_parent_history_is_told_from_its_tip(repo: Repo) -> None:
    repo.git("merge", "-q", "--no-edit", "--no-ff", "change")
    steps = first_parent_history(git(repo), "main", "a", "c")
    assert [[change.path for change in step.changes] for step in steps] == [["c"], ["a"], ["a"]]
    assert [step.commit for step in steps] == [repo.git("rev-parse", f"main~{number}") for number in range(3)]


def test_what_merged_branches_brought_beside_it(repo: Repo) -> None:
    here = git(repo)
    assert merged_branches(here, "main") == []
    repo.git("switch", "-q", "change")
    save(repo, "given", c="5")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "main")
    save(repo, "merge", d="6")
    save(repo, "taken back", c="3")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-edit", "--no-ff", "change")
    found = merged_branches(here, "main", "c", "d")
    steps = [(step.commit, [change.path for change in step.changes]) for step in found]
    commits = [repo.git("rev-parse", f"change~{back}") for back in range(4)]
    assert steps == list(zip(commits, (["c"], ["d"], ["c"], ["c"]), strict=True))


FILE, FOLDER, MODULE = "100644", "40000", "160000"
FORGED = {
    "twice": [(FILE, "a"), (FILE, "a")],
    "twice, apart": [(FILE, "a"), (FILE, "a-b"), (FOLDER, "a")],
    "a directory twice": [(FOLDER, "a"), (FOLDER, "a")],
    "no order": [(FILE, "b"), (FILE, "a")],
    "a directory as if it were a file": [(FOLDER, "a"), (FILE, "a-b")],
    "a submodule as if it were a directory": [(FILE, "a-b"), (MODULE, "a")],
    "a slash": [(FILE, "a/b")],
    "here": [(FOLDER, ".")],
    "above": [(FOLDER, "..")],
    "Git's own": [(FOLDER, ".git")],
}
SOUND = {
    "nothing": [],
    "as Git orders them": [(FILE, "a-b"), (FOLDER, "a"), (FILE, "a0"), (FILE, "b"), (FOLDER, "c")],
    "a submodule": [(MODULE, "a"), (FILE, "a-b")],
    "as old programs wrote a directory": [(FILE, "a-b"), ("040000", "a")],
    "odd names": [(FILE, "\n"), (FILE, ".gitmodules"), (FILE, "100644 a")],
}


def written(repo: Repo, rows: list[tuple[str, str]]) -> str:
    """Return a tree, whatever Git thinks of it, below one that it could have written."""
    oids = {FILE: repo.git("rev-parse", "main:a"), MODULE: "1" * 40}
    empty = repo.git("hash-object", "-w", "-t", "tree", "/dev/null")
    raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oids.get(mode, empty)) for mode, name in rows)
    repo.write("tree", raw)
    tree = repo.git("hash-object", "-w", "-t", "tree", "--literally", "tree")
    repo.write("tree", b"40000 top\0" + bytes.fromhex(tree))
    return repo.git("hash-object", "-w", "-t", "tree", "--literally", "tree")


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_tree_is_refused_unless_it_is_known(repo: Repo, case: str) -> None:
    tree, here = written(repo, FORGED[case]), git(repo)
    with pytest.raises(MvcError, match="is forged") as caught:
        check_trees(here, tree, tree_of(here, "main"))
    assert caught.value.exit_code == 3
    check_trees(here, tree, tree)


@pytest.mark.parametrize("case", SOUND)
def test_a_tree_that_git_writes_is_none(repo: Repo, case: str) -> None:
    check_trees(git(repo), written(repo, SOUND[case]))


def test_what_any_of_several_trees_has_is_known(repo: Repo) -> None:
    tree, here = written(repo, FORGED["no order"]), git(repo)
    check_trees(here, tree, tree_of(here, "main"), tree)
    with pytest.raises(MvcError, match="is forged"):
        check_trees(here, tree, tree_of(here, "main"), tree_of(here, "change"))


def conflicting(repo: Repo, attributes: str) -> None:
    """Have both branches change a file, and `main` have these attributes."""
    save(repo, "theirs", **{".gitattributes": attributes, "b": "4\n"})
    repo.git("switch", "-q", "change")
    save(repo, "ours", b="5\n")


@pytest.mark.parametrize("name", ["attributes", "core.attributesFile", "attr.tree", "info/attributes", "of the change"])
def test_nothing_but_base_says_how_files_are_merged(repo: Repo, name: str, tmp_path: Path) -> None:
    """`attr.tree` is known to Git from 2.43 on, its variable from 2.41 on."""
    conflicting(repo, "# none\n")
    environ = {**repo.environ, "GIT_ATTR_SOURCE": "change"}
    (tmp_path / "attributes").write_text("b merge=union\n")
    match name:
        case "attributes":
            repo.write(".gitattributes", "b merge=union\n")
        case "info/attributes":
            repo.write(".git/info/attributes", "b merge=union\n")
        case "core.attributesFile":
            environ |= {"GIT_CONFIG_PARAMETERS": f"'core.attributesFile={tmp_path / 'attributes'}'"}
        case _:
            save(repo, "more", **{".gitattributes": "b merge=union\n"})
            repo.git("config", "attr.tree", "change")
    top = str(repo.root)
    here = reading(environ, Layout(top, f"{top}/.git", f"{top}/.git"))
    assert "GIT_ATTR_SOURCE" not in here.environ
    with pytest.raises(MvcError, match="conflict in"), merged(repo, here):
        pass


DRIVERS = {
    "b merge=union": "4\n5\n", "*\tmerge=union": "4\n5\n", '"b" merge=union': "4\n5\n",
    "[attr]log merge=union\nb log": "4\n5\n", "b merge=union\nb !merge": "", "b -merge": "", "b binary": "",
    "b merge": "", "b merge=text": "", "b merge=ours": "", "b merge=binary": "", "a merge=union": "",
}
"""What merges make of a file that both branches changed, by the attributes of base; empty: a conflict."""


@pytest.mark.parametrize("attributes", DRIVERS)
def test_the_merge_drivers_of_git_that_base_chooses_are_used(repo: Repo, attributes: str) -> None:
    repo.git("config", "merge.ours.driver", "touch ran")
    repo.git("config", "merge.union.driver", "touch ran")
    conflicting(repo, f"{attributes}\n")
    if DRIVERS[attributes]:
        with merged(repo) as merge:
            assert merge.git.run("cat-file", "blob", f"{merge.tree}:b").decode() == DRIVERS[attributes]
    else:
        with pytest.raises(MvcError, match="conflict in b"), merged(repo):
            pass
    assert not list(repo.root.rglob("ran"))


def test_a_repository_with_sha_256_is_merged(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = Repo(tmp_path / "repo", environ)
    repo.root.mkdir()
    repo.git("init", "-q", "--object-format=sha256")
    save(repo, "base", a="1")
    repo.git("switch", "-qc", "change")
    save(repo, "ours", b="2")
    repo.git("switch", "-q", "main")
    save(repo, "theirs", c="3")
    with merged(repo) as merge:
        assert sorted(list_tree(merge.git, merge.tree)) == ["a", "b", "c"]


def test_renames(repo: Repo) -> None:
    text = "".join(f"line {number}\n" for number in range(20))
    save(repo, "one", **{"x.mvc": text})
    repo.git("mv", "x.mvc", "y.mvc")
    commit = save(repo, "two", **{"y.mvc": f"{text}more\n", "z.mvc": "other"})
    here = git(repo)
    assert renames(here, tree_of(here, "main~1"), tree_of(here, "main"), "*.mvc") == [Rename("x.mvc", "y.mvc")]
    assert renames_in(here, [commit, repo.git("rev-parse", "main~1")], "*.mvc") == [Rename("x.mvc", "y.mvc", commit)]
    assert renames_in(here, [], "*.mvc") == []
    root = repo.git("rev-list", "--max-parents=0", "main")
    assert renames_in(here, [root], "*.mvc") == []


def test_version_tags(repo: Repo) -> None:
    main, change = (repo.git("rev-parse", name) for name in ("main", "change"))
    repo.git("tag", "-am", "x", "ranker@v1.0.0", "main")
    repo.git("tag", "team/ranker@v1.0.0", "main")
    repo.git("tag", "ranker@v2.0.0", "change")
    repo.git("tag", "ranker@v1.0.0!", "main")
    repo.git("tag", "ranker", "main")
    repo.git("tag", "ranker@tree", "main^{tree}")
    tags = version_tags(git(repo), "main")
    assert tags.keys() == {"ranker", "team/ranker"}
    found = {item.tag: (item.commit, item.merged) for item in tags["ranker"]}
    assert found == {"ranker@v1.0.0": (main, True), "ranker@v2.0.0": (change, False)}


def test_files_at_commits(repo: Repo) -> None:
    main, change = (repo.git("rev-parse", name) for name in ("main", "change"))
    asked = [(main, "a"), (main, "c"), (change, "c"), (change, "new\nline"), (main, "caf\udce9")]
    assert blobs_at(git(repo), (CommitPath(*item) for item in asked)) == {
        (main, "a"): repo.git("rev-parse", "main:a"), (change, "c"): repo.git("rev-parse", "change:c"),
    }


def test_a_missing_blob_is_an_error(repo: Repo) -> None:
    with pytest.raises(MvcError, match="not in this clone"):
        blob_sizes(git(repo), ["1" * 40])
