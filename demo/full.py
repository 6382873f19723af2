"""`make demo-full`: what else mvc does, on real models: rot, repair, garbage, a published model, S3.

With MVC_DEMO_S3=1 the remote is a real S3 server on loopback, else a directory.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import s3
from shell import HERE, Shell, put_files_there, title

MODELS = Path(os.environ.get("MVC_TEST_MODELS") or HERE.parent / ".cache/models")


def main() -> None:
    """Run the demo."""
    root = Path(tempfile.mkdtemp(prefix="mvc-demo-"))
    shell = Shell(root)
    put_files_there(shell.repo)
    (magika,) = MODELS.glob("**/magika/models/standard_v3_3")
    shutil.copytree(magika, shell.repo / "models/magika")

    title("Set mvc up in a Git repository")
    shell.type("git init --quiet --initial-branch main .")
    shell.type("git config user.name Ada && git config user.email ada@example.com")
    shell.type("mvc init", "mvc is set up")
    shell.type('git add *.py *.sh && git commit --quiet -m "Set mvc up"')

    title("Add a trained model, a published model and a data set")
    shell.type("python train.py logistic", "trained logistic on 120 tumours")
    first = shell.type("python score.py", "accuracy")
    shell.type('mvc add models/tumours.joblib --name tumours -m "logistic, 120 tumours"', "added models/tumours.joblib")
    shell.type("mvc add data/tumours models/magika", "added data/tumours", "added models/magika")
    shell.type("cat models/tumours.joblib.mvc", 'name: "tumours"')
    guarded(shell, first.split()[1])
    shell.type("mvc status", "Clean: 3 paths")

    title("Train another kind of model with more data")
    shell.type("mv train-2.csv data/tumours/ && python train.py forest", "trained forest on 240 tumours")
    second = shell.type("python score.py", "accuracy")
    shell.type("mvc status", "modified", "models/tumours.joblib", "train-2.csv", "1 path clean")
    shell.type("mvc diff", "M models/tumours.joblib", "A train-2.csv")
    shell.type('mvc add models/tumours.joblib -m "forest, 240 tumours"', "added models/tumours.joblib")
    shell.type("mvc add data/tumours", "added data/tumours")
    stale(shell)
    shell.type("mvc log models/tumours.joblib", "logistic, 120 tumours", "forest, 240 tumours")

    title("Check out the first model, then the latest one")
    shell.type("mvc checkout --rev HEAD~1 models/tumours.joblib", "checked out models/tumours.joblib")
    shell.type("python score.py", first)
    shell.type("git status --short", "M  models/tumours.joblib.mvc")
    shell.type("mvc checkout --rev HEAD models/tumours.joblib", "checked out models/tumours.joblib")
    shell.type("python score.py", second)

    title("Restore a lost file, and verify the cache")
    shell.type("rm -r models/magika && mvc status", "missing")
    shell.type("mvc checkout", "checked out models/magika")
    shell.type("mvc status --exit-code", "Clean: 3 paths")
    shell.type("mvc verify", "no problems")

    rot(shell)
    collect(shell)
    if os.environ.get("MVC_DEMO_S3") == "1":
        share_s3(shell)
    else:
        share(shell)
    shell.type("git status --short && git log --oneline", "Second model")
    gate(shell)

    if first == second:
        sys.exit("demo failed: the two models have the same score")
    print(f"Every step succeeded. The repository is in {shell.repo}")


def guarded(shell: Shell, accuracy: str) -> None:
    """Try to commit a model without a report; record one as the error message suggests."""
    title("A model needs an evaluation report with a tag before it can be committed")
    refused = shell.type('git commit --quiet -m "First model" || echo exit code $?', "MVC101", "exit code 1")
    shell.type("mvc explain MVC101", "report missing")
    (line,) = (line for line in refused.splitlines() if "try: mvc eval record models/tumours.joblib" in line)
    line = line.removeprefix("  try: ").partition("  #")[0].replace("NAME=NUMBER", f"accuracy={accuracy}")
    shell.type(line, "recorded models/tumours.joblib.eval.yaml (v1.0.0, 1 metric)")
    title("Change the policy: the published model needs no report")
    shell.type("echo '  - {match: \"models/magika/**\", report: optional}' >> .mvc/policy.yaml && git add .mvc")
    shell.type('git commit --quiet -m "First model" && git log --oneline', "First model")


def stale(shell: Shell) -> None:
    """Try to commit the second model with the first one's report; then evaluate it."""
    title("The report is for the first model, so the commit is refused. Evaluate the new one")
    shell.type('git commit --quiet -m "Second model" || echo exit code $?', "MVC103", "the report is of", "exit code 1")
    shell.type(
        "mvc eval run models/tumours.joblib --bump minor --dataset test=data/tumours/test.csv -- python score.py",
        "recorded models/tumours.joblib.eval.yaml (v1.1.0",
    )
    shell.type("cat models/tumours.joblib.eval.yaml", 'tag: "v1.1.0"', 'name: "accuracy"')
    shell.type('git commit --quiet -m "Second model"')


def rot(shell: Shell) -> None:
    """Flip bytes in the cache; check that mvc finds and repairs them."""
    title("A byte in the cache is damaged: verify finds it, and repairs it from the workspace")
    shell.type("python rot.py models/tumours.joblib")
    shell.type("mvc verify || echo exit code $?", "repaired from models/tumours.joblib", "exit code 1")
    shell.type("mvc verify", "no problems")

    title("Damaged again, and the workspace file is gone: train again to repair it")
    shell.type("python rot.py models/tumours.joblib && rm models/tumours.joblib")
    shell.type("mvc checkout || echo exit code $?", "is damaged in the cache", "exit code 1")
    shell.type("mvc verify || echo exit code $?", "needs it", "Second model", "exit code 1")
    shell.type("python train.py forest  # the training is reproducible: the same bytes", "trained forest")
    shell.type("mvc verify models/tumours.joblib || echo exit code $?", "repaired from models/tumours.joblib")
    shell.type("mvc verify && mvc status --exit-code", "no problems", "Clean: 3 paths")


def share(shell: Shell) -> None:
    """Share through a directory."""
    title("Push the content to a remote; a colleague pulls it")
    shell.type("mvc remote add nas ../nas && git commit --quiet -m 'A remote'", "nas is ../nas")
    push_and_pull(shell, "nas")


def share_s3(shell: Shell) -> None:
    """Share through a real S3 server, which is stopped afterwards."""
    title("Push the content to an S3 bucket; a colleague pulls it")
    with s3.serving(shell.root / "s3") as endpoint:
        shell.environment |= s3.KEYS
        shell.type(
            f"mvc remote add bucket s3://models/demo -o endpoint_url={endpoint} -o region=us-east-1"
            " && git commit --quiet -m 'A remote'",
            "bucket is s3://models/demo",
        )
        shell.type("mvc remote test", "you are", "demo…-key from the environment")
        push_and_pull(shell, "bucket")
        shell.type("mvc -C ../colleague verify -r bucket", "no problems")


def push_and_pull(shell: Shell, remote: str) -> None:
    """Push, clone, pull, and verify."""
    shell.type("mvc push", f"sent to {remote}")
    shell.type("mvc push", "is up to date")
    shell.type("git clone --quiet . ../colleague && mvc -C ../colleague pull", f"fetched from {remote}", "checked out")
    shell.type("mvc -C ../colleague verify && mvc -C ../colleague status --exit-code", "no problems", "Clean: 3 paths")
    shell.type("cmp models/tumours.joblib ../colleague/models/tumours.joblib && echo the same bytes", "the same bytes")


def collect(shell: Shell) -> None:
    """Add a model, discard it, and free its space."""
    title("Free content that was added but never committed")
    shell.type("python train.py neighbours && mvc add models/tumours.joblib", "trained neighbours")
    shell.type("git restore --staged --worktree models && mvc checkout -f", "checked out models/tumours.joblib")
    shell.type("mvc gc --unpushed --grace 0", "models/tumours.joblib, never committed")
    shell.type("mvc gc --unpushed --grace 0 --yes", "Deleted from the trash")


def gate(shell: Shell) -> None:
    """Add a stricter rule; propose a better model, and a worse one."""
    title("Change the policy: this model's accuracy may not drop by more than 0.02")
    rule = '{match: "models/tumours.joblib", metrics: {accuracy: {min: 0.7, max_regression: 0.02}}}'
    shell.type(f"echo '  - {rule}' >> .mvc/policy.yaml && git commit --quiet -am 'No regressions'")

    title("A pull request with a better model: the gate, which CI runs, passes it")
    offer(shell, "logistic")
    shell.type("mvc gate --base main --head logistic", "accuracy", "Gate passed")

    title("A worse model with a valid report: the hook accepts it, the gate blocks it")
    shell.type("git switch --quiet main")
    offer(shell, "neighbours")
    shell.type(
        "mvc gate --base main --head neighbours || echo exit code $?",
        "MVC221", "models/tumours.joblib", "v1.1.0 → v1.2.0", "failed", "exit code 1",
    )

    title("Versions in Git tags: side by side, and who did what")
    shell.type("git switch --quiet main && mvc register tumours && mvc history tumours", "tagged tumours@", "register")
    shell.type("mvc models && mvc verify --tags", "tumours", "no problems")
    shell.type("mvc compare tumours neighbours:models/tumours.joblib --by accuracy && mvc audit", "Best by", "evaluate")


def offer(shell: Shell, kind: str) -> None:
    """Train a kind of model, evaluate and commit it, on a branch of its name."""
    shell.type(f"git switch --quiet --create {kind} && python train.py {kind}", f"trained {kind}")
    shell.type("mvc add models/tumours.joblib", "added models/tumours.joblib")
    shell.type(
        "mvc eval run models/tumours.joblib --bump minor --dataset test=data/tumours/test.csv -- python score.py",
        "recorded models/tumours.joblib.eval.yaml (v1.2.0",
    )
    shell.type(f'git commit --quiet -m "{kind}"')


if __name__ == "__main__":
    main()
