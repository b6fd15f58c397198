"""Writes a class report as one HTML page that needs no network, and as CSV."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import fmean, median

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.reports.class_report import ClassReport
from grading.reports.exporters.table import safe_text, write_rows
from grading.reports.misconceptions import Misconception, Participant
from grading.words import say, words

_TEMPLATES = Path(__file__).with_name("templates")
_BARS = 13
_WIDTHS = (0.5, 1, 2, 5, 10, 20, 50, 100)  # points
_CSV_LANGUAGE = "en"  # other programs read it


def write_page(report: ClassReport, path: Path) -> None:
    """Write the page in the report's language."""
    language, handed_in = report.language, len(report.participants)
    bars = _bars(report, language)
    most = max((count for _, count in bars), default=0) or 1
    reasons = [(item.student, why) for item, why in _reasons(report, language)]
    total = handed_in + len(report.missing)
    overview = [
        ("handed_in", say(language, "report.handed_in_of", count=handed_in, total=total)),
        ("look_at", str(len(reasons))),
    ]
    for key, score in _figures(report.scores):
        told = say(language, "report.points_of", score=score, most=report.maximum)
        overview.append((key, told))

    def shows_in(item: Misconception) -> str:
        return words(language)["report"]["semicolon"].join(
            say(language, "report.shows_in_part", title=report.titles[name], count=count)
            for name, count in item.criteria.items()
        )

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    table = words(language)["report"]
    page = environment.get_template("report.html.j2").render(
        report=report,
        language=language,
        words=table,
        style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        overview=[(table[key], told) for key, told in overview],
        bars=[(label, count, count / most) for label, count in bars],
        criteria=[_criterion(report, name) for name in report.cells],
        shows_in=shows_in,
        reasons=reasons,
        times=[(table[key], told) for key, told in _times(report)],
    )
    path.write_text(page, encoding="utf-8")


def write_table(report: ClassReport, path: Path) -> None:
    """Write the same as CSV: section, item, count, of how many, and a detail."""
    rows: list[Sequence[str]] = [("section", "item", "count", "of", "detail")]

    def add(section: str, item: str, count: object = "", of: object = "", detail: str = "") -> None:
        rows.append(
            (section, safe_text(item), str(count), str(of), safe_text(detail) if detail else "")
        )

    handed_in = len(report.participants)
    add("overview", "handed in", handed_in, handed_in + len(report.missing))
    for key, value in _figures(report.scores):
        add("overview", words(_CSV_LANGUAGE)["report"][key], f"{value:.10g}", f"{report.maximum:g}")
    for label, count in _bars(report, _CSV_LANGUAGE):
        add("distribution", f"{label} points", count, handed_in)
    for name in report.cells:
        passed, graded = report.passed(name)
        add("full points", name, passed, graded, f"{report.cells[name]:g} points")
    for item in report.misconceptions:
        add("misconception", item.mistake, item.students, handed_in, item.explanation)
    for participant, why in _reasons(report, _CSV_LANGUAGE):
        add("for a person", participant.student, detail=why)
    for student in report.missing:
        add("nothing handed in", student)
    seconds = sum(item.seconds for item in report.participants)
    add("time", "seconds of running notebooks", f"{seconds:.1f}")
    write_rows(path, rows)


def _figures(scores: Sequence[float]) -> Iterable[tuple[str, float]]:
    if scores:
        yield "mean", fmean(scores)
        yield "median", median(scores)
        yield "lowest", scores[0]
        yield "highest", scores[-1]


def _bars(report: ClassReport, language: str) -> list[tuple[str, int]]:
    """Return ranges of points, each with the number of scores in it."""
    width = next((w for w in _WIDTHS if report.maximum / w <= _BARS), report.maximum / _BARS)
    number = max(1, ceil(report.maximum / width))
    counts = [0] * number
    for score in report.scores:
        counts[min(number - 1, max(0, ceil(score / width) - 1))] += 1
    ends = [min(report.maximum, place * width) for place in range(number + 1)]
    labels = [say(language, "report.range", low=low, high=high) for low, high in pairwise(ends)]
    return list(zip(labels, counts, strict=True))


def _criterion(report: ClassReport, name: str) -> tuple[str, str, str, float]:
    passed, graded = report.passed(name)
    share = passed / graded if graded else 0.0
    key = "report.share" if graded else "report.not_graded_yet"
    told = say(report.language, key, share=share, passed=passed, graded=graded)
    return report.titles[name], f"{report.cells[name]:g}", told, share


def _reasons(report: ClassReport, language: str) -> Iterable[tuple[Participant, str]]:
    """Yield whom a person should look at, and why."""
    table = words(language)["report"]
    for item in report.participants:
        reasons = [table["flagged"].format(reason) for reason in item.flagged]
        if item.score is None:
            reasons.append(table["not_graded"])
        elif item.waiting:
            waiting = (name for name in report.cells if name in item.waiting)
            answers = table["comma"].join(report.titles[name] for name in waiting)
            reasons.append(table["waiting"].format(answers))
        if item.seconds_late > 0:
            late = _duration(item.seconds_late, table)
            key = "late_with_penalty" if item.penalty else "late"
            reasons.append(table[key].format(late, late=late, penalty=item.penalty))
        if reasons:
            yield item, table["semicolon"].join(reasons)


def _duration(seconds: float, table: dict[str, str]) -> str:
    for key, length in (("days", 86400), ("hours", 3600)):
        if seconds >= length:
            return table[key].format(seconds / length)
    return table["minutes"].format(max(1, round(seconds / 60)))


def _times(report: ClassReport) -> list[tuple[str, str]]:
    known = [item.seconds for item in report.participants if item.seconds]
    if not known:
        return []
    return [
        ("time_together", f"{sum(known):.0f} s"),
        ("time_mean", f"{fmean(known):.1f} s"),
        ("time_longest", f"{max(known):.1f} s"),
    ]
