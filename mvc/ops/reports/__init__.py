"""eval record, run, show and sign."""
