"""Pointers that cannot be used: invalid, in conflict, or not checked out."""

from __future__ import annotations

from harness import MANY, Repo
from hints.state import empty_cache, state, type_line

INVALID = "echo 'mvc: 1' > m.bin.mvc"
COMMITTED = (INVALID, "git commit -qam broken")
CONFLICT = (
    "git checkout -qb side old", "mvc checkout", "echo side > m.bin", "mvc add m.bin", "git commit -qm side",
    "! git merge -q new",
)
"""Both sides changed m.bin."""


def sides(ours: str, theirs: str, path: str = "d") -> tuple[str, ...]:
    """Change and add a directory on two branches, and merge them without mvc; Git conflicts."""
    return (
        "git config --remove-section merge.mvc",
        "git checkout -qb side", theirs, f"mvc add {path}", "git commit -qm theirs",
        "git checkout -q main", "mvc checkout", ours, f"mvc add {path}", "git commit -qm ours", "! git merge -q side",
    )


ONE_FILE = sides("echo ours > d/1", "echo theirs > d/1")
"""Both sides changed a file of d."""
DELETED = sides("rm d/1", "echo theirs > d/1")
"""We deleted a file of d, and they changed it."""
MARKS = "(echo '<<<<<<<'; cat d.mvc; echo '======='; echo '>>>>>>>') > $TOP/../d && cp $TOP/../d d.mvc"
WRONG_SIZE = "sed -i 's/size: 5/size: 9/' d.mvc"
LISTS = sides("echo ours > d/ours", "echo theirs > d/theirs")
"""Both sides added a file to d."""


def large_lists(repo: Repo) -> None:
    """Have a conflict of two long lists of files; all content is on the remote."""
    repo.write_dir("big", MANY)
    repo.added("big")
    repo.ok("push")
    repo.git("tag", "base")
    for step in sides("echo ours > big/z-ours", "echo theirs > big/z-theirs", "big"):
        type_line(repo, step)
    repo.ok("push", "--all-branches")
    empty_cache(repo)


STATES = [
    state("conflict", *CONFLICT, "mvc status m.bin"),
    state("conflict_to_move", *CONFLICT, "mvc mv m.bin n.bin"),
    state(
        "conflict_to_move_without_their_content", *CONFLICT, "rm -r $TOP/.git/mvc/objects", "mvc mv m.bin n.bin",
        ends=3, reason="one side's content is nowhere; the line says so",
    ),
    state("invalid_pointer_with_content", INVALID, "mvc status m.bin"),
    state("committed_invalid_pointer", *COMMITTED, "mvc checkout m.bin"),
    state("committed_invalid_pointer_without_content", *COMMITTED, "rm m.bin", "mvc status"),
    state("invalid_pointer_of_nothing", "echo 'no pointer' > stray.mvc", "mvc status stray"),
    state(
        "invalid_pointer_at_a_revision", *COMMITTED, "git tag broken", "mvc add m.bin",
        "mvc checkout --rev broken m.bin",
    ),
    state("invalid_pointer_to_remove", INVALID, "mvc rm m.bin"),
    state(
        "left_out_of_a_sparse_checkout", "mkdir deep", "echo x > deep/x.bin", "mvc add deep/x.bin", "git commit -qm x",
        "git sparse-checkout set nothing", "mvc rm deep/x.bin",
    ),
    # Conflicts of lists of files.
    state("lists_in_conflict", *LISTS, "mvc status d"),
    state("lists_in_conflict_to_check_out", *LISTS, "mvc checkout d"),
    state(
        "lists_in_conflict_without_their_content", *LISTS, "mvc push --all-branches", empty_cache, "mvc checkout d",
    ),
    state("lists_in_conflict_to_remove", *LISTS, "mvc rm d"),
    state("lists_merged", *LISTS, "mvc add d"),
    state("lists_merged_without_content", *LISTS, "mvc push --all-branches", empty_cache, "mvc add d"),
    state("lists_with_marks_of_nobody", MARKS, "mvc add d"),
    state("both_sides_changed_a_file", *ONE_FILE, "mvc add d"),
    state("both_sides_changed_a_file_that_is_missing", *ONE_FILE, "rm d/1", "mvc add d"),
    state("one_side_deleted_a_file", *DELETED, "mvc add d"),
    state("one_side_deleted_a_file_and_that_is_staged", *DELETED, "git add d.mvc", "mvc add d"),
    state("both_sides_added_names_that_differ_by_case", *sides("echo ours > d/A", "echo theirs > d/a"), "mvc add d"),
    state("both_sides_described", *sides("mvc add d -m ours", "mvc add d -m theirs"), "mvc add d"),
    state("lists_in_conflict_of_which_the_cache_lacks_all", large_lists, "mvc add big"),
    state(
        "lists_in_conflict_of_which_the_cache_lacks_theirs", large_lists, "mvc fetch --rev base big",
        "mvc fetch --rev HEAD big", "mvc add big",
    ),
    state(
        "lists_in_conflict_of_which_the_cache_lacks_ours", large_lists, "mvc fetch --rev base big",
        "mvc fetch --rev MERGE_HEAD big", "mvc add big",
    ),
    state("invalid_pointer_that_lists_more", "sed -i 's/mvc: 1/mvc: one/' d.mvc", "rm d/1", "mvc add d"),
    # Pointers that disagree with their content.
    state("pointer_with_a_wrong_size", "sed -i 's/^size: .*/size: 7/' m.bin.mvc", "mvc checkout m.bin"),
    state("pointer_with_a_wrong_size_to_add", "sed -i 's/^size: .*/size: 7/' m.bin.mvc", "mvc status m.bin"),
    state("pointer_with_a_wrong_size_of_a_file", WRONG_SIZE, "mvc checkout d"),
    state("pointer_with_a_wrong_size_of_a_missing_file", WRONG_SIZE, "rm -r d", "mvc checkout d"),
]
