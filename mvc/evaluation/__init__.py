"""Metrics from predictions, with their errors; two models compared example by example."""
