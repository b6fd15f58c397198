"""The calibration: how often the judge errs, and how well it names mistakes.

`python -m tests.calibration` measures and writes docs/calibration.md with its pictures.
"""
