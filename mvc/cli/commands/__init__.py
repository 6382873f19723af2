"""A module for each group of commands."""
