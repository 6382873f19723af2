"""Buckets: bytes under keys, in a directory, in S3 and on other servers."""
