"""Pull requests whose numbers are not those that their predictions give, or are worse by a test on the examples."""

from __future__ import annotations

from gate.histories import History, attack, holdout, honest, regressing, ruled

from mvc.objects.hashing import hash_bytes
from mvc.quality.reports.report import Metric, Predictions

FILE = "data/predictions.csv"
ROWS = 200
EVIDENCE = ruled("evidence: predictions", "metrics: {accuracy: {min: 0.5}}")
PAIRED = regressing("direction: higher, max_regression: paired", "accuracy")
RECOMPUTE = ("--recompute",)


def answers(wrong: int) -> bytes:
    """Return predictions of `ROWS` examples, of which the first `wrong` are wrong."""
    rows = (f"{number % 2},{(number + (number < wrong)) % 2}\n" for number in range(ROWS))
    return b"truth,predicted\n" + "".join(rows).encode()


def accuracy(wrong: int, **said: object) -> Metric:
    """Return the metric that `answers` give."""
    return Metric("accuracy", 1 - wrong / ROWS, **{"higher_is_better": True, **said})


def evaluate(pr: History, tag: str, wrong: int, *metrics: Metric, rows: bytes = b"") -> None:
    """Train a model and evaluate it: predictions, pointers and report."""
    raw = rows or answers(wrong)
    pr.point(raw, FILE)
    named = Predictions(FILE, hash_bytes(raw).blake3, ROWS, "holdout", task="classification")
    pr.train(tag, tag, *(metrics or [accuracy(wrong)]), predictions=named)


def cache(pr: History, *files: bytes) -> None:
    """Have predictions in the cache of the one who judges."""
    for number, raw in enumerate(files):
        pr.repo.write(f"{number}.csv", raw)
        pr.repo.ok("add", "--no-stage", f"{number}.csv")
    pr.repo.git("clean", "-ffdqx")


def land(pr: History, policy: str, old: int, new: int, *metrics: Metric) -> None:
    """Land a model with `new` wrong answers where one with `old` was."""
    pr.put(".mvc/policy.yaml", policy)
    evaluate(pr, "v1.2.0", old)
    pr.commit()
    pr.change()
    evaluate(pr, "v1.3.0", new, *metrics)
    pr.commit()


@honest(args=RECOMPUTE)
def numbers_that_the_predictions_give(pr: History) -> None:
    """Land a model whose numbers can be computed again."""
    land(pr, EVIDENCE, 20, 10)
    cache(pr, answers(10))


@attack("MVC227", args=RECOMPUTE)
def edited_number(pr: History) -> None:
    """Write a better number into a report than its predictions give."""
    land(pr, EVIDENCE, 20, 10, accuracy(1))
    cache(pr, answers(10))


@attack("MVC227", args=RECOMPUTE)
def edited_number_that_nobody_asked_for(pr: History) -> None:
    """Name predictions that the policy does not demand, and other numbers than they give."""
    land(pr, ruled("metrics: {accuracy: {min: 0.5}}"), 20, 10, accuracy(1))
    cache(pr, answers(10))


@attack("MVC227", besides={"note MVC220"}, args=RECOMPUTE)
def number_of_other_data(pr: History) -> None:
    """Measure the demanded metric on a data set that the predictions are not of."""
    pr.put(".mvc/policy.yaml", EVIDENCE)
    pr.commit()
    pr.change()
    raw = answers(10)
    pr.point(raw, FILE)
    named = Predictions(FILE, hash_bytes(raw).blake3, ROWS, "holdout", task="classification")
    elsewhere = accuracy(0, dataset="easy")
    pr.train("new", "v1.0.0", elsewhere, predictions=named, datasets=[holdout(), holdout(2, "easy")])
    pr.commit()
    cache(pr, raw)


@attack("MVC228")
def numbers_without_predictions(pr: History) -> None:
    """Land a model with numbers alone, where predictions are demanded."""
    pr.start(EVIDENCE)
    pr.change()
    pr.train("new", "v1.3.0", accuracy(1))
    pr.commit()


@attack("MVC229")
def numbers_that_nobody_computed(pr: History) -> None:
    """Demand predictions, and run the gate without --recompute."""
    land(pr, EVIDENCE, 20, 10)


@attack("MVC229", args=RECOMPUTE)
def predictions_that_nobody_has(pr: History) -> None:
    """Name predictions that were never pushed."""
    land(pr, EVIDENCE, 20, 10)
    cache(pr)


@attack("MVC229", besides={"note MVC220"}, args=RECOMPUTE)
def predictions_that_cannot_be_read(pr: History) -> None:
    """Name a file that is no predictions file."""
    pr.put(".mvc/policy.yaml", EVIDENCE)
    pr.commit()
    pr.change()
    evaluate(pr, "v1.0.0", 0, rows=b"truth\n1\n")
    pr.commit()
    cache(pr, b"truth\n1\n")


@honest("warning MVC229", args=RECOMPUTE)
def predictions_that_are_not_demanded(pr: History) -> None:
    """Name predictions that nobody has, where the policy demands none."""
    land(pr, ruled("metrics: {accuracy: {min: 0.5}}"), 20, 10)
    cache(pr)


@attack("MVC221", args=RECOMPUTE)
def worse_by_a_test(pr: History) -> None:
    """Land a model that is worse on the same examples by more than chance gives."""
    land(pr, PAIRED, 10, 40)
    cache(pr, answers(10), answers(40))


@honest("note MVC231", args=RECOMPUTE)
def worse_by_chance(pr: History) -> None:
    """Land a model that is wrong on two examples more."""
    land(pr, PAIRED, 10, 12)
    cache(pr, answers(10), answers(12))


@honest(args=RECOMPUTE)
def better_where_a_test_is_demanded(pr: History) -> None:
    """Land a model that is better, where a worse one would be tested."""
    land(pr, PAIRED, 40, 10)
    cache(pr, answers(10), answers(40))


@attack("MVC230")
def worse_without_a_test(pr: History) -> None:
    """Land a worse model without --recompute, where a test is demanded."""
    land(pr, PAIRED, 10, 12)


@attack("MVC230", args=RECOMPUTE)
def worse_without_predictions(pr: History) -> None:
    """Land a worse model with numbers alone, where a test is demanded."""
    pr.put(".mvc/policy.yaml", PAIRED)
    evaluate(pr, "v1.2.0", 10)
    pr.commit()
    pr.change()
    pr.train("new", "v1.3.0", accuracy(12))
    pr.commit()
    cache(pr, answers(10))


@attack("MVC230", args=RECOMPUTE)
def worse_than_one_whose_predictions_are_lost(pr: History) -> None:
    """Land a worse model, where the predictions of the one before are gone."""
    land(pr, PAIRED, 10, 12)
    cache(pr, answers(12))
