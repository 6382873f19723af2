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
    shell.type('git add train.py score.py rot.py && git commit --quiet -m "Set mvc up"')

    title("Add a trained model, a published model and a data set")
    shell.type("python train.py 5", "trained 5 trees on 400 digits")
    first = shell.type("python score.py", "5 trees")
    shell.type('mvc add models/digits.joblib --name digits -m "5 trees, 400 digits"', "added models/digits.joblib")
    shell.type("mvc add data/digits models/magika", "added data/digits", "added models/magika")
    shell.type("cat models/digits.joblib.mvc", 'name: "digits"')
    guarded(shell, first.split()[-1])
    shell.type("mvc status", "Clean: 3 paths")

    title("Train again with more data and more trees")
    shell.type("mv train-2.csv data/digits/ && python train.py 50", "trained 50 trees on 1200 digits")
    second = shell.type("python score.py", "50 trees")
    shell.type("mvc status", "modified", "models/digits.joblib", "train-2.csv", "1 path clean")
    shell.type("mvc diff", "M models/digits.joblib", "A train-2.csv")
    shell.type('mvc add models/digits.joblib -m "50 trees, 1200 digits"', "added models/digits.joblib")
    shell.type("mvc add data/digits", "added data/digits")
    stale(shell)
    shell.type("mvc log models/digits.joblib", "5 trees, 400 digits", "50 trees, 1200 digits")

    title("Check out the first model, then the latest one")
    shell.type("mvc checkout --rev HEAD~1 models/digits.joblib", "checked out models/digits.joblib")
    shell.type("python score.py", first)
    shell.type("git status --short", "M  models/digits.joblib.mvc")
    shell.type("mvc checkout --rev HEAD models/digits.joblib", "checked out models/digits.joblib")
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
    (line,) = (line for line in refused.splitlines() if "try: mvc eval record models/digits.joblib" in line)
    line = line.removeprefix("  try: ").partition("  #")[0].replace("NAME=NUMBER", f"accuracy={accuracy}")
    shell.type(line, "recorded models/digits.joblib.eval.yaml (v1.0.0, 1 metric)")
    title("Change the policy: the published model needs no report")
    shell.type("echo '  - {match: \"models/magika/**\", report: optional}' >> .mvc/policy.yaml && git add .mvc")
    shell.type('git commit --quiet -m "First model" && git log --oneline', "First model")


def stale(shell: Shell) -> None:
    """Try to commit the second model with the first one's report; then evaluate it."""
    title("The report is for the first model, so the commit is refused. Evaluate the new one")
    shell.type('git commit --quiet -m "Second model" || echo exit code $?', "MVC103", "the report is of", "exit code 1")
    shell.type(
        "mvc eval run models/digits.joblib --bump minor --dataset test=data/digits/test.csv -- python score.py",
        "recorded models/digits.joblib.eval.yaml (v1.1.0",
    )
    shell.type("cat models/digits.joblib.eval.yaml", 'tag: "v1.1.0"', 'name: "accuracy"')
    shell.type('git commit --quiet -m "Second model"')


def rot(shell: Shell) -> None:
    """Flip bytes in the cache; check that mvc finds and repairs them."""
    title("A byte in the cache is damaged: verify finds it, and repairs it from the workspace")
    shell.type("python rot.py models/digits.joblib")
    shell.type("mvc verify || echo exit code $?", "repaired from models/digits.joblib", "exit code 1")
    shell.type("mvc verify", "no problems")

    title("Damaged again, and the workspace file is gone: train again to repair it")
    shell.type("python rot.py models/digits.joblib && rm models/digits.joblib")
    shell.type("mvc checkout || echo exit code $?", "is damaged in the cache", "exit code 1")
    shell.type("mvc verify || echo exit code $?", "needs it", "Second model", "exit code 1")
    shell.type("python train.py 50  # the training is reproducible: the same bytes", "trained 50 trees")
    shell.type("mvc verify models/digits.joblib || echo exit code $?", "repaired from models/digits.joblib")
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
    shell.type("cmp models/digits.joblib ../colleague/models/digits.joblib && echo the same bytes", "the same bytes")


def collect(shell: Shell) -> None:
    """Add a model, discard it, and free its space."""
    title("Free content that was added but never committed")
    shell.type("python train.py 7 && mvc add models/digits.joblib", "trained 7 trees")
    shell.type("git restore --staged --worktree models && mvc checkout -f", "checked out models/digits.joblib")
    shell.type("mvc gc --unpushed --grace 0", "models/digits.joblib, never committed")
    shell.type("mvc gc --unpushed --grace 0 --yes", "Deleted from the trash")


def gate(shell: Shell) -> None:
    """Add a stricter rule; propose a model that is about as good, and one that is worse."""
    title("Change the policy: this model's accuracy may not drop by more than 0.01")
    rule = '{match: "models/digits.joblib", metrics: {accuracy: {min: 0.7, max_regression: 0.01}}}'
    shell.type(f"echo '  - {rule}' >> .mvc/policy.yaml && git commit --quiet -am 'No regressions'")

    title("A pull request with a model that is about as good: the gate, which CI runs, passes it")
    offer(shell, "sixty-trees", 60)
    shell.type("mvc gate --base main --head sixty-trees", "accuracy", "Gate passed")

    title("A worse model with a valid report: the hook accepts it, the gate blocks it")
    shell.type("git switch --quiet main")
    offer(shell, "five-trees", 5)
    shell.type(
        "mvc gate --base main --head five-trees || echo exit code $?",
        "MVC221", "models/digits.joblib", "v1.1.0 → v1.2.0", "failed", "exit code 1",
    )

    title("Versions in Git tags: side by side, and who did what")
    shell.type("git switch --quiet main && mvc register digits && mvc history digits", "tagged digits@", "register")
    shell.type("mvc models && mvc verify --tags", "digits", "no problems")
    shell.type("mvc compare digits five-trees:models/digits.joblib --by accuracy && mvc audit", "Best by", "evaluate")


def offer(shell: Shell, branch: str, trees: int) -> None:
    """Train, evaluate and commit on a branch."""
    shell.type(f"git switch --quiet --create {branch} && python train.py {trees}", f"trained {trees} trees")
    shell.type("mvc add models/digits.joblib", "added models/digits.joblib")
    shell.type(
        "mvc eval run models/digits.joblib --bump minor --dataset test=data/digits/test.csv -- python score.py",
        "recorded models/digits.joblib.eval.yaml (v1.2.0",
    )
    shell.type(f'git commit --quiet -m "{trees} trees"')


if __name__ == "__main__":
    main()
