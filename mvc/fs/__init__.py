"""Files: durable writes, copies, locks, temporary files, trees reached without following symlinks."""
