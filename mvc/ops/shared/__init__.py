"""What use cases of several groups need."""
