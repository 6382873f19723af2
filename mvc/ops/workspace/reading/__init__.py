"""What a user looks at: status, diff, log, ls."""
