"""Late policies as nbgrader plugins: nbgrader's own, points for each day, and a cut-off.

Set one as `c.AssignLatePenalties.plugin_class`. nbgrader asks it while it autogrades, with the time
since the student's own deadline, so an extension counts already. The penalty is not asked for again
when a person grades afterwards: after grading the written answers of late submissions, autograde
those once more with --force, which keeps what the person gave.
"""

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

_SECONDS_PER_DAY = 86_400


class LatePolicy(LateSubmissionPlugin):
    """What `c.LateSubmissionPlugin.penalty_method` says: nothing, or all; the others' base."""

    grace_minutes = Float(
        0.0,
        min=0.0,
        help="Minutes after the deadline that count as in time; after them the delay counts whole.",
    ).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points to take off, or None for no penalty."""
        if total_seconds_late <= 60 * self.grace_minutes:
            return None
        return self.penalty(score, total_seconds_late)

    def penalty(self, score: float, seconds: float) -> float | None:
        """Return the points to take off `score` for a delay beyond the grace period."""
        own: float | None = super().late_submission_penalty("", score, seconds)
        return own


class PointsPerDay(LatePolicy):
    """Takes off points for each day that has begun since the deadline, never below 0."""

    points = Float(1.0, min=0.0, help="Points for each day that has begun.").tag(config=True)

    def penalty(self, score: float, seconds: float) -> float | None:
        """Return the points for the days that have begun, at most `score`."""
        return min(score, self.points * math.ceil(seconds / _SECONDS_PER_DAY))


class CutOff(LatePolicy):
    """Gives 0 points to what comes after the deadline and the grace period."""

    def penalty(self, score: float, seconds: float) -> float | None:
        """Return the whole score."""
        return score
