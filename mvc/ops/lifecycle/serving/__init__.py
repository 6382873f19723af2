"""`mvc serve`: which model, its proof, and what the registry says later."""
