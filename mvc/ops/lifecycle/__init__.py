"""Use cases after the commit: a model is run."""
