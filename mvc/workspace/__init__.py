"""The user's files: finding, reading and writing them."""
