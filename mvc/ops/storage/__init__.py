"""gc, verify and the size of the cache."""
