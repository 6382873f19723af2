"""The objects that are needed, and those available."""
