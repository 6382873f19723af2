"""push, fetch, pull, get, and the settings of remotes."""
