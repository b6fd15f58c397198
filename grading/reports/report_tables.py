"""Writes a class report as CSV: what the page says of the class, and a row for each student."""

from collections.abc import Sequence
from pathlib import Path

from grading.reports.class_report import ClassReport
from grading.reports.exporters.table import safe_text, write_rows
from grading.reports.figures import bars, figures
from grading.reports.for_a_person import reasons_of
from grading.reports.participants import Participant
from grading.words import words

_LANGUAGE = "en"  # other programs read it


def write_class(report: ClassReport, path: Path) -> None:
    """Write the class: section, item, count, of how many, and a detail."""
    rows: list[Sequence[str]] = [("section", "item", "count", "of", "detail")]

    def add(section: str, item: str, count: object = "", of: object = "", detail: str = "") -> None:
        rows.append(
            (section, safe_text(item), str(count), str(of), safe_text(detail) if detail else "")
        )

    handed_in = len(report.participants)
    add("overview", "handed in", handed_in, handed_in + len(report.missing))
    for key, value in figures(report.scores):
        add("overview", words(_LANGUAGE)["report"][key], f"{value:.10g}", f"{report.maximum:g}")
    for label, count in bars(report, _LANGUAGE):
        add("distribution", f"{label} points", count, handed_in)
    for name in report.cells:
        item = report.item(name)
        add("full points", name, item.full, item.graded, f"{report.cells[name]:g} points")
        if item.difficulty is not None:
            add("difficulty", name, f"{item.difficulty:.3f}", 1)
        if item.discrimination is not None:
            add("discrimination", name, f"{item.discrimination:.3f}", 1)
    for cause in report.misconceptions:
        add(
            "misconception",
            cause.mistake or cause.kind,
            len(cause.students),
            handed_in,
            cause.explanation,
        )
    for participant in report.participants:
        if why := _reasons(report, participant):
            add("for a person", participant.student, detail=why)
    for student in report.missing:
        add("nothing handed in", student)
    for edition, students in report.elsewhere.items():
        for student in students:
            add("handed in another edition", student, detail=edition)
    seconds = sum(item.seconds for item in report.participants)
    add("time", "seconds of running notebooks", f"{seconds:.1f}")
    write_rows(path, rows)


def write_students(report: ClassReport, path: Path) -> None:
    """Write a row for each student: points, attempts, why points are lost, what needs a person."""
    causes: dict[str, list[str]] = {item.student: [] for item in report.participants}
    for cause in report.misconceptions:
        for student in cause.students:
            causes[student].append(cause.mistake or cause.kind)
    rows: list[Sequence[str]] = [
        (
            *("student", "score", "of", "late penalty", "hours late", "attempts", "seconds"),
            *map(safe_text, report.cells),
            *("causes", "for a person"),
        )
    ]
    for item in report.participants:
        rows.append(
            (
                safe_text(item.student),
                _number(item.score),
                f"{report.maximum:g}",
                f"{item.penalty:g}",
                f"{max(0.0, item.seconds_late) / 3600:.1f}",
                str(item.attempts),
                f"{item.seconds:.1f}",
                *(_number(item.points.get(name)) for name in report.cells),
                safe_text("; ".join(causes[item.student])),
                safe_text(_reasons(report, item)),
            )
        )
    write_rows(path, rows)


def _reasons(report: ClassReport, participant: Participant) -> str:
    separator = words(_LANGUAGE)["report"]["semicolon"]
    return separator.join(reasons_of(participant, report.titles, _LANGUAGE))


def _number(points: float | None) -> str:
    return "" if points is None else f"{points:.10g}"
