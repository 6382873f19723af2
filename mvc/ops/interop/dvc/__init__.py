"""`mvc import dvc`."""
