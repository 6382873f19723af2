"""The rules that the judge holds facts against, a subject a file."""
