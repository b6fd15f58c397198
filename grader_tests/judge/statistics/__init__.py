"""Tests of random weights, each with the probability that right ones fail it."""
