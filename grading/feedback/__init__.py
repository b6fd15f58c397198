"""Step 5: pages for students."""
