"""The cache: links into it, `gc`, `verify` and `doctor`."""

from __future__ import annotations

from harness import MANY, Repo
from hints.state import ADDED, CHANGED, damage, flip, lose, state

GARBAGE = (*ADDED, "mvc push", "git reset -q --hard")
"""The remote has an object that no pointer names."""


def damaged_list(repo: Repo) -> None:
    """Track a directory whose list of files is damaged in the cache."""
    repo.write_dir("big", MANY)
    repo.ok("add", "big")
    for pack in (repo.store / "packs").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes().replace(b"mvc-manifest 1\n", b"mvc-manifest 1\t"))


STATES = [
    state(
        "unprotect_of_a_dangling_link", "mvc config set cache.link symlink", "mvc checkout --relink m.bin",
        lose("m.bin"), "mvc unprotect m.bin",
    ),
    state("gc_plan", *GARBAGE, "mvc gc --grace 0"),
    state(
        "gc_of_the_remote", *GARBAGE, 'git remote add origin "$PWD"', "git fetch -q --all", "mvc gc -r nas --grace 0",
    ),
    state("gc_of_what_is_on_no_remote", CHANGED, "mvc checkout -f", "mvc gc --grace 0"),
    state("gc_with_a_bad_span", "mvc gc --grace soon"),
    state("gc_of_the_remote_with_an_option_of_the_cache", "mvc gc -r nas --unpushed"),
    state(
        "gc_when_a_worktree_was_moved", "git worktree add -q ../linked -b linked",
        "cd ../linked && echo n > n.bin && mvc add n.bin", "mv ../linked ../moved", "mvc gc", PATH="../moved",
    ),
    state("gc_of_a_damaged_manifest", damaged_list, "mvc gc", ends=1, reason="verify says what is damaged"),
    state(
        "verify_of_damage", damage, "rm m.bin", "mvc verify",
        ends=1, reason="the content stays damaged until it is restored",
    ),
    state("verify_of_damage_on_the_remote", lambda repo: flip(repo, "../nas"), "mvc verify -r nas"),
    state(
        "cache_of_another_format", "chmod u+w .git/mvc/store.yaml", "echo 'a: [' > .git/mvc/store.yaml", "mvc status",
    ),
    state(
        "doctor_of_a_lost_ignore_line", "git rm -q --cached .gitignore", "rm .gitignore", "mvc doctor",
        ends=1, reason="doctor finds more than this: hooks are off in tests",
    ),
]
