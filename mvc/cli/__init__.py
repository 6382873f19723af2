"""The command line: parses, calls a use case, prints, and turns errors into exit codes."""
