"""What the bytes of a file tell: models by their first ones, pickles by what they would call."""
