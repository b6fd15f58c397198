"""Grades five assignments that are none of this course's, with plain nbgrader and with the course.

`python -m tests.benchmarks.other_assignments` writes the scores side by side into
docs/other_assignments.md. Work that nothing is done about, and right, wrong and partly right work
must come out alike; where it does not, `DIFFERENCES` says why.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from nbgrader import __version__ as nbgrader_version

from tests.other_assignments import ASSIGNMENTS, PLAIN, Scores, hand_in, scores
from tests.scratch_course import COURSE_ROOT, ScratchCourse

PAGE = COURSE_ROOT / "docs" / "other_assignments.md"
_BEGIN, _END = "<!-- the table begins -->", "<!-- the table ends -->"

DIFFERENCES = {
    ("twins", "first"): "p2 is missing: 0 points as well, and a person looks at it",
    ("twins", "second"): "p1 is missing: 0 points as well, and a person looks at it",
    ("twins", "renamed"): "p2 was handed in as `p2 (1).ipynb`: read all the same",
}
"""What comes out otherwise, by assignment and student, and why."""


def plain_course(folder: Path, data: str) -> ScratchCourse:
    """Return a course that plain nbgrader grades, without assignments."""
    course = course_without_lesson(folder, data)
    (course.root / "nbgrader_config.py").write_text(PLAIN)
    (course.root / "nbgrader_config.json").unlink()
    (folder / "jupyter" / "nbgrader_config.py").unlink()
    return course


def course_without_lesson(folder: Path, data: str) -> ScratchCourse:
    """Return a course with this course's settings, without assignments."""
    folder.mkdir()
    course = ScratchCourse(folder, data)
    shutil.rmtree(course.root / "source")
    return course


def graded(course: ScratchCourse, command: str = "nbgrader") -> dict[str, Scores]:
    """Grade all assignments in a course, and return their scores by name."""
    for assignment in ASSIGNMENTS:
        hand_in(course, assignment)
        if command == "nbgrader":
            course.nbgrader("autograde", assignment.name)
        else:
            subprocess.run(
                [sys.executable, "-m", "grading", "autograde", assignment.name],
                cwd=course.root,
                env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
                check=True,
            )
    return {assignment.name: scores(course, assignment.name) for assignment in ASSIGNMENTS}


def different(
    plain: Mapping[str, Scores], ours: Mapping[str, Scores]
) -> dict[tuple[str, str], list[str]]:
    """Return the cells that came out otherwise, by assignment and student."""
    return {
        (name, student): cells
        for name, of_plain in plain.items()
        for student, score in of_plain.items()
        if (cells := [cell for cell in score if score[cell] != ours[name][student].get(cell)])
    }


def table(plain: Mapping[str, Scores], ours: Mapping[str, Scores]) -> str:
    """Return both gradings as a table in Markdown."""
    found = different(plain, ours)
    lines = [
        "| assignment | student | plain nbgrader | the course | |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, of_plain in plain.items():
        for student in of_plain:
            told = [_told(side[name][student]) for side in (plain, ours)]
            why = DIFFERENCES.get((name, student), "**unexpected**")
            differs = why if (name, student) in found else "the same, cell by cell"
            lines.append(f"| {name} | {student} | {told[0]} | {told[1]} | {differs} |")
    return "\n".join(lines)


def _told(cells: Mapping[str, float | str | None]) -> str:
    points = sum(score for score in cells.values() if isinstance(score, float))
    waiting = sum(isinstance(score, str) for score in cells.values())
    return f"{points:g}" + (f", {waiting} for a person" if waiting else "")


def main() -> None:
    """Grade both ways and write the table into the page."""
    data = os.environ.get("FASHION_MNIST", "")
    with tempfile.TemporaryDirectory(prefix="other-") as temporary:
        plain = graded(plain_course(Path(temporary, "plain"), data))
        ours = graded(course_without_lesson(Path(temporary, "course"), data))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    written = f"nbgrader {nbgrader_version}, {date.today().isoformat()}:"
    PAGE.write_text(
        f"{before}{_BEGIN}\n{written}\n\n{table(plain, ours)}\n{_END}{rest.partition(_END)[2]}",
        encoding="utf-8",
    )
    print(f"Wrote {PAGE}: {len(different(plain, ours))} of the submissions differ.")


if __name__ == "__main__":
    main()
