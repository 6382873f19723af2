"""gate, hook and eval check: facts are gathered, then judged."""
