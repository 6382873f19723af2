"""The merge driver of Git, and `mvc resolve`."""
