"""`make demo`: the main job of mvc on real models, in a new repository. `make demo-full` shows the rest."""

from __future__ import annotations

import tempfile
from pathlib import Path

from shell import Shell, put_files_there, title

MODEL = "models/tumours.joblib"
RULE = f'{{match: "{MODEL}", evidence: predictions, metrics: {{accuracy: {{min: 0.9, max_regression: paired}}}}}}'


def trained(kind: str, tag: str) -> str:
    """Return the commands that train a kind of model, evaluate it, and commit it."""
    train = f"python train.py {kind} && mvc add -q {MODEL}"
    return f"{train} && sh evaluate.sh {kind} {tag} -q && git commit -qm '{kind.capitalize()}'"


def main() -> None:
    """Run the demo."""
    root = Path(tempfile.mkdtemp(prefix="mvc-demo-"))
    shell = Shell(root)
    put_files_there(shell.repo)
    shell.quietly("git init --quiet --initial-branch main .")
    shell.quietly("git config user.name Ada && git config user.email ada@example.com")
    track(shell)
    compare(shell)
    edit(shell)
    share(shell)
    merge(shell)
    release(shell)
    print(f"Every step succeeded. The repository is in {shell.repo}")


def track(shell: Shell) -> None:
    """Track the first model with its evaluation."""
    title("Set mvc up. The policy: the accuracy of the model may not drop by more than chance explains")
    shell.type("mvc init", "Installed hooks")
    shell.type(f"echo '  - {RULE}' >> .mvc/policy.yaml && git add .mvc *.py *.sh && git commit -qm 'Set mvc up'")

    title("Track a model and its data. Git refuses the model: no evaluation report")
    shell.type(f"mv train-2.csv data/tumours && python train.py logistic && mvc add {MODEL} data/tumours", "added")
    shell.type('git commit -qm "Logistic"', "MVC101", code=1)

    title("Evaluate it: predictions of the test data, and from them metrics with errors, slices and plots")
    evaluate = "sh evaluate.sh logistic --tag v1.0.0 --plots evals/logistic"
    shell.type(f"cat evaluate.sh && {evaluate}", "249 rows", "accuracy@test", "20 slices")
    shell.type('git commit -qm "Logistic" && ls -m evals/logistic', "roc.svg")


def compare(shell: Shell) -> None:
    """Propose a model that is worse by chance, and one that is worse."""
    title("Propose another kind of model. It is less accurate, but by chance: the gate passes it")
    shell.type(f"git switch -qc forest && {trained('forest', '--bump minor --plots evals/forest')}")
    paired = f"mvc compare main:{MODEL} forest:{MODEL} --paired"
    shell.type(f"{paired} | grep -E '^ *(metric|accuracy)'", "not shown to differ")
    shell.type("mvc gate --base main --head forest --recompute", "MVC231", "Gate passed")

    title("Propose a third kind. Chance does not explain this difference: the gate blocks it")
    shell.type(f"git switch -qc neighbours main && {trained('neighbours', '--bump minor')}")
    shell.type("mvc gate -q --base main --head neighbours --recompute", "MVC221", "p = 0.0", code=1)


def edit(shell: Shell) -> None:
    """Edit a number of a report."""
    title("Edit its accuracy. The gate computes it again from the predictions, and refuses the report")
    shell.type(f"sed -i 's/accuracy\", value: 0.91[0-9]*/accuracy\", value: 0.99/' {MODEL}.eval.yaml")
    gate = "mvc gate -q --base main --head neighbours --recompute"
    shell.type(f"git commit -qam 'Better' && {gate}", "MVC227", code=1)


def share(shell: Shell) -> None:
    """Push to a remote, and pull in another clone."""
    title("Share: content goes to a remote with `git push`'s hook or `mvc push`; a colleague gets the same bytes")
    shell.quietly("git switch -q main")
    shell.type("mvc remote add nas ../nas && git commit -qm 'A remote' && mvc push", "nas")
    clone = "git clone -q . ../colleague && mvc -C ../colleague pull && mvc -C ../colleague verify"
    shell.type(f"{clone} && cmp {MODEL} ../colleague/{MODEL} && echo the same bytes", "no problems", "the same bytes")


def merge(shell: Shell) -> None:
    """Merge two branches that both changed data and model."""
    title("Both branches get more data. Git merges the data by file; of the model, take the better version")
    more_data = "mv train-{0}.csv data/tumours && mvc add -q data/tumours && git commit -qm 'More data'"
    shell.quietly(f"git switch -q forest && {more_data.format(3)}")
    shell.quietly(f"git switch -q main && {more_data.format(4)} && {trained('logistic', '--bump major')}")
    shell.type("git merge -q forest", "--best", code=1)
    settle = f"mvc resolve {MODEL} --best accuracy && git commit -q --no-edit && ls -m data/tumours"
    shell.type(settle, "ours, v2.0.0", "train-3", "train-4")


def release(shell: Shell) -> None:
    """Register, promote, roll back, and ask what was in production."""
    title("Give versions names, and stages a version: Git tags. Then roll back, and ask what was in production when")
    register = "mvc push -q && mvc register tumours --rev forest~2 && mvc register tumours"
    shell.type(register, "tagged tumours@v1.0.0", "tagged tumours@v2.0.0")
    promote = "mvc promote tumours@v1.0.0 prod && mvc promote tumours@latest prod"
    shell.type(f"{promote} && sleep 2 && date -Is | tee ../promoted", "tagged tumours#prod#1", "tagged tumours#prod#2")
    shell.type('sleep 2 && mvc rollback tumours prod -m "misses small tumours"', "tagged tumours#prod#3")
    shell.type("mvc which tumours prod --at $(cat ../promoted)", "v2.0.0")


if __name__ == "__main__":
    main()
