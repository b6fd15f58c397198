"""Step 1: what was handed in becomes a notebook of the release's form, nothing of it lost."""
