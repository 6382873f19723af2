"""Pull requests that use Git itself: files that come and go, merges that nobody made so, objects that are exchanged."""

from __future__ import annotations

import gzip
import subprocess

from gate.histories import (
    EXECUTABLE,
    ONNX,
    RANKER,
    SPAM,
    SUBMODULE,
    SYMLINK,
    History,
    attack,
    auc,
    honest,
    p95,
    ruled,
    unjudged,
)
from harness import Repo

from mvc.quality.files import POLICY, SUFFIX

PICKLE = b"cposix\nsystem\n(S'id'\ntR."

REPORT = RANKER + SUFFIX
POINTER = f"{RANKER}.mvc"
SCANNED = ruled("formats: {pickle: scan}")
EVIL = b"cposix\nsystem\n(S'true'\ntR."
"""A pickle that runs a command when it is loaded."""


# Raw files.


@attack("MVC302")
def raw_model(pr: History) -> None:
    """Commit a model itself."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"small")
    pr.commit()


@attack("MVC303")
def raw_model_under_a_harmless_name(pr: History) -> None:
    """Commit a model as a text file."""
    pr.start()
    pr.change()
    pr.put("docs/notes.txt", b"\x89HDF\r\n\x1a\n" + bytes(64))
    pr.commit()


@attack("MVC303")
def small_model_in_an_archive(pr: History) -> None:
    """Commit a model of a few bytes in a compressed file."""
    pr.start()
    pr.change()
    pr.put("models/prod.gz", gzip.compress(b"tree\nversion=v4\nnum_class=1\n", mtime=0))
    pr.commit()


@honest()
def arrays_for_a_test(pr: History) -> None:
    """Commit an array that a test reads."""
    pr.start()
    pr.change()
    header = b"\x93NUMPY\1\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
    pr.put("tests/expected.npy", header.ljust(152))
    pr.commit()


@attack("MVC301")
def large_file(pr: History) -> None:
    """Commit more than a megabyte of data."""
    pr.start()
    pr.change()
    pr.put("data/scores.csv", b"1,2,3\n" * 180_000, EXECUTABLE)
    pr.commit()


@attack("MVC302")
def raw_model_added_and_removed_again(pr: History) -> None:
    """Commit a model and remove it with the next commit: Git keeps it for ever."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"small")
    pr.commit()
    pr.remove("models/tiny.onnx")
    pr.commit()


@attack("MVC302")
def raw_model_on_a_merged_branch(pr: History) -> None:
    """Commit a model on a branch of the branch, remove it there, and merge that."""
    pr.start()
    pr.change()
    pr.put("notes/a.md", "a")
    pr.commit()
    pr.on("side")
    pr.put("models/tiny.onnx", b"small")
    pr.commit()
    pr.remove("models/tiny.onnx")
    pr.put("notes/b.md", "b")
    pr.commit()
    merged = dict(pr.files)
    pr.on("change")
    pr.files = merged
    pr.commit("side")


@attack("MVC302")
def raw_model_in_a_merge_commit(pr: History) -> None:
    """Slip a model into a merge commit, in neither of its parents, and remove it with the next."""
    pr.start()
    pr.on("side")
    pr.put("notes/b.md", "b")
    pr.commit()
    pr.on("main")
    pr.change()
    pr.put("notes/a.md", "a")
    pr.commit()
    pr.put("notes/b.md", "b")
    pr.put("models/tiny.onnx", b"small")
    pr.commit("side")
    pr.remove("models/tiny.onnx")
    pr.commit()


@attack("MVC302")
def raw_model_in_an_octopus_merge(pr: History) -> None:
    """Slip a model into a merge of three branches, and remove it with the next commit."""
    pr.start()
    for name in ("left", "right"):
        pr.on(name)
        pr.put(f"notes/{name}.md", name)
        pr.commit()
        pr.on("main")
    pr.change()
    pr.put("notes/left.md", "left")
    pr.put("notes/right.md", "right")
    pr.put("models/tiny.onnx", b"small")
    pr.commit("left", "right")
    pr.remove("models/tiny.onnx")
    pr.commit()


@attack("MVC302")
def raw_model_in_the_root_of_another_history(pr: History) -> None:
    """Merge a history of its own, whose first commit has a model."""
    pr.start()
    pr.change()
    kept = dict(pr.files)
    pr.branch = "orphan"
    pr.put("models/tiny.onnx", b"small")
    pr.commit()
    pr.on("change")
    pr.files = kept
    pr.commit("orphan")


@attack("MVC302")
def raw_model_that_is_renamed_to_hide_it(pr: History) -> None:
    """Commit a model, and rename it to something harmless."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"small")
    pr.commit()
    pr.move("models/tiny.onnx", "docs/tiny.txt")
    pr.commit()


@attack("MVC302")
def raw_model_in_a_path_that_is_no_text(pr: History) -> None:
    """Commit a model under a name that is not UTF-8, with a line break."""
    pr.start()
    pr.change()
    pr.put(b"docs/\xff\n.onnx", b"small")
    pr.commit()


@attack("MVC302")
def raw_model_that_passes_for_a_symlink(pr: History) -> None:
    """Commit a model with the mode of a symlink: no system could follow it."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"w" * 5_000, SYMLINK)
    pr.commit()


@attack("MVC302")
def raw_model_that_passes_for_a_symlink_for_a_while(pr: History) -> None:
    """Commit a model with the mode of a symlink, and have a real one there with the next commit."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", bytes(5_000), SYMLINK)
    pr.commit()
    pr.put("models/tiny.onnx", "ranker.onnx", SYMLINK)
    pr.commit()


@attack("MVC302", "MVC303")
def small_pickle_that_passes_for_a_symlink(pr: History) -> None:
    """Commit a pickle with the mode of a symlink, as short as one may be."""
    pr.start()
    pr.change()
    pr.put("models/tiny.pkl", PICKLE + bytes(2_000), SYMLINK)
    pr.commit()


@attack("MVC303")
def small_pickle_that_passes_for_a_symlink_for_a_while(pr: History) -> None:
    """Commit one without a NUL in it, and take it out again."""
    pr.start()
    pr.change()
    pr.put("models/tiny", PICKLE, SYMLINK)
    pr.commit()
    pr.remove("models/tiny")
    pr.commit()


@attack("MVC302")
def small_file_that_passes_for_a_symlink(pr: History) -> None:
    """Commit what is no file of a known kind, and leads nowhere: it has a NUL."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"weights\0", SYMLINK)
    pr.commit()


SAMPLES = ruled("report: required", defaults='{git: {allow: ["/tests/data/**"], forbid: ["*.onnx", "!/old/*.onnx"]}}')
LARGE = b"1,2,3\n" * 180_000


def _with_sample(pr: History, path: str = "tests/data/sample.onnx", raw: bytes = ONNX) -> None:
    pr.put(path, raw)
    pr.start(SAMPLES)
    pr.change()


@attack("MVC302")
def copy_of_a_sample_that_is_allowed(pr: History) -> None:
    """Copy a raw model that may be in Git to where none may be: Git has its content already."""
    _with_sample(pr)
    pr.put("models/prod.onnx", ONNX)
    pr.commit()


@attack("MVC302")
def sample_moved_to_where_none_may_be(pr: History) -> None:
    """Move a raw model that may be in Git to where none may be."""
    _with_sample(pr)
    pr.move("tests/data/sample.onnx", "models/prod.onnx")
    pr.commit()


@attack("MVC302")
def sample_that_only_its_name_allows_moved(pr: History) -> None:
    """Move a raw model from where its name is not forbidden."""
    _with_sample(pr, "old/sample.onnx")
    pr.move("old/sample.onnx", "models/prod.onnx")
    pr.commit()


@attack("MVC301")
def copy_of_a_large_sample_of_no_known_format(pr: History) -> None:
    """Copy a large file that may be in Git to where none may be."""
    _with_sample(pr, "tests/data/sample.bin", LARGE)
    pr.put("models/prod.bin", LARGE)
    pr.commit()


@attack("MVC302")
def old_raw_model_moved_under_a_rule(pr: History) -> None:
    """Move a raw model that Git has had since before the policy to where a rule demands a report."""
    pr.put("attic/old.onnx", ONNX)
    pr.start(SAMPLES)
    pr.change()
    pr.move("attic/old.onnx", "models/prod.onnx")
    pr.commit()


@attack("MVC302")
def link_that_becomes_a_model_of_the_same_content(pr: History) -> None:
    """Have a link whose target reads like a model become a file."""
    pr.put("models/tiny.onnx", b"tree version=v4", SYMLINK)
    pr.start(SAMPLES)
    pr.change()
    pr.put("models/tiny.onnx", b"tree version=v4")
    pr.commit()


@honest()
def files_of_git_moved_and_copied(pr: History) -> None:
    """Move what Git has had since before the policy, copy a note, and move a sample to another allowed place."""
    for path, raw in {"attic/old.onnx": ONNX, "attic/rows.csv": LARGE, "notes/a.md": b"a"}.items():
        pr.put(path, raw)
    _with_sample(pr)
    pr.move("attic/old.onnx", "attic/2020/old.onnx")
    pr.move("attic/rows.csv", "attic/2020/rows.csv")
    pr.move("tests/data/sample.onnx", "tests/data/deep/sample.onnx")
    pr.put("notes/b.md", b"a")
    pr.commit()


@honest()
def large_file_from_before_the_policy_comes_back(pr: History) -> None:
    """Revert the deletion of a large file: Git has it in its history anyway."""
    pr.put("attic/rows.csv", LARGE)
    pr.commit()
    pr.start(SAMPLES)
    pr.remove("attic/rows.csv")
    pr.commit()
    pr.change()
    pr.put("attic/rows.csv", LARGE)
    pr.commit()


@honest()
def large_file_that_comes_back_for_a_while(pr: History) -> None:
    """Revert the deletion of a large file, and delete it once more."""
    large_file_from_before_the_policy_comes_back(pr)
    pr.remove("attic/rows.csv")
    pr.commit()


@attack("MVC301")
def large_file_from_the_history_elsewhere(pr: History) -> None:
    """Bring a large file of the history back at another path, where a model is looked for."""
    pr.put("tests/data/rows.csv", LARGE)
    pr.commit()
    pr.start(SAMPLES)
    pr.remove("tests/data/rows.csv")
    pr.commit()
    pr.change()
    pr.put("models/prod.bin", LARGE)
    pr.commit()


@honest()
def symlinks_that_are_called_like_models(pr: History) -> None:
    """Commit a symlink to a model, and one as long as any can be, which goes again."""
    pr.start()
    pr.change()
    pr.put("models/best.onnx", "ranker.onnx", SYMLINK)
    pr.put("models/last.onnx", "a/" * 2048, SYMLINK)
    pr.commit()
    pr.remove("models/last.onnx")
    pr.commit()


@attack("MVC308")
def content_beside_its_pointer(pr: History) -> None:
    """Force the content into Git, beside its pointer."""
    pr.start(ruled("metrics: {auc: {min: 0.8}}", defaults="{git: {forbid: []}}"))
    pr.change()
    pr.put(RANKER, "weights")
    pr.commit()


@attack("MVC308")
def content_below_its_pointer(pr: History) -> None:
    """Force a file of a tracked directory into Git."""
    pr.start(ruled("report: optional"))
    pr.point_dir("models/bert", config=1)
    pr.commit()
    pr.change()
    pr.put("models/bert/config.bin", "weights")
    pr.commit()


@attack("MVC302", "MVC301")
def raw_model_that_mvcignore_excludes(pr: History) -> None:
    """Exclude files of a tracked directory, so that they are Git's: models and large files are refused as elsewhere."""
    pr.start(ruled("report: optional"))
    pr.point_dir("models/bert", config=1)
    pr.commit()
    pr.change()
    pr.put(".mvcignore", "*.onnx\n*.txt\n")
    pr.put("models/bert/raw.onnx", "weights")
    pr.put("models/bert/large.txt", "x" * 2_000_000)
    pr.commit()


@attack("MVC308")
def mvcignore_that_the_change_deletes(pr: History) -> None:
    """Leave a file in Git that `.mvcignore` no longer excludes."""
    pr.start(ruled("report: optional"))
    pr.point_dir("models/bert", weights=1)
    pr.put(".mvcignore", "*.json\n")
    pr.commit()
    pr.change()
    pr.remove(".mvcignore")
    pr.put("models/bert/config.json", "{}")
    pr.commit()


@attack("MVC308")
def submodule_where_the_content_belongs(pr: History) -> None:
    """Put a submodule at the model's own path."""
    pr.start()
    pr.change()
    pr.put(RANKER, "1" * 40, SUBMODULE)
    pr.commit()


@attack("MVC308")
def submodule_that_the_branch_itself_hides(pr: History) -> None:
    """Put a submodule at the model's own path, and have a `.gitmodules` ignore it; the branch is checked out."""
    pr.start()
    pr.change()
    pr.put(RANKER, "1" * 40, SUBMODULE)
    pr.put(".gitmodules", f'[submodule "m"]\n\tpath = {RANKER}\n\turl = ./m\n\tignore = all\n')
    pr.commit()
    pr.done().git("switch", "-q", "change")


@attack("MVC307", besides={"note MVC220"})
def format_denied(pr: History) -> None:
    """Track a model in a format that the policy denies."""
    pr.start(ruled("formats: {pickle: deny}"))
    pr.change()
    pr.train("new", "v1.0.0", path="models/new.pkl")
    pr.commit()


@attack("MVC307")
def format_denied_in_a_directory(pr: History) -> None:
    """Hide a file in such a format among others."""
    pr.start(ruled("report: optional", 'formats: {deny: ["*.bin"]}'))
    pr.change()
    pr.point_dir("models/bert", config=1)
    pr.commit()


@attack("MVC306")
def format_hidden_in_a_long_list(pr: History) -> None:
    """Track a directory whose pointer does not list its files, where formats are denied and nobody has the list."""
    pr.start(ruled("report: optional", "formats: {pickle: deny}"))
    pr.change()
    pr.point_large("models/bert")
    pr.commit()


@attack("MVC311", besides={"note MVC220"})
def pickle_that_nobody_can_scan(pr: History) -> None:
    """Track a pickle whose content the gate does not have, where the policy has pickles scanned."""
    pr.start(SCANNED)
    pr.change()
    pr.train(EVIL, "v1.0.0", path="models/new.pkl")
    pr.commit()


@attack("MVC310", besides={"note MVC220"})
def pickle_that_runs_a_command(pr: History) -> None:
    """Track a pickle that runs a command when it is loaded."""
    _pickled(pr, EVIL)


@attack("MVC310", "MVC411", besides={"note MVC220"})
def pickle_that_allows_its_own_names(pr: History) -> None:
    """Track a pickle that runs a command, and allow its names in the same change."""
    pr.start(SCANNED)
    pr.change()
    pr.put(POLICY, ruled("formats: {pickle: scan, pickle_allow: [posix.system]}"))
    _track(pr, EVIL)


@honest("note MVC220")
def pickle_with_names_that_the_policy_allows(pr: History) -> None:
    """Track a pickle of a class of the team's own, which the target branch allows."""
    pr.start(ruled("formats: {pickle: scan, pickle_allow: [shop.models.Ranker]}"))
    pr.change()
    _track(pr, b"\x80\x02cshop.models\nRanker\n)\x81}X\x01\0\0\0aNsb.")


@honest("note MVC220")
def pickle_that_is_harmless(pr: History) -> None:
    """Track a pickle that holds numbers."""
    _pickled(pr, b"\x80\x02]q\x00(K\x01K\x02e.")


def _pickled(pr: History, raw: bytes) -> None:
    pr.start(SCANNED)
    pr.change()
    _track(pr, raw)


def _track(pr: History, raw: bytes) -> None:
    pr.train(raw, "v1.0.0", path="models/new.pkl")
    pr.commit()
    repo = pr.done()
    repo.write("models/new.pkl", raw)
    repo.ok("add", "models/new.pkl", "--no-stage")
    repo.git("clean", "-qfd", "models")


# Merges.


@attack("MVC103")
def merge_of_one_sides_pointer_and_the_others_report(pr: History) -> None:
    """Merge main into the branch; take main's pointer and the branch's own report."""
    pr.start()
    pr.change()
    pr.train("mine", "v1.3.0", auc(0.94), p95(30))
    mine = pr.commit()
    pr.on("main")
    pr.train("theirs", "v1.3.1", auc(0.931), p95(30))
    pr.commit()
    theirs = dict(pr.files)
    pr.on("change")
    pr.files = theirs
    pr.take(mine, REPORT)
    pr.commit("main")


@attack("MVC103")
def merge_that_git_makes_of_two_halves(pr: History) -> None:
    """Change the pointer, after main has changed the report: Git merges both without a word."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.commit()
    pr.on("main")
    pr.report("base", "v1.2.0", auc(0.932), p95(29))
    pr.commit()


@attack("MVC221")
def merge_that_takes_back_what_main_has(pr: History) -> None:
    """Merge main, and keep the branch's own older model in the merge commit, retagged."""
    pr.start()
    pr.change()
    pr.train("mine", "v1.4.0", auc(0.93), p95(30))
    pr.commit()
    mine = dict(pr.files)
    pr.on("main")
    pr.train("theirs", "v1.3.0", auc(0.95), p95(30))
    pr.commit()
    pr.on("change")
    pr.files = mine
    pr.commit("main")


@attack("MVC221")
def octopus_merge_with_main_in_it(pr: History) -> None:
    """Merge main and another branch at once, and keep a worse model."""
    pr.start()
    pr.on("side")
    pr.put("notes/side.md", "side")
    pr.commit()
    pr.on("main")
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9), p95(30))
    pr.put("notes/side.md", "side")
    pr.put("notes/main.md", "main")
    files = dict(pr.files)
    pr.on("main")
    pr.put("notes/main.md", "main")
    pr.commit()
    pr.on("change")
    pr.files = files
    pr.commit("main", "side")


# Objects that are exchanged, and settings of the repository.


def _worse(pr: History) -> None:
    pr.start()
    pr.on("good")
    pr.train("good", "v1.3.0", auc(0.95), p95(30))
    pr.commit()
    pr.on("main")
    pr.change()
    pr.train("good", "v1.3.0", auc(0.5), p95(30))
    pr.commit()
    pr.done()


@attack("MVC202", "MVC221")
def replaced_report(pr: History) -> None:
    """Have `git replace` show a better report in the place of the one that lands."""
    _worse(pr)
    pr.repo.git("replace", f"change:{REPORT}", f"good:{REPORT}")


@attack("MVC202", "MVC221")
def replaced_commit(pr: History) -> None:
    """Have `git replace` show a better commit in the place of head."""
    _worse(pr)
    pr.repo.git("replace", "change", "good")


@attack("MVC302")
def grafted_history(pr: History) -> None:
    """Have `git replace --graft` hide the commit that brings a model."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"small")
    pr.commit()
    pr.remove("models/tiny.onnx")
    pr.commit()
    pr.done().git("replace", "--graft", "change", "main")


@attack("MVC302")
def graft_in_a_file(pr: History) -> None:
    """Have `.git/info/grafts` hide the commit that brings a model."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", b"small")
    pr.commit()
    pr.remove("models/tiny.onnx")
    pr.commit()
    repo = pr.done()
    repo.write(".git/info/grafts", f"{repo.git('rev-parse', 'change')} {repo.git('rev-parse', 'main')}\n")


@attack("MVC202", "MVC221")
def attributes_that_convert_the_report(pr: History) -> None:
    """Have a filter and an encoding of Git's show another report than the one that lands."""
    pr.start()
    pr.put(".gitattributes", "*.eval.yaml text eol=lf\n")
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.5), p95(30))
    pr.put(".gitattributes", "*.eval.yaml filter=good ident working-tree-encoding=UTF-16 -diff\n*.mvc -diff binary\n")
    pr.commit()
    pr.done().git("config", "filter.good.smudge", "sed s/0.5/0.99/")


@attack("MVC302")
def mailmap_and_external_diff_that_hide(pr: History) -> None:
    """Have the settings of the repository diff by a program that sees nothing."""
    pr.start()
    pr.change()
    pr.put("models/tiny.onnx", ONNX)
    pr.commit()
    repo = pr.done()
    repo.git("config", "diff.external", "true")
    repo.git("config", "diff.renames", "copies")
    repo.git("config", "diff.ignoreSubmodules", "all")
    repo.git("config", "core.quotePath", "false")


@attack("MVC221")
def settings_that_hide_what_merges_brought(pr: History) -> None:
    """Take a better version back in two merges, and have Git's settings hide what merges bring."""
    pr.start(ruled("metrics: {auc: {min: 0.8, max_regression: 0.005, against: best}}"), auc(0.9))
    older = dict(pr.files)
    for branch, auc_now in (("best", 0.95), ("rollback", 0.0)):
        pr.on(branch)
        if auc_now:
            pr.train(branch, "v1.3.0", auc(auc_now))
        else:
            pr.files = dict(older)
        pr.commit()
        files = dict(pr.files)
        pr.on("main")
        pr.files = files
        pr.commit(branch)
    pr.change()
    pr.train("new", "v1.4.0", auc(0.9))
    pr.commit()
    repo = pr.done()
    for name, value in (("log.diffMerges", "off"), ("log.follow", "true"), ("log.showRoot", "false")):
        repo.git("config", name, value)


@attack("MVC221")
def branch_with_the_name_of_a_file(pr: History) -> None:
    """Have a file in the worktree and a branch that bear the same name as the branch."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9), p95(30))
    pr.commit()
    repo = pr.done()
    repo.write("change", "a file")
    repo.write("main", "a file")


@attack("MVC221")
def commit_without_the_hook(pr: History) -> None:
    """Commit with `--no-verify`, in a clone whose hooks are installed."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9), p95(30))
    repo = pr.done().hooked()
    repo.git("switch", "-q", "change")
    for path in (POINTER, REPORT):
        repo.write(path, pr.read(path))
    repo.git("commit", "-qam", "worse", "--no-verify")
    repo.git("switch", "-q", "main")


@attack("MVC103")
def cherry_picked_pointer(pr: History) -> None:
    """Cherry-pick a commit that has just the pointer: cherry-pick runs no hook."""
    pr.start()
    pr.change()
    pr.on("side")
    pr.point("worse")
    pr.commit()
    pr.on("main")
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("cherry-pick", "side")
    repo.git("switch", "-q", "main")


@attack("MVC103")
def squashed_with_the_report_of_another_branch(pr: History) -> None:
    """Squash a branch; take the report from a better one."""
    pr.start()
    pr.change()
    pr.on("side")
    pr.train("worse", "v1.3.0", auc(0.8), p95(30))
    pr.commit()
    pr.on("main")
    pr.on("better")
    pr.train("better", "v1.3.0", auc(0.99), p95(30))
    pr.commit()
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "--squash", "side")
    repo.git("checkout", "better", "--", REPORT)
    repo.git("commit", "-qm", "squashed")
    repo.git("switch", "-q", "main")


@attack("MVC221")
def rebased_onto_a_better_main(pr: History) -> None:
    """Rebase onto a main that has become better, keeping one's own side in the conflict."""
    pr.start()
    pr.change()
    pr.train("mine", "v1.4.0", auc(0.931), p95(30))
    pr.commit()
    pr.on("main")
    pr.train("theirs", "v1.3.0", auc(0.95), p95(30))
    pr.commit()
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("config", "--remove-section", "merge.mvc")  # a merge driver is not told of -X
    repo.git("rebase", "-q", "-X", "theirs", "main")
    repo.git("switch", "-q", "main")


@attack("MVC101", args=("--all", "--head", "main"))
def audit_of_a_tree_that_has_gone_bad(pr: History) -> None:
    """Push a model without a report to main itself: `--all` finds it."""
    pr.start()
    pr.point("new", path=SPAM)
    pr.commit()


# What cannot be judged is not let through.


@unjudged()
def conflict_with_main(pr: History) -> None:
    """Train again on both sides: Git cannot merge it."""
    pr.start()
    pr.change()
    pr.train("mine", "v1.3.0")
    pr.commit()
    pr.on("main")
    pr.train("theirs", "v1.3.0")
    pr.commit()


@unjudged()
def conflict_that_only_the_branch_has_merged(pr: History) -> None:
    """Bring attributes that have Git keep both sides of a conflict, which the server will not."""
    pr.put("CHANGELOG.md", "# Log\n")
    pr.start()
    pr.change()
    pr.put(".gitattributes", "CHANGELOG.md merge=union\n")
    pr.put("CHANGELOG.md", "# Log\nours\n")
    pr.commit()
    pr.on("main")
    pr.put("CHANGELOG.md", "# Log\ntheirs\n")
    pr.commit()


@unjudged()
def unrelated_history(pr: History) -> None:
    """Offer a branch that shares no commit with main."""
    pr.start()
    pr.branch = "change"
    pr.commit()


@unjudged()
def shallow_clone(pr: History) -> None:
    """Judge in a clone that has only head's newest commit and main's, and no remote to deepen from."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()
    pr.put("notes/a.md", "a")
    pr.commit()
    repo = pr.done()
    repo.write(".git/shallow", repo.git("rev-parse", "change") + "\n")


@unjudged()
def blob_that_is_not_there(pr: History) -> None:
    """Judge where Git has lost the new report."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()
    repo = pr.done()
    lost = repo.git("rev-parse", f"change:{REPORT}")
    repo.path(f".git/objects/{lost[:2]}/{lost[2:]}").unlink()


@honest()
def branch_from_before_a_tree_was_mended(pr: History) -> None:
    """Offer a branch with a tree in a wrong order, which it has from the target branch, and which that has mended."""
    repo, _ = _behind_a_mended_tree(pr)
    repo.git("update-ref", "refs/heads/change", "odd")


@unjudged()
def mended_tree_that_comes_back_elsewhere(pr: History) -> None:
    """Put the tree that the target branch has mended at another path."""
    repo, odd = _behind_a_mended_tree(pr)
    vendor = _entry(b"40000 vendor", odd)
    tree = _forged(repo, "odd^{tree}", vendor, vendor + _entry(b"40000 vendor2", odd))
    repo.git("update-ref", "refs/heads/change", repo.git("commit-tree", tree, "-p", "odd", "-m", "again"))


def _behind_a_mended_tree(pr: History) -> tuple[Repo, str]:
    """Return a repository whose `main` had an odd tree, and that tree; `odd` goes on from there, with a note."""
    pr.put("vendor/a", "1")
    pr.put("vendor/b", "2")
    pr.start()
    pr.change()
    pr.put("note.md", "note")
    pr.commit()
    repo = pr.done()
    first, second = (_entry(f"100644 {name}".encode(), repo.git("rev-parse", f"main:vendor/{name}")) for name in "ab")
    odd = _forged(repo, "main:vendor", first + second, second + first)
    vendor = _entry(b"40000 vendor", repo.git("rev-parse", "main:vendor"))
    trees = ("main^{tree}", "change^{tree}")
    before, after = (_forged(repo, tree, vendor, _entry(b"40000 vendor", odd)) for tree in trees)
    base = repo.git("commit-tree", before, "-p", "main", "-m", "odd")
    repo.git("update-ref", "refs/tags/odd", repo.git("commit-tree", after, "-p", base, "-m", "note"))
    repo.git("update-ref", "refs/heads/main", repo.git("commit-tree", "main^{tree}", "-p", base, "-m", "mended"))
    return repo, odd


@unjudged()
def report_twice_in_one_tree(pr: History) -> None:
    """Forge a tree that has the report twice: which of the two lands, nobody can say."""
    repo = _worse_in_the_end(pr)
    old = _entry(b"100644 ranker.onnx.eval.yaml", repo.git("rev-parse", f"main:{REPORT}"))
    new = _entry(b"100644 ranker.onnx.eval.yaml", repo.git("rev-parse", f"change:{REPORT}"))
    _land(repo, models=_forged(repo, "change:models", new, old + new))


@unjudged()
def directory_twice_that_hides_a_model(pr: History) -> None:
    """Forge a tree that has the directory twice, once empty: a comparison says that the models go, and come."""
    repo = _worse_in_the_end(pr)
    models = _entry(b"40000 models", repo.git("rev-parse", "change:models"))
    _land(repo, _forged(repo, "change^{tree}", models, _entry(b"40000 models", _empty(repo)) + models))


@unjudged()
def directory_twice_that_hides_the_policy(pr: History) -> None:
    """Do that with `.mvc`: as if the target branch had no policy, so that the change's own would judge."""
    pr.start()
    pr.change()
    pr.put(POLICY, "mvc-policy: 1\ndefaults: {report: optional}\n")
    pr.commit()
    repo = pr.done()
    ours = _entry(b"40000 .mvc", repo.git("rev-parse", "change:.mvc"))
    _land(repo, _forged(repo, "change^{tree}", ours, _entry(b"40000 .mvc", _empty(repo)) + ours))


@unjudged()
def files_in_a_wrong_order(pr: History) -> None:
    """Forge a tree whose names are in no order, where main moved on: a merge loses what it does not find."""
    repo = _worse_in_the_end(pr, "notes/a.md")
    first = _entry(b"100644 ranker.onnx.eval.yaml", repo.git("rev-parse", f"change:{REPORT}"))
    other = _entry(b"100644 zz", repo.git("rev-parse", "main:notes/a.md"))
    _land(repo, models=_forged(repo, "change:models", first, other + first))


@unjudged()
def files_with_a_slash_in_their_names(pr: History) -> None:
    """Forge a tree with the models in it, by names that look like paths, and without their directory."""
    repo = _worse_in_the_end(pr)
    names = ("models/ranker.onnx.eval.yaml", "models/ranker.onnx.mvc")
    files = [_entry(b"100644 " + name.encode(), repo.git("rev-parse", f"change:{name}")) for name in names]
    models = _entry(b"40000 models", repo.git("rev-parse", "change:models"))
    _land(repo, _forged(repo, "change^{tree}", models, b"".join(files)))


def _worse_in_the_end(pr: History, moved_on: str = "") -> Repo:
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.5), p95(30))
    pr.commit()
    if moved_on:
        pr.on("main")
        pr.put(moved_on, "a")
        pr.commit()
    return pr.done()


def _entry(said: bytes, oid: str) -> bytes:
    """Return an entry of a tree; `said` are mode and name."""
    return said + b"\0" + bytes.fromhex(oid)


def _empty(repo: Repo) -> str:
    return _git(repo, "hash-object", "-w", "-t", "tree", "--stdin").decode().strip()


def _forged(repo: Repo, tree: str, old: bytes, new: bytes) -> str:
    """Return a tree with other bytes, whatever Git thinks of them."""
    raw = _git(repo, "cat-file", "tree", tree)
    assert old in raw
    options = ("-w", "-t", "tree", "--literally", "--stdin")
    return _git(repo, "hash-object", *options, stdin=raw.replace(old, new)).decode().strip()


def _land(repo: Repo, tree: str = "", models: str = "") -> None:
    """Have the branch end with a commit of a tree, or of the one that it has, with other models."""
    if models:
        old, new = (_entry(b"40000 models", oid) for oid in (repo.git("rev-parse", "change:models"), models))
        tree = _forged(repo, "change^{tree}", old, new)
    repo.git("update-ref", "refs/heads/change", repo.git("commit-tree", tree, "-p", "change", "-m", "forged"))


def _git(repo: Repo, *args: str, stdin: bytes = b"") -> bytes:
    where = {"cwd": repo.root, "env": repo.environ}
    return subprocess.run(("git", *args), **where, input=stdin, capture_output=True, check=True).stdout
