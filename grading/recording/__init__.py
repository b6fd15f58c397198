"""Step 4: the gradebook, the audit log, late policies."""
