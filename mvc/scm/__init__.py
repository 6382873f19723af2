"""Git, through its commands: `plumbing` runs them, the others ask questions."""
