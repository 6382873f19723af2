"""The judge: facts in, findings out."""
