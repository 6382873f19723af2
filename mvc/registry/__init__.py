"""The registry of versions, kept in Git tags: their grammar, and the state that they add up to. Pure."""
