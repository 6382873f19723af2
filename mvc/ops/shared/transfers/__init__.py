"""What the commands that ask a remote share: which objects, from which remote, and what failed."""
