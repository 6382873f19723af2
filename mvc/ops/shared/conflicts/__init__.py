"""A tracked path in conflict: what Git has of each side, and how it is shown."""
