"""Reports and the gate: `eval record`, `run`, `show`, `check`, `sign`, and `gate`."""

from __future__ import annotations

from hints.state import ADDED, CHANGED, NEW, REPORTS_DEMANDED, empty_cache, state
from hints.states.pointers import INVALID

UNREADABLE = "echo 'mvc-eval: [mine' > m.bin.eval.yaml"
TAG_OF_ANOTHER_KIND = "mvc eval record m.bin --tag release-7 --metric auc=0.9"
NO_KEY = "no key is configured in tests: that is what it says"
PREDICTIONS = "printf 'truth,predicted\\n0,0\\n1,1\\n0,1\\n1,1\\n' > p.csv"
SCORED = "mvc eval score m.bin --task classification --predictions p.csv --tag v2.0.0"
ROWS = "printf 'a,truth\\n1,0\\n2,1\\n' > rows.csv"
OWN_LOADER = """printf 'class M:\\n def predict(self, rows):\\n  return rows[:, 0]
def load(path):\\n return M()\\n' > mine.py"""
WAIVED = "mvc waive MVC202 m.bin --reason known --expires 2999-01-01"

STATES = [
    # record and run.
    state("report_recorded", "mvc eval record m.bin --bump patch --metric auc=1"),
    state("report_unstaged", "mvc eval record m.bin --bump patch --metric auc=1 --no-stage"),
    state("report_of_a_change", CHANGED, "mvc eval record m.bin --bump patch --metric auc=1"),
    state(
        "report_without_the_data_set_of_the_one_before",
        "mvc eval record m.bin --tag v1.2.0 --dataset holdout=plain.txt --metric auc=0.9",
        "mvc eval record m.bin --tag v1.2.0 --metric auc=0.9",
    ),
    state("report_of_everything", "mvc eval record $TOP --tag v2.0.0", MODEL="m.bin"),
    state("report_of_a_part", "mvc eval record d/1 --tag v2.0.0"),
    state(
        "report_of_what_holds_models", "mkdir box", "echo in > box/in.bin", "mvc add box/in.bin", "git commit -qm in",
        "mvc eval record box --tag v1.0.0",
    ),
    state("report_of_what_is_missing", "rm m.bin", "mvc eval record m.bin --bump patch"),
    state("report_of_what_is_missing_without_content", empty_cache, "rm m.bin", "mvc eval record m.bin --bump patch"),
    state("report_of_what_never_was", "mvc eval record nowhere --tag v1.0.0"),
    state("report_of_an_untracked_file", NEW, "mvc eval record n.bin --tag v1.0.0 --metric auc=1"),
    state(
        "report_that_is_a_directory", "rm m.bin.eval.yaml", "mkdir m.bin.eval.yaml",
        "echo mine > m.bin.eval.yaml/notes", "mvc eval record m.bin --tag v2.0.0",
    ),
    state("report_that_cannot_be_read", UNREADABLE, "mvc eval record m.bin --tag v2.0.0"),
    state(
        "bump_of_a_tag_that_is_none", TAG_OF_ANOTHER_KIND, "mvc eval record m.bin --bump patch --metric auc=1",
        TAG="v2.0.0",
    ),
    state(
        "run_of_a_command_that_is_none", "mvc eval run m.bin --bump patch -- ./nothing",
        MODEL="m.bin", TAG="v2.0.0", COMMAND="""sh -c 'echo "{\\"auc\\": 1}" > $MVC_METRICS'""",
    ),
    state("report_derived_from_what_is_not_tracked_there", "mvc eval record m.bin --tag v2.0.0 --from HEAD:plain.txt"),
    state(
        "check_of_what_it_was_evaluated_with", NEW, "mvc add n.bin",
        "mvc eval record m.bin --tag v2.0.0 --metric auc=1 --with n.bin", "echo another > n.bin", "mvc add n.bin",
        "mvc eval check m.bin",
    ),
    state(
        "check_without_the_tokenizer_that_a_rule_demands",
        """echo 'mvc-policy: 1
rules: [{match: "**/m.bin", with: {required: [plain.txt]}}]' > $TOP/.mvc/policy.yaml""",
        "mvc eval check m.bin",
    ),
    state(
        "check_of_what_is_derived_from_no_report",
        """echo 'mvc-policy: 1
rules: [{match: "**/m.bin", from: {report: required}}]' > $TOP/.mvc/policy.yaml""",
        "mvc eval record m.bin --tag v2.0.0 --metric auc=1 --from d", "mvc eval check m.bin",
    ),
    # score and recompute.
    state("score_without_its_column", PREDICTIONS, f"{SCORED} --score p7"),
    state(
        "score_without_predictions", PREDICTIONS, "mvc eval score m.bin --tag v2.0.0",
        MODEL="m.bin", FILE="p.csv --task classification",
    ),
    state(
        "recompute_of_an_edited_number", PREDICTIONS, SCORED,
        "sed -i 's/value: 0.75/value: 0.99/' m.bin.eval.yaml", "git add m.bin.eval.yaml", "mvc eval recompute m.bin",
    ),
    state("compare_of_one_by_a_test", PREDICTIONS, SCORED, "mvc compare m.bin --paired", REF="m.bin"),
    # predict.
    state(
        "predict_without_a_file", ROWS, OWN_LOADER, "mvc eval predict m.bin rows.csv",
        MODEL="m.bin", DATA="rows.csv", FILE="q.csv", ends=2, reason="m.bin needs a loader: it says so",
    ),
    state(
        "predict_with_a_model_of_another_format", ROWS, OWN_LOADER, "mvc eval predict m.bin rows.csv -o q.csv",
        MODULE="mine", FUNCTION="load",
    ),
    state("predict_with_a_changed_model", ROWS, CHANGED, "mvc eval predict m.bin rows.csv -o q.csv"),
    state(
        "predict_with_a_pickle_that_runs_code", ROWS, "printf 'cos\\ngetcwd\\n(tR.' > c.pkl", "mvc add c.pkl",
        "mvc eval predict c.pkl rows.csv -o q.csv", ends=2, reason="what it unpickles has no method predict",
        MODULE="mine", FUNCTION="load",
    ),
    # show and check.
    state("report_that_is_not_there", "mvc eval show d"),
    state("report_of_other_content_shown", *ADDED, "mvc eval show m.bin"),
    state("check_of_a_stale_report", REPORTS_DEMANDED, *ADDED, "mvc eval check m.bin"),
    state("check_of_a_missing_report", REPORTS_DEMANDED, "mvc eval check d"),
    state(
        "check_of_missing_content", empty_cache, "rm m.bin", "mvc eval check m.bin",
        ends=1, reason="the digest of the report stays wrong until the model is evaluated",
    ),
    state(
        "check_of_a_report_that_is_a_symlink", "mv m.bin.eval.yaml mine.yaml", "ln -s mine.yaml m.bin.eval.yaml",
        "mvc eval check m.bin",
    ),
    state("check_of_a_report_that_cannot_be_read", UNREADABLE, "mvc eval check m.bin"),
    state("check_of_a_pointer_that_cannot_be_read", INVALID, "mvc eval check m.bin"),
    state("check_of_content_in_git", "git add -f m.bin", "mvc eval check m.bin"),
    state("check_of_a_tag_that_is_none", TAG_OF_ANOTHER_KIND, "mvc eval check m.bin", TAG="v2.0.0"),
    state(
        "check_of_a_metric_that_is_missing",
        "echo 'rules: [{match: m.bin, metrics: {f1: {min: 0.5}}}]' >> $TOP/.mvc/policy.yaml", "mvc eval check m.bin",
    ),
    # sign.
    state("unsigned_report_that_is_not_there", "mvc eval sign d"),
    state(
        "sign_of_an_untracked_model", NEW, "mvc eval record n.bin --tag v1.0.0 --metric auc=1 --no-stage",
        "mvc eval sign n.bin",
    ),
    state("sign_of_a_stale_report", *ADDED, "mvc eval sign m.bin"),
    state("sign_with_a_base", "mvc eval sign m.bin --base HEAD", MODEL="m.bin", ends=2, reason=NO_KEY),
    state(
        "signatures_that_are_a_symlink", "echo mine > mine.sig", "ln -s mine.sig m.bin.eval.yaml.sig",
        "mvc eval sign m.bin", ends=2, reason=NO_KEY,
    ),
    # gate.
    state("gate_of_everything_with_a_base", "mvc gate --all --base HEAD", REV="HEAD"),
    state(
        "gate_with_an_empty_base", "git remote add origin $TOP", "git fetch -q --all", "mvc gate --base '' --head HEAD",
    ),
    state("gate_in_a_strange_form", "mvc gate --format tea"),
    # waive.
    state("waiver_written", WAIVED),
    state(
        "waiver_of_nothing", "mvc waive", CODE="MVC202", PATH="m.bin", TEXT="known", DATE="2999-01-01",
    ),
    state("waivers_listed_and_written", "mvc waive --list MVC202"),
    state("waiver_of_a_directory_of_models", "mkdir box", "echo in > box/in.bin", "mvc add box/in.bin",
          "mvc waive MVC202 box --reason known --expires 2999-01-01"),
    state("waiver_of_an_unreadable_model", INVALID, WAIVED, ends=1, reason="it says what is wrong with the pointer"),
    state("waivers_that_are_a_symlink", "echo mine > mine", "ln -s ../mine $TOP/.mvc/waivers.yaml", WAIVED),
    state("waivers_in_a_layout_of_one_line", "echo '{mvc-waivers: 1, waivers: []}' > $TOP/.mvc/waivers.yaml", WAIVED),
    # compare.
    state("compare_with_an_untracked_path", "mvc compare HEAD:plain.txt"),
    state("compare_by_no_metric", "mvc compare m.bin d --by f1"),
    state("compare_by_a_metric_without_reports", "mvc compare d --by f1"),
    state(
        "compare_without_a_direction", "mvc eval record m.bin --tag v2.0.0 --metric score=1",
        "mvc compare m.bin --by score",
    ),
]
