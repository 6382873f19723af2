"""Commands that only look: `log`, `status`, `ls`, `diff`, help."""

from __future__ import annotations

from hints.state import ADDED, CHANGED, NEW, NOTHING_TRACKED, REPORTS_DEMANDED, state
from hints.states.pointers import CONFLICT

STATES = [
    state("log_of_git_s_file", "mvc log plain.txt"),
    state("log_of_an_untracked_file", NEW, "mvc log n.bin"),
    state("log_of_a_path_without_a_commit", NEW, "mvc add n.bin", "mvc log n.bin"),
    state("log_of_an_untracked_file_during_a_conflict", *CONFLICT, NEW, "mvc log n.bin"),
    state("log_of_a_part", "mvc log d/1"),
    state("log_of_what_never_was", "mvc log nowhere"),
    state("log_of_nothing", "mvc log", PATH="m.bin"),
    state("log_of_what_is_lost", CHANGED, "mvc checkout -f", "mvc log --lost", OUT="back"),
    state("status_of_git_s_file", "mvc status plain.txt"),
    state("status_of_an_untracked_file", NEW, "mvc status n.bin"),
    state("status_of_a_remote_alone", "mvc status -r nas"),
    state("status_of_what_was_not_pushed", *ADDED, "mvc status --pushed"),
    state("status_of_a_model_without_a_report", REPORTS_DEMANDED, "mvc status d"),
    state("status_of_a_stale_report", REPORTS_DEMANDED, *ADDED, "mvc status m.bin"),
    state("nothing_tracked_yet", NEW, *NOTHING_TRACKED, "mvc status", PATH="n.bin"),
    state("ls_of_an_ambiguous_revision", "git branch old", "mvc ls old"),
    state("checkout_of_an_ambiguous_revision", "git branch old", "mvc checkout --rev old"),
    state("ls_of_git_s_file", "mvc ls HEAD:plain.txt"),
    state("diff_in_two_forms", "mvc diff --json --md"),
    state("help_on_a_misspelt_topic", "mvc help polciy"),
    state("help_on_a_word", "mvc help quarantine"),
    state("explain_of_no_code", "mvc explain MVC999"),
    state("explain_without_a_code", "mvc explain", CODE="MVC101"),
    state("quiet_and_verbose", "mvc -q -v status"),
    state("nowhere", "mvc -C /nowhere status", DIR=".", COMMAND="status"),
]
