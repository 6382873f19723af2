"""What DVC tracks, and what was imported from it."""
