"""Grading: what nbgrader calls to run, judge and report submissions, and the demonstration."""
