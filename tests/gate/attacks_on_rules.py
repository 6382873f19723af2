"""Pull requests that look for the weaker of two rules: each thing that a rule can demand, lost by a move or an edit."""

from __future__ import annotations

from gate.histories import RANKER, SYMLINK, History, attack, auc, data, holdout, honest, p95, ruled, waiver

from mvc.quality.files import POLICY, REVOKED, SIGNERS, SUFFIX, WAIVERS
from mvc.quality.reports.signers import KRL

NEW = "drafts/ranker.onnx"
PINNED = f'datasets: [{{id: holdout, blake3: "{data()}"}}]'
ANY_CONTENT = "datasets: [{id: holdout}]"
TWO = "datasets: [{id: holdout}, {id: test}]"
FLOOR = "metrics: {auc: {min: 0.8}}"


def _moved(pr: History, old: str, new: str, defaults: str = "") -> None:
    """Move a model that is good in every way from below a rule with the line `old` to below one with `new`."""
    pr.trust("ada")
    pr.put(POLICY, ruled(old, defaults=defaults, more=f'  - match: "drafts/**"\n    {new}\n'))
    both = [holdout(), holdout(2, "test")]
    metrics = [
        metric
        for place in ("holdout", "test")
        for metric in (
            auc(0.9, dataset=place), p95(30, dataset=place), auc(0.9, dataset=place, country="DE"),
            auc(0.9, dataset=place, country="FR"), auc(0.9, dataset=place, age="young"),
        )
    ]
    pr.train("base", "v1.2.0", *metrics, datasets=both, created_at="2020-01-01T00:00:00Z")
    pr.sign("ada")
    pr.commit()
    pr.change()
    pr.rename(RANKER, NEW)
    pr.commit()


def _edited(pr: History, old: str, new: str, before: str = "{}", after: str = "{}") -> None:
    """Edit a line of the rule for models, and the defaults."""
    pr.put(POLICY, ruled(old, defaults=before))
    pr.commit()
    pr.change()
    pr.put(POLICY, ruled(new, defaults=after))
    pr.commit()


# Moves that lose something, and those that do not.


@attack("MVC325")
def move_that_loses_the_tokenizer(pr: History) -> None:
    """Move to where the report need not say with which tokenizer the model was evaluated."""
    _moved(pr, "with: {required: [data/vocabulary]}", "report: required")


@attack("MVC325")
def move_that_loses_the_reports_of_sources(pr: History) -> None:
    """Move to where what the model was derived from needs no report."""
    _moved(pr, "from: {report: required}", "report: required")


@attack("MVC411")
def edit_that_takes_a_part_of_the_data_for_all(pr: History) -> None:
    """No longer demand that all examples are used."""
    _edited(pr, "datasets: [{id: holdout, full: true}]", "datasets: [{id: holdout}]")


@attack("MVC325")
def move_that_loses_the_report(pr: History) -> None:
    """Move to where a report is optional, with the report."""
    _moved(pr, "report: required", "report: optional")


@honest()
def move_that_gains_the_report(pr: History) -> None:
    """Move to where a report is required."""
    _moved(pr, "report: optional", "report: required")


@attack("MVC325")
def move_that_loses_a_signature(pr: History) -> None:
    """Move to where no signature is asked for."""
    _moved(pr, "signatures: {min: 1}", "signatures: {min: 0}")


@honest()
def move_that_gains_a_signature(pr: History) -> None:
    """Move to where a signature is asked for, which is there."""
    _moved(pr, "signatures: {min: 0}", "signatures: {min: 1}")


@attack("MVC325")
def move_that_loses_the_age(pr: History) -> None:
    """Move to where reports may be of any age."""
    _moved(pr, "max_age: 5200w", "report: required")


@attack("MVC325")
def move_that_makes_reports_last_longer(pr: History) -> None:
    """Move to where reports may be older."""
    _moved(pr, "max_age: 5200w", "max_age: 9999w")


@honest()
def move_to_where_reports_last_as_long(pr: History) -> None:
    """Move to where reports may be as old."""
    _moved(pr, "max_age: 5200w", "max_age: 36400d")


@attack("MVC325")
def move_that_loses_the_assurance(pr: History) -> None:
    """Move to where nobody has to vouch."""
    _moved(pr, "evaluator: {assurance: ci}", "report: required")


@attack("MVC325")
def move_that_loses_the_content_of_a_data_set(pr: History) -> None:
    """Move to where a data set may have any content."""
    _moved(pr, PINNED, ANY_CONTENT)


@attack("MVC325")
def move_that_loses_one_of_two_data_sets(pr: History) -> None:
    """Move to where one data set will do."""
    _moved(pr, TWO, ANY_CONTENT)


@honest()
def move_that_gains_a_data_set(pr: History) -> None:
    """Move to where two data sets are asked for, and both are there."""
    _moved(pr, ANY_CONTENT, TWO)


@attack("MVC325")
def move_that_loses_a_metric_on_one_of_two_data_sets(pr: History) -> None:
    """Move to where the metric is judged on one of two data sets."""
    _moved(pr, f"{TWO}\n    {FLOOR}", f"{TWO}\n    report: required")


@honest()
def move_with_metrics_on_the_same_data_sets(pr: History) -> None:
    """Move to where the same is asked for on the same data sets."""
    _moved(pr, f"{ANY_CONTENT}\n    {FLOOR}", f"{ANY_CONTENT}\n    {FLOOR}")


@attack("MVC325")
def move_to_where_a_metric_is_judged_on_one_data_set(pr: History) -> None:
    """Move from where the metric is judged on all data sets to where it is on one."""
    _moved(pr, FLOOR, f"{ANY_CONTENT}\n    {FLOOR}")


@attack("MVC325")
def move_that_loses_slices(pr: History) -> None:
    """Move to where slices by another key are demanded."""
    _moved(pr, "slices: {required: [country]}", "slices: {required: [age]}")


@attack("MVC325")
def move_that_loses_slices_of_a_metric(pr: History) -> None:
    """Move to where any metric by that key will do."""
    demanded = 'metrics: {"auc[country=*]": {}}\n    slices: {required: [country]}'
    _moved(pr, demanded, 'metrics: {"auc[country=*]": {}}')


@honest()
def move_that_keeps_slices(pr: History) -> None:
    """Move to where the same slices are demanded, and more."""
    _moved(pr, "slices: {required: [country]}", "slices: {required: [country, age]}")


@attack("MVC325")
def move_that_widens_a_gap(pr: History) -> None:
    """Move to where slices may lie further apart."""
    _moved(pr, "slices: {max_gap: {auc: 0.05}}", "slices: {max_gap: {auc: 0.06}}")


@attack("MVC325")
def move_to_the_gap_of_another_metric(pr: History) -> None:
    """Move to where the gap of another metric is judged."""
    _moved(pr, "slices: {max_gap: {auc: 0.05}}", "slices: {max_gap: {p95_ms: 0.05}}")


@honest()
def move_that_keeps_a_gap(pr: History) -> None:
    """Move to where slices may lie as far apart."""
    _moved(pr, "slices: {max_gap: {auc: 0.05}}", "slices: {max_gap: {auc: 0.05}}")


@attack("MVC325")
def move_from_a_slice_to_the_whole(pr: History) -> None:
    """Move to where the metric is judged on the whole, and not in a slice."""
    _moved(pr, 'metrics: {"auc[country=DE]": {min: 0.8}}', FLOOR)


@attack("MVC325")
def move_to_another_metric(pr: History) -> None:
    """Move to where another metric is judged."""
    _moved(pr, FLOOR, "metrics: {p95_ms: {min: 0.8}}")


@attack("MVC325")
def move_to_a_warning(pr: History) -> None:
    """Move to where the policy only warns."""
    _moved(pr, FLOOR, "metrics: {auc: {min: 0.8, severity: warn}}")


@honest()
def move_from_a_warning(pr: History) -> None:
    """Move to where the policy does not only warn."""
    _moved(pr, "metrics: {auc: {min: 0.8, severity: warn}}", FLOOR)


@attack("MVC325")
def move_that_loses_the_minimum(pr: History) -> None:
    """Move to where the metric has another limit."""
    _moved(pr, FLOOR, "metrics: {auc: {max: 1}}")


@attack("MVC325")
def move_that_loses_the_maximum(pr: History) -> None:
    """Move to where the metric has another limit, again."""
    _moved(pr, "metrics: {auc: {max: 1}}", FLOOR)


@attack("MVC325")
def move_that_turns_the_direction(pr: History) -> None:
    """Move to where lower is better."""
    _moved(pr, _by("direction: higher"), _by("direction: lower"))


@attack("MVC325")
def move_that_compares_with_less(pr: History) -> None:
    """Move to where base counts, and not the best."""
    _moved(pr, _by("against: best"), _by("against: base"))


@attack("MVC325")
def move_to_where_data_may_change(pr: History) -> None:
    """Move to where other data is allowed."""
    _moved(pr, _by("direction: higher"), _by("direction: higher, allow_dataset_change: true"))


@honest()
def move_to_where_data_may_not_change(pr: History) -> None:
    """Move to where other data is not allowed any more."""
    _moved(pr, _by("direction: higher, allow_dataset_change: true"), _by("direction: higher"))


@attack("MVC325")
def move_to_a_tolerance_of_another_kind(pr: History) -> None:
    """Move to where the tolerance is a percentage: nobody can say which is wider."""
    _moved(pr, _by("direction: higher"), 'metrics: {auc: {max_regression: "0.001%", direction: higher}}')


@honest()
def move_to_no_tolerance_at_all(pr: History) -> None:
    """Move to where nothing is tolerated, which is less than anything, however it is said."""
    _moved(pr, _by("direction: higher"), 'metrics: {auc: {max_regression: "0%", direction: higher}}')


@attack("MVC325")
def move_to_no_standard_error_at_all(pr: History) -> None:
    """Move to where `0se` is tolerated: that needs a standard error, and is not the same."""
    _moved(pr, _by("direction: higher"), 'metrics: {auc: {max_regression: "0se", direction: higher}}')


def _by(more: str) -> str:
    return f"metrics: {{auc: {{max_regression: 0.005, {more}}}}}"


# Edits of a policy that lose something.


@attack("MVC411")
def policy_that_takes_a_forbidden_name_back(pr: History) -> None:
    """Forbid as many names as before, and take one back."""
    _edited(pr, FLOOR, FLOOR, '{git: {forbid: ["*.pt"]}}', '{git: {forbid: ["*.pt", "!small.pt"]}}')


@honest("note MVC412")
def policy_that_forbids_one_name_more(pr: History) -> None:
    """Forbid another name in Git."""
    _edited(pr, FLOOR, FLOOR, '{git: {forbid: ["*.pt"]}}', '{git: {forbid: ["*.pt", "*.bin"]}}')


@honest("note MVC412")
def policy_that_denies_pickles_in_other_words(pr: History) -> None:
    """Deny a format by the other key, which means the same."""
    _edited(pr, FLOOR, FLOOR, "{formats: {deny: [pickle]}}", "{formats: {pickle: deny}}")


@attack("MVC411")
def policy_that_denies_nothing_by_the_other_key(pr: History) -> None:
    """Scan for what was denied."""
    _edited(pr, "formats: {pickle: deny}", "formats: {pickle: scan}")


@attack("MVC411")
def policy_without_the_tag_of_a_rule(pr: History) -> None:
    """Take out what a rule says of tags: the default is weaker."""
    defaults = "{tag: {monotonic: false}}"
    _edited(pr, "tag: {monotonic: true}", "report: required", defaults, defaults)


@honest("note MVC412")
def policy_that_keeps_the_tag_of_a_rule(pr: History) -> None:
    """Say more besides what a rule says of tags."""
    _edited(pr, "tag: {monotonic: true}", "tag: {monotonic: true, rollback: deny}")


@honest("note MVC412")
def policy_that_asks_for_metrics_besides(pr: History) -> None:
    """Ask for metrics where a rule spoke of tags."""
    _edited(pr, "tag: {monotonic: true}", f"tag: {{monotonic: true}}\n    {FLOOR}")


@attack("MVC411")
def policy_that_asks_only_if_there_is_a_report(pr: History) -> None:
    """Keep the metrics, and make the report optional."""
    _edited(pr, FLOOR, f"report: optional\n    {FLOOR}")


@honest("note MVC412")
def policy_that_says_what_went_without_saying(pr: History) -> None:
    """Say that a report is required, where the metrics imply it."""
    _edited(pr, FLOOR, f"report: required\n    {FLOOR}")


@honest("note MVC412")
def policy_stricter_with_its_data_sets(pr: History) -> None:
    """Raise a minimum, with data sets pinned as before."""
    _edited(pr, f"{PINNED}\n    {FLOOR}", f"{PINNED}\n    metrics: {{auc: {{min: 0.85}}}}")


@attack("MVC411")
def policy_that_judges_metrics_on_other_data_sets(pr: History) -> None:
    """Add a data set: the metrics are judged on it, and on no others but those that are named."""
    _edited(pr, FLOOR, f"{ANY_CONTENT}\n    {FLOOR}")


@attack("MVC411")
def policy_that_judges_slices_on_other_data_sets(pr: History) -> None:
    """Do the same to slices."""
    slices = "slices: {required: [country]}"
    _edited(pr, slices, f"{ANY_CONTENT}\n    {slices}")


@attack("MVC411")
def policy_that_judges_gaps_on_other_data_sets(pr: History) -> None:
    """Do the same to gaps."""
    slices = "slices: {max_gap: {auc: 0.05}}"
    _edited(pr, slices, f"{ANY_CONTENT}\n    {slices}")


@honest("note MVC412")
def policy_stricter_with_its_gap_and_age(pr: History) -> None:
    """Demand slices, with gap and age as before."""
    kept = "max_age: 30d\n    slices: {max_gap: {auc: 0.05}%s}"
    _edited(pr, kept % "", kept % ", required: [country]")


@honest("note MVC412")
def policy_that_tells_a_direction_that_nothing_asks_for(pr: History) -> None:
    """Say which way is better, where no regression is judged."""
    _edited(pr, FLOOR, "metrics: {auc: {min: 0.8, direction: higher}}")


@attack("MVC411")
def policy_with_a_rule_that_turns_a_direction(pr: History) -> None:
    """Add a rule with `max`, which says that lower is better: where both hold, neither does."""
    _added(pr, _by("min: 0.8"), "metrics: {auc: {max: 0.99}}")


@honest("note MVC412")
def policy_with_a_rule_that_confirms_a_direction(pr: History) -> None:
    """Add a rule with `min`, where the policy says that higher is better."""
    _added(pr, _by("direction: higher"), "metrics: {auc: {min: 0.9}}")


@attack("MVC411")
def policy_with_a_rule_that_tells_a_direction_which_reports_told(pr: History) -> None:
    """Add a rule with `min`, where just another rule, of other paths, had one."""
    other = '  - {match: "other/**", metrics: {auc: {min: 0.8}}}\n'
    _added(pr, "metrics: {auc: {max_regression: 0.005}}", "metrics: {auc: {min: 0.9}}", other)


@attack("MVC411")
def policy_with_a_rule_that_loosens_tags(pr: History) -> None:
    """Add a rule that speaks of tags: it stands in for the default, which is stricter."""
    _added(pr, FLOOR, "tag: {monotonic: false}")


@honest("note MVC412")
def policy_with_a_rule_that_tightens_tags(pr: History) -> None:
    """Add a rule that speaks of tags, more strictly than the default."""
    _added(pr, FLOOR, "tag: {rollback: deny}")


@attack("MVC411")
def policy_with_a_rule_that_loosens_formats(pr: History) -> None:
    """Add a rule that speaks of formats: it stands in for the default, which denies pickles."""
    _added(pr, FLOOR, "formats: {deny: [hdf5]}", defaults="{formats: {pickle: deny}}")


@honest("note MVC412")
def policy_with_a_rule_that_tightens_formats(pr: History) -> None:
    """Add a rule that denies more formats."""
    _added(pr, FLOOR, "formats: {deny: [hdf5]}")


def _added(pr: History, old: str, new: str, more: str = "", defaults: str = "") -> None:
    """Add a rule with the line `new` for some of the paths that the rule with `old` is about."""
    pr.put(POLICY, ruled(old, more=more, defaults=defaults))
    pr.commit()
    pr.change()
    pr.put(POLICY, ruled(old, more=f'{more}  - match: "models/ranker*"\n    {new}\n', defaults=defaults))
    pr.commit()


# Signers, revocations, waivers.


@honest("note MVC412")
def first_signers_of_all(pr: History) -> None:
    """Bring the first list of signers, where no rule asks for a signature."""
    pr.start(ruled("signatures: {min: 0}"))
    pr.change()
    pr.trust("ada")
    pr.commit()


@attack("MVC411")
def first_signers_where_signatures_are_asked_for(pr: History) -> None:
    """Bring the first list of signers, oneself, where a rule asks for a signature."""
    pr.start(ruled("signatures: {min: 1}"))
    pr.change()
    pr.trust("mallory")
    pr.commit()


@attack("MVC411")
def first_signers_where_an_assurance_is_asked_for(pr: History) -> None:
    """Bring the first list of signers, oneself as CI, where a rule asks for CI's word."""
    pr.start(ruled("evaluator: {assurance: ci}"))
    pr.change()
    pr.trust("ci@example.com mallory")
    pr.commit()


@attack("MVC411")
def last_signer_removed(pr: History) -> None:
    """Empty the list of signers: the next change may bring the first ones."""
    pr.trust("ada")
    pr.start()
    pr.change()
    pr.put(SIGNERS, "# nobody\n")
    pr.commit()


@attack("MVC411")
def revocations_that_nobody_can_compare(pr: History) -> None:
    """Put a list of another kind in the place of the revoked keys."""
    pr.put(REVOKED, f"{pr.keys.public('ada')}\n")
    pr.start()
    pr.change()
    pr.put(REVOKED, KRL + bytes(40))
    pr.commit()


@attack("MVC411")
def revocations_of_another_kind_exchanged(pr: History) -> None:
    """Put a list of keys in the place of one that only `ssh-keygen` reads."""
    pr.put(REVOKED, KRL + bytes(40))
    pr.start()
    pr.change()
    pr.put(REVOKED, f"{pr.keys.public('ada')}\n")
    pr.commit()


@attack("MVC411")
def revocations_mended_to_less(pr: History) -> None:
    """Mend a broken list of revoked keys: nobody can tell what it had."""
    pr.put(REVOKED, "ssh-ed25519 broken\n")
    pr.start()
    pr.change()
    pr.put(REVOKED, f"{pr.keys.public('ada')}\n")
    pr.commit()


@attack("MVC411")
def revocations_broken(pr: History) -> None:
    """Break the list of revoked keys, so that it revokes none."""
    pr.put(REVOKED, f"{pr.keys.public('ada')}\n")
    pr.start()
    pr.change()
    pr.put(REVOKED, "ssh-ed25519 broken\n")
    pr.commit()


def _bad_waiver(pr: History, old: str, new: str) -> None:
    """Offer a model below the minimum, under a waiver with one wrong field."""
    raw = pr.report("worse", "v1.3.0", auc(0.7))
    text = waiver("MVC202", "worse", raw)
    assert old in text
    pr.put(WAIVERS, text.replace(old, new))
    pr.start(ruled(FLOOR))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


@attack("MVC202", "MVC414")
def waiver_that_binds_no_model(pr: History) -> None:
    """Waive a finding of every model."""
    _bad_waiver(pr, "model: ", 'model: "*" # ')


@attack("MVC202", "MVC414")
def waiver_that_binds_no_report(pr: History) -> None:
    """Waive a finding whatever the report says."""
    _bad_waiver(pr, "report: ", 'report: "*" # ')


@attack("MVC202", "MVC414")
def waiver_without_a_reason(pr: History) -> None:
    """Waive without saying why."""
    _bad_waiver(pr, "reason: known, and being worked on", 'reason: " "')


@attack("MVC202", "MVC414")
def waiver_without_an_owner(pr: History) -> None:
    """Waive without anybody who answers for it."""
    _bad_waiver(pr, "owner: ada@example.com", 'owner: ""')


@attack("MVC202", "MVC414")
def waiver_until_a_day_that_never_comes(pr: History) -> None:
    """Waive until the 30th of February."""
    _bad_waiver(pr, "2999-01-01", "2999-02-30")


@attack("MVC202", "MVC414")
def waiver_of_what_cannot_be_waived(pr: History) -> None:
    """Waive the policy itself."""
    _bad_waiver(pr, "MVC202", "MVC411")


@attack("MVC202", "MVC414")
def waivers_a_symlink(pr: History) -> None:
    """Have the waivers lie where they can change without a commit."""
    pr.put(WAIVERS, "mvc-waivers: 1\n", SYMLINK)
    pr.start(ruled(FLOOR))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


@attack("MVC106")
def waiver_of_a_model_that_is_gone(pr: History) -> None:
    """Delete the pointer, under a waiver of just this finding."""
    raw = pr.train("base", "v1.2.0")
    pr.put(WAIVERS, waiver("MVC106", "base", raw))
    pr.start()
    pr.change()
    pr.remove(f"{RANKER}.mvc")
    pr.commit()


@attack("MVC308", "MVC309")
def waiver_of_a_report_that_is_a_symlink(pr: History) -> None:
    """Bind a waiver to the target of a symlink in the report's place."""
    pr.put(WAIVERS, waiver("MVC308", "base", b"elsewhere"))
    pr.start(ruled(FLOOR, defaults="{git: {forbid: []}}"))
    pr.change()
    pr.put(RANKER + SUFFIX, "elsewhere", SYMLINK)
    pr.put(RANKER, "weights")
    pr.commit()
