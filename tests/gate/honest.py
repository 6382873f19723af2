"""Pull requests that must land: all that people do with models every day, and what is rare but right."""

from __future__ import annotations

from gate.histories import (
    ASSURED,
    EXECUTABLE,
    PLAIN,
    RANKER,
    REMOTE,
    SIGNED,
    SPAM,
    TWICE_SIGNED,
    History,
    attack,
    auc,
    content,
    data,
    holdout,
    honest,
    p95,
    regressing,
    ruled,
    waiver,
)
from msgspec.structs import replace

from mvc.quality.files import POLICY, REVOKED, SIGNATURES, SIGNERS, SUFFIX, WAIVERS
from mvc.quality.reports.report import Evaluator, Metric

REPORT = RANKER + SUFFIX
POINTER = f"{RANKER}.mvc"
NEW = "models/ranker-v2.onnx"


@honest(shows="changed")
def better_metric(pr: History) -> None:
    """Train again, and be better."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), p95(28))
    pr.commit()


@honest()
def within_tolerance(pr: History) -> None:
    """Be worse by just what is allowed: 0.93 - 0.005, and 30 and 5 %."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.925), p95(31.5))
    pr.commit()


@honest()
def within_two_standard_errors(pr: History) -> None:
    """Be worse by just two standard errors of base."""
    pr.start(regressing('max_regression: "2se"'))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.922, stderr=None))
    pr.commit()


@honest()
def within_the_standard_errors_of_base_alone(pr: History) -> None:
    """Be worse by two standard errors of base: other bytes, other data and other slices had smaller ones."""
    parts = auc(0.93, 0.004, country="DE"), auc(0.93, 0.001, country="FR")
    pr.start(regressing('max_regression: "2se"'), auc(0.92, 0.001))
    pr.train("better", "v1.2.1", auc(0.93, 0.001), datasets=[holdout(2)])
    pr.commit()
    pr.train("better", "v1.2.1", auc(0.93, 0.004), *parts)
    pr.commit()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.922))
    pr.commit()


@honest("note MVC220")
def tag_that_another_model_of_the_same_file_name_has(pr: History) -> None:
    """Give a new model the tag that one elsewhere has: only the ends of their paths are alike."""
    pr.start()
    pr.tag("ranker@v1.2.0")
    pr.change()
    pr.train("other", "v1.2.0", auc(0.85), p95(30), path="models/other/ranker.onnx")
    pr.commit()


@honest()
def within_a_percentage_of_a_negative_baseline(pr: History) -> None:
    """Be worse than -100 by one percent."""
    pr.start(regressing('direction: higher, max_regression: "1%"', "loglik"), Metric("loglik", -100.0))
    pr.change()
    pr.train("next", "v1.3.0", Metric("loglik", -101.0))
    pr.commit()


@honest()
def no_worse_than_zero(pr: History) -> None:
    """Stay at a baseline of 0, where a percentage is allowed."""
    pr.start(regressing('direction: higher, max_regression: "1%"', "gain"), Metric("gain", 0.0))
    pr.change()
    pr.train("next", "v1.3.0", Metric("gain", 0.0))
    pr.commit()


@honest()
def lower_where_lower_is_better(pr: History) -> None:
    """Lower the loss."""
    pr.start(regressing("direction: lower, max_regression: 0", "loss"), Metric("loss", 0.3))
    pr.change()
    pr.train("next", "v1.3.0", Metric("loss", 0.2))
    pr.commit()


@honest()
def direction_that_only_base_says(pr: History) -> None:
    """Leave out of the report which way is better: base's says it."""
    pr.start(regressing("max_regression: 0.005"))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94, higher_is_better=None))
    pr.commit()


@honest("warning MVC221")
def worse_where_that_is_a_warning(pr: History) -> None:
    """Be worse, where the policy only warns."""
    pr.start(regressing("max_regression: 0.005, severity: warn"))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.9))
    pr.commit()


@honest()
def metric_that_no_rule_asks_for(pr: History) -> None:
    """Be worse in something that the policy does not name, and measure something new."""
    pr.start(PLAIN, auc(0.93), p95(30), Metric("recall", 0.9, higher_is_better=True))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.93), p95(30), Metric("recall", 0.5), Metric("f1", 0.7))
    pr.commit()


@honest()
def metric_that_the_policy_asks_for_since(pr: History) -> None:
    """Measure what nobody had measured before."""
    pr.start(PLAIN, p95(30))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.81), p95(30))
    pr.commit()


@honest("note MVC220", shows="added")
def new_model(pr: History) -> None:
    """Add a model that is really new."""
    pr.start()
    pr.change()
    pr.train("new", "v0.1.0", path=SPAM, name="spam")
    pr.commit()


@honest("note MVC220")
def first_model_of_all(pr: History) -> None:
    """Add the first model of a repository."""
    pr.put(POLICY, PLAIN)
    pr.commit()
    pr.change()
    pr.train("new", "v0.1.0")
    pr.commit()


@honest("note MVC220")
def copy_of_a_model_trained_on(pr: History) -> None:
    """Go on from a model under another path, with the first still there."""
    pr.start(name="ranker")
    pr.change()
    pr.train("derived", "v1.0.0", auc(0.9), p95(20), path=NEW, name="ranker-small")
    pr.commit()


@honest(shows="renamed from models/ranker.onnx")
def renamed_with_its_report(pr: History) -> None:
    """Rename a model, pointer and report together."""
    pr.start()
    pr.change()
    pr.rename(RANKER, NEW)
    pr.commit()


@honest()
def renamed_and_trained_better(pr: History) -> None:
    """Rename a model that has a name, and train it again."""
    pr.start(name="ranker")
    pr.change()
    pr.rename(RANKER, NEW)
    pr.train("next", "v1.3.0", auc(0.95), p95(30), path=NEW, name="ranker")
    pr.commit()


@honest()
def case_of_a_path_changed(pr: History) -> None:
    """Rename a model by case only."""
    pr.start()
    pr.change()
    pr.rename(RANKER, "models/Ranker.onnx")
    pr.commit()


@honest()
def moved_under_the_same_rule(pr: History) -> None:
    """Move a model to another directory with the same rule."""
    pr.start()
    pr.change()
    pr.rename(RANKER, "models/search/ranker.onnx")
    pr.commit()


@honest(shows="deleted")
def deleted_with_its_report(pr: History) -> None:
    """Delete a model, pointer and report."""
    pr.start()
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.commit()
    pr.change()
    pr.delete()
    pr.commit()


@honest()
def deleted_and_one_added_elsewhere(pr: History) -> None:
    """Delete a model under a metric rule; add data, which is under none."""
    pr.start()
    pr.change()
    pr.delete()
    pr.point("rows", path="data/rows.csv")
    pr.commit()


@honest()
def docs_only(pr: History) -> None:
    """Change nothing of mvc's."""
    pr.start()
    pr.change()
    pr.put("README.md", "# Search\n")
    pr.put("train.sh", "python train.py\n", EXECUTABLE)
    pr.commit()


@honest()
def nothing_at_all(pr: History) -> None:
    """Offer what is in main already."""
    pr.start()
    pr.change()
    pr.on("main")
    pr.put("README.md", "# Search\n")
    pr.commit()


@honest(args=("--all", "--head", "main"), shows="tracked")
def audit_of_a_tree_that_is_good(pr: History) -> None:
    """Judge all there is, worse than it was: no past counts."""
    pr.start()
    pr.train("worse", "v1.0.0", auc(0.85), p95(30))
    pr.commit()
    pr.change()


@honest()
def code_that_looks_like_ours(pr: History) -> None:
    """Add files of other programs whose names end like ours."""
    pr.start()
    pr.change()
    pr.put("prompts/greeting.eval.yaml", "cases: [{ask: hello}]\n")
    pr.put("tests/a.sig", "no signature of ours\n")
    pr.commit()


@honest()
def data_update(pr: History) -> None:
    """Change a data set, and no model: what was evaluated on it is none of its business."""
    pr.start()
    pr.point("rows", path="data/holdout.csv")
    pr.commit()
    pr.change()
    pr.point("more rows", path="data/holdout.csv")
    pr.commit()


@honest()
def reevaluation_of_the_same_bytes(pr: History) -> None:
    """Evaluate the same model again, under its tag."""
    pr.start()
    pr.change()
    pr.report("base", "v1.2.0", auc(0.931), p95(29), desc="on the new cluster")
    pr.commit()


@honest()
def same_bytes_under_a_higher_tag(pr: History) -> None:
    """Evaluate the same model again, and call it a release."""
    pr.start()
    pr.change()
    pr.report("base", "v2.0.0", auc(0.931), p95(29))
    pr.commit()


@honest()
def release_after_its_candidate(pr: History) -> None:
    """Release what was a candidate."""
    pr.start()
    pr.train("candidate", "v2.0.0-rc.9")
    pr.commit()
    pr.change()
    pr.report("candidate", "v2.0.0-rc.10")
    pr.commit()
    pr.report("candidate", "v2.0.0")
    pr.commit()


@honest()
def new_data_where_that_is_allowed(pr: History) -> None:
    """Evaluate on new data, where the policy compares all the same."""
    pr.start(regressing("max_regression: 0.005, allow_dataset_change: true"))
    pr.change()
    pr.train("next", "v1.3.0", datasets=[holdout("new")])
    pr.commit()


@honest()
def more_examples_of_the_same_data(pr: History) -> None:
    """Say for the first time which split it is, and evaluate on more of it."""
    pr.start(datasets=[replace(holdout(), n=5000)])
    pr.change()
    pr.train("next", "v1.3.0", datasets=[replace(holdout(), split="test", n=6000)])
    pr.commit()


@honest()
def fewer_examples_where_that_is_allowed(pr: History) -> None:
    """Evaluate on a sample, as the policy allows."""
    pr.start(regressing("max_regression: 0.005, allow_dataset_change: true"), datasets=[replace(holdout(), n=5000)])
    pr.change()
    pr.train("next", "v1.3.0", datasets=[replace(holdout(), n=500)])
    pr.commit()


@honest()
def more_data_sets(pr: History) -> None:
    """Evaluate on the old data set and on one more."""
    pr.start(PLAIN, auc(0.93, dataset="holdout"), p95(30, dataset="holdout"))
    pr.change()
    both = [holdout(), holdout(2, "test")]
    pr.train(
        "next", "v1.3.0", auc(0.94, dataset="holdout"), auc(0.9, dataset="test"), p95(30, dataset="holdout"),
        datasets=both,
    )
    pr.commit()


@honest()
def data_set_moved(pr: History) -> None:
    """Evaluate on the same bytes, which now lie elsewhere."""
    pr.start(ruled(f'datasets: [{{id: holdout, blake3: "{data()}"}}]', "metrics: {auc: {max_regression: 0}}"))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), datasets=[holdout()])
    pr.replace(REPORT, "data/holdout.csv", "sets/holdout.csv")
    pr.commit()


@honest()
def slice_added(pr: History) -> None:
    """Measure one more country."""
    pr.start(
        ruled('metrics: {"auc[country=*]": {min: 0.8, max_regression: 0.01}}', "slices: {required: [country]}"),
        auc(0.93), auc(0.9, country="DE"),
    )
    pr.change()
    pr.train("next", "v1.3.0", auc(0.93), auc(0.9, country="DE"), auc(0.81, country="FR"))
    pr.commit()


@honest()
def slice_dropped_that_no_rule_asks_for(pr: History) -> None:
    """Measure by age no more, which the policy does not speak of."""
    pr.start(PLAIN, auc(0.93), auc(0.7, age="young"), p95(30))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.93), p95(30))
    pr.commit()


@honest()
def slices_close_together(pr: History) -> None:
    """Keep the gap between slices within what is allowed."""
    policy = ruled("slices: {required: [country], max_gap: {auc: 0.05}}")
    pr.start(policy, auc(0.9, country="DE"), auc(0.9, country="FR"))
    pr.change()
    pr.train("next", "v1.3.0", auc(0.93, country="DE"), auc(0.88, country="FR"))
    pr.commit()


# Going back.


@honest("note MVC120", shows="restored")
def rollback_to_a_registered_version(pr: History) -> None:
    """Go back to a version that a Git tag registers, and that is worse than what is there."""
    first = pr.start(ruled(
        "metrics: {auc: {min: 0.8, max_regression: 0.005}}", "tag: {rollback: registered}",
    ), name="ranker")
    pr.tag("ranker@v1.2.0")
    pr.train("next", "v1.3.0", auc(0.95), name="ranker")
    pr.commit()
    pr.change()
    pr.take(first, POINTER, REPORT)
    pr.commit()


@honest("note MVC120")
def revert(pr: History) -> None:
    """`git revert` the newest training."""
    pr.start()
    pr.train("next", "v1.3.0", auc(0.95), p95(30))
    pr.commit()
    pr.change()
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("switch", "-q", "main")


@honest("note MVC120")
def rollback_of_a_model_that_was_renamed_since(pr: History) -> None:
    """Go back to what stood at the model's former path."""
    first = pr.start(name="ranker")
    pr.rename(RANKER, NEW)
    pr.train("next", "v1.3.0", auc(0.95), p95(30), path=NEW, name="ranker")
    pr.commit()
    pr.change()
    pr.put(f"{NEW}.mvc", first.tree[POINTER.encode()].raw)
    pr.put(NEW + SUFFIX, first.tree[REPORT.encode()].raw)
    pr.commit()


@honest("note MVC120", shows="restored")
def deleted_model_brought_back(pr: History) -> None:
    """Bring back, as it was, what had been deleted."""
    first = pr.start()
    pr.delete()
    pr.commit()
    pr.change()
    pr.take(first, POINTER, REPORT)
    pr.commit()


# Branches.


@honest()
def merge_of_main_into_the_branch(pr: History) -> None:
    """Merge main, which has changed another model."""
    pr.start()
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.commit()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    mine = {name: pr.files[name.encode()] for name in (POINTER, REPORT)}
    pr.on("main")
    pr.train("spam 2", "v1.1.0", path=SPAM)
    pr.commit()
    files = dict(pr.files)
    pr.on("change")
    pr.files = files | {name.encode(): file for name, file in mine.items()}
    pr.commit("main")


@honest()
def changelog_that_both_sides_wrote(pr: History) -> None:
    """Add a line to a changelog, after main has: its attributes have Git keep both."""
    pr.put(".gitattributes", "CHANGELOG.md merge=union\n")
    pr.put("CHANGELOG.md", "# Log\n")
    pr.start()
    pr.change()
    pr.put("CHANGELOG.md", "# Log\nours\n")
    pr.train("next", "v1.3.0", auc(0.94), p95(28))
    pr.commit()
    pr.on("main")
    pr.put("CHANGELOG.md", "# Log\ntheirs\n")
    pr.commit()


@honest()
def main_moved_on(pr: History) -> None:
    """Offer a branch that main has left behind, with another model."""
    pr.start()
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.commit()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    pr.on("main")
    pr.train("spam 2", "v1.1.0", path=SPAM)
    pr.put("README.md", "# Search\n")
    pr.commit()


@honest()
def main_moved_on_with_a_file_that_the_gate_would_not_let_in(pr: History) -> None:
    """Offer a good change to a main that has, since, got a raw model: that is not this change's doing."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    pr.on("main")
    pr.put("models/tiny.onnx", b"small")
    pr.commit()


@honest()
def cherry_pick(pr: History) -> None:
    """Cherry-pick a training, pointer and report."""
    pr.start()
    pr.change()
    pr.on("side")
    pr.put("notes/a.md", "a")
    pr.commit()
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    pr.on("main")
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("cherry-pick", "side")
    repo.git("switch", "-q", "main")


@honest()
def squash(pr: History) -> None:
    """Squash several trainings, the first of them bad, into one good one."""
    pr.start()
    pr.change()
    pr.on("side")
    pr.train("bad", "v1.3.0-rc.1", auc(0.5), p95(90))
    pr.commit()
    pr.train("good", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    pr.on("main")
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("merge", "-q", "--squash", "side")
    repo.git("commit", "-qm", "squashed")
    repo.git("switch", "-q", "main")


@honest()
def rebase(pr: History) -> None:
    """Rebase onto a main that has moved on."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    pr.on("main")
    pr.put("README.md", "# Search\n")
    pr.commit()
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.git("rebase", "-q", "main")
    repo.git("switch", "-q", "main")


@honest()
def trained_twice_in_one_branch(pr: History) -> None:
    """Commit a bad training and then a good one: what would land counts."""
    pr.start()
    pr.change()
    pr.train("bad", "v1.3.0", auc(0.5), p95(90))
    pr.commit()
    pr.train("good", "v1.3.0", auc(0.94), p95(30))
    pr.commit()


@honest()
def octopus_merge(pr: History) -> None:
    """Merge three branches at once."""
    pr.start()
    for name in ("left", "right"):
        pr.on(name)
        pr.put(f"notes/{name}.md", name)
        pr.commit()
        pr.on("main")
    pr.change()
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.put("notes/left.md", "left")
    pr.put("notes/right.md", "right")
    pr.commit("left", "right")


@honest()
def many_models_at_once(pr: History) -> None:
    """Train twenty models again."""
    pr.start()
    for number in range(20):
        pr.train(number, "v1.0.0", path=f"models/m{number}.onnx", name=f"m{number}")
    pr.commit()
    pr.change()
    for number in range(20):
        pr.train(-number, "v1.1.0", path=f"models/m{number}.onnx", name=f"m{number}")
    pr.commit()


@honest()
def two_models_of_one_content(pr: History) -> None:
    """Ship the same bytes under two names, each with its tag."""
    pr.start(name="ranker")
    pr.train("base", "v0.9.0", path=SPAM, name="fallback")
    pr.commit()
    pr.change()
    pr.train("next", "v1.3.0", name="ranker")
    pr.train("next", "v1.3.0", path=SPAM, name="fallback")
    pr.commit()


@honest()
def name_given_later(pr: History) -> None:
    """Give a model that has none a name, and train it again."""
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0", name="ranker")
    pr.commit()


# Signatures, waivers, policy.


@honest()
def signed(pr: History) -> None:
    """Sign a report, as the policy asks."""
    pr.trust("ada", "bob")
    pr.start(SIGNED)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


@honest()
def signed_by_two(pr: History) -> None:
    """Sign a report twice, with two keys of two people."""
    pr.trust("ada", "bob", "ci")
    pr.start(TWICE_SIGNED)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada", "bob")
    pr.commit()


@honest("warning MVC126")
def signed_by_one_who_counts_and_one_who_does_not(pr: History) -> None:
    """Have a stranger sign besides."""
    pr.trust("ada", "bob")
    pr.start(SIGNED)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("mallory", "ada")
    pr.commit()


@honest()
def assured_by_ci(pr: History) -> None:
    """Have CI evaluate and sign."""
    pr.trust("ada", "ci")
    pr.start(ASSURED)
    pr.change()
    pr.train("next", "v1.3.0", evaluator=Evaluator("ci", "ci"))
    pr.sign("ci")
    pr.commit()


@honest()
def signature_added_later(pr: History) -> None:
    """Sign a report that is there already."""
    pr.trust("ada", "bob")
    pr.start(SIGNED)
    pr.change()
    pr.sign("ada")
    pr.commit()


@honest("note MVC415")
def waived(pr: History) -> None:
    """Land below the minimum what somebody answers for."""
    raw = pr.report("worse", "v1.3.0", auc(0.7))
    pr.put(WAIVERS, waiver("MVC202", "worse", raw))
    pr.start(regressing("min: 0.8"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


@honest("note MVC415")
def waived_where_it_is(pr: History) -> None:
    """Land what somebody answers for at just this path."""
    text = waiver("MVC202", "worse", pr.report("worse", "v1.3.0", auc(0.7)))
    pr.put(WAIVERS, f"{text}    path: {RANKER}\n")
    pr.start(regressing("min: 0.8"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


@honest("note MVC412")
def waiver_narrowed(pr: History) -> None:
    """Let a waiver hold at one path only."""
    text = waiver("MVC202", "worse", b"")
    pr.put(WAIVERS, text)
    pr.start()
    pr.change()
    pr.put(WAIVERS, f"{text}    path: {RANKER}\n")
    pr.commit()


@honest("note MVC412", "note MVC417")
def policy_mended_and_signed(pr: History) -> None:
    """Mend a broken policy with one that lets data be without a report, as `mvc init` writes it: signed."""
    pr.trust("ada")
    pr.start(f"{PLAIN}more: 1\n")
    pr.change()
    pr.put(POLICY, PLAIN)
    pr.sign_change("ada", POLICY)
    pr.point("data", path="data/more.csv")
    pr.commit()


@honest("note MVC412", "note MVC417")
def policy_mended(pr: History) -> None:
    """Mend a broken policy, with a model that meets the mended one."""
    mended = 'mvc-policy: 1\nrules:\n  - {match: "models/**", metrics: {auc: {min: 0.8}}}\n'
    pr.start(f"{mended}more: 1\n")
    pr.change()
    pr.put(POLICY, mended)
    pr.train("next", "v1.3.0", auc(0.9))
    pr.commit()


@honest("note MVC412")
def policy_made_stricter(pr: History) -> None:
    """Raise the minimum."""
    pr.start()
    pr.change()
    pr.replace(POLICY, "min: 0.8", "min: 0.85")
    pr.commit()


@honest("note MVC412")
def policy_with_one_rule_more(pr: History) -> None:
    """Ask more of one model."""
    pr.start()
    pr.change()
    pr.put(POLICY, pr.read(POLICY) + b'  - {match: "models/ranker*", metrics: {auc: {min: 0.9}}}\n')
    pr.commit()


@honest("note MVC412")
def policy_with_a_comment(pr: History) -> None:
    """Say in the policy why."""
    pr.start()
    pr.change()
    pr.put(POLICY, b"# What we ask of a model.\n" + pr.read(POLICY))
    pr.commit()


@honest("note MVC412")
def policy_weakened_and_signed(pr: History) -> None:
    """Lower the minimum, with the signature of one whom base trusts."""
    pr.trust("ada")
    pr.start()
    pr.change()
    pr.replace(POLICY, "min: 0.8", "min: 0.7")
    pr.sign_change("ada", POLICY)
    pr.commit()


@honest("note MVC412")
def signer_added_and_signed(pr: History) -> None:
    """Add a signer, with the signature of one who is there."""
    pr.trust("ada")
    pr.start()
    pr.change()
    pr.trust("ada", "bob")
    pr.sign_change("ada", SIGNERS)
    pr.commit()


@honest("note MVC412")
def key_revoked(pr: History) -> None:
    """Revoke a key: that makes nothing weaker."""
    pr.trust("ada", "bob")
    pr.start()
    pr.change()
    pr.put(REVOKED, f"{pr.keys.public('bob')}\n")
    pr.commit()


@honest("note MVC412")
def waiver_added_and_signed(pr: History) -> None:
    """Add a waiver for a later change, signed."""
    pr.trust("ada")
    pr.start()
    pr.change()
    raw = pr.report("worse", "v1.3.0", auc(0.7))
    pr.take(pr.branches["main"], REPORT)
    pr.put(WAIVERS, waiver("MVC202", "worse", raw))
    pr.sign_change("ada", WAIVERS)
    pr.commit()


@honest("note MVC412")
def waiver_taken_back(pr: History) -> None:
    """Take a waiver out that is not needed any more."""
    pr.put(WAIVERS, waiver("MVC202", "worse", b""))
    pr.start()
    pr.change()
    pr.put(WAIVERS, "mvc-waivers: 1\n")
    pr.commit()


@honest("note MVC412")
def waivers_deleted(pr: History) -> None:
    """Delete all waivers: nothing passes that did not."""
    pr.put(WAIVERS, waiver("MVC202", "worse", b""))
    pr.start()
    pr.change()
    pr.remove(WAIVERS)
    pr.commit()


@honest("warning MVC413")
def workflow_changed(pr: History) -> None:
    """Change the workflow that runs the gate: a person has to look."""
    pr.put(".github/workflows/gate.yaml", "on: pull_request\njobs: {gate: {steps: [{run: mvc gate}]}}\n")
    pr.start()
    pr.change()
    pr.put(".github/workflows/gate.yaml", "on: pull_request\njobs: {}\n")
    pr.commit()


@honest("note MVC417", "note MVC220")
def first_policy(pr: History) -> None:
    """Bring the first policy, and a model that meets it."""
    pr.remove(POLICY)
    pr.put("README.md", "# Search\n")
    pr.commit()
    pr.change()
    pr.put(POLICY, PLAIN)
    pr.train("new", "v0.1.0")
    pr.commit()


@honest()
def signature_of_a_policy_left_behind(pr: History) -> None:
    """Change something else, with the signature of an earlier policy still there."""
    pr.trust("ada")
    pr.start()
    pr.replace(POLICY, "min: 0.8", "min: 0.7")
    pr.sign_change("ada", POLICY)
    pr.commit()
    pr.change()
    assert (POLICY + SIGNATURES).encode() in pr.files
    pr.train("next", "v1.3.0", auc(0.94), p95(30))
    pr.commit()


@honest()
def one_deleted_and_another_retrained(pr: History) -> None:
    """Delete one model, and train another again, under one rule."""
    pr.start()
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.commit()
    pr.change()
    pr.delete()
    pr.train("spam 2", "v1.1.0", path=SPAM)
    pr.commit()


# Remotes.


def _with_remote(pr: History) -> History:
    pr.put(".mvc/config.yaml", REMOTE)
    pr.start()
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()
    return pr


def _push(pr: History, seed: object) -> None:
    """Push the content of the branch, as far as it is that of `seed`."""
    repo = pr.done()
    repo.git("switch", "-q", "change")
    repo.write(RANKER, content(seed))
    repo.ok("add", RANKER, "--no-stage")
    repo.ok("push", RANKER, "-r", "nas")
    repo.git("checkout", "-q", "-f", "main")


@honest(args=("-r", "nas"))
def pushed(pr: History) -> None:
    """Push the content before the pull request."""
    _push(_with_remote(pr), "next")


@honest("warning MVC322", args=("-r", "nas"))
def remote_that_cannot_be_asked(pr: History) -> None:
    """Offer a change where the remote gives no answer: a file is where its directory should be."""
    _with_remote(pr).done().write("../nas", "no directory")


@attack("MVC321", args=("-r", "nas"))
def never_pushed(pr: History) -> None:
    """Forget to push: whoever merges this cannot get the model."""
    _push(_with_remote(pr), "something else")


@honest()
def texts_of_a_tracked_directory_in_git(pr: History) -> None:
    """Commit the texts that `.mvcignore` excludes from a tracked directory, and change one."""
    pr.start(ruled("report: optional"))
    pr.point_dir("models/bert", weights=1)
    pr.put(".mvcignore", "*.json\nREADME.md\ndocs/\n")
    pr.put("models/bert/config.json", "{}")
    pr.commit()
    pr.change()
    pr.put("models/bert/config.json", '{"layers": 2}')
    pr.put("models/bert/README.md", "# A model")
    pr.put("models/bert/docs/usage.txt", "usage")
    pr.commit()


@honest("note MVC220")
def files_of_another_program_that_end_like_pointers(pr: History) -> None:
    """Add sources that end in `.mvc`, and which the policy allows in Git, beside a model."""
    pr.start(ruled("report: required", defaults='{git: {allow: ["/src/**"]}}'))
    pr.change()
    pr.put("src/controllers.mvc", "class X\n")
    pr.train("new", "v1.0.0", path="models/new.onnx")
    pr.commit()


@honest("warning MVC413")
def file_that_a_ci_file_includes(pr: History) -> None:
    """Change a file that GitLab includes by way of another, and one that it does not."""
    pr.put(".gitlab-ci.yml", "include: [{local: '/ci/*.yml'}]\n")
    pr.put("ci/main.yml", "include: ci/jobs/gate.yml\n")
    pr.put("ci/jobs/gate.yml", "gate: {script: mvc gate}\n")
    pr.put("ci/jobs/other.yml", "a: 1\n")
    pr.start()
    pr.change()
    pr.put("ci/jobs/gate.yml", "gate: {script: 'true'}\n")
    pr.commit()


@honest()
def yaml_that_no_ci_file_includes(pr: History) -> None:
    """Change settings of a service, beside CI files."""
    pr.put(".gitlab-ci.yml", "include: [{local: '/ci/*.yml'}]\n")
    pr.put("service/settings.yml", "a: 1\n")
    pr.start()
    pr.change()
    pr.put("service/settings.yml", "a: 2\n")
    pr.commit()


@attack("MVC312", args=("-r", "nas"))
def size_of_other_content(pr: History) -> None:
    """Resolve a conflict in pointer and report by hand, with the size of the other side: no checkout would work."""
    _with_remote(pr)
    for file in (f"{RANKER}.mvc", f"{RANKER}.eval.yaml"):
        pr.replace(file, "size: 1", "size: 2")
    pr.commit()
    _push(pr, "next")
