"""Parts of `mvc add`: checks, merging both sides of a directory, correcting a pointer."""
