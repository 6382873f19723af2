"""The server of models: requests, versions that are swapped, metrics, and the log of predictions."""
