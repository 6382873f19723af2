"""Model formats, recognised by name and by first bytes."""
