"""Archives and compressed files, in which loaders find pickles."""
