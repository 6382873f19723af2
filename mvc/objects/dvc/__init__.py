"""What DVC writes, as values: https://dvc.org/doc/user-guide/project-structure."""
