"""Late policies as nbgrader plugins: nbgrader's own, points for each day, and a cut-off.

Set one as `c.AssignLatePenalties.plugin_class`. nbgrader asks it while it autogrades, with the time
since the student's own deadline, so an extension counts already. The penalty is not asked for again
when a person grades afterwards: after grading the written answers of late submissions, autograde
those once more with --force, which keeps what the person gave.
"""

import math
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo, available_timezones

from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Bunch, Float, TraitError, Unicode, default, validate


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
    """Takes off points for each day that has begun since the deadline, never below 0.

    A day ends when the clocks of the time zone show the deadline's time again, also where that took
    23 or 25 hours.
    """

    points = Float(1.0, min=0.0, help="Points for each day that has begun.").tag(config=True)
    time_zone = Unicode(
        help="By whose clocks days are counted, such as Europe/Berlin; default: Exchange.timezone."
    ).tag(config=True)

    @default("time_zone")
    def _exchanges(self) -> str:
        return str(self.config.Exchange.get("timezone", "UTC"))

    @validate("time_zone")
    def _known(self, proposal: Bunch) -> str:
        if proposal["value"] not in available_timezones():
            raise TraitError(
                f"PointsPerDay.time_zone is {proposal['value']!r}; expected the name of a time "
                "zone, such as Europe/Berlin or UTC."
            )
        return str(proposal["value"])

    def penalty(self, score: float, seconds: float) -> float | None:
        """Return the points for the days that have begun, at most `score`."""
        return min(score, self.points * math.ceil(self._late(seconds) / timedelta(days=1)))

    def _late(self, seconds: float) -> timedelta:
        """Return by how much the clocks have gone on since the deadline."""
        if not isinstance(self.parent, AssignLatePenalties):
            return timedelta(seconds=seconds)
        names = self.parent.assignment_id, self.parent.student_id
        deadline = self.parent.gradebook.find_submission(*names).duedate.replace(tzinfo=UTC)
        zone = ZoneInfo(self.time_zone)
        shown = [
            time.astimezone(zone).replace(tzinfo=None)
            for time in (deadline, deadline + timedelta(seconds=seconds))
        ]
        return shown[1] - shown[0]


class CutOff(LatePolicy):
    """Gives 0 points to what comes after the deadline and the grace period."""

    def penalty(self, score: float, seconds: float) -> float | None:
        """Return the whole score."""
        return score
