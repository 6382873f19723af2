"""Files: durable writes, copies, locks, temporary files, directory trees without symlinks."""
