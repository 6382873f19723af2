"""Findings and verdicts as text and Markdown."""
