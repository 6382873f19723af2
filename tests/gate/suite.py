"""All pull requests; importing the modules registers them."""

from __future__ import annotations

import gate.attacks_on_evidence
import gate.attacks_on_git
import gate.attacks_on_metrics
import gate.attacks_on_names
import gate.attacks_on_other_pointers
import gate.attacks_on_places
import gate.attacks_on_reports
import gate.attacks_on_rules
import gate.attacks_on_trust
import gate.honest  # noqa: F401
from gate.histories import BLOCKED, CANNOT, CASES, PASSED

ATTACKS = [case for case in CASES.values() if case.code == BLOCKED]
HONEST = [case for case in CASES.values() if case.code == PASSED]
UNJUDGED = [case for case in CASES.values() if case.code == CANNOT]
JUDGED = [case for case in CASES.values() if case.code != CANNOT]
