"""Values: digests, names, manifests, pointers and their differences. Pure but for hashing."""
