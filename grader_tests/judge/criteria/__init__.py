"""What each hidden test asks of an observation."""
