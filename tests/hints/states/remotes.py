"""Remotes: their settings, `push`, `fetch`, `pull` and `get`."""

from __future__ import annotations

from harness import LARGE, Repo, noise
from hints.state import ADDED, CHANGED, MOVED_ON, NEW, NO_REMOTE, NOTHING_TRACKED, damage, empty_cache, lose, state


def large_change(repo: Repo) -> None:
    """Add a change of m.bin that becomes an object of its own."""
    repo.write("m.bin", noise("more", LARGE))
    repo.ok("add", "m.bin")


STATES = [
    # Settings.
    state("no_remote_at_all", NO_REMOTE, "mvc push", NAME="nas", URL="$TOP/../nas"),
    state("no_remote_to_list", NO_REMOTE, "mvc remote list", NAME="nas", URL="$TOP/../nas"),
    state("no_such_remote", "mvc push -r other"),
    state(
        "several_remotes_and_no_default", "mvc remote add other $TOP/../other",
        "mvc config unset --project remotes.default", "mvc push",
    ),
    state("remote_added", "mvc remote add other $TOP/../other --default"),
    state("remote_that_is_there", "mvc remote add nas $TOP/../other", NAME="nas"),
    state("remote_without_a_change", "mvc remote set nas", URL="$TOP/../nas"),
    state("remote_to_remove_that_is_none", "mvc remote remove other"),
    state("remote_that_is_only_local", "mvc remote add other $TOP/../other --local", "mvc remote default other"),
    state("remote_with_a_bad_name", "mvc remote add a/b $TOP/../other", NAME="other"),
    state("remote_with_a_strange_scheme", "mvc remote add other gopher://host/x", URL="$TOP/../other"),
    state("remote_inside_the_worktree", "mvc remote add other ./inside"),
    state("remote_inside_the_repository", "mvc remote add other $TOP/inside", DIR="$TOP/../other"),
    state(
        "remote_of_another_s_directory", "mkdir $TOP/../other", "echo mine > $TOP/../other/mine.txt",
        "mvc remote add other $TOP/../other",
    ),
    state("remote_option_without_a_value", "mvc remote set nas -o region"),
    state("remote_with_an_unknown_option", "mvc remote set nas -o colour=red"),
    state(
        "remote_with_another_s_option", "mvc remote add other $TOP/../other -o region=eu-central-1",
        BUCKET="models", PREFIX="x",
    ),
    state("remote_whose_url_is_an_option", "mvc remote add other $TOP/../other -o url=x", URL="$TOP/../other"),
    state("remote_with_a_secret", "mvc remote add other s3://models/x -o secret_access_key=hush", VALUE="secret"),
    # Transfers.
    state("empty_remote", "mvc remote add other $TOP/../other --default", empty_cache, "mvc fetch"),
    state("remote_that_became_empty", "mvc push", "rm -r $TOP/../nas", "mkdir $TOP/../nas", "mvc push"),
    state("fetch_done", empty_cache, "rm m.bin", "mvc fetch m.bin"),
    state(
        "fetch_of_a_revision_done", "git reset -q --hard old", lose, "git reset -q --hard new",
        "mvc fetch --rev old m.bin", REV="old",
    ),
    state("push_of_nothing", NEW, *NOTHING_TRACKED, "git commit -qam none", "mvc push", PATH="n.bin"),
    state("push_done", *ADDED, "mvc push"),
    state("push_of_what_is_at_no_revision", "mvc push --rev old nowhere.bin", REV="old"),
    state("push_of_a_revision_before_any", "git update-ref -d HEAD", "git tag -d old new", "mvc push --all-branches"),
    state(
        "push_of_damage", large_change, damage, "mvc push m.bin",
        ends=1, reason="verify says what is damaged, and repairs it",
    ),
    state("pull_over_a_change", MOVED_ON, empty_cache, CHANGED, "mvc pull m.bin"),
    state("get_to_a_name_that_is_taken", "mvc get . $HERE/m.bin -o plain.txt", REPO=".", REF="$HERE/m.bin", OUT="free"),
    state("get_into_no_directory", "mvc get . $HERE/m.bin -o no/where/x"),
    state("get_of_git_s_file", "mvc get . $HERE/plain.txt -o x"),
    state("get_from_nowhere", "mvc get $TOP/../nowhere m.bin -o x", REPO="."),
]
