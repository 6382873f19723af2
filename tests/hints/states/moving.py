"""`mvc rm`, `mvc mv`, and paths that Git moved or removed."""

from __future__ import annotations

from hints.state import (
    CHANGED,
    MANY_NEW,
    MOVED_ON,
    NEW_COMMITTED,
    NOTHING_TRACKED,
    PART_CHANGED,
    empty_cache,
    lose,
    state,
)
from hints.states.content import UNNAMED

NOTES = "echo 'only here' > notes.txt"

STATES = [
    # rm.
    state("rm_of_a_change", CHANGED, "mvc rm m.bin"),
    state("rm_of_a_change_when_the_pointer_moved_on", MOVED_ON, PART_CHANGED, "mvc rm d"),
    state("rm_of_what_no_pointer_names", *UNNAMED, "mvc rm m.bin"),
    state("rm_of_a_changed_part", PART_CHANGED, "mvc rm d/1"),
    state("rm_of_a_changed_part_when_the_pointer_moved_on", MOVED_ON, PART_CHANGED, "mvc rm d/1"),
    state("rm_of_git_s_file", "mvc rm plain.txt"),
    state("rm_of_git_s_changed_file", "echo mine > plain.txt", "mvc rm plain.txt"),
    state("rm_of_an_untracked_file", NOTES, "mvc rm notes.txt"),
    state("rm_with_an_unsaved_report", "mvc eval record m.bin --bump patch --metric auc=0.95", "mvc rm m.bin"),
    state("rm_of_what_is_missing", empty_cache, "rm m.bin", "mvc rm m.bin"),
    state("rm_done", "mvc rm m.bin"),
    state("rm_of_many_done", MANY_NEW, "mvc add n*", "git commit -qm many", "mvc rm n*", PATH="n1"),
    # mv.
    state("mv_of_everything", "mvc mv $TOP elsewhere", SRC="m.bin", DST="n.bin"),
    state("mv_of_a_part", "echo mine > d/9", PART_CHANGED, "mvc mv d/1 d/9"),
    state("mv_into_a_directory", "mvc mv m.bin d/m.bin"),
    state("mv_of_git_s_file", "mvc mv plain.txt n.txt", DST="other.txt"),
    state("mv_of_what_never_was", "mvc mv nowhere.bin n.bin"),
    state("mv_of_an_untracked_file", NOTES, "mvc mv notes.txt n.txt"),
    state("mv_to_a_name_that_is_taken", "echo mine > n.bin", "mvc mv m.bin n.bin", SRC="m.bin", DST="free.bin"),
    state(
        "mv_to_a_name_in_the_index", "echo 'only in the index' > n.bin", "git add n.bin", "rm n.bin",
        "mvc mv m.bin n.bin", SRC="m.bin", DST="free.bin",
    ),
    state("mv_to_a_name_that_differs_by_case", "mvc mv d M.BIN", SRC="d", DST="free"),
    state("mv_to_a_hard_link_that_differs_by_case", "ln m.bin M.BIN", "mvc mv m.bin M.BIN", SRC="m.bin", DST="free"),
    state(
        "mv_to_where_a_file_is_in_the_way", "mkdir -p box/in other/box", "echo n > box/in/n", "mvc add box/in/n",
        "echo mine > other/box/in", "mvc mv box other", SRC="box", DST="free",
    ),
    state("mv_to_a_pointer", "mvc mv m.bin n.mvc", SRC="m.bin", DST="free.bin"),
    state("mv_to_itself", "mvc mv m.bin m.bin", SRC="m.bin", DST="free.bin"),
    state("mv_below_a_file", "mvc mv m.bin plain.txt/n.bin", SRC="m.bin", DST="free.bin"),
    state("mv_below_a_tracked_file", "mvc mv d m.bin/d", SRC="m.bin", DST="free.bin"),
    state("mv_through_a_symlink", "ln -s /tmp link", "mvc mv m.bin link/n.bin", SRC="m.bin", DST="free.bin"),
    state("mv_into_itself", "mvc mv d d/inner", SRC="d", DST="free"),
    state(
        "mv_into_a_repository", "git init -q inner", "cd inner && mvc init", "mvc mv m.bin inner/m.bin", PATH="m.bin",
    ),
    state(
        "mv_to_where_git_ignores", "echo '*.tmp.mvc' > $TOP/.git/info/exclude", "mvc mv m.bin n.tmp",
        ends=1, reason="the pattern is in no file of Git's: check-ignore ends with 1 when the exclude file is gone",
    ),
    state("mv_done", "mvc mv m.bin n.bin"),
    state("nothing_is_tracked", *NOTHING_TRACKED, "mvc mv m.bin other"),
    # After Git.
    state("removed_by_git_and_changed", "git rm -q m.bin.mvc", CHANGED, "mvc checkout m.bin"),
    state("removed_by_git_and_changed_in_a_directory", "git rm -q d.mvc", "echo 3 > d/3", "mvc checkout d"),
    state("merge_that_git_forgot", "rm -f $TOP/.git/ORIG_HEAD", "mvc hook run post-merge 0"),
    state(
        "switch_away_from_a_changed_path", *NEW_COMMITTED, "git tag before", "echo mine > n.bin",
        "git reset -q --hard HEAD~1", "mvc hook run post-checkout before HEAD 1",
    ),
    state(
        "switch_away_from_what_the_cache_lost", *NEW_COMMITTED, "git tag before", "git reset -q --hard HEAD~1",
        empty_cache, "mvc hook run post-checkout before HEAD 1",
    ),
    state(
        "switch_to_what_the_cache_lacks", "git reset -q --hard old", lose,
        "mvc hook run post-checkout new HEAD 1",
    ),
]
