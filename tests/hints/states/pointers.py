"""Pointers that cannot be used: invalid, in conflict, or not checked out."""

from __future__ import annotations

from hints.state import state

INVALID = "echo 'mvc: 1' > m.bin.mvc"
COMMITTED = (INVALID, "git commit -qam broken")
CONFLICT = (
    "git checkout -qb side old", "mvc checkout", "echo side > m.bin", "mvc add m.bin", "git commit -qm side",
    "! git merge -q new",
)
"""Both sides changed m.bin."""

STATES = [
    state("conflict", *CONFLICT, "mvc status m.bin"),
    state("conflict_to_move", *CONFLICT, "mvc mv m.bin n.bin"),
    state("invalid_pointer_with_content", INVALID, "mvc status m.bin"),
    state("committed_invalid_pointer", *COMMITTED, "mvc checkout m.bin"),
    state("committed_invalid_pointer_without_content", *COMMITTED, "rm m.bin", "mvc status"),
    state("invalid_pointer_of_nothing", "echo 'no pointer' > stray.mvc", "mvc status stray"),
    state(
        "invalid_pointer_at_a_revision", *COMMITTED, "git tag broken", "mvc add m.bin",
        "mvc checkout --rev broken m.bin",
    ),
    state("invalid_pointer_to_remove", INVALID, "mvc rm m.bin"),
    state(
        "left_out_of_a_sparse_checkout", "mkdir deep", "echo x > deep/x.bin", "mvc add deep/x.bin", "git commit -qm x",
        "git sparse-checkout set nothing", "mvc rm deep/x.bin",
    ),
]
