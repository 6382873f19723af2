"""Merges of models with evaluation reports and signatures."""

from __future__ import annotations

from merges.history import Expected, History
from merges.of_directories import hunk
from merges.of_files import settled, stuck

P, R, SIG = "m.mvc", "m.eval.yaml", "m.eval.yaml.sig"
BERT, OF_BERT = "bert.mvc", "bert.eval.yaml"


def labelled(ours: str, theirs: str, ours_is: str, theirs_is: str) -> str:
    """Return a conflict with these labels; both evaluated."""
    begin, end = f"<<<<<<< ours: {ours_is}, 2026-02-02, Ada", f">>>>>>> theirs: {theirs_is}, 2026-03-03, Bob"
    return f"{begin}\n{ours}\n=======\n{theirs}\n{end}"


BETTER = ("v1.1.0, auc 0.91, 4 B", "v1.1.0, auc 0.92, 7 B")
AGAIN = ("v1.0.0, auc 0.91, 4 B", "v1.0.0, auc 0.92, 4 B")
HISTORIES = [
    History(
        "both sides train and evaluate a model",
        "model", "m=ours; mvc add m; eval m 0.91", "m=theirs!; mvc add m; eval m 0.92",
        stuck(
            f"{P} {R}",
            {P: "file\n" + labelled("=ours", "=theirs!", *BETTER), R: labelled("@ours", "@theirs", *BETTER)},
            "mvc resolve m --best auc", {P: "theirs", R: "theirs", ".gitignore": "block /m"},
        ),
        stuck(f"{P} {R}", {P: f"file\n{hunk('=ours', '=theirs!')}"}, "mvc resolve m --ours", {P: "ours", R: "ours"}),
    ),
    History(
        "one side trains and evaluates a model",
        "model", "n=n; mvc add n; eval n 0.5", "m=theirs!; mvc add m; eval m 0.92",
        settled({P: "theirs", R: "theirs", "n.mvc": "ours", "n.eval.yaml": "ours", ".gitignore": "block /m /n"}),
    ),
    History(
        "both sides evaluate a model that has no report",
        "nothing; m=base; mvc add m", "eval m 0.91", "eval m 0.92",
        stuck(
            R, {P: "base", R: labelled("@ours", "@theirs", *AGAIN)}, "mvc resolve m --best auc",
            {P: "base", R: "theirs"},
        ),
        stuck(R, {P: "base"}, "mvc resolve m --ours", {P: "base", R: "ours"}),
    ),
    History(
        "one side evaluates again what the other trains and evaluates",
        "model", "eval m 0.95", "m=theirs!; mvc add m; eval m 0.92",
        settled({P: "theirs", R: "theirs"}),
        stuck(R, {P: "theirs"}, "mvc resolve m --ours", {P: "base", R: "ours"}),
    ),
    History(
        "one side trains and evaluates what the other evaluates again",
        "model", "m=ours!; mvc add m; eval m 0.92", "eval m 0.95",
        settled({P: "ours", R: "ours"}),
        stuck(R, {P: "ours"}, "mvc resolve m --ours", {P: "ours", R: "ours"}),
    ),
    History(
        "one side evaluates again what the other trains only",
        "model", "eval m 0.95", "m=theirs!; mvc add m",
        Expected(
            {P: "theirs", R: "ours"}, codes="MVC103:m", then="mvc checkout m; eval m 0.92; commit", after={P: "theirs"},
        ),
    ),
    History(
        "both sides train files of a directory and evaluate it",
        "directory model", "bert/a=ours; mvc add bert; eval bert 0.91", "bert/f=theirs!; mvc add bert; eval bert 0.92",
        stuck(
            OF_BERT,
            {
                BERT: "dir a=ours b=b c=c e=e f=theirs!",
                OF_BERT: labelled("@ours", "@theirs", "v1.1.0, auc 0.91, 8 B", "v1.1.0, auc 0.92, 11 B"),
            },
            "mvc checkout bert; eval bert 0.95", {BERT: "dir a=ours b=b c=c e=e f=theirs!"},
        ),
        stuck(
            OF_BERT, {BERT: "dir a=ours b=b c=c e=e f=theirs!"},
            "mvc resolve bert --best auc", {BERT: "theirs", OF_BERT: "theirs"},
        ),
    ),
    History(
        "both sides train files of a directory, one evaluates it",
        "directory model", "bert/a=ours; mvc add bert", "bert/f=theirs!; mvc add bert; eval bert 0.92",
        Expected(
            {BERT: "dir a=ours b=b c=c e=e f=theirs!", OF_BERT: "theirs"}, codes="MVC103:bert",
            then="mvc checkout bert; eval bert 0.95; commit", after={BERT: "dir a=ours b=b c=c e=e f=theirs!"},
        ),
    ),
    History(
        "both sides train one file of a directory, which is evaluated on one",
        "directory model", "bert/c=ours; mvc add bert", "bert/c=theirs!; mvc add bert; eval bert 0.92",
        stuck(BERT, {OF_BERT: "theirs"}, "mvc resolve bert --theirs", {BERT: "theirs", OF_BERT: "theirs"}),
        Expected(
            {OF_BERT: "theirs"}, BERT, then="mvc resolve bert --ours; commit",
            after={BERT: "ours", OF_BERT: "base"},
        ),
    ),
    History(
        "one side deletes the report that the other replaces",
        "model", "git rm -q m.eval.yaml", "m=theirs!; mvc add m; eval m 0.92",
        stuck(R, {P: "theirs", R: "theirs"}, "mvc resolve m --theirs", {P: "theirs", R: "theirs"}),
        Expected(
            {P: "theirs", R: "theirs"}, R,
            then="mvc resolve m --ours; commit", after={P: "base", R: "gone"},
        ),
    ),
    History(
        "one side deletes the model that the other trains",
        "model", "mvc rm m", "m=theirs!; mvc add m; eval m 0.92",
        stuck(
            f"{P} {R}", {P: "theirs", R: "theirs"}, "mvc resolve m --ours",
            {P: "gone", R: "gone", ".gitignore": "gone"},
        ),
        stuck(f"{P} {R}", {}, "mvc resolve m --theirs", {P: "theirs", R: "theirs", ".gitignore": "block /m"}),
    ),
    History(
        "one side renames the model that the other trains",
        "model", "mvc mv m models/n", "m=theirs!; mvc add m; eval m 0.92",
        settled({P: "gone", "models/n.mvc": "theirs@m.mvc", R: "gone", "models/n.eval.yaml": "theirs@m.eval.yaml"}),
    ),
    History(
        "both sides train, evaluate and sign a model",
        "model; m.eval.yaml.sig=base; git add m.eval.yaml.sig",
        "m=ours; mvc add m; eval m 0.91; m.eval.yaml.sig=ours; git add m.eval.yaml.sig",
        "m=theirs!; mvc add m; eval m 0.92; m.eval.yaml.sig=theirs; git add m.eval.yaml.sig",
        stuck(f"{P} {R} {SIG}", {}, "mvc resolve m --theirs", {P: "theirs", R: "theirs", SIG: "theirs"}),
        stuck(f"{P} {R} {SIG}", {}, "mvc resolve m --best auc", {P: "theirs", R: "theirs", SIG: "theirs"}),
    ),
    History(
        "both sides train and evaluate a model, one signs it",
        "model", "m=ours; mvc add m; eval m 0.91",
        "m=theirs!; mvc add m; eval m 0.92; m.eval.yaml.sig=theirs; git add m.eval.yaml.sig",
        stuck(f"{P} {R}", {SIG: "theirs"}, "mvc resolve m --ours", {P: "ours", R: "ours", SIG: "gone"}),
        stuck(f"{P} {R}", {SIG: "theirs"}, "mvc resolve m --theirs", {P: "theirs", R: "theirs", SIG: "theirs"}),
    ),
    History(
        "both sides edit lines of one report by hand",
        "model", "sub m.eval.yaml 'value: 0.9,' 'value: 0.95,'; git add -u",
        "sub m.eval.yaml v1.0.0 v1.0.1; git add -u",
        stuck(
            R, {R: labelled("@ours", "@theirs", "v1.0.0, auc 0.95, 4 B", "v1.0.1, auc 0.9, 4 B")},
            "mvc resolve m --best auc", {R: "ours"},
        ),
        Expected(
            {P: "base"}, codes="MVC128:m", then="git checkout MERGE_HEAD -- m.eval.yaml; commit", after={R: "theirs"},
        ),
    ),
    History(
        "a report in the other branch cannot be read",
        "model", "m=ours; mvc add m; eval m 0.91", "append m.eval.yaml 'metrics: ['; git add -u",
        stuck(R, {P: "ours"}, "mvc resolve m --ours", {P: "ours", R: "ours"}),
    ),
]
