"""Content of the workspace that differs from its pointer, or is missing: `status` and `checkout`."""

from __future__ import annotations

from hints.state import ADDED, CHANGED, MOVED_ON, NO_REMOTE, PART_CHANGED, damage, empty_cache, state

UNNAMED = (*ADDED, "git reset -q --hard")
"""The cache has the content of m.bin, and no pointer names it."""

STATES = [
    state("modified", CHANGED, "mvc status"),
    state("several_modified", CHANGED, PART_CHANGED, "mvc status m.bin"),
    state("modified_and_moved_on", MOVED_ON, PART_CHANGED, "mvc status d"),
    state("behind", MOVED_ON, "mvc status m.bin"),
    state(
        "behind_and_named_by_nothing", PART_CHANGED, "mvc add d", "git checkout -q HEAD -- d.mvc", "mvc status d",
    ),
    state("behind_without_content", MOVED_ON, empty_cache, "mvc status m.bin"),
    state("missing", "rm -r d", "mvc status d"),
    state("not_in_cache", empty_cache, "mvc status m.bin"),
    state("not_in_cache_nor_here", empty_cache, "rm m.bin", "mvc status m.bin"),
    state("checkout_of_a_change", CHANGED, "mvc checkout"),
    state("checkout_of_two_revisions", "mvc checkout old new -- m.bin", REV="HEAD", PATH="m.bin"),
    state("checkout_of_what_may_be_a_revision_and_a_path", "git branch d", "mvc checkout d m.bin"),
    state(
        "checkout_over_an_uncommitted_report", "mvc eval record m.bin --tag v1.2.0 --metric auc=0.95",
        "mvc checkout old m.bin",
    ),
    state("checkout_of_a_new_file", "echo mine > d/notes", "mvc checkout d"),
    state("checkout_of_a_part", PART_CHANGED, "mvc checkout d/1"),
    state("checkout_of_a_change_when_the_pointer_moved_on", MOVED_ON, CHANGED, "mvc checkout m.bin"),
    state("checkout_of_what_no_pointer_names", *UNNAMED, "mvc checkout m.bin"),
    state("checkout_of_a_change_without_content", MOVED_ON, empty_cache, CHANGED, "mvc checkout m.bin"),
    state("checkout_of_a_revision_over_a_change", CHANGED, "mvc checkout --rev old m.bin"),
    state("checkout_of_a_revision", *ADDED, "mvc checkout --rev old m.bin", OUT="back"),
    state("checkout_with_force", CHANGED, "mvc checkout -f", OUT="back"),
    state("checkout_without_content", empty_cache, "rm m.bin", "mvc checkout m.bin"),
    state(
        "checkout_without_content_or_remote", NO_REMOTE, empty_cache, "rm m.bin", "mvc checkout m.bin",
        NAME="nas", URL="$TOP/../nas",
    ),
    state("checkout_of_a_revision_without_content", empty_cache, "mvc checkout --rev old m.bin"),
    state(
        "checkout_of_damage", damage, "rm m.bin", "mvc checkout m.bin", ends=1, reason="verify says what is damaged",
    ),
    state("checkout_of_git_s_file", "mvc checkout plain.txt"),
    state(
        "checkout_of_what_was_not_there",
        "echo late > late.bin", "mvc add late.bin", "git commit -qm late", "mvc checkout --rev old late.bin",
    ),
    state("checkout_of_what_never_was", "mvc checkout nowhere.bin"),
    state("checkout_of_a_revision_that_is_none", "mvc checkout --rev nowhere"),
    state("symlink_in_place_of_a_file", "ln -sf plain.txt m.bin", "mvc checkout m.bin"),
    state("symlink_inside_a_directory", "ln -s ../plain.txt d/link", "mvc add d"),
    state("dangling_symlink_inside_a_directory", "ln -s /nowhere d/link", "mvc checkout d"),
    state("pipe_in_place_of_a_file", "rm m.bin", "mkfifo m.bin", "mvc rm m.bin"),
]
