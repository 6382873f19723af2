"""Parsers of text from outside: numbers, YAML, DVC files, and the files of Git that hold patterns."""
