"""Functions that several groups of use cases share."""
