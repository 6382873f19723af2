"""What was done to models: read out of Git by `mvc audit`, and for the site."""
