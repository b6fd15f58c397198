"""Names the misconception behind an observation that a criterion refuses."""
