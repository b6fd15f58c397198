"""Grades submissions as they arrive: `python -m grading serve ASSIGNMENT...`.

Others use `serve.main`, the command, and `status.read`, what a running one tells of itself.
"""
