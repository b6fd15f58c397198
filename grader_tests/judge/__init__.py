"""Judges observations where no student code runs: criteria, mistakes behind them, and words."""
