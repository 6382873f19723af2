"""Pull requests that lose the thread: renamed, moved, exchanged, deleted and added again, so nothing is compared."""

from __future__ import annotations

from gate.histories import PLAIN, RANKER, SPAM, History, attack, auc, holdout, honest, p95, ruled

from mvc.quality.files import POLICY, SUFFIX

MUCH = {f"layer_{number}": number for number in range(40)}
"""Parameters that make a report long, as real ones are: Git knows it again when its values change."""
NEW = "models/ranker-v2.onnx"
FORGETFUL = ruled("metrics: {auc: {min: 0.5, max_regression: 0.005}}")


@attack("MVC221")
def renamed_and_retrained(pr: History) -> None:
    """Rename the model and train it again; Git sees that the report was renamed."""
    pr.start(FORGETFUL, params=MUCH)
    pr.change()
    pr.delete()
    pr.train("worse", "v1.3.0", auc(0.8), p95(30), path=NEW, params=MUCH)
    pr.commit()


@attack("MVC221")
def renamed_and_retrained_in_two_commits(pr: History) -> None:
    """Rename with one commit, train again with the next."""
    pr.start(FORGETFUL, params=MUCH)
    pr.change()
    pr.rename(RANKER, NEW)
    pr.commit()
    pr.train("worse", "v1.3.0", auc(0.8), p95(30), path=NEW, params=MUCH)
    pr.commit()


@attack("MVC221")
def renamed_and_retrained_under_its_name(pr: History) -> None:
    """Rename the model, train it again and rewrite the report; its name in the registry stays."""
    pr.start(FORGETFUL, name="ranker")
    pr.change()
    pr.delete()
    pr.train("worse", "v1.3.0", auc(0.8), path=NEW, name="ranker", desc="all new " * 100)
    pr.commit()


@attack("MVC326", besides={"note MVC220"})
def renamed_beyond_recognition(pr: History) -> None:
    """Delete one model and add another that nothing ties to it, under the same metric rule."""
    pr.start(FORGETFUL)
    pr.change()
    pr.delete()
    pr.train("worse", "v7.0.0", auc(0.8), path="models/ranking/new.onnx", desc="all new " * 100)
    pr.commit()


@attack("MVC221", shows="added")
def deleted_now_and_added_again_later(pr: History) -> None:
    """Delete the model with one pull request; add a worse one at its path with the next."""
    pr.start(FORGETFUL)
    pr.delete()
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.8))
    pr.commit()


@attack("MVC221")
def deleted_now_and_added_again_later_elsewhere(pr: History) -> None:
    """Delete the model; add a worse one later, elsewhere, under its name in the registry."""
    pr.start(FORGETFUL, name="ranker")
    pr.delete()
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.8), path=NEW, name="ranker")
    pr.commit()


@attack("MVC221")
def deleted_now_and_added_again_later_though_registered(pr: History) -> None:
    """Delete a registered model; add a worse one later, elsewhere, under its name: the Git tag still knows it."""
    pr.start(FORGETFUL)
    pr.on("release")
    pr.delete()
    pr.train("release", "v1.2.5", path=NEW, name="ranker")
    pr.commit()
    pr.tag("ranker@v1.2.5")
    pr.on("main")
    pr.delete()
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.8), path=NEW, name="ranker")
    pr.commit()


@attack("MVC121", "MVC122", "MVC221")
def deleted_now_and_its_tag_given_to_another_later(pr: History) -> None:
    """Delete the model; later add a worse one with the very tag."""
    pr.start(FORGETFUL)
    pr.delete()
    pr.commit()
    pr.change()
    pr.train("worse", "v1.2.0", auc(0.8))
    pr.commit()


@attack("MVC121", "MVC122", "MVC221")
def deleted_now_and_its_registered_tag_given_away_elsewhere(pr: History) -> None:
    """Delete a registered model; later add a worse one with its tag, at a path that is new."""
    pr.start(FORGETFUL)
    pr.tag("ranker@v1.2.0")
    pr.delete()
    pr.commit()
    pr.change()
    pr.train("worse", "v1.2.0", auc(0.8), path="models/next/ranker.onnx")
    pr.commit()


@attack("MVC121", "MVC122", "MVC221")
def tag_that_a_branch_registers_elsewhere(pr: History) -> None:
    """Take the tag of a version that another branch has, under the same name, where main never had it."""
    pr.put(POLICY, FORGETFUL)
    pr.commit()
    pr.on("release")
    pr.train("release", "v1.3.0", path="lab/anything.bin", name="ranker")
    pr.commit()
    pr.tag("ranker@v1.3.0")
    pr.on("main")
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.8), path=NEW, name="ranker")
    pr.commit()


@attack("MVC325")
def moved_out_of_a_rule(pr: History) -> None:
    """Move the model to where no rule speaks of its metrics."""
    pr.start()
    pr.change()
    pr.rename(RANKER, "attic/ranker.onnx")
    pr.commit()


@attack("MVC325")
def moved_to_where_reports_are_optional(pr: History) -> None:
    """Move the model among the data, and train it again without a report."""
    pr.start(name="ranker")
    pr.change()
    pr.delete()
    pr.point("worse", path="data/ranker.onnx", name="ranker")
    pr.commit()


@attack("MVC325")
def moved_out_of_a_rule_and_retrained(pr: History) -> None:
    """Move the model out of its rule and train it again."""
    pr.start(name="ranker")
    pr.change()
    pr.delete()
    pr.train("worse", "v1.3.0", auc(0.2), path="attic/ranker.onnx", name="ranker")
    pr.commit()


@attack("MVC325")
def moved_to_a_weaker_rule(pr: History) -> None:
    """Move the model below a rule that asks for less."""
    weaker = '  - {match: "drafts/**", metrics: {auc: {min: 0.1, max_regression: 0.5}}}\n'
    pr.start(ruled("metrics: {auc: {min: 0.8, max_regression: 0.005}}", more=weaker))
    pr.change()
    pr.rename(RANKER, "drafts/ranker.onnx")
    pr.commit()


@attack("MVC311", "MVC325")
def moved_to_where_pickles_may_do_more(pr: History) -> None:
    """Move the model to where the policy allows more names in pickles."""
    more = '  - {match: "drafts/**", formats: {pickle: scan, pickle_allow: [shop.models.Ranker]}}\n'
    pr.start(ruled("formats: {pickle: scan}", more=more))
    pr.change()
    pr.rename(RANKER, "drafts/ranker.onnx")
    pr.commit()


@attack("MVC221")
def name_dropped_with_a_worse_training(pr: History) -> None:
    """Take the name out of the pointer: at its path the model is found all the same."""
    pr.start(FORGETFUL, name="ranker")
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.8))
    pr.commit()


@attack("MVC221")
def name_changed_with_a_worse_training(pr: History) -> None:
    """Give the model a new name in the registry, as if it were another."""
    pr.start(FORGETFUL, name="ranker")
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.8), name="ranker-2")
    pr.commit()


@attack("MVC324")
def name_given_to_two_models(pr: History) -> None:
    """Give a second model the name of the first: which of them is registered?"""
    pr.start(name="ranker")
    pr.change()
    pr.train("new", "v1.3.0", auc(0.94), p95(30), path=SPAM, name="ranker")
    pr.commit()


@attack("MVC221")
def name_taken_over_by_a_worse_model(pr: History) -> None:
    """Take the name from the good model and give it to another path: what has the name is compared."""
    pr.start(FORGETFUL, name="ranker")
    pr.change()
    pr.train("base", "v1.2.0")
    pr.train("worse", "v2.0.0", auc(0.6), path=SPAM, name="ranker")
    pr.commit()


def _with_a_weaker_one(pr: History) -> None:
    """Begin with two models that have names."""
    pr.start(FORGETFUL, name="ranker")
    pr.train("spam", "v1.0.0", auc(0.61), path=SPAM, name="spam")
    pr.commit()
    pr.change()
    pr.point("spam", path=SPAM)


@attack("MVC122", "MVC221")
def name_of_a_weaker_model_that_stays(pr: History) -> None:
    """Copy the good model, name and all, and give its path to a worse one with the name of a weaker that stays."""
    _with_a_weaker_one(pr)
    pr.train("base", "v1.2.0", path=NEW, name="ranker")
    pr.train("worse", "v1.1.0", auc(0.61), name="spam")
    pr.commit()


@attack("MVC326")
def exchanged_under_the_name_of_a_weaker_model(pr: History) -> None:
    """Delete the good model, and add a worse one with the name of a weaker one that stays."""
    _with_a_weaker_one(pr)
    pr.delete()
    pr.train("worse", "v1.1.0", auc(0.61), path="models/next.onnx", name="spam", desc="all new " * 100)
    pr.commit()


@attack("MVC326")
def exchanged_under_the_name_of_a_better_model(pr: History) -> None:
    """The same, where the one that stays is trained again and gets a name of its own."""
    _with_a_weaker_one(pr)
    pr.train("better", "v1.1.0", auc(0.7), path=SPAM, name="spam-2")
    pr.delete()
    pr.train("worse", "v1.1.0", auc(0.61), path="models/next.onnx", name="spam", desc="all new " * 100)
    pr.commit()


def _beside_a_weaker_one(pr: History) -> None:
    """Have a strong model and a weak one, each with a name; then copy the strong one to a path of its own."""
    pr.start(FORGETFUL, auc(0.95), name="ranker")
    pr.train("spam", "v1.0.0", auc(0.61), path=SPAM, name="spam")
    pr.commit()
    pr.change()
    pr.train("base", "v1.2.0", auc(0.95), path=NEW, name="ranker")
    pr.train("worse", "v1.3.0", auc(0.61), name="spam")


@attack("MVC221", shows="renamed from models/spam.onnx renamed from models/ranker.onnx changed")
def name_of_a_weaker_model_that_moves_to_another_name(pr: History) -> None:
    """Take the name of a weaker model, which moves and gets another, with the strong bytes under their name."""
    _beside_a_weaker_one(pr)
    pr.delete(SPAM)
    pr.train("spam", "v1.0.0", auc(0.61), path="models/old.onnx", name="spam-2")
    pr.commit()


@attack("MVC221", shows="renamed from models/spam.onnx renamed from models/ranker.onnx changed")
def name_of_a_weaker_model_that_moves_without_one(pr: History) -> None:
    """The same, where the weaker model has no name any more."""
    _beside_a_weaker_one(pr)
    pr.delete(SPAM)
    pr.train("spam", "v1.0.0", auc(0.61), path="models/old.onnx")
    pr.commit()


@attack("MVC221", besides={"note MVC220"})
def name_of_a_weaker_model_whose_path_is_taken(pr: History) -> None:
    """The same, where another model comes to the weaker one's path, under a name of its own."""
    _beside_a_weaker_one(pr)
    pr.train("third", "v1.1.0", auc(0.61), path=SPAM, name="spam-3")
    pr.train("spam", "v1.0.0", auc(0.61), path="models/old.onnx")
    pr.commit()


@attack("MVC221")
def renamed_and_retrained_under_the_name_of_a_weaker_model(pr: History) -> None:
    """Rename the good model, train it again, and give it the name of a weaker one that stays."""
    pr.start(FORGETFUL, params=MUCH)
    pr.train("spam", "v1.0.0", auc(0.61), path=SPAM, name="spam")
    pr.commit()
    pr.change()
    pr.point("spam", path=SPAM)
    pr.delete()
    pr.train("worse", "v1.3.0", auc(0.61), p95(30), path=NEW, name="spam", params=MUCH)
    pr.commit()


DATA = "data/train.csv"


@attack("MVC325", shows="changed deleted")
def name_given_to_data_that_is_tracked(pr: History) -> None:
    """Delete the model, and give its name to other bytes at a path that is tracked already, where no report is due."""
    pr.start(FORGETFUL, name="ranker")
    pr.point("rows", path=DATA)
    pr.commit()
    pr.change()
    pr.delete()
    pr.point("worse", path=DATA, name="ranker")
    pr.commit()


@attack("MVC325")
def name_given_to_data_while_the_model_stays(pr: History) -> None:
    """The same, where the model stays under another name."""
    pr.start(FORGETFUL, name="ranker")
    pr.point("rows", path=DATA)
    pr.commit()
    pr.change()
    pr.train("base", "v1.2.0", name="ranker-old")
    pr.point("worse", path=DATA, name="ranker")
    pr.commit()


@attack("MVC325")
def name_given_in_upper_case_to_data(pr: History) -> None:
    """The same with an upper-case letter in the name: on many systems the two names are one Git tag."""
    pr.start(FORGETFUL, name="ranker")
    pr.point("rows", path=DATA)
    pr.commit()
    pr.change()
    pr.delete()
    pr.point("worse", path=DATA, name="Ranker")
    pr.commit()


@attack("MVC221")
def name_given_to_a_weaker_model_that_is_tracked(pr: History) -> None:
    """Delete the model; its name goes to a weaker one that was there, and is no worse than itself."""
    pr.start(FORGETFUL, name="ranker")
    pr.train("spam", "v1.3.0", auc(0.61), path=SPAM, name="spam")
    pr.commit()
    pr.change()
    pr.delete()
    pr.point("spam", path=SPAM, name="ranker")
    pr.commit()


@attack("MVC121", "MVC122", "MVC221")
def name_and_tag_given_away_in_two_changes(pr: History) -> None:
    """Give the model another name with one pull request; with the next, its name and tag to a worse one."""
    pr.start(FORGETFUL, name="ranker")
    pr.train("base", "v1.2.0", name="ranker-old")
    pr.commit()
    pr.change()
    pr.train("worse", "v1.2.0", auc(0.6), path=NEW, name="ranker")
    pr.commit()


@attack("MVC221")
def name_given_away_in_two_changes_with_a_higher_tag(pr: History) -> None:
    """The same with a new tag and another case: who asks for the name gets a worse model."""
    pr.start(FORGETFUL, name="ranker")
    pr.train("base", "v1.2.0")
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.6), path=NEW, name="RANKER")
    pr.commit()


@attack("MVC221")
def name_given_away_by_a_move(pr: History) -> None:
    """Move the model and give it another name; later its first name goes to a worse one."""
    pr.start(FORGETFUL, name="ranker")
    pr.rename(RANKER, NEW)
    pr.point("base", path=NEW, name="ranker-old")
    pr.commit()
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.6), path="models/third.onnx", name="ranker")
    pr.commit()


@attack("MVC325")
def name_given_away_in_two_changes_to_data(pr: History) -> None:
    """Drop the name with one pull request, and give it to other bytes without a report with the next."""
    pr.start(FORGETFUL, name="ranker")
    pr.point("rows", path=DATA)
    pr.train("base", "v1.2.0")
    pr.commit()
    pr.change()
    pr.point("worse", path=DATA, name="ranker")
    pr.commit()


@attack("MVC121")
def tag_of_the_one_before_the_last_with_the_name(pr: History) -> None:
    """Take the tag that an earlier model had under the name; a third one has the name now."""
    pr.start(ruled("tag: {monotonic: false}"), name="ranker")
    pr.train("base", "v1.2.0", name="ranker-old")
    pr.train("next", "v1.3.0", path=NEW, name="ranker")
    pr.commit()
    pr.change()
    pr.train("last", "v1.2.0", path=NEW, name="ranker")
    pr.commit()


@attack("MVC121")
def tag_registered_under_the_name_in_another_case(pr: History) -> None:
    """Take the version that a Git tag registers under the name in lower case."""
    pr.start(ruled("tag: {monotonic: false}"), name="ranker")
    pr.on("release")
    pr.train("release", "v1.3.0", name="ranker")
    pr.commit()
    pr.tag("ranker@v1.3.0")
    pr.on("main")
    pr.change()
    pr.train("other", "v1.3.0", name="Ranker")
    pr.commit()


@attack("MVC324")
def name_that_differs_only_by_case(pr: History) -> None:
    """Give a second model the name of the first in upper case."""
    pr.start(name="ranker")
    pr.change()
    pr.train("new", "v1.3.0", path=SPAM, name="Ranker")
    pr.commit()


@honest(shows="deleted changed")
def candidate_that_takes_the_name(pr: History) -> None:
    """Delete the model, and give its name to a better candidate that is tracked beside it."""
    pr.start(FORGETFUL, name="ranker")
    pr.train("better", "v1.3.0", auc(0.95), path=SPAM, name="candidate")
    pr.commit()
    pr.change()
    pr.delete()
    pr.point("better", path=SPAM, name="ranker")
    pr.commit()


@honest()
def name_in_another_case(pr: History) -> None:
    """Change the case of a model's name."""
    pr.start(FORGETFUL, name="ranker")
    pr.change()
    pr.train("next", "v1.3.0", name="Ranker")
    pr.commit()


@honest("note MVC120", shows="deleted restored")
def name_given_back(pr: History) -> None:
    """Give a name back to the model that had it, which the one that took it surpassed."""
    pr.start(FORGETFUL, name="ranker")
    pr.train("base", "v1.2.0", name="ranker-old")
    pr.train("better", "v1.3.0", auc(0.97), path=NEW, name="ranker")
    pr.commit()
    pr.change()
    pr.delete(NEW)
    pr.point("base", name="ranker")
    pr.commit()


@honest()
def name_passed_on(pr: History) -> None:
    """Give the name of a model that stays to a new one, which is no worse."""
    _with_a_weaker_one(pr)
    pr.train("better", "v1.1.0", auc(0.7), path=NEW, name="spam")
    pr.commit()


@honest()
def names_exchanged_while_one_is_deleted(pr: History) -> None:
    """Exchange two models, names and all, and delete a third."""
    paths = {"a": "models/a.onnx", "b": "models/b.onnx"}
    pr.start(FORGETFUL)
    for name, path in paths.items():
        pr.train(name, "v1.0.0", path=path, name=name)
    pr.commit()
    pr.change()
    pr.delete()
    for name, path in zip(reversed(paths), paths.values(), strict=True):
        pr.train(name, "v1.0.0", path=path, name=name)
    pr.commit()


@attack("MVC121", "MVC122", "MVC221")
def two_models_swapped(pr: History) -> None:
    """Exchange two models, pointers and reports: the better one's path gets the worse one."""
    pr.start(FORGETFUL)
    pr.train("spam", "v1.1.0", auc(0.6), path=SPAM)
    pr.train("spam 2", "v1.2.0", auc(0.6), path=SPAM)
    pr.commit()
    pr.change()
    pr.rename(RANKER, NEW)
    pr.rename(SPAM, RANKER)
    pr.rename(NEW, SPAM)
    pr.commit()


@attack("MVC323", besides={"note MVC220"})
def case_twin_of_a_path(pr: History) -> None:
    """Add a model whose path differs by case only: where case does not count, one of them overwrites the other."""
    pr.start()
    pr.change()
    pr.train("twin", "v1.0.0", path="models/Ranker.onnx")
    pr.commit()


@attack("MVC323", besides={"note MVC220"})
def twin_of_a_path_in_another_form_of_unicode(pr: History) -> None:
    """Add a model whose path looks the same, its accent apart from its letter."""
    pr.start()
    pr.train("cafe", "v1.0.0", path="models/caf\u00e9.onnx")
    pr.commit()
    pr.change()
    pr.train("twin", "v1.0.0", path="models/cafe\u0301.onnx")
    pr.commit()


@attack("MVC323", "MVC325", besides={"note MVC220"})
def case_twin_in_a_directory(pr: History) -> None:
    """Add a model in a directory that differs by case only."""
    pr.start()
    pr.change()
    pr.train("twin", "v1.0.0", path="Models/ranker.onnx", datasets=[holdout()])
    pr.commit()


@attack("MVC323")
def model_inside_of_a_tracked_directory(pr: History) -> None:
    """Track a file in a directory that is tracked itself: which pointer says what lies there?"""
    pr.start(ruled("report: optional"))
    pr.point_dir("models/bert", config=1)
    pr.commit()
    pr.change()
    pr.point("other", path="models/bert/config.bin")
    pr.commit()


@attack("MVC101", "MVC106", "MVC323")
def report_under_a_case_twin(pr: History) -> None:
    """Put the report where only a file system without cases finds it."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.move(RANKER + SUFFIX, f"models/Ranker.onnx{SUFFIX}")
    pr.commit()


@attack("MVC202", "MVC221")
def branch_behind_a_stricter_main(pr: History) -> None:
    """Offer a branch that was begun before the policy was made stricter."""
    pr.start(ruled("metrics: {auc: {min: 0.5}}"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.85), p95(30))
    pr.commit()
    pr.on("main")
    pr.put(POLICY, PLAIN.replace("min: 0.8,", "min: 0.9,"))
    pr.commit()


@attack("MVC121")
def branch_behind_a_main_that_gave_the_tag_away(pr: History) -> None:
    """Offer a branch whose tag other bytes got meanwhile, at the model's new path."""
    pr.start(name="ranker")
    pr.change()
    pr.train("mine", "v1.3.0", name="ranker")
    pr.commit()
    pr.on("main")
    first = pr.branches["main"]
    pr.train("theirs", "v1.3.0", name="ranker")
    pr.commit()
    pr.take(first, f"{RANKER}.mvc", RANKER + SUFFIX)
    pr.commit()


@attack("MVC304", "MVC323")
def pointer_file_that_differs_by_case(pr: History) -> None:
    """Put a pointer beside the model's that is the same file where case does not count."""
    pr.start()
    pr.change()
    pr.point("worse", path=RANKER)
    pr.move(f"{RANKER}.mvc", f"{RANKER}.MVC")
    pr.point("base")
    pr.commit()


@attack("MVC304")
def pointer_that_only_some_systems_read(pr: History) -> None:
    """Add a pointer whose name ends in capitals: no report is asked for."""
    pr.start()
    pr.change()
    pr.point("new", path="models/new.onnx")
    pr.move("models/new.onnx.mvc", "models/new.onnx.MVC")
    pr.commit()


@attack("MVC325")
def path_that_only_its_case_keeps_out_of_a_rule(pr: History) -> None:
    """Add a model to a directory that is `models` where case does not count."""
    pr.start(ruled("metrics: {auc: {min: 0.8}}", defaults="{report: optional}"))
    pr.change()
    pr.point("worse", path="Models/new.onnx")
    pr.commit()


@attack("MVC323")
def policy_that_differs_by_case(pr: History) -> None:
    """Add a policy that replaces the real one where case does not count."""
    pr.start()
    pr.change()
    pr.put(".MVC/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    pr.commit()


@attack("MVC324")
def name_that_differs_by_case(pr: History) -> None:
    """Give a new model the name of another, with a capital."""
    pr.start(name="ranker")
    pr.change()
    pr.train("new", "v9.0.0", path="models/new.onnx", name="Ranker")
    pr.commit()


@attack("MVC101", "MVC304")
def pointer_that_an_allowed_file_replaces(pr: History) -> None:
    """Replace a pointer by something that looks like another program's, where such files are allowed."""
    pr.start(ruled("report: required", defaults='{git: {allow: ["*.mvc"]}}'))
    pr.change()
    pr.put(f"{RANKER}.mvc", "class X\n")
    pr.remove(RANKER + SUFFIX)
    pr.commit()
