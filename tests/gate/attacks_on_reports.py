"""Pull requests that land a model with no evaluation of its own: reports that are missing, stale, broken, replayed."""

from __future__ import annotations

from gate.histories import (
    PLAIN,
    RANKER,
    SPAM,
    SUBMODULE,
    SYMLINK,
    History,
    attack,
    auc,
    content,
    holdout,
    honest,
    p95,
    regressing,
    ruled,
)
from msgspec.structs import replace

from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import emit, file_pointer
from mvc.objects.pointer_reader import parse
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.reports.report import Model, Source, Used

REPORT = RANKER + SUFFIX
POINTER = f"{RANKER}.mvc"


@attack("MVC103")
def retrained_and_the_old_report_kept(pr: History) -> None:
    """Train again; let the report of the old bytes stand beside the new ones."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.commit()


TOKENIZER = "data/tokenizer.json"


def _with_a_tokenizer(pr: History, path: str = TOKENIZER) -> None:
    """Begin with a model that was evaluated with a tokenizer, which is tracked, below a directory, and in Git."""
    pr.point("tokens", path=TOKENIZER)
    pr.point_dir("data/bert", vocab="words")
    pr.put("data/merges.txt", "a b\n")
    known = {TOKENIZER: content("tokens"), "data/bert/vocab.bin": content("words"), "data/merges.txt": b"a b\n"}
    pr.start(together=[Used(path, hash_bytes(known[path]).blake3)])


@attack("MVC107")
def tokenizer_exchanged_under_a_report(pr: History) -> None:
    """Change the tokenizer that a model was evaluated with, and leave the model and its report alone."""
    _with_a_tokenizer(pr)
    pr.change()
    pr.point("other tokens", path=TOKENIZER)
    pr.commit()


@attack("MVC107", shows="deleted")
def tokenizer_deleted_under_a_report(pr: History) -> None:
    """Delete the tokenizer."""
    _with_a_tokenizer(pr)
    pr.change()
    pr.delete(TOKENIZER)
    pr.commit()


@attack("MVC107")
def tokenizer_exchanged_in_a_directory(pr: History) -> None:
    """Change the tokenizer in a directory that is tracked as a whole."""
    _with_a_tokenizer(pr, "data/bert/vocab.bin")
    pr.change()
    pr.point_dir("data/bert", vocab="other words")
    pr.commit()


@attack("MVC107")
def tokenizer_exchanged_in_git(pr: History) -> None:
    """Change a small tokenizer that Git itself has."""
    _with_a_tokenizer(pr, "data/merges.txt")
    pr.change()
    pr.put("data/merges.txt", "b a\n")
    pr.commit()


@attack("MVC107")
def tokenizer_that_comes_to_the_place_of_one_that_moved(pr: History) -> None:
    """Move the tokenizer with one pull request; add another in its place with the next, and touch nothing else."""
    _with_a_tokenizer(pr)
    pr.rename(TOKENIZER, "data/moved.json")
    pr.commit()
    pr.change()
    pr.point("other tokens", path=TOKENIZER)
    pr.commit()


@attack("MVC107")
def tokenizer_that_a_new_report_does_not_know(pr: History) -> None:
    """Record the model anew, and copy from the earlier report which tokenizer it had; it has another now."""
    _with_a_tokenizer(pr)
    pr.change()
    pr.point("other tokens", path=TOKENIZER)
    pr.train("next", "v1.3.0", together=[Used(TOKENIZER, hash_bytes(content("tokens")).blake3)])
    pr.commit()


@attack("MVC107", "MVC108")
def tokenizer_that_a_new_report_does_not_name(pr: History) -> None:
    """Leave the tokenizer, which a rule demands, out of the new report."""
    pr.point("tokens", path=TOKENIZER)
    used = [Used(TOKENIZER, hash_bytes(content("tokens")).blake3)]
    pr.start(ruled(f"with: {{required: [{TOKENIZER}]}}"), together=used)
    pr.change()
    pr.train("next", "v1.3.0", together=[Used("data/tokenizer.jsοn", used[0].blake3)])  # noqa: RUF001 - not an o
    pr.commit()


def _derived(pr: History) -> None:
    """Begin with a policy that demands a report of what a model is derived from, and a model that has one."""
    pr.start(ruled("from: {report: required}"))
    pr.change()


def _quantised(pr: History, path: str, seed: str) -> None:
    """Add a model that is derived from another."""
    pr.train("small", "v1.0.0", path=SPAM, sources=[Source(path, hash_bytes(content(seed)).blake3)])
    pr.commit()


@attack("MVC109", besides={"note MVC220"})
def derived_from_a_model_without_a_report(pr: History) -> None:
    """Derive a model from one that was never evaluated."""
    _derived(pr)
    pr.point("raw", path="data/raw.onnx")
    _quantised(pr, "data/raw.onnx", "raw")


@attack("MVC109", besides={"note MVC220"})
def derived_from_other_content_than_was_evaluated(pr: History) -> None:
    """Derive a model from content that the report beside it is not of."""
    _derived(pr)
    _quantised(pr, RANKER, "never seen")


@attack("MVC109", besides={"note MVC220"})
def derived_from_what_had_a_report_on_the_way(pr: History) -> None:
    """Report on the source in one commit of the pull request, and take the report back in the next."""
    _derived(pr)
    pr.train("raw", "v1.0.0", path="data/raw.onnx")
    pr.commit()
    pr.remove("data/raw.onnx" + SUFFIX)
    _quantised(pr, "data/raw.onnx", "raw")


@attack("MVC109", besides={"note MVC220"})
def derived_from_outside_of_the_repository(pr: History) -> None:
    """Name a path outside of the repository, where Git looks for nothing."""
    _derived(pr)
    _quantised(pr, "../elsewhere/model.onnx", "base")


@honest("note MVC220")
def derived_from_an_earlier_version(pr: History) -> None:
    """Derive a model from a version that only the history has, as its path has a newer one."""
    pr.start(ruled("from: {report: required}"))
    pr.train("better", "v1.3.0")
    pr.commit()
    pr.change()
    _quantised(pr, RANKER, "base")


@honest("note MVC220")
def derived_from_a_model_of_the_same_change(pr: History) -> None:
    """Add a model and one that is derived from it, each with its report."""
    _derived(pr)
    pr.train("large", "v1.0.0", path="models/large.onnx")
    _quantised(pr, "models/large.onnx", "large")


@attack("MVC210")
def evaluated_on_a_part_of_the_data(pr: History) -> None:
    """Evaluate on the examples that are easy."""
    pr.start(ruled("datasets: [{id: holdout, full: true}]"), datasets=[replace(holdout(), n=5000)])
    pr.change()
    pr.train("next", "v1.3.0", datasets=[replace(holdout(), n=5000, used=500)])
    pr.commit()


@attack("MVC226")
def evaluated_on_fewer_examples_of_the_same_data(pr: History) -> None:
    """Keep the number of examples as it was, and say in another key that most were left out."""
    pr.start(datasets=[replace(holdout(), n=5000)])
    pr.change()
    pr.train("next", "v1.3.0", datasets=[replace(holdout(), n=5000, used=500)])
    pr.commit()


@honest()
def tokenizer_moved(pr: History) -> None:
    """Move the tokenizer as it is."""
    _with_a_tokenizer(pr)
    pr.change()
    pr.rename(TOKENIZER, "data/moved.json")
    pr.commit()


@honest()
def tokenizer_and_model_renewed(pr: History) -> None:
    """Change the tokenizer, and evaluate the model with it; another file changes beside it."""
    _with_a_tokenizer(pr)
    pr.change()
    pr.point("other tokens", path=TOKENIZER)
    pr.put("data/merges.txt", "b a\n")
    pr.train("next", "v1.3.0", together=[Used(TOKENIZER, hash_bytes(content("other tokens")).blake3)])
    pr.commit()


@attack("MVC209")
def report_without_a_metric(pr: History) -> None:
    """Record that the new bytes were evaluated, and no result."""
    pr.start(ruled("report: required"))
    pr.change()
    pr.train("next", "v1.3.0", metrics=[])
    pr.commit()


@attack("MVC101", "MVC209", besides={"note MVC220"})
def data_set_with_an_empty_report(pr: History) -> None:
    """Offer two models that need reports by default: one has none, the other an empty one."""
    pr.start("mvc-policy: 1\n")
    pr.change()
    pr.point("rows", path="data/train.csv")
    pr.train("other", "v1.0.0", path=SPAM, metrics=[])
    pr.commit()


@attack("MVC101")
def new_model_without_a_report(pr: History) -> None:
    """Add a model that nobody evaluated."""
    pr.start()
    pr.change()
    pr.point("new", path=SPAM)
    pr.commit()


@attack("MVC101")
def report_deleted_beside_a_retrained_model(pr: History) -> None:
    """Train again and delete the report, which would say that it is stale."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.remove(REPORT)
    pr.commit()


@attack("MVC101")
def report_deleted_beside_the_same_model(pr: History) -> None:
    """Delete just the report, so that the next change finds nothing to compare with."""
    pr.start()
    pr.change()
    pr.remove(REPORT)
    pr.commit()


@attack("MVC106")
def pointer_deleted_and_the_report_left(pr: History) -> None:
    """Delete just the pointer: a report of nothing."""
    pr.start()
    pr.change()
    pr.remove(POINTER)
    pr.commit()


@attack("MVC121", "MVC122")
def report_edited_to_name_the_new_bytes(pr: History) -> None:
    """Train again, and write the new digest into the old report."""
    pr.start()
    pr.change()
    pr.point("evil")
    new, old = (hash_bytes(content(seed)) for seed in ("evil", "base"))
    pr.replace(REPORT, old.blake3, new.blake3)
    pr.replace(REPORT, old.xxh128, new.xxh128)
    pr.commit()


@attack("MVC128")
def report_that_git_mixes_from_both_sides(pr: History) -> None:
    """Edit a report where main does not edit it, so that the merge has lines of both."""
    pr.start(PLAIN, auc(0.9), p95(30))
    pr.change()
    pr.replace(REPORT, "value: 30", "value: 20")
    pr.commit()
    pr.on("main")
    pr.replace(REPORT, "v1.2.0", "v1.2.1")
    pr.commit()


@attack("MVC103")
def report_copied_from_another_model(pr: History) -> None:
    """Train again, and copy the report of a model that is good."""
    pr.start()
    pr.train("spam", "v9.0.0", auc(0.99), p95(10), path=SPAM)
    pr.commit()
    pr.change()
    pr.point("worse")
    pr.put(REPORT, pr.read(SPAM + SUFFIX))
    pr.commit()


@attack("MVC103")
def report_of_an_earlier_version_replayed(pr: History) -> None:
    """Bring back the better report of an earlier version; leave the model as it is."""
    pr.start()
    best = pr.read(REPORT)
    pr.train("next", "v1.3.0", auc(0.928), p95(30))
    pr.commit()
    pr.change()
    pr.put(REPORT, best)
    pr.commit()


@attack("MVC103")
def pointer_of_an_earlier_version_replayed(pr: History) -> None:
    """Bring back an earlier pointer under the report of today."""
    first = pr.start()
    pr.train("next", "v1.3.0", auc(0.95), p95(30))
    pr.commit()
    pr.change()
    pr.take(first, POINTER)
    pr.commit()


@attack("MVC103")
def pointers_of_two_models_swapped(pr: History) -> None:
    """Exchange two pointers and leave the reports where they are."""
    pr.start()
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.commit()
    pr.change()
    pr.point("spam")
    pr.point("base", path=SPAM)
    pr.commit()


@attack("MVC103")
def report_with_another_quick_digest(pr: History) -> None:
    """Bind the report by blake3 to the model, by xxh128 to other bytes."""
    pr.start()
    pr.change()
    right = hash_bytes(content("next"))
    pr.train("next", "v1.3.0", model=Model(right.blake3, hash_bytes(b"other").xxh128, right.size))
    pr.commit()


@attack("MVC103")
def report_with_another_size(pr: History) -> None:
    """Bind the report by blake3 to the model, and say another size."""
    pr.start()
    pr.change()
    right = hash_bytes(content("next"))
    pr.train("next", "v1.3.0", model=Model(right.blake3, right.xxh128, right.size + 1))
    pr.commit()


@attack("MVC103")
def one_shard_of_a_directory_exchanged(pr: History) -> None:
    """Exchange one file in a tracked directory that was evaluated as a whole."""
    pr.start()
    pr.point_dir("models/bert", config=1, weights=1)
    pr.report(0, "v1.0.0", path="models/bert", model=Model(_dir_digest(pr)))
    pr.commit()
    pr.change()
    pr.point_dir("models/bert", config=1, weights=2)
    pr.commit()


def _dir_digest(pr: History) -> str:
    from mvc.objects.pointer_reader import parse

    return parse(pr.read("models/bert.mvc")).digest.blake3


@attack("MVC102")
def metric_not_a_number(pr: History) -> None:
    """Record NaN, which is neither below a minimum nor worse than anything."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0")
    pr.replace(REPORT, "value: 0.93", "value: .nan")
    pr.commit()


@attack("MVC102")
def metric_infinite(pr: History) -> None:
    """Record a metric so large that it reads as infinite."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0")
    pr.replace(REPORT, "value: 0.93", "value: 1.0e999")
    pr.commit()


@attack("MVC102")
def metric_a_boolean(pr: History) -> None:
    """Record `true`, which many a reader takes for 1."""
    pr.start()
    pr.change()
    pr.train("worse", "v1.3.0")
    pr.replace(REPORT, "value: 0.93", "value: true")
    pr.commit()


@attack("MVC102")
def metric_told_twice(pr: History) -> None:
    """Record a metric twice, the good value last or first, whichever counts."""
    pr.start()
    pr.change()
    raw = pr.train("worse", "v1.3.0", auc(0.5), p95(30))
    pr.put(REPORT, raw + b'  - {name: "auc", value: 0.99, higher_is_better: true}\n')
    pr.replace(REPORT, "value: 0.5, higher_is_better: true, stderr: 0.004", "value: 0.5, higher_is_better: true")
    pr.commit()


@attack("MVC102")
def key_told_twice(pr: History) -> None:
    """Write a second `metrics:` below the first: readers differ on which one counts."""
    pr.start()
    pr.change()
    raw = pr.train("worse", "v1.3.0", auc(0.5))
    pr.put(REPORT, raw + b"metrics: [{name: auc, value: 0.99}]\n")
    pr.commit()


@attack("MVC102")
def report_of_nested_brackets(pr: History) -> None:
    """Write a report that crashes a reader of YAML."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.put(REPORT, b"mvc-eval: 1\nmetrics: " + b"[" * 40_000)
    pr.commit()


@attack("MVC102")
def report_empty(pr: History) -> None:
    """Leave an empty file where the report is looked for."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.put(REPORT, b"")
    pr.commit()


@attack("MVC102")
def report_too_large_to_be_read(pr: History) -> None:
    """Pad the report until no reader takes it in."""
    pr.start()
    pr.change()
    raw = pr.train("worse", "v1.3.0")
    pr.put(REPORT, raw + b"#" * (1 << 20))
    pr.commit()


@attack("MVC309")
def report_a_symlink(pr: History) -> None:
    """Have the report point at a file outside of what is judged."""
    pr.start()
    pr.change()
    pr.point("worse")
    pr.put(REPORT, "../../elsewhere.yaml", SYMLINK)
    pr.commit()


@attack("MVC309")
def pointer_a_symlink(pr: History) -> None:
    """Have the pointer point at one that is good."""
    pr.start()
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.commit()
    pr.change()
    pr.put(POINTER, "spam.onnx.mvc", SYMLINK)
    pr.commit()


@attack("MVC309")
def pointer_a_submodule(pr: History) -> None:
    """Put a submodule where the pointer was."""
    pr.start()
    pr.change()
    pr.put(POINTER, "1" * 40, SUBMODULE)
    pr.commit()


@attack("MVC304")
def pointer_edited_by_hand(pr: History) -> None:
    """Spell the pointer in another way, so that readers may differ on what it says."""
    pr.start()
    pr.change()
    pr.put(POINTER, pr.read(POINTER) + b"# reviewed\n")
    pr.commit()


@attack("MVC305")
def pointer_committed_with_the_marks_of_a_conflict(pr: History) -> None:
    """Commit both sides of a conflict in a pointer."""
    pr.start()
    pr.change()
    ours = pr.read(POINTER)
    pr.put(POINTER, b"<<<<<<< ours\n" + ours + b"=======\n" + ours + b">>>>>>> theirs\n")
    pr.commit()


@attack("MVC305")
def report_committed_with_the_marks_of_a_conflict(pr: History) -> None:
    """Commit both sides of a conflict in a report."""
    pr.start()
    pr.change()
    ours = pr.read(REPORT)
    pr.put(REPORT, b"<<<<<<< ours\n" + ours + b"=======\n" + ours + b">>>>>>> theirs\n")
    pr.commit()


@attack("MVC304", besides={"note MVC220"})
def name_with_a_line_break(pr: History) -> None:
    """Track a path that breaks out of its line in a log."""
    pr.start()
    pr.change()
    path = b"models/a\n::error::b.onnx"
    pr.point("x", path=path)
    pr.report("x", "v1.0.0", path=path)
    pr.commit()


@attack("MVC304", besides={"note MVC220"})
def name_that_is_no_text(pr: History) -> None:
    """Track a path that is not UTF-8."""
    pr.start()
    pr.change()
    path = b"models/\xff\xfe.onnx"
    pr.point("x", path=path)
    pr.report("x", "v1.0.0", path=path)
    pr.commit()


@attack("MVC304", besides={"note MVC220"})
def name_that_windows_reserves(pr: History) -> None:
    """Track a path that cannot be checked out everywhere."""
    pr.start()
    pr.change()
    pr.train("x", "v1.0.0", path="models/con.onnx")
    pr.commit()


# Tags.


@attack("MVC104")
def tag_left_out(pr: History) -> None:
    """Record no version."""
    pr.start()
    pr.change()
    pr.train("next", "")
    pr.commit()


@attack("MVC105")
def tag_no_version(pr: History) -> None:
    """Record a tag that the policy's pattern does not mean."""
    pr.start()
    pr.change()
    pr.train("next", "newest")
    pr.commit()


@attack("MVC122")
def tag_lowered(pr: History) -> None:
    """Record a lower version than the one that is there."""
    pr.start()
    pr.change()
    pr.train("next", "v1.1.0")
    pr.commit()


@attack("MVC122")
def tag_of_a_prerelease_of_what_is_there(pr: History) -> None:
    """Record a release candidate of the version that is there: it is lower, though it looks longer."""
    pr.start()
    pr.change()
    pr.train("next", "v1.2.0-rc.1")
    pr.commit()


@attack("MVC122")
def tag_that_differs_by_build_only(pr: History) -> None:
    """Record the same version with another build: Semantic Versioning ranks them alike."""
    pr.start()
    pr.change()
    pr.train("next", "v1.2.0+build.2")
    pr.commit()


@attack("MVC121")
def tag_that_history_gave_to_other_bytes(pr: History) -> None:
    """Record a version that an earlier training had, which has since been rolled back."""
    pr.start()
    first = pr.branches["main"]
    pr.train("second", "v1.3.0")
    pr.commit()
    pr.take(first, POINTER, REPORT)
    pr.commit()
    pr.change()
    pr.train("third", "v1.3.0")
    pr.commit()


@attack("MVC121")
def tag_that_a_merged_branch_gave_to_other_bytes(pr: History) -> None:
    """Record a version that a branch had, before it was trained once more and merged."""
    _merged_after(pr)
    pr.change()
    pr.train("third", "v1.3.0")
    pr.commit()


@attack("MVC121")
def tag_that_a_merge_in_a_merged_branch_gave_to_other_bytes(pr: History) -> None:
    """Record a version that was given in nothing but a merge commit of such a branch."""
    pr.start()
    for name in ("other", "side"):
        pr.on("main")
        pr.on(name)
        pr.put(f"notes/{name}.md", name)
        pr.commit()
    pr.train("second", "v1.3.0")
    pr.put("notes/other.md", "other")
    pr.commit("other")
    pr.train("mended", "v1.2.1")
    _merge(pr)
    pr.change()
    pr.train("third", "v1.3.0")
    pr.commit()


@attack("MVC121")
def tag_that_a_merged_branch_gave_at_another_path(pr: History) -> None:
    """Record a version that a branch had under the same name, elsewhere."""
    pr.start(name="ranker")
    pr.on("side")
    pr.delete()
    pr.train("second", "v1.3.0", path=SPAM, name="ranker")
    pr.commit()
    pr.delete(SPAM)
    pr.train("mended", "v1.2.1", name="ranker")
    _merge(pr)
    pr.change()
    pr.train("third", "v1.3.0", name="ranker")
    pr.commit()


def _merged_after(pr: History, tag: str = "v1.2.1") -> None:
    """Merge a branch that had v1.3.0 first and then other bytes, under a tag of theirs."""
    pr.start()
    pr.on("side")
    pr.train("second", "v1.3.0")
    pr.commit()
    pr.train("mended", tag)
    _merge(pr)


def _merge(pr: History) -> None:
    """Commit on the branch `side`, and merge that into `main`."""
    pr.commit()
    files = dict(pr.files)
    pr.on("main")
    pr.files = files
    pr.commit("side")


@honest()
def evaluated_again_under_the_tag_that_it_was_merged_with(pr: History) -> None:
    """Evaluate again what was merged, where the branch had had the same tag for bytes that did not land."""
    _merged_after(pr, "v1.3.0")
    pr.change()
    pr.report("mended", "v1.3.0", auc(0.931), p95(29))
    pr.commit()


@honest()
def tag_that_a_merged_branch_gave_to_the_same_bytes(pr: History) -> None:
    """Release what a branch had, after it was merged with an earlier training."""
    _merged_after(pr)
    pr.change()
    pr.train("second", "v1.3.0")
    pr.commit()


@honest()
def tag_that_a_merged_branch_gave_to_another_model(pr: History) -> None:
    """Record a version that a branch had for a model of another name, at a path that had both for a while."""
    pr.start(name="ranker")
    pr.on("side")
    pr.delete()
    pr.train("moved", "v1.2.1", path=SPAM, name="ranker")
    pr.commit()
    pr.train("other", "v1.3.0", path=SPAM, name="spam")
    pr.commit()
    pr.delete(SPAM)
    pr.train("mended", "v1.2.2", name="ranker")
    _merge(pr)
    pr.change()
    pr.train("third", "v1.3.0", name="ranker")
    pr.commit()


@attack("MVC121")
def tag_that_is_registered_for_other_bytes(pr: History) -> None:
    """Record a version that a Git tag off the main branch registers."""
    pr.start(name="ranker")
    pr.on("hotfix")
    pr.train("hot", "v1.2.1", name="ranker")
    pr.commit()
    pr.tag("ranker@v1.2.1")
    pr.on("main")
    pr.change()
    pr.train("next", "v1.2.1", name="ranker")
    pr.commit()


@attack("MVC122")
def duplicate_tag_where_others_may_have_it(pr: History) -> None:
    """Keep the tag for other bytes, where the policy only has it rise."""
    pr.start(ruled("metrics: {auc: {min: 0.8}}", "tag: {unique: false}"))
    pr.change()
    pr.train("next", "v1.2.0")
    pr.commit()


@attack("MVC121", "MVC122")
def duplicate_tag_spelled_otherwise(pr: History) -> None:
    """Keep the version for other bytes, without its `v`."""
    pr.start()
    pr.change()
    pr.train("next", "1.2.0")
    pr.commit()


@attack("MVC121", "MVC122")
def duplicate_tag(pr: History) -> None:
    """Train again, evaluate again, and keep the tag."""
    pr.start()
    pr.change()
    pr.train("next", "v1.2.0", auc(0.94), p95(30))
    pr.commit()


@attack("MVC122")
def rollback_to_a_pair_that_never_stood_together(pr: History) -> None:
    """Bring back old bytes with their old tag, under a report that was not there then."""
    first = pr.start()
    pr.train("next", "v1.3.0")
    pr.commit()
    pr.change()
    pr.take(first, POINTER)
    pr.report("base", "v1.2.0", auc(0.99), p95(1))
    pr.commit()


@attack("MVC122", "MVC221")
def rollback_to_what_stood_on_a_side_branch_only(pr: History) -> None:
    """Bring back a pair that only a branch had, which was merged after it had been mended."""
    pr.start()
    pr.on("side")
    pr.train("bad", "v1.2.1", auc(0.85), p95(30))
    bad = pr.commit()
    pr.train("good", "v1.3.0", auc(0.94), p95(30))
    pr.commit()
    good = dict(pr.files)
    pr.on("main")
    pr.files = good
    pr.commit("side")
    pr.change()
    pr.take(bad, POINTER, REPORT)
    pr.commit()


@attack("MVC123")
def rollback_when_denied(pr: History) -> None:
    """Go back to an earlier version where the policy does not have it."""
    first = pr.start(ruled("metrics: {auc: {min: 0.8}}", "tag: {rollback: deny}"))
    pr.train("next", "v1.3.0")
    pr.commit()
    pr.change()
    pr.take(first, POINTER, REPORT)
    pr.commit()


@attack("MVC123")
def rollback_to_what_was_never_registered(pr: History) -> None:
    """Go back to a version that no Git tag registers, where the policy asks for one."""
    first = pr.start(ruled("metrics: {auc: {min: 0.8}}", "tag: {rollback: registered}"), name="ranker")
    pr.train("next", "v1.3.0", name="ranker")
    pr.commit()
    pr.tag("ranker@v1.3.0")
    pr.change()
    pr.take(first, POINTER, REPORT)
    pr.commit()


@attack("MVC202", besides={"note MVC120"})
def rollback_below_the_minimum_of_today(pr: History) -> None:
    """Go back to a version that was good enough for the policy of its day."""
    first = pr.start(regressing("min: 0.8"), auc(0.85))
    pr.put(POLICY, regressing("min: 0.9"))
    pr.train("next", "v1.3.0", auc(0.95), p95(30))
    pr.commit()
    pr.change()
    pr.take(first, POINTER)
    pr.put(REPORT, first.tree[REPORT.encode()].raw)
    pr.commit()


@attack("MVC121", "MVC122")
def rollback_of_another_model(pr: History) -> None:
    """Bring an earlier pair of one model back as another model."""
    pr.start(name="ranker")
    first = pr.branches["main"]
    pr.train("next", "v1.3.0", name="ranker")
    pr.train("spam", "v2.0.0", path=SPAM, name="spam", datasets=[holdout()])
    pr.commit()
    pr.train("spam", "v2.1.0", path=SPAM, name="spam")
    pr.commit()
    pr.change()
    pr.put(f"{SPAM}.mvc", first.tree[POINTER.encode()].raw.replace(b'"ranker"', b'"spam"'))
    pr.put(SPAM + SUFFIX, first.tree[REPORT.encode()].raw.replace(b"v1.2.0", b"v2.0.0"))
    pr.commit()


@attack("MVC103")
def directory_that_becomes_the_file_of_its_list(pr: History) -> None:
    """Have the pointer name the list of a directory's files, whose digest the report is of, as if it were a file."""
    path = "models/bert"
    pr.start()
    pr.point_dir(path, config=1)
    digest = parse(pr.read(f"{path}.mvc")).digest
    pr.report("bert", "v1.0.0", path=path, model=Model(*digest))
    pr.commit()
    pr.change()
    pr.put(f"{path}.mvc", emit(file_pointer(digest)))
    pr.commit()


@attack("MVC121", "MVC122")
def tag_of_a_model_with_an_at_sign_in_its_name(pr: History) -> None:
    """Give other bytes a tag that Git has for a model whose file name has an `@`."""
    path = "models/foo@bar.onnx"
    pr.start()
    pr.on("side")
    pr.train("bar", "v1.5.0", path=path)
    pr.commit()
    pr.tag("foo@bar@v1.5.0")
    pr.on("main")
    pr.change()
    pr.train("other", "v1.5.0", path=path)
    pr.commit()
