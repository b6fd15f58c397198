"""From an instructor's source to the notebook that students get."""
