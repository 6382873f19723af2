"""Transfers of objects between cache and remote."""
