"""Evaluation reports, the policy, and the judge that compares them."""
