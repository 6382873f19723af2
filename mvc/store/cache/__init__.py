"""The cache: objects on this machine."""
