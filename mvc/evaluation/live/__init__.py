"""What was predicted in production: the log of a server, and labels that arrived later."""
