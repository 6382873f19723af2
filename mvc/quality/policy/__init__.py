"""The policy: its format, and its demands on a path."""
