"""One notebook at a time: under pytest, for Gradescope."""
