"""Models in other formats, and how much their outputs differ."""
