"""Merges by other commands of Git than a merge of two branches, and in other places."""

from __future__ import annotations

from merges.history import Expected, History
from merges.of_directories import D, hunk
from merges.of_files import settled

OURS = "data/d/a=ours; data/d/c=ours2; mvc add data/d"
THEIRS = "data/d/f=theirs; data/d/c=theirs3; mvc add data/d"
BETWEEN = f"dir a=ours b=b\n{hunk('c=ours2', 'c=theirs3', '12 16')}\ne=e f=theirs"
REBASED = (
    "dir a=ours b=b\n<<<<<<< ours: no report, 16 B, 2026-03-03, Bob\nc=theirs3\n=======\nc=ours2\n"
    ">>>>>>> theirs: no report, 12 B, 2026-02-02, Ada\ne=e f=theirs"
)
OF_OURS = "dir a=ours b=b c=ours2 e=e f=theirs"
OF_THEIRS = "dir a=ours b=b c=theirs3 e=e f=theirs"


def continued(text: str, then: str, after: str) -> Expected:
    """Return that the directory is in conflict, and what `then` makes of it."""
    return Expected({D: text} if text else {}, D, then=then, after={D: after})


HISTORIES = [
    History(
        "rebase", "directory", OURS, THEIRS,
        continued(REBASED, "mvc resolve data/d/c --theirs; git rebase --continue", OF_OURS),
        continued("", "mvc resolve data/d --ours; git rebase --skip; mvc checkout", "theirs"),
        "git rebase -q theirs",
    ),
    History(
        "rebase of neighbours", "directory", "data/d/b=ours; mvc add data/d", "data/d/c=theirs; mvc add data/d",
        settled({D: "dir a=a b=ours c=theirs e=e f=f"}),
        continued("", "mvc add data/d; git rebase --continue; mvc checkout", "dir a=a b=ours c=theirs e=e f=f"),
        "git rebase -q theirs",
    ),
    History(
        "cherry-pick", "directory", OURS, THEIRS,
        continued(BETWEEN, "mvc resolve data/d/c --ours; git cherry-pick --continue", OF_OURS),
        continued("", "mvc resolve data/d --theirs; git cherry-pick --continue", "theirs"),
        "git cherry-pick theirs",
    ),
    History(
        "revert of neighbours", "directory",
        "data/d/b=one; mvc add data/d; git commit -qm one; data/d/c=two; mvc add data/d", "",
        settled({D: "dir a=a b=b c=two e=e f=f"}),
        continued("", "mvc add data/d; git revert --continue; mvc checkout", "dir a=a b=b c=two e=e f=f"),
        "git revert --no-edit HEAD^",
    ),
    History(
        "revert of what was changed since", "directory",
        "data/d/c=first; data/d/f=first; mvc add data/d; git commit -qm one; data/d/c=second!; mvc add data/d", "",
        continued(
            "dir a=a b=b\n<<<<<<< ours: no report, 15 B, 2026-02-02, Ada\nc=second!\n=======\nc=c\n"
            ">>>>>>> theirs: no report, 5 B, 2026-01-01, Ann\ne=e f=f",
            "mvc resolve data/d/c --theirs; git revert --continue", "dir a=a b=b c=c e=e f=f",
        ),
        continued("", "mvc resolve data/d --theirs; git revert --continue", "base"),
        "git revert --no-edit HEAD^",
    ),
    History(
        "stash pop", "directory",
        "data/d/a=mine; data/d/c=mine; mvc add data/d; git stash -q; mvc checkout; data/d/c=later!; mvc add data/d", "",
        continued("", "mvc resolve data/d/c --theirs; git stash drop -q; commit", "dir a=mine b=b c=mine e=e f=f"),
        continued("", "mvc resolve data/d --ours; git stash drop -q", "ours"),
        "git stash pop -q",
    ),
    History(
        "am -3", "directory", OURS, THEIRS,
        continued("", "mvc resolve data/d/c --theirs; git am --continue", OF_THEIRS),
        continued("", "mvc resolve data/d --theirs; git am --continue", "theirs"),
        "git format-patch -q --stdout base..theirs > ../patch; git am -q -3 ../patch",
    ),
    History(
        "merge --squash", "directory", OURS, THEIRS,
        continued(BETWEEN, "mvc resolve data/d/c --theirs; commit", OF_THEIRS),
        continued("", "mvc resolve data/d --theirs; commit", "theirs"),
        "git merge --squash theirs",
    ),
    History(
        "merge --squash without a conflict", "directory", "data/d/b=ours; mvc add data/d",
        "data/d/c=theirs; mvc add data/d",
        Expected({D: "dir a=a b=ours c=theirs e=e f=f"}, then="commit", after={D: "dir a=a b=ours c=theirs e=e f=f"}),
        continued("", "mvc add data/d; mvc checkout; commit", "dir a=a b=ours c=theirs e=e f=f"),
        "git merge --squash theirs",
    ),
    History(
        "octopus", "directory", "data/d/a=ours; mvc add data/d",
        "git switch -qc third; data/d/f=third; mvc add data/d; git commit -qm third; git switch -q theirs;"
        "mvc checkout; data/d/c=theirs; mvc add data/d",
        settled({D: "dir a=ours b=b c=theirs e=e f=third"}),
        None,
        "git merge theirs third",
    ),
    History(
        "criss-cross", "directory",
        "git reset -q --hard one; git merge -q two; mvc checkout; data/d/e=ours; mvc add data/d",
        "git switch -qc one; data/d/a=one; mvc add data/d; git commit -qm one; git switch -q theirs; mvc checkout;"
        "data/d/b=two; mvc add data/d; git commit -qm two; git branch two; git merge -q one; mvc checkout;"
        "data/d/f=theirs; mvc add data/d",
        settled({D: "dir a=one b=two c=c e=ours f=theirs"}),
        continued("", "mvc resolve data/d --ours; commit", "ours"),
    ),
    History(
        "criss-cross, and one side takes a change back", "directory",
        "git reset -q --hard one; git merge -q two; mvc checkout; data/d/a=a; mvc add data/d",
        "git switch -qc one; data/d/a=one; mvc add data/d; git commit -qm one; git switch -q theirs; mvc checkout;"
        "data/d/f=two; mvc add data/d; git commit -qm two; git branch two; git merge -q one; mvc checkout;"
        "data/d/c=theirs; mvc add data/d",
        settled({D: "dir a=a b=b c=theirs e=e f=two"}),
    ),
    History(
        "criss-cross, and each side resolved the conflict before in another way", "directory",
        "git reset -q --hard one; mvc checkout; stops merge -q two; mvc resolve data/d --ours; git commit -qm m;"
        "data/d/a=ours; mvc add data/d",
        "git switch -qc one; data/d/c=one; mvc add data/d; git commit -qm one; git switch -q theirs; mvc checkout;"
        "data/d/c=two!; mvc add data/d; git commit -qm two; git branch two; stops merge -q one;"
        "mvc resolve data/d --ours; git commit -qm m; data/d/f=theirs; mvc add data/d",
        continued(
            f"dir a=ours b=b\n{hunk('c=one', 'c=two!', '10 13')}\ne=e f=theirs",
            "mvc resolve data/d/c --theirs; commit", "dir a=ours b=b c=two! e=e f=theirs",
        ),
        continued("", "mvc resolve data/d --theirs; commit", "theirs"),
    ),
    History(
        "below the top", "directory", OURS, THEIRS,
        continued(BETWEEN, "cd data/d; mvc resolve c --theirs; cd ../..; commit", OF_THEIRS),
        continued("", "cd data; mvc resolve . --ours; cd ..; commit", "ours"),
        "cd data/d && git merge theirs",
    ),
    History(
        "in a linked worktree", "directory", OURS, THEIRS,
        continued(BETWEEN, "mvc resolve data/d/c --theirs; commit", OF_THEIRS),
        continued("", "mvc resolve data/d --theirs; commit", "theirs"),
        'git worktree add -q -b wt "$PWD-wt" ours && cd "$PWD-wt" && git merge theirs',
        at="-wt",
    ),
    History(
        "in a submodule", "directory", OURS, THEIRS,
        continued(BETWEEN, "mvc resolve data/d/c --theirs; commit", OF_THEIRS),
        continued("", "mvc resolve data/d --ours; commit", "ours"),
        'here=$PWD && git init -q "$PWD-super" && cd "$PWD-super" && git submodule --quiet add -b ours "$here" sub &&'
        'cd sub && git branch -q theirs origin/theirs && mvc -q init --cache "$here/.git/mvc" &&'
        'if ! git -C "$here" config merge.mvc.driver; then git config --remove-section merge.mvc; fi &&'
        "git commit -qm settings --allow-empty && mvc checkout && git merge theirs",
        at="-super/sub",
    ),
]
