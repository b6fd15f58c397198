"""The demonstration: eleven students, from release to report."""
