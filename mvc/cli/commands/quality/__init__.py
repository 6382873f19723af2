"""Commands about the quality of models."""
