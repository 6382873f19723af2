"""`site`."""

from __future__ import annotations

from hints.state import state
from hints.states.versions import NEW_ONE

STATES = [
    state("site_without_a_directory", NEW_ONE, "mvc site", DIR="site"),
    state("site_over_files", NEW_ONE, "mkdir site && echo mine > site/thesis.txt", "mvc site -o site"),
    state("site_over_a_file", NEW_ONE, "touch note", "mvc site -o note"),
    state("site_at_no_address", NEW_ONE, "mvc site -o site --base-url models", DIR="site"),
]
