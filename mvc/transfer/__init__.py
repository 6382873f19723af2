"""Objects between cache and remote."""
