"""Stores: whatever holds objects. `base` is the protocol, the rest are its implementations."""
