"""Versions: `register`, `promote`, `rollback`, `retire`, `deprecate`, `which`, `history`, `models`, and references."""

from __future__ import annotations

from hints.state import CHANGED, NEW, NO_REMOTE, REPORTS_DEMANDED, state

OLD, NEW_ONE = "mvc register m --rev old", "mvc register m"
BOTH = (OLD, NEW_ONE)
PROMOTED = (*BOTH, "mvc promote m@v1.0.0 prod", "mvc promote m@v1.1.0 prod")
HUB = (
    "git init -q --bare $TOP/../hub.git", "git remote add origin $TOP/../hub.git", "git push -q origin main",
    "git fetch -q",
)
"""A Git remote."""

STATES = [
    # register.
    state("register_done", *HUB, "mvc register m"),
    state("register_with_a_bad_part", "mvc register m --bump tiny", NAME="d"),
    state("register_without_a_version", "mvc register d", NAME="d"),
    state("register_of_no_model", NEW, "mvc register n", PATH="n.bin"),
    state(
        "register_of_two_models", "mkdir box", "cp m.bin box/m.bin", "mvc add box/m.bin",
        "mvc eval record box/m.bin --tag v3.0.0 --metric auc=1", "git commit -qm two", "mvc register m", PATH="m.bin",
    ),
    state("register_before_any_commit", "git checkout -q --orphan none", "mvc register m"),
    state("register_of_a_path", "mvc register m.bin"),
    state("register_with_a_bad_name", "mvc register r.2", PATH="m.bin", NAME="r"),
    state("register_of_a_change", CHANGED, "mvc register m"),
    state(
        "register_of_a_report_that_is_not_committed", "mvc eval record m.bin --bump patch --metric auc=1",
        "mvc register m",
    ),
    state("register_of_another_branch", "git switch -qc try", "git commit -q --allow-empty -m try", "mvc register m"),
    state("register_of_what_the_policy_refuses", REPORTS_DEMANDED, "git commit -qam strict", "mvc register d v1.0.0"),
    state("register_again", NEW_ONE, "mvc register m"),
    state("register_of_the_same_commit", NEW_ONE, "mvc register m v2.0.0"),
    state(
        "register_of_a_name_in_another_case", NEW_ONE, "mvc add m.bin --name M", "git commit -qam M",
        "mvc register M v3.0.0",
    ),
    state("register_and_push_without_a_git_remote", "mvc register m --push", URL="$TOP/../hub.git"),
    state(
        "register_with_two_git_remotes", "git remote add one $TOP/../one", "git remote add two $TOP/../two",
        "mvc register m", NAME="one",
    ),
    # drift.
    state(
        "drift_into_no_directory", "printf 'n\\n1\\n2\\n' > p.csv",
        "mvc drift --reference p.csv --current p.csv --prom no/such/x.prom",
    ),
    # package.
    state("package_into_a_folder_that_is_there", *HUB, "mvc package m.bin -o plain.txt", REF="m.bin", DIR="fresh"),
    state("package_into_no_directory", *HUB, "mvc package m.bin -o no/where"),
    state("package_of_what_is_not_committed", CHANGED, "mvc add m.bin", "mvc package m.bin -o fresh"),
    state(
        "package_for_an_image_with_a_login", "git remote add origin https://user:secret@example.com/x",
        "mvc package m.bin -o fresh", URL="https://example.com/x",
    ),
    # promote and the rest.
    state("promote_without_a_remote", NEW_ONE, NO_REMOTE, "mvc promote m@v1.1.0 prod", NAME="nas", URL="$TOP/../nas"),
    state("promote_of_what_is_retired", *BOTH, "mvc retire m@v1.0.0", "mvc promote m@v1.0.0 prod"),
    state("promote_of_no_version", *BOTH, "mvc promote m@v7.0.0 prod"),
    state("rollback_of_the_first", NEW_ONE, "mvc promote m@v1.1.0 prod", "mvc rollback m prod"),
    state("rollback_to_what_it_holds", *PROMOTED, "mvc rollback m prod --to v1.1.0"),
    state("rollback_to_what_it_never_held", *BOTH, "mvc promote m@v1.0.0 prod", "mvc rollback m prod --to v1.1.0"),
    state("retire_of_what_a_stage_holds", *PROMOTED, "mvc retire m@v1.1.0"),
    state(
        "retire_of_the_first_that_a_stage_holds", NEW_ONE, "mvc promote m@v1.1.0 prod", "mvc retire m@v1.1.0",
        REASON="bad",
    ),
    state("retire_of_the_latest_of_retired_versions", NEW_ONE, "mvc retire m@v1.1.0", "mvc retire m@latest"),
    state("retire_without_a_reason", *PROMOTED, "mvc retire m@v1.1.0 --force", REASON="bad"),
    state("retire_again", *BOTH, "mvc retire m@v1.0.0", "mvc retire m@v1.0.0"),
    state("deprecate_again", *BOTH, "mvc deprecate m", "mvc deprecate m"),
    # which, history, models.
    state("models_without_any", "mvc models", NAME="m"),
    state("which_of_nothing", *PROMOTED, "mvc which", NAME="m", STAGE="prod", PATH="m.bin"),
    state("which_of_an_empty_stage", NEW_ONE, "mvc which m prod"),
    state("which_before_all", NEW_ONE, "mvc which m prod --at 2000-01-01"),
    state("which_of_no_file", *BOTH, "mvc which --file nowhere", PATH="m.bin"),
    state("history_of_a_misspelt_model", NEW_ONE, "mvc history M"),
    # audit.
    state("audit_in_two_forms", "mvc audit --csv --json"),
    # References.
    state("reference_without_a_name", *BOTH, "mvc ls v1.0.0"),
    state("reference_to_what_nobody_registered", "mvc ls m@v1.1.0"),
    state("latest_of_retired_versions", NEW_ONE, "mvc retire m@v1.1.0", "mvc ls m@latest"),
    # Tags.
    state("verify_a_forged_tag", *BOTH, "git tag m@v9.0.0", "mvc verify --tags"),
]
