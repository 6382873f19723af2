"""Pull requests that land a model which is worse than before, or is not held against what was before."""

from __future__ import annotations

from gate.histories import (
    PLAIN,
    RANKER,
    SPAM,
    SYMLINK,
    History,
    attack,
    auc,
    data,
    holdout,
    honest,
    p95,
    regressing,
    ruled,
)
from msgspec.structs import replace

from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.reports.report import Metric

REPORT = RANKER + SUFFIX
SLICED = ruled('metrics: {"auc[country=*]": {min: 0.8, max_regression: 0.01}}', "slices: {required: [country]}")


@attack("MVC202")
def below_the_minimum(pr: History) -> None:
    """Land a model below `min`, where nothing is said of regressions."""
    pr.start(regressing("min: 0.9"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.89))
    pr.commit()


@attack("MVC202", args=("--all", "--head", "main"), shows="tracked")
def audit_below_the_minimum(pr: History) -> None:
    """Have in the tree what is not good enough: the table of an audit shows it."""
    pr.start(PLAIN, auc(0.7), p95(30))
    pr.change()


@attack("MVC203")
def above_the_maximum(pr: History) -> None:
    """Land a model that is too slow."""
    pr.start(regressing("max: 40", "p95_ms"))
    pr.change()
    pr.train("worse", "v1.3.0", p95(41))
    pr.commit()


@attack("MVC221")
def worse_than_before(pr: History) -> None:
    """Land a model that is above `min`, and more than the tolerance below the one that is there."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.92), p95(30))
    pr.commit()


@attack("MVC221")
def worse_by_a_hair(pr: History) -> None:
    """Land what lies above the tolerance by one bit: 0.93 - 0.005 is 0.925."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9249999999999999), p95(30))
    pr.commit()


@attack("MVC221")
def slower_than_before(pr: History) -> None:
    """Land a model that is slower than 5 % allow, and below `max`."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93), p95(31.6))
    pr.commit()


@attack("MVC221")
def worse_where_lower_is_better_says_the_policy(pr: History) -> None:
    """Land a higher loss, where only the policy knows that this is worse."""
    pr.start(regressing("direction: lower, max_regression: 0", "loss"), Metric("loss", 0.3))
    pr.change()
    pr.train("worse", "v1.3.0", Metric("loss", 0.31))
    pr.commit()


@attack("MVC221")
def worse_where_no_tolerance_is_given(pr: History) -> None:
    """Land a model that is worse by as little as can be, where nothing is allowed."""
    pr.start(regressing("max_regression: 0"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9299999))
    pr.commit()


@attack("MVC221")
def worse_than_a_negative_baseline(pr: History) -> None:
    """Land -102 after -100: divided by -100, the loss of 2 % would look like a gain."""
    pr.start(regressing('direction: higher, max_regression: "1%"', "loglik"), Metric("loglik", -100.0))
    pr.change()
    pr.train("worse", "v1.3.0", Metric("loglik", -102.0))
    pr.commit()


@attack("MVC221")
def higher_than_a_negative_baseline_where_lower_is_better(pr: History) -> None:
    """Land -98 after -100, where lower is better."""
    pr.start(regressing('direction: lower, max_regression: "1%"', "energy"), Metric("energy", -100.0))
    pr.change()
    pr.train("worse", "v1.3.0", Metric("energy", -98.0))
    pr.commit()


@attack("MVC221")
def worse_than_zero(pr: History) -> None:
    """Land -0.5 after 0: no percentage of nothing allows it."""
    pr.start(regressing('direction: higher, max_regression: "50%"', "gain"), Metric("gain", 0.0))
    pr.change()
    pr.train("worse", "v1.3.0", Metric("gain", -0.5))
    pr.commit()


@attack("MVC221")
def worse_by_three_standard_errors(pr: History) -> None:
    """Land what lies further below than two standard errors."""
    pr.start(regressing('max_regression: "2se"'))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.918))
    pr.commit()


@attack("MVC221")
def standard_error_widened(pr: History) -> None:
    """Widen the standard error of the new report, to slip under `2se`."""
    pr.start(regressing('max_regression: "2se"'))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85, stderr=0.5))
    pr.commit()


@attack("MVC221")
def standard_error_widened_by_evaluating_again(pr: History) -> None:
    """Widen the standard error of what is there with one pull request, to slip under `2se` with the next."""
    pr.start(regressing('max_regression: "2se"'))
    pr.report("base", "v1.2.0", auc(0.93, stderr=0.5))
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85))
    pr.commit()


@attack("MVC221")
def standard_error_of_the_best_widened_by_evaluating_again(pr: History) -> None:
    """Have the best there was be an evaluation that hardly knows what it says."""
    pr.start(regressing('max_regression: "2se", against: best'))
    pr.report("base", "v1.2.0", auc(0.931, stderr=0.5))
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85))
    pr.commit()


@attack("MVC223")
def standard_error_forgotten_by_evaluating_again(pr: History) -> None:
    """Take the standard error away first: then there is no measure, and nothing worse passes."""
    pr.start(regressing('max_regression: "2se"'))
    pr.report("base", "v1.2.0", auc(0.93, stderr=None))
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.925))
    pr.commit()


@attack("MVC223")
def standard_error_nobody_recorded(pr: History) -> None:
    """Land a worse model, where base says nothing to measure `2se` by and the change does."""
    pr.start(regressing('max_regression: "2se"'), auc(0.93, stderr=None))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85, stderr=0.5))
    pr.commit()


@attack("MVC204", "MVC221")
def direction_turned_around(pr: History) -> None:
    """Say in the report that lower is better from now on."""
    pr.start(regressing("max_regression: 0.005"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.5, higher_is_better=False))
    pr.commit()


@attack("MVC204")
def direction_said_by_the_change_alone(pr: History) -> None:
    """Say which way is better, where nobody did before."""
    pr.start(regressing("max_regression: 0.005"), auc(0.93, higher_is_better=None))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.5, higher_is_better=False))
    pr.commit()


@attack("MVC221")
def direction_left_out(pr: History) -> None:
    """Say no more which way is better: base's report said it."""
    pr.start(regressing("max_regression: 0.005"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.5, higher_is_better=None))
    pr.commit()


@attack("MVC204")
def direction_that_nobody_says(pr: History) -> None:
    """Land a worse model where neither policy nor any report says which way is better."""
    pr.start(regressing("max_regression: 0.005"), auc(0.93, higher_is_better=None))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.5, higher_is_better=None))
    pr.commit()


@attack("MVC201")
def metric_left_out(pr: History) -> None:
    """Do not measure what got worse."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", p95(20))
    pr.commit()


@attack("MVC201")
def metric_renamed(pr: History) -> None:
    """Call the metric `AUC`, so that no rule speaks of it."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", Metric("AUC", 0.5, higher_is_better=True), p95(30))
    pr.commit()


@attack("MVC201")
def metric_only_in_a_slice(pr: History) -> None:
    """Measure only where the model is good, and leave the whole out."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.99, country="DE"), p95(30))
    pr.commit()


@attack("MVC222")
def baseline_that_cannot_be_read(pr: History) -> None:
    """Land a worse model where no report was ever readable."""
    pr.put(REPORT, b"mvc-eval: 1\nmetrics: [")
    pr.put(POLICY, PLAIN)
    pr.point("base")
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85), p95(30))
    pr.commit()


@attack("MVC221")
def baseline_that_was_broken_on_purpose(pr: History) -> None:
    """Land a worse model after a report that somebody broke: the one before it counts."""
    pr.start()
    pr.put(REPORT, b"mvc-eval: 1\nmetrics: [")
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85), p95(30))
    pr.commit()


@attack("MVC221")
def baseline_that_was_deleted_on_purpose(pr: History) -> None:
    """Land a worse model after a report that somebody deleted: the one before it counts."""
    pr.start()
    pr.remove(REPORT)
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85), p95(30))
    pr.commit()


@attack("MVC221")
def baseline_of_other_bytes(pr: History) -> None:
    """Land a worse model after one that was merged with a low report of other bytes."""
    pr.start()
    pr.point("unseen")
    pr.report("other", "v1.2.5", auc(0.81), p95(30))
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.81), p95(30))
    pr.commit()


# Slow decay.


def _decayed(pr: History, against: str) -> None:
    """Lose a little with each of three versions; the first is registered."""
    pr.start(regressing(f"max_regression: 0.005, against: {against}"), name="ranker")
    pr.tag("ranker@v1.2.0")
    pr.train("second", "v1.3.0", auc(0.926), name="ranker")
    pr.commit()
    pr.change()
    pr.train("third", "v1.4.0", auc(0.922), name="ranker")
    pr.commit()


@attack("MVC221")
def decay_since_the_registered_version(pr: History) -> None:
    """Lose 0.004 with each of two changes, where the policy compares with the registered version."""
    _decayed(pr, "registered")


@attack("MVC221")
def decay_since_an_old_version_that_a_git_tag_calls_the_highest(pr: History) -> None:
    """Register the oldest version once more, under a higher tag than its report has."""
    pr.start(regressing("max_regression: 0.005, against: registered"), auc(0.6), name="ranker")
    pr.tag("ranker@v9.0.0")
    pr.train("good", "v1.3.0", auc(0.95), name="ranker")
    pr.commit()
    pr.tag("ranker@v1.3.0")
    pr.change()
    pr.train("worse", "v1.4.0", auc(0.61), name="ranker")
    pr.commit()


@attack("MVC221")
def decay_since_a_version_that_only_a_branch_had(pr: History) -> None:
    """Register a bad version under a high tag in a branch that mended it before it was merged."""
    pr.start(regressing("max_regression: 0.005, against: registered"), auc(0.95), name="ranker")
    pr.tag("ranker@v1.2.0")
    pr.on("work")
    pr.train("bad", "v9.0.0", auc(0.6), name="ranker")
    pr.commit()
    pr.tag("ranker@v9.0.0")
    pr.train("good", "v1.3.0", auc(0.95), name="ranker")
    pr.commit()
    pr.on("main")
    pr.train("good", "v1.3.0", auc(0.95), name="ranker")
    pr.commit("work")
    pr.change()
    pr.train("worse", "v1.4.0", auc(0.61), name="ranker")
    pr.commit()


@attack("MVC221")
def decay_since_the_best_version(pr: History) -> None:
    """Lose 0.004 with each of two changes, where the policy compares with the best."""
    _decayed(pr, "best")


# Data sets.


@attack("MVC224")
def data_set_with_other_content(pr: History) -> None:
    """Keep the data set's id and put easier data behind it."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", datasets=[holdout("easy")])
    pr.commit()


@attack("MVC226")
def training_data_under_the_name_of_the_test(pr: History) -> None:
    """Say, of the same file, that it is the split `train` and that five examples were taken."""
    test = replace(holdout(), split="test", n=5000)
    pr.start(datasets=[test])
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.99), p95(30), datasets=[replace(test, split="train", n=5)])
    pr.commit()


@attack("MVC226")
def slice_of_five_examples(pr: History) -> None:
    """Measure a slice on five of its examples."""
    pr.start(ruled('metrics: {"auc[country=*]": {min: 0.8}}'), auc(0.9, country="DE", n=610))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9, country="DE", n=5))
    pr.commit()


@attack("MVC208")
def data_set_other_than_the_pinned_one(pr: History) -> None:
    """Evaluate on other content than the policy pins."""
    pr.start(ruled(f'datasets: [{{id: holdout, blake3: "{data()}"}}]', "metrics: {auc: {min: 0.8}}"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93, dataset="holdout"), datasets=[holdout("easy")])
    pr.commit()


@attack("MVC201", "MVC207")
def data_set_under_another_name(pr: History) -> None:
    """Evaluate on a data set of the change's own."""
    pr.start(ruled("datasets: [{id: holdout}]", "metrics: {auc: {min: 0.8}}"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93), datasets=[holdout("easy", "test")])
    pr.commit()


@attack("MVC224")
def data_set_named_otherwise_where_no_rule_names_any(pr: History) -> None:
    """Evaluate on another data set under another id, where the policy asks just for the metric."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", datasets=[holdout("easy", "test")])
    pr.commit()


@attack("MVC224")
def metric_of_no_data_set(pr: History) -> None:
    """Name no data set at all."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", datasets=[])
    pr.commit()


@attack("MVC224")
def metric_moved_to_another_data_set(pr: History) -> None:
    """Evaluate on two data sets, and show the metric of the easier one."""
    pr.start()
    pr.change()
    easy = holdout("easy", "easy")
    pr.train("worse", "v1.3.0", auc(0.93, dataset="easy"), p95(30, dataset="holdout"), datasets=[holdout(), easy])
    pr.commit()


@attack("MVC221")
def worse_on_one_of_two_data_sets(pr: History) -> None:
    """Be better on the one and worse on the other."""
    both = [holdout(), holdout(2, "test")]
    policy = regressing("max_regression: 0.005")
    pr.start(policy, auc(0.93, dataset="holdout"), auc(0.9, dataset="test"), datasets=both)
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.99, dataset="holdout"), auc(0.8, dataset="test"), datasets=both)
    pr.commit()


@attack("MVC221")
def worse_on_other_data_where_that_is_allowed(pr: History) -> None:
    """Change the data, which the policy allows, and be worse on it."""
    pr.start(regressing("max_regression: 0.005, allow_dataset_change: true"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9), datasets=[holdout("new")])
    pr.commit()


# Slices.


@attack("MVC205")
def slices_left_out(pr: History) -> None:
    """Do not measure by country, where the policy demands it."""
    pr.start(ruled("metrics: {auc: {min: 0.8}}", "slices: {required: [country]}"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93))
    pr.commit()


@attack("MVC225")
def slice_missing(pr: History) -> None:
    """Leave out the one country that got worse."""
    pr.start(SLICED, auc(0.93, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93, country="DE"))
    pr.commit()


@attack("MVC225")
def slice_missing_where_just_its_key_is_demanded(pr: History) -> None:
    """Leave out the one country that got worse, where the policy asks for slices by country, and no more."""
    pr.start(ruled("slices: {required: [country]}"), auc(0.93, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93, country="DE"))
    pr.commit()


@attack("MVC225")
def slice_spelled_otherwise(pr: History) -> None:
    """Write `fr` for `FR`: a slice that is new, and need not be held against anything."""
    pr.start(SLICED, auc(0.93, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.93, country="DE"), auc(0.81, country="fr"))
    pr.commit()


@attack("MVC221")
def slice_worse_than_before(pr: History) -> None:
    """Be better on the whole and worse in one country."""
    pr.start(SLICED, auc(0.93), auc(0.93, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.95), auc(0.97, country="DE"), auc(0.85, country="FR"))
    pr.commit()


@attack("MVC202")
def slice_below_the_minimum(pr: History) -> None:
    """Be good on the whole and bad in one country."""
    pr.start(ruled('metrics: {auc: {min: 0.9}, "auc[country=*]": {min: 0.85}}'), auc(0.93), auc(0.9, country="FR"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.95), auc(0.84, country="FR"))
    pr.commit()


@attack("MVC206")
def slices_too_far_apart(pr: History) -> None:
    """Become better in one country only."""
    policy = ruled("slices: {required: [country], max_gap: {auc: 0.05}}")
    pr.start(policy, auc(0.9, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.96, country="DE"), auc(0.9, country="FR"))
    pr.commit()


GAPS = ruled("slices: {required: [country], max_gap: {auc: 0.05}}")
BOTH = [holdout(), holdout(2, "test")]


def _in_two(pr: History, *now: Metric, policy: str = GAPS) -> None:
    """Measure two countries on one data set, and then as `now` says, on two."""
    here = {"dataset": "holdout"}
    pr.start(policy, auc(0.9, country="DE", **here), auc(0.9, country="FR", **here), datasets=BOTH)
    pr.change()
    pr.train("next", "v1.3.0", *now, datasets=BOTH)
    pr.commit()


@attack("MVC225")
def slices_too_far_apart_on_two_data_sets(pr: History) -> None:
    """Measure the country that has become worse on a data set of its own: nobody sees the gap."""
    _in_two(pr, auc(0.9, country="DE", dataset="holdout"), auc(0.6, country="FR", dataset="test"))


@attack("MVC225")
def slices_each_on_another_data_set(pr: History) -> None:
    """The same, and neither stays where it was; both names are new."""
    parts = auc(0.9, country="DE", dataset="de"), auc(0.6, country="FR", dataset="fr")
    pr.start(GAPS, auc(0.9, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("next", "v1.3.0", *parts, datasets=[holdout(3, "de"), holdout(4, "fr")])
    pr.commit()


@honest()
def slices_together_on_another_data_set(pr: History) -> None:
    """Measure all countries on another data set, and one on the old one as well."""
    parts = [auc(0.9, country=country, dataset="test") for country in ("DE", "FR")]
    _in_two(pr, auc(0.6, country="DE", dataset="holdout"), *parts)


@honest()
def slices_on_two_data_sets_where_no_gap_is_judged(pr: History) -> None:
    """Measure each country on a data set of its own, where it is demanded only that each is measured."""
    policy = ruled("slices: {required: [country]}")
    _in_two(pr, auc(0.9, country="DE", dataset="holdout"), auc(0.6, country="FR", dataset="test"), policy=policy)


@honest()
def slices_always_on_data_sets_of_their_own(pr: History) -> None:
    """Measure each country on a data set of its own, as before."""
    parts = auc(0.9, country="DE", dataset="holdout"), auc(0.6, country="FR", dataset="test")
    pr.start(GAPS, *parts, datasets=BOTH)
    pr.change()
    pr.train("next", "v1.3.0", *parts, datasets=BOTH)
    pr.commit()


@attack("MVC225")
def slice_missing_where_a_rule_names_another_metric(pr: History) -> None:
    """Leave a bad country out, where a rule besides asks for the countries of another metric."""
    more = '  - {match: "models/**", metrics: {"f1[country=*]": {min: 0}}}\n'
    f1 = Metric("f1", 0.9, slice={"country": "DE"})
    pr.start(ruled("slices: {required: [country]}", more=more), auc(0.9, country="DE"), auc(0.9, country="FR"), f1)
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9, country="DE"), f1)
    pr.commit()


# Data sets under other names, and on rules that name them.


@attack("MVC221")
def data_set_renamed_and_the_model_worse(pr: History) -> None:
    """Call the same data by another id: by its content it is known again."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9), p95(30), datasets=[holdout(1, "exam")])
    pr.commit()


@attack("MVC221")
def two_names_of_one_data_set(pr: History) -> None:
    """Evaluate twice on the same data, under two ids, and show the better value under the old one's neighbour."""
    both = [holdout(1, "a"), holdout(1, "b")]
    pr.start(regressing("max_regression: 0.005"), auc(0.93, dataset="a"), auc(0.8, dataset="b"), datasets=both)
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.81, dataset="a"), auc(0.81, dataset="b"), datasets=both)
    pr.commit()


@attack("MVC221")
def worse_on_the_data_set_of_the_rule(pr: History) -> None:
    """Be worse on the data set that the rule names, and better on another."""
    _on_two(pr, 0.9, 0.95)


@honest()
def worse_on_a_data_set_of_no_rule(pr: History) -> None:
    """Be worse on a data set that no rule names."""
    _on_two(pr, 0.94, 0.5)


def _on_two(pr: History, holdout_: float, test: float) -> None:
    both = [holdout(), holdout(2, "test")]
    policy = ruled("datasets: [{id: holdout}]", "metrics: {auc: {max_regression: 0.005}}")
    pr.start(policy, auc(0.93, dataset="holdout"), auc(0.93, dataset="test"), datasets=both)
    pr.change()
    pr.train("next", "v1.3.0", auc(holdout_, dataset="holdout"), auc(test, dataset="test"), datasets=both)
    pr.commit()


@attack("MVC225")
def slice_missing_on_the_data_set_of_the_rule(pr: History) -> None:
    """Move a slice to a data set that no rule names."""
    both = [holdout(), holdout(2, "test")]
    policy = ruled("datasets: [{id: holdout}]", 'metrics: {"auc[country=*]": {min: 0.5}}')
    here = {"dataset": "holdout"}
    pr.start(policy, auc(0.9, country="DE", **here), auc(0.9, country="FR", **here), datasets=both)
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.9, country="DE", **here), auc(0.9, country="FR", dataset="test"), datasets=both)
    pr.commit()


@attack("MVC221")
def decay_since_the_highest_of_several_registered_versions(pr: History) -> None:
    """Lose a little since v1.10.0, which is higher than v1.9.0 though it sorts before it."""
    pr.start(regressing("max_regression: 0.005, against: registered"), name="ranker")
    for tag, value in (("v1.10.0", 0.96), ("v1.9.0", 0.93), ("v1.11.0", 0.957)):
        pr.train(tag, tag, auc(value), name="ranker")
        pr.commit()
        if tag != "v1.11.0":
            pr.tag(f"ranker@{tag}")
    pr.change()
    pr.train("next", "v1.12.0", auc(0.953), name="ranker")
    pr.commit()


@honest("warning MVC222")
def baseline_that_cannot_be_read_where_that_is_a_warning(pr: History) -> None:
    """Land a model where no report was ever readable, and the policy only warns of regressions."""
    _unreadable(pr, "metrics: {auc: {max_regression: 0.1, direction: higher, severity: warn}}")


@honest("note MVC222")
def baseline_that_cannot_be_read_where_nothing_is_compared(pr: History) -> None:
    """Land a model where no report was ever readable, and no rule asks for a comparison."""
    _unreadable(pr, "metrics: {auc: {min: 0.8}}")


def _unreadable(pr: History, rule: str) -> None:
    pr.put(REPORT, b"mvc-eval: 1\nmetrics: [")
    pr.put(POLICY, ruled(rule))
    pr.point("base")
    pr.commit()
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()


@attack("MVC221")
def baseline_a_symlink(pr: History) -> None:
    """Land a worse model after a report that is a symlink; its target reads like a low report."""
    pr.start()
    good = pr.read(REPORT)
    pr.put(REPORT, pr.report("base", "v1.2.0", auc(0.81), p95(30)), SYMLINK)
    assert pr.read(REPORT) != good
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.81), p95(30))
    pr.commit()


@honest()
def just_at_the_limits(pr: History) -> None:
    """Have just the values that are asked for."""
    pr.start(ruled("metrics: {auc: {min: 0.93}, p95_ms: {max: 30}}"))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.93), p95(30))
    pr.commit()


@honest("warning MVC203")
def above_the_maximum_where_that_is_a_warning(pr: History) -> None:
    """Be slow, where the policy warns of that, and good."""
    pr.start(ruled("metrics: {auc: {min: 0.8}, p95_ms: {max: 20, severity: warn}}"))
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()


@honest()
def slice_of_another_key_dropped(pr: History) -> None:
    """Measure by age no more, where slices by country are demanded."""
    pr.start(ruled("slices: {required: [country]}"), auc(0.9, country="DE"), auc(0.9, age="young"))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.9, country="DE"))
    pr.commit()


@honest()
def data_set_renamed(pr: History) -> None:
    """Call the same data by another id, and be as good on it."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0", datasets=[holdout(1, "exam")])
    pr.commit()


@honest()
def two_data_sets_renamed(pr: History) -> None:
    """Call both data sets by other ids: each is known again by its content."""
    pr.start(
        regressing("max_regression: 0.005"), auc(0.93, dataset="a"), auc(0.8, dataset="b"),
        datasets=[holdout(1, "a"), holdout(2, "b")],
    )
    pr.change()
    renamed = [holdout(1, "x"), holdout(2, "y")]
    pr.train("next", "v1.3.0", auc(0.93, dataset="x"), auc(0.8, dataset="y"), datasets=renamed)
    pr.commit()


@attack("MVC221")
def decay_since_the_newer_of_two_registered_versions(pr: History) -> None:
    """Lose a little since v1.4.0, which is better than v1.3.0."""
    pr.start(regressing("max_regression: 0.005, against: registered"), name="ranker")
    for tag, value in (("v1.3.0", 0.93), ("v1.4.0", 0.96)):
        pr.train(tag, tag, auc(value), name="ranker")
        pr.commit()
        pr.tag(f"ranker@{tag}")
    pr.train("v1.5.0", "v1.5.0", auc(0.957), name="ranker")
    pr.commit()
    pr.change()
    pr.train("next", "v1.6.0", auc(0.953), name="ranker")
    pr.commit()


@honest("note MVC220")
def new_model_with_slices(pr: History) -> None:
    """Add a model under a rule about slices."""
    pr.start(SLICED, auc(0.9, country="DE"))
    pr.change()
    pr.train("new", "v0.1.0", auc(0.9, country="DE"), path=SPAM)
    pr.commit()


@honest()
def no_slices_where_only_those_that_are_there_count(pr: History) -> None:
    """Measure nothing by country, where the policy asks for nothing but a minimum of those that are there."""
    pr.start(ruled('metrics: {"auc[country=*]": {min: 0.8}}'))
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()
