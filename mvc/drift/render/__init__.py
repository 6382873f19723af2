"""What a result is shown as: metrics for Prometheus, and a page."""
