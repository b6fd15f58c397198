"""One notebook at a time, where no gradebook is kept: under pytest, for Gradescope."""
