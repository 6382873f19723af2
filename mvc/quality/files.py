"""Where reports, their signatures and the policy lie. Apart, so that who only asks that loads nothing else."""

SUFFIX = ".eval.yaml"
"""Of a report, behind the tracked path."""
SIGNATURES = ".sig"
"""Behind the report's own name."""
POLICY = ".mvc/policy.yaml"
MAX_BYTES = 1 << 20
"""Of a report."""
