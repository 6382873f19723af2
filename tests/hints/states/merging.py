"""Conflicts of versions, and `mvc resolve`; Git merges with mvc."""

from __future__ import annotations

from harness import Repo
from hints.state import empty_cache, state, type_line
from hints.states.pointers import CONFLICT


def branches(base: tuple[str, ...], theirs: tuple[str, ...], ours: tuple[str, ...]) -> tuple[str, ...]:
    """Commit versions on two branches, and merge them; there is a conflict."""
    return (
        *base, *(("git commit -qm base",) if base else ()), "git checkout -qb side", *theirs, "git commit -qam theirs",
        "git checkout -q main", "mvc checkout", *ours, "git commit -qam ours", "! git merge -q side",
    )


def retrained(content: str, *options: str) -> tuple[str, str]:
    """Train m.bin again, and record a report with these metrics."""
    record = f"mvc eval record m.bin --tag v2.{len(content)}.0 {' '.join(options)}"
    return f"echo {content} > m.bin && mvc add m.bin", record


BOTH_REPORTED = branches((), retrained("their", "--metric auc=0.8"), retrained("ours", "--metric auc=0.9"))
EQUAL = branches((), retrained("their", "--metric auc=0.9"), retrained("ours", "--metric auc=0.9"))
ONE_LACKS_IT = branches((), retrained("their", "--metric auc=0.8 --metric f1=1"), retrained("ours", "--metric auc=0.9"))
OTHER_DATA = branches(
    (), retrained("their", "--metric auc=0.8 --dataset t=plain.txt"),
    retrained("ours", "--metric auc=0.9 --dataset t=d/2"),
)
NO_DIRECTION = branches((), retrained("their", "--metric score=0.8"), retrained("ours", "--metric score=0.9"))
NO_METRICS = branches((), retrained("their"), retrained("ours"))
IN_D = branches(
    (), ("echo their > d/1", "echo their > d/2", "mvc add d"), ("echo ours > d/1", "echo o > d/2", "mvc add d"),
)
"""Both sides changed both files of d."""
OWN_LINES = branches(
    ("echo base > new", "git show HEAD:./.gitignore >> new", "mv new .gitignore", "git add .gitignore"),
    ("sed -i s/base/their/ .gitignore", "echo their > m.bin", "mvc add m.bin"),
    ("sed -i s/base/ours/ .gitignore", "echo ours > m.bin", "mvc add m.bin"),
)
OURS = ("echo ours > m.bin", "mvc add m.bin", "mvc push")
TEXT = branches((), ("echo their > plain.txt",), ("echo ours > plain.txt",))
INVALID_SIDE = branches((), ("echo 'mvc: 1' > m.bin.mvc",), ("echo ours > m.bin", "mvc add m.bin"))
CASE = branches((), ("echo 1 > d/A", "mvc add d"), ("echo 2 > d/a", "mvc add d"))


def both_merged(repo: Repo) -> None:
    """Both sides add files to d and evaluate it."""
    for step in branches(
        ("mvc eval record d --tag v1.0.0 --metric auc=1",),
        ("echo 3 > d/3", "mvc add d", "mvc eval record d --tag v1.2.0 --metric auc=1"),
        ("echo 4 > d/4", "mvc add d", "mvc eval record d --tag v1.1.0 --metric auc=1"),
    ):
        type_line(repo, step)


def lose_theirs(repo: Repo) -> None:
    """Lose the other side's content of m.bin, but not ours."""
    empty_cache(repo)
    repo.ok("fetch", "--rev", "HEAD")


STATES = [
    state("conflict_with_both_reports", *BOTH_REPORTED, "mvc status m.bin"),
    state("conflict_in_the_report_of_a_merged_directory", both_merged, "mvc status d"),
    state("conflict_resolved", *CONFLICT, "mvc resolve m.bin --theirs"),
    state("resolve_without_a_choice", *CONFLICT, "mvc resolve m.bin"),
    state("resolve_of_what_is_not_in_conflict", *CONFLICT, "mvc resolve d --ours"),
    state("resolve_of_a_file_of_git", *TEXT, "mvc resolve plain.txt --ours"),
    state("resolve_of_own_lines", *OWN_LINES, "mvc resolve m.bin --ours"),
    state("resolve_over_a_change", *CONFLICT, "echo mine > m.bin", "mvc resolve m.bin --theirs"),
    state(
        "resolve_over_a_new_report", *CONFLICT, "mvc eval record m.bin --tag v9.0.0 --metric auc=1",
        "mvc resolve m.bin --theirs",
    ),
    state(
        "resolve_without_the_content", *branches((), ("echo their > m.bin", "mvc add m.bin", "mvc push"), OURS),
        lose_theirs, "mvc resolve m.bin --theirs",
    ),
    state("resolve_to_an_invalid_pointer", *INVALID_SIDE, "mvc resolve m.bin --theirs"),
    state("resolve_by_a_metric_that_is_equal", *EQUAL, "mvc resolve m.bin --best auc"),
    state("resolve_by_a_metric_that_one_lacks", *ONE_LACKS_IT, "mvc resolve m.bin --best f1"),
    state("resolve_by_a_metric_on_other_data", *OTHER_DATA, "mvc resolve m.bin --best auc"),
    state("resolve_by_no_metric", *BOTH_REPORTED, "mvc resolve m.bin --best f1"),
    state("resolve_by_a_metric_without_reports", *NO_METRICS, "mvc resolve m.bin --best f1"),
    state("resolve_by_a_metric_without_direction", *NO_DIRECTION, "mvc resolve m.bin --best score"),
    state("resolve_of_one_file_of_two", *IN_D, "mvc resolve d/1 --ours"),
    state("resolve_of_a_file_that_is_merged", *IN_D, "mvc resolve d/3 --ours"),
    state("resolve_of_a_part_of_a_file", *CONFLICT, "mvc resolve m.bin/1 --ours"),
    state("resolve_of_names_that_collide", *CASE, "mvc resolve d/A --ours"),
    state("mergetool_without_a_file", "mvc hook run mergetool"),
    state("mergetool_with_a_file_of_git", *TEXT, "mvc hook run mergetool plain.txt"),
]
