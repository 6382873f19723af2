"""S3: the bucket, its errors, its credentials."""
