"""What comes from other programs, and goes back to them."""
