"""Tests of random numbers with two stated rates: of false alarms, and of what they miss.

A test takes the `level`, the probability with which right work fails it, and its `..._power` tells
with which probability work fails that is off by so much; `size` turns that round.
"""
