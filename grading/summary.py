"""What became of a class, in figures and for a person to read."""

from dataclasses import dataclass, field

from grading.course.names import shown


@dataclass
class Summary:
    """What became of a class.

    Attributes:
        graded: students who have been graded now, flagged ones included.
        flagged: students whose submission a person should look at.
        failed: student to reason, for those who have no grade.
        skipped: how many had been graded before.
        seconds: how long it took.
    """

    graded: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        speed = 60 * len(self.graded) / self.seconds if self.seconds else 0.0
        lines = [
            f"{len(self.graded)} graded in {self.seconds:.0f} s, {speed:.1f} a minute; "
            f"{len(self.flagged)} flagged, {len(self.failed)} failed, {self.skipped} graded before."
        ]
        lines += [f"  flagged: {shown(student)}" for student in sorted(self.flagged)]
        lines += [
            f"  failed: {shown(f'{name}: {why}')}" for name, why in sorted(self.failed.items())
        ]
        return "\n".join(lines)
