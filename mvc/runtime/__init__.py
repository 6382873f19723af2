"""Models that are run: loaded safely, whatever their format."""
