"""What the engine says, in each language of the course."""
