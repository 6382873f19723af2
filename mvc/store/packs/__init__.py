"""Packs: many small objects in one file, with an index beside it."""
