"""All pull requests: importing the modules that have them registers them."""

from __future__ import annotations

import gate.honest  # noqa: F401
from gate.histories import BLOCKED, CANNOT, CASES, PASSED

ATTACKS = [case for case in CASES.values() if case.code == BLOCKED]
HONEST = [case for case in CASES.values() if case.code == PASSED]
UNJUDGED = [case for case in CASES.values() if case.code == CANNOT]
JUDGED = [case for case in CASES.values() if case.code != CANNOT]
