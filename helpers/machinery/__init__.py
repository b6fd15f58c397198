"""What makes the lesson's helpers work, and need not be read to learn from them."""
