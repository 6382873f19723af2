"""Objects on a remote, on top of any bucket."""
