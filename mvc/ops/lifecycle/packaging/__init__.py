"""A model as an artifact in a registry, or as a build context: `mvc package`."""
