"""SSH: the bucket, its files, its connection."""
