"""Which objects are needed, and which are there."""
