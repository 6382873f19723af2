"""The prediction log, as a server writes it."""
