"""`mvc import lfs`."""
