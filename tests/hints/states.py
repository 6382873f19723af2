"""States in which mvc tells a user what to type: each makes one, and says which command gives the hint."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import NamedTuple

from harness import LARGE, MANY, Repo, noise

Build = Callable[[Repo], str]
"""Makes the state; returns the command line after `mvc`."""


class State(NamedTuple):
    """A state and a command; what a user types for placeholders; how the typed lines end."""

    name: str
    build: Build
    fill: Mapping[str, str]
    code: int
    """Not 0 only with a reason."""
    reason: str


STATES: dict[str, State] = {}


def state(code: int = 0, reason: str = "", **fill: str) -> Callable[[Build], Build]:
    """Add a state. `fill` has the placeholders; `NAME_NUMBER` stands for `NAME=NUMBER`."""

    def add(build: Build) -> Build:
        assert bool(code) == bool(reason)
        name = build.__name__
        placeholders = {key.replace("__", ".").replace("_", "="): text for key, text in fill.items()}
        STATES[name] = State(name, build, placeholders, code, reason)
        return build

    return add


POLICY = "mvc-policy: 1\ndefaults: {report: optional}\n"


def world(repo: Repo) -> None:
    """Two committed versions of `m.bin` and `d`, all on the remote `nas`, and a file of Git."""
    repo.write(".mvc/policy.yaml", POLICY)
    repo.write("plain.txt", "Git's own")
    repo.ok("remote", "add", "nas", "../nas")
    for tag in "old", "new":
        repo.write("m.bin", noise(tag, LARGE))
        repo.write("d/1", f"{tag} 1")
        repo.write("d/2", "2")
        repo.ok("add", "m.bin", "d")
        repo.ok("eval", "record", "m.bin", "--tag", "v1.0.0" if tag == "old" else "v1.1.0", "--metric", "auc=0.9")
        repo.git("add", "-A")
        repo.commit(tag)
        repo.git("tag", tag)
        repo.ok("push")


def empty_cache(repo: Repo) -> None:
    """Lose all content of the cache."""
    for folder in "objects", "packs":
        shutil.rmtree(repo.store / folder)


def no_remote(repo: Repo) -> None:
    """Forget the remote."""
    repo.ok("remote", "remove", "nas")


def moved_on(repo: Repo) -> None:
    """Have Git move the pointers of m.bin and d to their first version."""
    repo.git("checkout", "-q", "old", "--", "m.bin.mvc", "d.mvc")


def damage(repo: Repo, path: str) -> None:
    """Flip a byte of a large object."""
    loose = repo.loose(repo.digest(path))
    loose.chmod(0o644)
    loose.write_bytes(b"x" + loose.read_bytes()[1:])


# Content changed here.


@state()
def modified(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    return "status"


@state()
def several_modified(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    repo.write("d/1", "mine")
    return "status m.bin"


@state()
def modified_and_moved_on(repo: Repo) -> str:
    moved_on(repo)
    repo.write("d/1", "mine")
    return "status d"


@state()
def behind(repo: Repo) -> str:
    moved_on(repo)
    return "status m.bin"


@state()
def behind_and_named_by_nothing(repo: Repo) -> str:
    repo.write("d/1", "mine")
    repo.ok("add", "d")
    repo.git("checkout", "-q", "HEAD", "--", "d.mvc")
    return "status d"


@state()
def behind_without_content(repo: Repo) -> str:
    moved_on(repo)
    empty_cache(repo)
    return "status m.bin"


@state()
def missing(repo: Repo) -> str:
    repo.remove("d")
    return "status d"


@state()
def not_in_cache(repo: Repo) -> str:
    empty_cache(repo)
    return "status m.bin"


@state()
def not_in_cache_nor_here(repo: Repo) -> str:
    empty_cache(repo)
    repo.remove("m.bin")
    return "status m.bin"


@state()
def conflict(repo: Repo) -> str:
    repo.git("checkout", "-qb", "side", "old")
    repo.ok("checkout")
    repo.write("m.bin", "side")
    repo.ok("add", "m.bin")
    repo.commit("side")
    repo.git("merge", "-q", "new", code=1)
    return "status m.bin"


@state()
def checkout_of_a_change(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    return "checkout"


@state()
def checkout_of_a_new_file(repo: Repo) -> str:
    repo.write("d/notes", "mine")
    return "checkout d"


@state()
def checkout_of_a_part(repo: Repo) -> str:
    repo.write("d/1", "mine")
    return "checkout d/1"


@state()
def checkout_of_a_change_when_the_pointer_moved_on(repo: Repo) -> str:
    moved_on(repo)
    repo.write("m.bin", "mine")
    return "checkout m.bin"


@state()
def checkout_of_what_no_pointer_names(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    repo.ok("add", "m.bin")
    repo.git("reset", "-q", "--hard")
    return "checkout m.bin"


@state()
def checkout_of_a_change_without_content(repo: Repo) -> str:
    moved_on(repo)
    empty_cache(repo)
    repo.write("m.bin", "mine")
    return "checkout m.bin"


@state()
def checkout_of_a_revision_over_a_change(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    return "checkout --rev old m.bin"


@state(OUT="back")
def checkout_of_a_revision(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    repo.ok("add", "m.bin")
    return "checkout --rev old m.bin"


@state(OUT="back")
def checkout_with_force(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    return "checkout -f"


@state()
def checkout_without_content(repo: Repo) -> str:
    empty_cache(repo)
    repo.remove("m.bin")
    return "checkout m.bin"


@state(NAME="nas", URL="../nas")
def checkout_without_content_or_remote(repo: Repo) -> str:
    no_remote(repo)
    empty_cache(repo)
    repo.remove("m.bin")
    return "checkout m.bin"


@state()
def checkout_of_a_revision_without_content(repo: Repo) -> str:
    empty_cache(repo)
    return "checkout --rev old m.bin"


@state(code=1, reason="verify says what is damaged")
def checkout_of_damage(repo: Repo) -> str:
    damage(repo, "m.bin")
    repo.remove("m.bin")
    return "checkout m.bin"


@state()
def checkout_of_git_s_file(repo: Repo) -> str:
    return "checkout plain.txt"


@state()
def checkout_of_what_was_not_there(repo: Repo) -> str:
    repo.added("late.bin", "late")
    return "checkout --rev old late.bin"


@state()
def checkout_of_what_never_was(repo: Repo) -> str:
    return "checkout nowhere.bin"


@state()
def checkout_of_a_revision_that_is_none(repo: Repo) -> str:
    return "checkout --rev nowhere"


@state()
def symlink_in_place_of_a_file(repo: Repo) -> str:
    repo.remove("m.bin")
    repo.path("m.bin").symlink_to("plain.txt")
    return "checkout m.bin"


@state()
def symlink_inside_a_directory(repo: Repo) -> str:
    repo.path("d/link").symlink_to("../plain.txt")
    return "add d"


@state()
def dangling_symlink_inside_a_directory(repo: Repo) -> str:
    repo.path("d/link").symlink_to("/nowhere")
    return "checkout d"


@state()
def pipe_in_place_of_a_file(repo: Repo) -> str:
    repo.remove("m.bin")
    os.mkfifo(repo.path("m.bin"))
    return "rm m.bin"


# Pointers that cannot be used.


@state()
def invalid_pointer_with_content(repo: Repo) -> str:
    repo.write("m.bin.mvc", "mvc: 1\n")
    return "status m.bin"


@state()
def committed_invalid_pointer(repo: Repo) -> str:
    repo.write("m.bin.mvc", "mvc: 1\n")
    repo.git("commit", "-qam", "broken")
    return "checkout m.bin"


@state()
def committed_invalid_pointer_without_content(repo: Repo) -> str:
    committed_invalid_pointer(repo)
    repo.remove("m.bin")
    return "status"


@state()
def invalid_pointer_of_nothing(repo: Repo) -> str:
    repo.write("stray.mvc", "no pointer\n")
    return "status stray"


@state()
def invalid_pointer_at_a_revision(repo: Repo) -> str:
    committed_invalid_pointer(repo)
    repo.git("tag", "broken")
    repo.ok("add", "m.bin")
    return "checkout --rev broken m.bin"


@state()
def invalid_pointer_to_remove(repo: Repo) -> str:
    repo.write("m.bin.mvc", "mvc: 1\n")
    return "rm m.bin"


@state()
def conflict_to_move(repo: Repo) -> str:
    conflict(repo)
    return "mv m.bin n.bin"


@state()
def left_out_of_a_sparse_checkout(repo: Repo) -> str:
    repo.write("deep/x.bin", "x")
    repo.added("deep/x.bin")
    repo.git("sparse-checkout", "set", "nothing")
    return "rm deep/x.bin"


# add.


@state()
def add_of_nothing(repo: Repo) -> str:
    repo.remove("m.bin")
    return "add m.bin"


@state()
def add_of_nothing_without_content(repo: Repo) -> str:
    empty_cache(repo)
    repo.remove("m.bin")
    return "add m.bin"


@state()
def add_when_behind(repo: Repo) -> str:
    moved_on(repo)
    return "add m.bin"


@state()
def add_when_behind_without_content(repo: Repo) -> str:
    moved_on(repo)
    empty_cache(repo)
    return "add m.bin"


@state()
def add_when_changed_and_moved_on(repo: Repo) -> str:
    moved_on(repo)
    repo.write("d/1", "mine")
    return "add d"


@state()
def add_of_git_s_file(repo: Repo) -> str:
    return "add plain.txt"


@state()
def add_of_git_s_changed_file(repo: Repo) -> str:
    repo.write("plain.txt", "mine")
    return "add plain.txt"


@state()
def add_of_git_s_directory(repo: Repo) -> str:
    repo.write("docs/a", "a")
    repo.git("add", "docs")
    return "add docs"


@state(PATH="n.bin")
def add_of_what_never_was(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "add nowhere.bin"


@state(PATH="n.bin")
def add_of_everything(repo: Repo) -> str:
    repo.write("n.bin", "n")
    repo.git("rm", "-q", "--cached", "m.bin.mvc", "d.mvc")
    repo.shell("mv m.bin.mvc d.mvc ..")
    return "add ."


@state(PATH="d/1")
def add_of_a_part_that_never_was(repo: Repo) -> str:
    return "add d/nowhere"


@state()
def add_around_a_tracked_path(repo: Repo) -> str:
    repo.write("box/in.bin", "in")
    repo.ok("add", "box/in.bin")
    repo.shell("cp d.mvc box.mvc")
    return "add box"


@state(PATH="n.bin", NAME="ranker")
def add_of_two_with_a_name(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "add m.bin d --name ranker"


@state(PATH="n.bin")
def add_with_a_bad_name(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "add m.bin --name a.b"


@state()
def add_of_a_repository(repo: Repo) -> str:
    repo.git("init", "-q", "d/inner")
    repo.write("d/inner/x", "x")
    return "add d"


@state(DIR=".", COMMAND="status")
def add_outside_of_the_repository(repo: Repo) -> str:
    return "add /etc/hostname"


@state(DIR="elsewhere")
def add_of_mvc_s_own(repo: Repo) -> str:
    repo.path("elsewhere").mkdir()
    return "add .mvc/policy.yaml"


@state()
def add_of_a_change_done(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    return "add m.bin"


# rm.


@state()
def rm_of_a_change(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    return "rm m.bin"


@state()
def rm_of_a_change_when_the_pointer_moved_on(repo: Repo) -> str:
    moved_on(repo)
    repo.write("d/1", "mine")
    return "rm d"


@state()
def rm_of_what_no_pointer_names(repo: Repo) -> str:
    checkout_of_what_no_pointer_names(repo)
    return "rm m.bin"


@state()
def rm_of_a_changed_part(repo: Repo) -> str:
    repo.write("d/1", "mine")
    return "rm d/1"


@state()
def rm_of_a_changed_part_when_the_pointer_moved_on(repo: Repo) -> str:
    moved_on(repo)
    repo.write("d/1", "mine")
    return "rm d/1"


@state()
def rm_of_git_s_file(repo: Repo) -> str:
    return "rm plain.txt"


@state()
def rm_of_git_s_changed_file(repo: Repo) -> str:
    repo.write("plain.txt", "mine")
    return "rm plain.txt"


@state()
def rm_of_an_untracked_file(repo: Repo) -> str:
    repo.write("notes.txt", "only here")
    return "rm notes.txt"


@state()
def rm_with_an_unsaved_report(repo: Repo) -> str:
    repo.ok("eval", "record", "m.bin", "--bump", "patch", "--metric", "auc=0.95")
    return "rm m.bin"


@state()
def rm_done(repo: Repo) -> str:
    return "rm m.bin"


# mv.


@state(SRC="m.bin", DST="n.bin")
def mv_of_everything(repo: Repo) -> str:
    return "mv . elsewhere"


@state()
def mv_of_a_part(repo: Repo) -> str:
    repo.write("d/9", "mine")
    repo.write("d/1", "mine, too")
    return "mv d/1 d/9"


@state()
def mv_into_a_directory(repo: Repo) -> str:
    return "mv m.bin d/m.bin"


@state(DST="other.txt")
def mv_of_git_s_file(repo: Repo) -> str:
    return "mv plain.txt n.txt"


@state()
def mv_of_what_never_was(repo: Repo) -> str:
    return "mv nowhere.bin n.bin"


@state()
def mv_of_an_untracked_file(repo: Repo) -> str:
    repo.write("notes.txt", "only here")
    return "mv notes.txt n.txt"


@state(SRC="m.bin", DST="free.bin")
def mv_to_a_name_that_is_taken(repo: Repo) -> str:
    repo.write("n.bin", "mine")
    return "mv m.bin n.bin"


@state(SRC="m.bin", DST="free.bin")
def mv_to_a_name_in_the_index(repo: Repo) -> str:
    repo.write("n.bin", "only in the index")
    repo.git("add", "n.bin")
    repo.remove("n.bin")
    return "mv m.bin n.bin"


@state(SRC="m.bin", DST="free.bin")
def mv_to_a_pointer(repo: Repo) -> str:
    return "mv m.bin n.mvc"


@state(SRC="m.bin", DST="free.bin")
def mv_to_itself(repo: Repo) -> str:
    return "mv m.bin m.bin"


@state(SRC="m.bin", DST="free.bin")
def mv_below_a_file(repo: Repo) -> str:
    return "mv m.bin plain.txt/n.bin"


@state(SRC="m.bin", DST="free.bin")
def mv_through_a_symlink(repo: Repo) -> str:
    repo.path("link").symlink_to("/tmp")
    return "mv m.bin link/n.bin"


@state(SRC="d", DST="free")
def mv_into_itself(repo: Repo) -> str:
    return "mv d d/inner"


@state(code=1, reason="the pattern is in no file of Git's: check-ignore ends with 1 when the exclude file is gone")
def mv_to_where_git_ignores(repo: Repo) -> str:
    repo.write(".git/info/exclude", "*.tmp.mvc\n")
    return "mv m.bin n.tmp"


@state()
def mv_done(repo: Repo) -> str:
    return "mv m.bin n.bin"


# Reading.


@state()
def log_of_git_s_file(repo: Repo) -> str:
    return "log plain.txt"


@state()
def log_of_an_untracked_file(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "log n.bin"


@state()
def log_of_a_path_without_a_commit(repo: Repo) -> str:
    repo.write("n.bin", "n")
    repo.ok("add", "n.bin")
    return "log n.bin"


@state()
def log_of_a_part(repo: Repo) -> str:
    return "log d/1"


@state()
def log_of_what_never_was(repo: Repo) -> str:
    return "log nowhere"


@state(PATH="m.bin")
def log_of_nothing(repo: Repo) -> str:
    return "log"


@state(OUT="back")
def log_of_what_is_lost(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    repo.ok("checkout", "-f")
    return "log --lost"


@state()
def status_of_git_s_file(repo: Repo) -> str:
    return "status plain.txt"


@state()
def status_of_an_untracked_file(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "status n.bin"


@state()
def status_of_a_remote_alone(repo: Repo) -> str:
    return "status -r nas"


@state()
def status_of_what_was_not_pushed(repo: Repo) -> str:
    repo.write("m.bin", "more")
    repo.ok("add", "m.bin")
    return "status --pushed"


@state(NAME_NUMBER="auc=1")
def status_of_a_model_without_a_report(repo: Repo) -> str:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\n")
    return "status d"


@state(NAME_NUMBER="auc=1")
def status_of_a_stale_report(repo: Repo) -> str:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\n")
    repo.write("m.bin", "more")
    repo.ok("add", "m.bin")
    return "status m.bin"


@state()
def ls_of_git_s_file(repo: Repo) -> str:
    return "ls HEAD:plain.txt"


@state()
def diff_in_two_forms(repo: Repo) -> str:
    return "diff --json --md"


@state()
def help_on_a_misspelt_topic(repo: Repo) -> str:
    return "help polciy"


@state()
def explain_of_no_code(repo: Repo) -> str:
    return "explain MVC999"


@state(CODE="MVC101")
def explain_without_a_code(repo: Repo) -> str:
    return "explain"


# Links.


@state()
def unprotect_of_a_dangling_link(repo: Repo) -> str:
    repo.ok("config", "set", "cache.link", "symlink")
    repo.ok("checkout", "--relink", "m.bin")
    repo.loose(repo.digest("m.bin")).unlink()
    return "unprotect m.bin"


# Storage.


@state()
def gc_plan(repo: Repo) -> str:
    push_done(repo)
    repo.ok("push")
    repo.git("reset", "-q", "--hard")
    return "gc --grace 0"


@state()
def gc_of_what_is_on_no_remote(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    repo.ok("checkout", "-f")
    return "gc --grace 0"


@state()
def gc_with_a_bad_span(repo: Repo) -> str:
    return "gc --grace soon"


@state(PATH="../moved")
def gc_when_a_worktree_was_moved(repo: Repo) -> str:
    repo.git("worktree", "add", "-q", "../linked", "-b", "linked")
    repo.write("../linked/n.bin", "n")
    repo.ok("add", "n.bin", cwd="../linked")
    (repo.root / "../linked").rename(repo.root / "../moved")
    return "gc"


@state(code=1, reason="verify says what is damaged")
def gc_of_a_damaged_manifest(repo: Repo) -> str:
    repo.write_dir("big", MANY)
    repo.ok("add", "big")
    for pack in (repo.store / "packs").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes().replace(b"mvc-manifest 1\n", b"mvc-manifest 1\t"))
    return "gc"


@state(code=1, reason="the content stays damaged until it is restored" )
def verify_of_damage(repo: Repo) -> str:
    damage(repo, "m.bin")
    repo.remove("m.bin")
    return "verify"


@state()
def verify_of_damage_on_the_remote(repo: Repo) -> str:
    loose = repo.root.parent / "nas/objects" / repo.digest("m.bin")[:2] / repo.digest("m.bin")
    loose.chmod(0o644)
    loose.write_bytes(b"x" + loose.read_bytes()[1:])
    return "verify -r nas"


@state()
def cache_of_another_format(repo: Repo) -> str:
    repo.path(".git/mvc/store.yaml").chmod(0o644)
    repo.write(".git/mvc/store.yaml", "a: [")
    return "status"


# Remotes.


@state(NAME="nas", URL="../nas")
def no_remote_at_all(repo: Repo) -> str:
    no_remote(repo)
    return "push"


@state()
def no_such_remote(repo: Repo) -> str:
    return "push -r other"


@state(NAME="nas")
def remote_that_is_there(repo: Repo) -> str:
    return "remote add nas ../other"


@state(URL="../nas")
def remote_without_a_change(repo: Repo) -> str:
    return "remote set nas"


@state()
def remote_to_remove_that_is_none(repo: Repo) -> str:
    return "remote remove other"


@state()
def remote_option_without_a_value(repo: Repo) -> str:
    return "remote set nas -o region"


@state(URL="../other")
def remote_with_a_strange_scheme(repo: Repo) -> str:
    return "remote add other gopher://host/x"


@state()
def remote_inside_the_worktree(repo: Repo) -> str:
    return "remote add other ./inside"


@state()
def remote_added(repo: Repo) -> str:
    return "remote add other ../other --default"


@state()
def empty_remote(repo: Repo) -> str:
    repo.ok("remote", "add", "other", "../other", "--default")
    empty_cache(repo)
    return "fetch"


@state()
def remote_that_became_empty(repo: Repo) -> str:
    repo.ok("push")
    shutil.rmtree(repo.root.parent / "nas")
    (repo.root.parent / "nas").mkdir()
    return "push"


@state()
def fetch_done(repo: Repo) -> str:
    empty_cache(repo)
    repo.remove("m.bin")
    return "fetch m.bin"


@state(REV="old")
def fetch_of_a_revision_done(repo: Repo) -> str:
    repo.loose(repo.ok("ls", "old:m.bin", "--json").json["items"][0]["blake3"]).unlink()
    return "fetch --rev old m.bin"


@state(REV="old")
def push_of_what_is_at_no_revision(repo: Repo) -> str:
    return "push --rev old nowhere.bin"


@state(code=1, reason="verify says what is damaged, and repairs it")
def push_of_damage(repo: Repo) -> str:
    repo.write("m.bin", noise("more", LARGE))
    repo.ok("add", "m.bin")
    damage(repo, "m.bin")
    return "push m.bin"


@state()
def push_done(repo: Repo) -> str:
    repo.write("m.bin", "more")
    repo.ok("add", "m.bin")
    return "push"


@state()
def pull_over_a_change(repo: Repo) -> str:
    moved_on(repo)
    empty_cache(repo)
    repo.write("m.bin", "mine")
    return "pull m.bin"


@state(REPO=".", REF="m.bin", OUT="free")
def get_to_a_name_that_is_taken(repo: Repo) -> str:
    return "get . m.bin -o plain.txt"


@state()
def get_into_no_directory(repo: Repo) -> str:
    return "get . m.bin -o no/where/x"


@state()
def get_of_git_s_file(repo: Repo) -> str:
    return "get . plain.txt -o x"


@state(REPO=".")
def get_from_nowhere(repo: Repo) -> str:
    return "get ../nowhere m.bin -o x"


# Settings.


@state()
def unknown_setting(repo: Repo) -> str:
    return "config get nothing"


@state(VALUE="copy")
def bad_setting(repo: Repo) -> str:
    return "config set cache.link teleport"


@state()
def two_scopes(repo: Repo) -> str:
    return "config list --local --user"


@state()
def bad_setting_in_a_file(repo: Repo) -> str:
    repo.write(".git/mvc/config.yaml", 'mvc-config: 1\nhooks:\n  checkout: "maybe"\n')
    return "status"


@state()
def quiet_and_verbose(repo: Repo) -> str:
    return "-q -v status"


@state(DIR=".", COMMAND="status")
def nowhere(repo: Repo) -> str:
    return "-C /nowhere status"


@state(DIR="../cache")
def shared_with_all(repo: Repo) -> str:
    return "init --cache ../cache --shared all"


@state(DIR="../cache")
def shared_without_a_cache(repo: Repo) -> str:
    return "init --shared group"


@state(DIR="../cache")
def cache_inside_the_worktree(repo: Repo) -> str:
    return "init --cache inside"


@state(PATH="m.bin")
def init_again(repo: Repo) -> str:
    return "init"


# Hooks.


@state()
def hook_that_was_edited(repo: Repo) -> str:
    repo.ok("hook", "install")
    with repo.path(".git/hooks/pre-commit").open("a") as file:
        file.write("# mine\n")
    return "hook install"


@state()
def hook_that_was_edited_twice(repo: Repo) -> str:
    hook_that_was_edited(repo)
    repo.write(".git/hooks/pre-commit.edited", "# mine, too\n")
    return "hook install --force"


@state()
def hook_that_was_edited_to_uninstall(repo: Repo) -> str:
    hook_that_was_edited(repo)
    return "hook uninstall"


@state()
def two_hooks_of_others(repo: Repo) -> str:
    repo.write(".git/hooks/pre-commit", "#!/bin/sh\n# mine\n").chmod(0o755)
    repo.write(".git/hooks/pre-commit.pre-mvc", "#!/bin/sh\n# older\n").chmod(0o755)
    return "hook install"


@state()
def hook_of_others_to_restore(repo: Repo) -> str:
    repo.write(".git/hooks/pre-commit", "#!/bin/sh\n# mine\n").chmod(0o755)
    repo.write(".git/hooks/pre-commit.pre-mvc", "#!/bin/sh\n# older\n").chmod(0o755)
    return "hook uninstall"


@state()
def unknown_hook(repo: Repo) -> str:
    return "hook run nothing"


@state()
def hook_without_arguments(repo: Repo) -> str:
    return "hook run post-checkout"


@state()
def merge_that_git_forgot(repo: Repo) -> str:
    repo.shell("rm -f .git/ORIG_HEAD")
    return "hook run post-merge 0"


@state()
def switch_away_from_a_changed_path(repo: Repo) -> str:
    repo.added("n.bin", "n")
    before = repo.git("rev-parse", "HEAD")
    repo.write("n.bin", "mine")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    return f"hook run post-checkout {before} HEAD 1"


@state()
def switch_away_from_what_the_cache_lost(repo: Repo) -> str:
    repo.added("n.bin", "n")
    before = repo.git("rev-parse", "HEAD")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    empty_cache(repo)
    return f"hook run post-checkout {before} HEAD 1"


@state()
def switch_to_what_the_cache_lacks(repo: Repo) -> str:
    before = repo.git("rev-parse", "HEAD")
    repo.git("reset", "-q", "--hard", "old")
    repo.loose(repo.digest("m.bin")).unlink()
    return f"hook run post-checkout {before} HEAD 1"


# Reports.


@state(MODEL="m.bin")
def report_of_everything(repo: Repo) -> str:
    return "eval record . --tag v2.0.0"


@state()
def report_of_a_part(repo: Repo) -> str:
    return "eval record d/1 --tag v2.0.0"


@state()
def report_of_what_is_missing(repo: Repo) -> str:
    repo.remove("m.bin")
    return "eval record m.bin --bump patch"


@state()
def report_of_what_is_missing_without_content(repo: Repo) -> str:
    empty_cache(repo)
    repo.remove("m.bin")
    return "eval record m.bin --bump patch"


@state()
def report_of_what_never_was(repo: Repo) -> str:
    return "eval record nowhere --tag v1.0.0"


@state()
def report_that_is_a_directory(repo: Repo) -> str:
    repo.remove("m.bin.eval.yaml")
    repo.write("m.bin.eval.yaml/notes", "mine")
    return "eval record m.bin --tag v2.0.0"


@state()
def report_that_cannot_be_read(repo: Repo) -> str:
    repo.write("m.bin.eval.yaml", "mvc-eval: [mine\n")
    return "eval record m.bin --tag v2.0.0"


@state(NAME_NUMBER="auc=1")
def report_that_is_not_there(repo: Repo) -> str:
    return "eval show d"


@state()
def report_of_an_untracked_file(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "eval record n.bin --tag v1.0.0 --metric auc=1"


@state()
def report_of_a_change(repo: Repo) -> str:
    repo.write("m.bin", "more")
    return "eval record m.bin --bump patch --metric auc=1"


@state()
def report_of_other_content_shown(repo: Repo) -> str:
    repo.write("m.bin", "more")
    repo.ok("add", "m.bin")
    return "eval show m.bin"


@state(MODEL="m.bin")
def report_with_two_tags(repo: Repo) -> str:
    return "eval record m.bin --tag v2.0.0 --bump major"


@state(MODEL="m.bin")
def report_with_a_bad_bump(repo: Repo) -> str:
    return "eval record m.bin --bump tiny"


@state(NAME_NUMBER="auc=1")
def unsigned_report_that_is_not_there(repo: Repo) -> str:
    return "eval sign d"


@state()
def check_of_a_stale_report(repo: Repo) -> str:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\n")
    repo.write("m.bin", "more")
    repo.ok("add", "m.bin")
    return "eval check m.bin"


@state()
def check_of_a_missing_report(repo: Repo) -> str:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\n")
    return "eval check d"


@state(code=1, reason="the digest of the report stays wrong until the model is evaluated")
def check_of_missing_content(repo: Repo) -> str:
    empty_cache(repo)
    repo.remove("m.bin")
    return "eval check m.bin"


@state()
def check_of_a_report_that_is_a_symlink(repo: Repo) -> str:
    repo.path("m.bin.eval.yaml").rename(repo.path("mine.yaml"))
    repo.path("m.bin.eval.yaml").symlink_to("mine.yaml")
    return "eval check m.bin"


@state()
def check_of_a_report_that_cannot_be_read(repo: Repo) -> str:
    repo.write("m.bin.eval.yaml", "mvc-eval: [mine\n")
    return "eval check m.bin"


@state()
def check_of_a_pointer_that_cannot_be_read(repo: Repo) -> str:
    repo.write("m.bin.mvc", "mvc: 1\n")
    return "eval check m.bin"


@state()
def check_of_content_in_git(repo: Repo) -> str:
    repo.git("add", "-f", "m.bin")
    return "eval check m.bin"


@state(TAG="v2.0.0")
def check_of_a_tag_that_is_none(repo: Repo) -> str:
    repo.ok("eval", "record", "m.bin", "--tag", "release-7", "--metric", "auc=0.9")
    return "eval check m.bin"


@state()
def check_of_a_metric_that_is_missing(repo: Repo) -> str:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: m.bin, metrics: {f1: {min: 0.5}}}]\n")
    return "eval check m.bin"


@state(TAG="v2.0.0")
def bump_of_a_tag_that_is_none(repo: Repo) -> str:
    repo.ok("eval", "record", "m.bin", "--tag", "release-7", "--metric", "auc=0.9")
    return "eval record m.bin --bump patch --metric auc=1"


@state()
def report_unstaged(repo: Repo) -> str:
    return "eval record m.bin --bump patch --metric auc=1 --no-stage"


@state()
def report_recorded(repo: Repo) -> str:
    return "eval record m.bin --bump patch --metric auc=1"


@state()
def report_of_what_holds_models(repo: Repo) -> str:
    repo.added("box/in.bin", "in")
    return "eval record box --tag v1.0.0"


@state(MODEL="m.bin", TAG="v2.0.0", COMMAND="""sh -c 'echo "{\\"auc\\": 1}" > $MVC_METRICS'""")
def run_of_a_command_that_is_none(repo: Repo) -> str:
    return "eval run m.bin --bump patch -- ./nothing"


@state()
def sign_of_an_untracked_model(repo: Repo) -> str:
    repo.write("n.bin", "n")
    repo.ok("eval", "record", "n.bin", "--tag", "v1.0.0", "--metric", "auc=1", "--no-stage")
    return "eval sign n.bin"


@state(NAME_NUMBER="auc=1")
def sign_of_a_stale_report(repo: Repo) -> str:
    repo.write("m.bin", "more")
    repo.ok("add", "m.bin")
    return "eval sign m.bin"


@state(code=2, reason="no key is configured in tests: that is what it says", MODEL="m.bin")
def sign_with_a_base(repo: Repo) -> str:
    return "eval sign m.bin --base HEAD"


@state(REV="HEAD")
def gate_of_everything_with_a_base(repo: Repo) -> str:
    return "gate --all --base HEAD"


@state()
def gate_in_a_strange_form(repo: Repo) -> str:
    return "gate --format tea"


@state()
def push_of_a_revision_before_any(repo: Repo) -> str:
    repo.git("update-ref", "-d", "HEAD")
    for tag in "old", "new":
        repo.git("tag", "-d", tag)
    return "push --all-branches"


@state(DIR="../other")
def remote_inside_the_repository(repo: Repo) -> str:
    return f"remote add other {repo.root}/inside"


@state(BUCKET="models", PREFIX="x")
def remote_with_another_s_option(repo: Repo) -> str:
    return "remote add other ../other -o region=eu-central-1"


@state(URL="../other")
def remote_whose_url_is_an_option(repo: Repo) -> str:
    return "remote add other ../other -o url=x"


@state()
def remote_with_an_unknown_option(repo: Repo) -> str:
    return "remote set nas -o colour=red"


@state(NAME="other")
def remote_with_a_bad_name(repo: Repo) -> str:
    return "remote add a/b ../other"


@state(VALUE="secret")
def remote_with_a_secret(repo: Repo) -> str:
    return "remote add other s3://models/x -o secret_access_key=hush"


@state()
def remote_of_another_s_directory(repo: Repo) -> str:
    repo.write("../other/mine.txt", "mine")
    return "remote add other ../other"


@state()
def remote_that_is_only_local(repo: Repo) -> str:
    repo.ok("remote", "add", "other", "../other", "--local")
    return "remote default other"


@state()
def several_remotes_and_no_default(repo: Repo) -> str:
    repo.ok("remote", "add", "other", "../other")
    repo.ok("config", "unset", "--project", "remotes.default")
    return "push"


@state()
def gc_of_the_remote_with_an_option_of_the_cache(repo: Repo) -> str:
    return "gc -r nas --unpushed"


@state()
def gc_of_the_remote(repo: Repo) -> str:
    gc_plan(repo)
    repo.git("remote", "add", "origin", str(repo.root))
    repo.git("fetch", "-q", "--all")
    return "gc -r nas --grace 0"


@state(code=1, reason="doctor finds more than this: hooks are off in tests")
def doctor_of_a_lost_ignore_line(repo: Repo) -> str:
    repo.git("rm", "-q", "--cached", ".gitignore")
    repo.remove(".gitignore")
    return "doctor"


@state()
def nothing_is_tracked(repo: Repo) -> str:
    repo.git("rm", "-q", "--cached", "m.bin.mvc", "d.mvc")
    repo.shell("mv m.bin.mvc d.mvc ..")
    return "mv m.bin other"


@state()
def add_of_a_directory_as_a_part(repo: Repo) -> str:
    repo.remove("m.bin")
    repo.write("m.bin/in", "in")
    return "add m.bin/in"


@state()
def add_without_staging(repo: Repo) -> str:
    repo.write("m.bin", "more")
    return "add --no-stage m.bin"


@state()
def mvc_not_set_up(repo: Repo) -> str:
    repo.git("rm", "-rq", "--cached", ".mvc")
    repo.shell("mv .mvc ../before")
    return "status"


@state(PATH="m.bin")
def mv_into_a_repository(repo: Repo) -> str:
    repo.git("init", "-q", "inner")
    repo.ok("init", cwd="inner")
    return "mv m.bin inner/m.bin"


@state(code=2, reason="no key is configured in tests: that is what it says")
def signatures_that_are_a_symlink(repo: Repo) -> str:
    repo.write("mine.sig", "mine")
    repo.path("m.bin.eval.yaml.sig").symlink_to("mine.sig")
    return "eval sign m.bin"


@state(SRC="m.bin", DST="free.bin")
def mv_below_a_tracked_file(repo: Repo) -> str:
    return "mv d m.bin/d"


@state()
def committed_setting_that_is_a_secret(repo: Repo) -> str:
    return "config set --project cache.dir /tmp/cache"


@state(NAME="nas", URL="../nas")
def no_remote_to_list(repo: Repo) -> str:
    no_remote(repo)
    return "remote list"


@state(PATH="n.bin")
def nothing_tracked_yet(repo: Repo) -> str:
    repo.write("n.bin", "n")
    repo.git("rm", "-q", "--cached", "m.bin.mvc", "d.mvc")
    repo.shell("mv m.bin.mvc d.mvc ..")
    return "status"


@state(PATH="n.bin")
def add_without_paths(repo: Repo) -> str:
    repo.write("m.bin", "mine")
    repo.write("n.bin", "n")
    return "add"


@state(PATH="n.bin")
def add_above_new_files(repo: Repo) -> str:
    repo.write("n.bin", "n")
    return "add ."


@state(REV="HEAD", PATH="m.bin")
def checkout_of_two_revisions(repo: Repo) -> str:
    return "checkout old new -- m.bin"


@state()
def checkout_of_what_may_be_a_revision_and_a_path(repo: Repo) -> str:
    repo.git("branch", "d")
    return "checkout d m.bin"


@state()
def checkout_over_an_uncommitted_report(repo: Repo) -> str:
    repo.ok("eval", "record", "m.bin", "--tag", "v1.2.0", "--metric", "auc=0.95")
    return "checkout old m.bin"


@state()
def help_on_a_word(repo: Repo) -> str:
    return "help quarantine"


@state()
def report_without_the_data_set_of_the_one_before(repo: Repo) -> str:
    repo.ok("eval", "record", "m.bin", "--tag", "v1.2.0", "--dataset", "holdout=plain.txt", "--metric", "auc=0.9")
    return "eval record m.bin --tag v1.2.0 --metric auc=0.9"
