"""Hands feedback back: which pages are out of date, and that everybody finds theirs.

Others use `generate.CourseGenerateFeedback` and `release.CourseReleaseFeedback`, which nbgrader's
commands take in place of its own.
"""
