"""Git, through its commands: `plumbing` runs them, the other modules query."""
