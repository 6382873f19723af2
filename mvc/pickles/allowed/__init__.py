"""The names that a pickle may use, and what it may do with them."""
