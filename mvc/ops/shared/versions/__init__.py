"""Registered versions, and references to them."""
