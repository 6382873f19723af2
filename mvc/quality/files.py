"""Where reports, their signatures and the policy lie. Apart, so that who only asks that loads nothing else."""

SUFFIX = ".eval.yaml"
"""Of a report, behind the tracked path."""
SIGNATURES = ".sig"
"""Behind the name of a report, or of a file that guards the models."""
POLICY = ".mvc/policy.yaml"
SIGNERS = ".mvc/allowed_signers"
REVOKED = ".mvc/revoked_signers"
WAIVERS = ".mvc/waivers.yaml"
MAX_BYTES = 1 << 20
"""Of a report."""
