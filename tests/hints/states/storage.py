"""The cache: links into it, `gc`, `verify` and `doctor`."""

from __future__ import annotations

from harness import MANY, Repo
from hints.state import ADDED, CHANGED, LINKED, damage, flip, lose, nas, state

GARBAGE = (*ADDED, "mvc push", "git reset -q --hard")
"""The remote has an object that no pointer names."""


CACHE_MOVED = ("cd $TOP && mkdir ../cache && mv .git/mvc/objects ../cache", "mvc config set cache.dir $TOP/../cache")


def damaged_list(repo: Repo) -> None:
    """Track a directory whose list of files is damaged in the cache."""
    repo.write_dir("big", MANY)
    repo.ok("add", "big")
    for pack in (repo.store / "packs").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes().replace(b"mvc-manifest 1\n", b"mvc-manifest 1\t"))


STATES = [
    # Links into the cache.
    state("unprotect_of_a_dangling_link", *LINKED, lose, "mvc unprotect m.bin"),
    state("add_of_a_dangling_link", *LINKED, lose, "mvc add m.bin"),
    state("add_of_a_link_into_a_moved_cache", *LINKED, *CACHE_MOVED, "mvc add m.bin"),
    state("add_of_a_dangling_link_as_a_new_path", *LINKED, lose, "cp -P m.bin n.bin", "mvc add n.bin"),
    state(
        "doctor_of_a_dangling_link", *LINKED, lose, "mvc doctor",
        ends=1, reason="doctor finds more than this: hooks are off in tests",
    ),
    state("report_of_a_dangling_link", *LINKED, lose, "mvc eval record m.bin --bump patch"),
    # gc and verify.
    state("gc_plan", *GARBAGE, "mvc gc --grace 0"),
    state(
        "gc_of_the_remote", *GARBAGE, "git remote add origin $TOP", "git fetch -q --all", "mvc gc -r nas --grace 0",
    ),
    state("gc_of_what_is_on_no_remote", CHANGED, "mvc checkout -f", "mvc gc --grace 0"),
    state("gc_with_a_bad_span", "mvc gc --grace soon"),
    state("gc_of_the_remote_with_an_option_of_the_cache", "mvc gc -r nas --unpushed"),
    state(
        "gc_when_a_worktree_was_moved", "git worktree add -q $TOP/../linked -b linked",
        "cd $TOP/../linked && echo n > n.bin && mvc add n.bin", "mv $TOP/../linked $TOP/../moved", "mvc gc",
        PATH="$TOP/../moved",
    ),
    state("gc_of_a_damaged_manifest", damaged_list, "mvc gc", ends=1, reason="verify says what is damaged"),
    state(
        "verify_of_damage", damage, "rm m.bin", "mvc verify",
        ends=1, reason="the content stays damaged until it is restored",
    ),
    state("verify_of_damage_on_the_remote", lambda repo: flip(repo, nas(repo)), "mvc verify -r nas"),
    state(
        "cache_of_another_format", "chmod u+w $TOP/.git/mvc/store.yaml", "echo 'a: [' > $TOP/.git/mvc/store.yaml",
        "mvc status",
    ),
    state(
        "doctor_of_a_lost_ignore_line", "git rm -q --cached .gitignore", "rm .gitignore", "mvc doctor",
        ends=1, reason="doctor finds more than this: hooks are off in tests",
    ),
]
