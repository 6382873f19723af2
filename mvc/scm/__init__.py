"""Git: `plumbing` asks it in bulk through its commands, `repo` uses GitPython for history."""
