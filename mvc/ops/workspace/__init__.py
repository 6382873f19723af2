"""add, checkout, status, diff, log, ls, mv, rm, unprotect."""
