"""Model formats, recognized by name and first bytes."""
