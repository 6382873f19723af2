"""Earlier versions of the changed models: on the target branch, in its history and in Git tags."""
