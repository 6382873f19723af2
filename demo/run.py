"""`make demo`: the main job of mvc on a real model, in a new repository. `make demo-full` shows the rest."""

from __future__ import annotations

import tempfile
from pathlib import Path

from shell import Shell, put_files_there, title

MODEL = "models/digits.joblib"
RULE = f'{{match: "{MODEL}", metrics: {{accuracy: {{min: 0.7, max_regression: 0.01}}}}}}'


def evaluate(tag: str) -> str:
    """Return the command that evaluates the model and records a report."""
    return f"mvc eval run {MODEL} {tag} --dataset test=data/digits/test.csv -- python score.py"


def retrained(trees: int, tag: str) -> str:
    """Return the commands that train the model again, and commit it."""
    return f"python train.py {trees} && mvc add -q {MODEL} && {evaluate(tag)} && git commit -qm '{trees} trees'"


def main() -> None:
    """Run the demo."""
    root = Path(tempfile.mkdtemp(prefix="mvc-demo-"))
    shell = Shell(root)
    put_files_there(shell.repo)
    shell.quietly("git init --quiet --initial-branch main .")
    shell.quietly("git config user.name Ada && git config user.email ada@example.com")

    title("Set mvc up, and require that this model's accuracy does not drop by more than 0.01")
    shell.type("mvc init", "Installed hooks")
    shell.type(f"echo '  - {RULE}' >> .mvc/policy.yaml && git add .mvc *.py && git commit -qm 'Set mvc up'")

    title("Track a model and its data. Git refuses the model: no evaluation report")
    shell.type("mv train-2.csv data/digits && python train.py 50 && mvc add models/digits.joblib data/digits", "added")
    shell.type('git commit -qm "First model"', "MVC101", code=1)
    shell.type(evaluate("--tag v1.0.0"), "v1.0.0")
    shell.type('git commit -qm "First model" && mvc log models/digits.joblib', "v1.0.0")

    title("Propose a worse model. With the old report Git refuses it; with its own report the gate in CI blocks it")
    shell.type(f"git switch -qc small && python train.py 5 && mvc add {MODEL}", "added")
    shell.type('git commit -qm "Small model"', "MVC103", code=1)
    shell.type(f'{evaluate("--bump minor")} && git commit -qm "Small model"', "v1.1.0")
    shell.type("mvc gate --base main --head small", "MVC221", "Gate failed", code=1)

    title("Share: content goes to a remote with `git push`'s hook or `mvc push`; a colleague gets the same bytes")
    shell.quietly("git switch -q main")
    shell.type("mvc remote add nas ../nas && git commit -qm 'A remote' && mvc push", "nas")
    clone = "git clone -q . ../colleague && mvc -C ../colleague pull && mvc -C ../colleague verify"
    shell.type(f"{clone} && cmp {MODEL} ../colleague/{MODEL} && echo the same bytes", "no problems", "the same bytes")

    title("Two branches train again. Git merges the data by file; of the model, take the better version")
    more_data = "head -99 data/digits/train-1.csv > data/digits/train-{0}.csv && mvc add -q data/digits"
    shell.quietly(f"git switch -qc larger && {more_data.format(3)} && {retrained(100, '--bump major')}")
    shell.quietly(f"git switch -q main && {more_data.format(4)} && {retrained(60, '--bump minor')}")
    shell.type("git merge -q larger", "--best accuracy", code=1)
    settle = f"mvc resolve {MODEL} --best accuracy && git commit -q --no-edit && ls -m data/digits"
    shell.type(settle, "theirs, v2.0.0", "train-3", "train-4")

    title("Give versions names, and stages a version: Git tags. Then roll back, and ask what was in production when")
    register = "mvc push -q && mvc register digits --rev larger~1 && mvc register digits"
    shell.type(register, "tagged digits@v1.0.0", "tagged digits@v2.0.0")
    promote = "mvc promote digits@v1.0.0 prod && mvc promote digits@latest prod"
    shell.type(f"{promote} && sleep 2 && date -Is | tee ../promoted", "tagged digits#prod#1", "tagged digits#prod#2")
    shell.type('sleep 2 && mvc rollback digits prod -m "too slow on phones"', "tagged digits#prod#3")
    shell.type("mvc which digits prod --at $(cat ../promoted)", "v2.0.0")
    print(f"Every step succeeded. The repository is in {shell.repo}")


if __name__ == "__main__":
    main()
