"""Versions: register, promote, roll back, retire, and what is where."""
