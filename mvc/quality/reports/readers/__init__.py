"""A file for each format of metrics that other programs write: docs/reports.md, "Files with metrics"."""
