"""Whether the content that pointers name is there, and agrees with them."""
