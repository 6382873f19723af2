"""The policy: what it says, and what it requires of a path."""
