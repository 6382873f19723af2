"""What backs a report: signatures, and the tags that were given before."""
