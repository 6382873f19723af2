"""The files as the user sees them: what is there, what it holds, and how content gets there."""
