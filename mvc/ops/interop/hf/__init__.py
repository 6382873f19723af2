"""`mvc import hf`."""
