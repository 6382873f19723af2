"""Merges: of commits without a workspace, of texts, and the operation that stopped at a conflict."""
