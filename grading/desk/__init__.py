"""The grading desk: written answers on a local page, each beside the table it is about."""
