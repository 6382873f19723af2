"""What the target branch, its history and the Git tags have of the models that a change touches."""
