"""`mvc import`."""
