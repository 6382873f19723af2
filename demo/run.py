"""`make demo`: the main job of mvc on real models, in a new repository.

Every step prints the command that a user would type, and what it really says. The demo ends with
exit code 0 only if every step succeeded and said what it should. With MVC_DEMO_S3=1 content is shared
by way of a real S3 server on loopback, else by way of a directory.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import s3
import sklearn

HERE = Path(__file__).resolve().parent
MODELS = Path(os.environ.get("MVC_TEST_MODELS") or HERE.parent / ".cache/models")


def environment(home: Path) -> dict[str, str]:
    """Return an environment that knows nothing of the user's Git or mvc settings."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("GIT_", "MVC_", "XDG_"))}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return {**kept, "PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


class Shell:
    """Types commands into a repository, and checks what they say."""

    def __init__(self, root: Path) -> None:
        """Make an empty directory for the repository."""
        self.root = root
        self.repo = root / "repository"
        self.repo.mkdir()
        self.environment = environment(root)

    def type(self, line: str, *expected: str) -> str:
        """Run `line`, show it with its output, and return that.

        Raises:
            SystemExit: it failed, or one of `expected` is not in its output.

        """
        print(f"$ {line}", flush=True)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.repo,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        print(done.stdout, flush=True)
        if done.returncode:
            sys.exit(f"demo failed: `{line}` ended with exit code {done.returncode}")
        for text in expected:
            if text not in done.stdout:
                sys.exit(f"demo failed: `{line}` did not say {text!r}")
        return done.stdout


def put_files_there(repo: Path) -> None:
    """Copy what a user would have already: some scripts, a published model, and data of 1,797 digits."""
    for name in ("train.py", "score.py", "rot.py"):
        shutil.copy(HERE / name, repo)
    (magika,) = MODELS.glob("**/magika/models/standard_v3_3")
    shutil.copytree(magika, repo / "models/magika")
    with gzip.open(Path(sklearn.__file__).parent / "datasets/data/digits.csv.gz") as file:
        lines = file.readlines()
    (repo / "data/digits").mkdir(parents=True)
    (repo / "data/digits/train-1.csv").write_bytes(b"".join(lines[:400]))
    (repo / "data/digits/test.csv").write_bytes(b"".join(lines[1200:]))
    (repo / "train-2.csv").write_bytes(b"".join(lines[400:1200]))


def title(text: str) -> None:
    """Print what comes next."""
    print(f"--- {text}\n")


def main() -> None:
    """Run the demo."""
    root = Path(tempfile.mkdtemp(prefix="mvc-demo-"))
    shell = Shell(root)
    put_files_there(shell.repo)

    title("A Git repository, with mvc in it")
    shell.type("git init --quiet --initial-branch main .")
    shell.type("git config user.name Ada && git config user.email ada@example.com")
    shell.type("mvc init", "mvc is set up")
    shell.type('git add train.py score.py rot.py && git commit --quiet -m "Set mvc up"')

    title("A trained model, a published model and a data set")
    shell.type("python train.py 5", "trained 5 trees on 400 digits")
    first = shell.type("python score.py", "5 trees")
    shell.type('mvc add models/digits.joblib --name digits -m "5 trees, 400 digits"', "added models/digits.joblib")
    shell.type("mvc add data/digits models/magika", "added data/digits", "added models/magika")
    shell.type("cat models/digits.joblib.mvc", 'name: "digits"')
    guarded(shell, first.split()[-1])
    shell.type("mvc status", "Clean: 3 paths")

    title("More data, more trees")
    shell.type("mv train-2.csv data/digits/ && python train.py 50", "trained 50 trees on 1200 digits")
    second = shell.type("python score.py", "50 trees")
    shell.type("mvc status", "modified", "models/digits.joblib", "train-2.csv", "1 path clean")
    shell.type("mvc diff", "M models/digits.joblib", "A train-2.csv")
    shell.type('mvc add models/digits.joblib -m "50 trees, 1200 digits"', "added models/digits.joblib")
    shell.type("mvc add data/digits", "added data/digits")
    stale(shell)
    shell.type("mvc log models/digits.joblib", "5 trees, 400 digits", "50 trees, 1200 digits")

    title("Back to the first model, and forth again")
    shell.type("mvc checkout --rev HEAD~1 models/digits.joblib", "checked out models/digits.joblib")
    shell.type("python score.py", first)
    shell.type("git status --short", "M  models/digits.joblib.mvc")
    shell.type("mvc checkout --rev HEAD models/digits.joblib", "checked out models/digits.joblib")
    shell.type("python score.py", second)

    title("A lost file comes back, and the cache is proven")
    shell.type("rm -r models/magika && mvc status", "missing")
    shell.type("mvc checkout", "checked out models/magika")
    shell.type("mvc status --exit-code", "Clean: 3 paths")
    shell.type("mvc verify", "0 wrong")

    rot(shell)
    collect(shell)
    if os.environ.get("MVC_DEMO_S3") == "1":
        share_s3(shell)
    else:
        share(shell)
    shell.type("git status --short && git log --oneline", "Second model")
    gate(shell)

    if first == second:
        sys.exit("demo failed: the two models score the same")
    print(f"All of it held. The repository is in {shell.repo}")


def guarded(shell: Shell, accuracy: str) -> None:
    """Try to commit a model that has no report; type what the refusal says, with what was measured."""
    title("No model is committed without a report of its evaluation, with a tag")
    refused = shell.type('git commit --quiet -m "First model" || echo exit code $?', "MVC101", "exit code 1")
    shell.type("mvc explain MVC101", "report missing")
    (line,) = (line for line in refused.splitlines() if "try: mvc eval record models/digits.joblib" in line)
    line = line.removeprefix("  try: ").partition("  #")[0].replace("NAME=NUMBER", f"accuracy={accuracy}")
    shell.type(line, "recorded models/digits.joblib.eval.yaml (v1.0.0, 1 metric)")
    title("The published model needs none, says the policy from now on")
    shell.type("echo '  - {match: \"models/magika/**\", report: optional}' >> .mvc/policy.yaml && git add .mvc")
    shell.type('git commit --quiet -m "First model" && git log --oneline', "First model")


def stale(shell: Shell) -> None:
    """Try to commit the second model with the report of the first; evaluate it."""
    title("The report is of the first model, so the commit is refused; the model is evaluated again")
    shell.type('git commit --quiet -m "Second model" || echo exit code $?', "MVC103", "the report is of", "exit code 1")
    shell.type(
        "mvc eval run models/digits.joblib --bump minor --dataset test=data/digits/test.csv -- python score.py",
        "recorded models/digits.joblib.eval.yaml (v1.1.0",
    )
    shell.type("cat models/digits.joblib.eval.yaml", 'tag: "v1.1.0"', 'name: "accuracy"')
    shell.type('git commit --quiet -m "Second model"')


def rot(shell: Shell) -> None:
    """Flip bytes in the cache; see them found, and mended."""
    title("A byte rots in the cache; verify sees it, and repairs it from the workspace")
    shell.type("python rot.py models/digits.joblib")
    shell.type("mvc verify || echo exit code $?", "repaired from models/digits.joblib", "exit code 1")
    shell.type("mvc verify", "0 wrong")

    title("It rots again, and the workspace has lost the file; the earlier model is still whole")
    shell.type("python rot.py models/digits.joblib && rm models/digits.joblib")
    shell.type("mvc checkout || echo exit code $?", "is damaged in the cache", "exit code 1")
    shell.type("mvc verify || echo exit code $?", "needs it", "Second model", "exit code 1")
    shell.type("python train.py 50  # the training is reproducible: the same bytes", "trained 50 trees")
    shell.type("mvc verify models/digits.joblib || echo exit code $?", "repaired from models/digits.joblib")
    shell.type("mvc verify && mvc status --exit-code", "0 wrong", "Clean: 3 paths")


def share(shell: Shell) -> None:
    """Share by way of a directory."""
    title("Content goes to a remote, and a colleague gets it from there")
    shell.type("mvc remote add nas ../nas && git commit --quiet -m 'A remote'", "nas is ../nas")
    push_and_pull(shell, "nas")


def share_s3(shell: Shell) -> None:
    """Share by way of a real S3 server, which ends with this."""
    title("Content goes to a bucket in S3, and a colleague gets it from there")
    with s3.serving(shell.root / "s3") as endpoint:
        shell.environment |= s3.KEYS
        shell.type(
            f"mvc remote add bucket s3://models/demo -o endpoint_url={endpoint} -o region=us-east-1"
            " && git commit --quiet -m 'A remote'",
            "bucket is s3://models/demo",
        )
        shell.type("mvc remote test", "you are", "demo…-key from the environment")
        push_and_pull(shell, "bucket")
        shell.type("mvc -C ../colleague verify -r bucket", "0 wrong")


def push_and_pull(shell: Shell, remote: str) -> None:
    """Push, clone, pull, and prove what arrived."""
    shell.type("mvc push", f"sent to {remote}")
    shell.type("mvc push", "already")
    shell.type("git clone --quiet . ../colleague && mvc -C ../colleague pull", f"brought from {remote}", "checked out")
    shell.type("mvc -C ../colleague verify && mvc -C ../colleague status --exit-code", "0 wrong", "Clean: 3 paths")
    shell.type("cmp models/digits.joblib ../colleague/models/digits.joblib && echo the same bytes", "the same bytes")


def collect(shell: Shell) -> None:
    """Add what is then thrown away, and free its room."""
    title("What was added and never committed is freed")
    shell.type("python train.py 7 && mvc add models/digits.joblib", "trained 7 trees")
    shell.type("git restore --staged --worktree models && mvc checkout", "checked out models/digits.joblib")
    shell.type("mvc gc --unpushed --grace 0", "models/digits.joblib, never committed")
    shell.type("mvc gc --unpushed --grace 0 --yes", "Deleted from the trash")


def gate(shell: Shell) -> None:
    """Ask more of the model; offer one that is about as good, and one that is worse."""
    title("From now on the policy also asks that this model does not get worse by more than 0.01")
    rule = '{match: "models/digits.joblib", metrics: {accuracy: {min: 0.7, max_regression: 0.01}}}'
    shell.type(f"echo '  - {rule}' >> .mvc/policy.yaml && git commit --quiet -am 'No regressions'")

    title("A pull request with a model that is about as good: the gate, which CI runs, lets it through")
    offer(shell, "sixty-trees", 60)
    shell.type("mvc gate --base main --head sixty-trees", "accuracy", "Gate passed")

    title("Another is worse. Its report is in order, so that the hook says nothing; the gate blocks it")
    shell.type("git switch --quiet main")
    offer(shell, "five-trees", 5)
    shell.type(
        "mvc gate --base main --head five-trees || echo exit code $?",
        "MVC221", "models/digits.joblib", "v1.1.0 → v1.2.0", "failed", "exit code 1",
    )


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
