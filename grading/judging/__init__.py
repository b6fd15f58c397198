"""Step 3: observations become verdicts, outside the kernel that ran student code."""
