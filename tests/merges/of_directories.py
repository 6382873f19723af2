"""Merges of tracked directories."""

from __future__ import annotations

from merges.history import Expected, History

_SMALL = 'no report'

HISTORIES = [
    History(
        "each side changes another file",
        "directory", "data/d/a=ours; mvc add data/d", "data/d/f=theirs; mvc add data/d",
        Expected({"data/d.mvc": "dir a=ours b=b c=c e=e f=theirs", "data/.gitignore": "block /d"}),
        Expected({"data/d.mvc": "dir a=ours b=b c=c e=e f=theirs", "data/.gitignore": "block /d"}),
    ),
    History(
        "both sides change one file, and each another",
        "directory",
        "data/d/a=ours; data/d/c=ours2; mvc add data/d", "data/d/f=theirs; data/d/c=theirs3; mvc add data/d",
        Expected(
            {
                "data/d.mvc": "dir a=ours b=b\n"
                "<<<<<<< ours: no report, 12 B, 2026-02-02, Ada\n"
                "c=ours2\n"
                "=======\n"
                "c=theirs3\n"
                ">>>>>>> theirs: no report, 16 B, 2026-03-03, Bob\n"
                "e=e f=theirs",
            },
            "data/d.mvc",
            then="mvc resolve data/d/c --theirs; commit",
            after={"data/d.mvc": "dir a=ours b=b c=theirs3 e=e f=theirs"},
        ),
        Expected(
            {"data/d.mvc": "dir a=ours b=b\n<<<<<<< HEAD\nc=ours2\n=======\nc=theirs3\n>>>>>>> theirs\ne=e f=theirs"},
            "data/d.mvc",
            then="mvc resolve data/d --ours; commit",
            after={"data/d.mvc": "ours"},
        ),
    ),
]
