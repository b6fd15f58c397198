"""What the grader says, in each language of the course."""
