"""`mvc site`: the registry as static pages."""
