"""Reports of evaluations, the policy, and what is held against it."""
