"""Findings that compare a model with its earlier versions."""
