"""Parts of `mvc add` and `mvc mv` that decide before anything changes."""
