"""Values without I/O: digests, names, manifests, pointers and their differences."""
