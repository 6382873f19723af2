"""init, config, hook install, completion words."""
