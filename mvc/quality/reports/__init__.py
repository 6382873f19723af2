"""Evaluation reports: the document, its metrics, its tag, its signers."""
