"""Use cases: one file each, `(Project, arguments) -> result`. They neither print nor prompt."""
