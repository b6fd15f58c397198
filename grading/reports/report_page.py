"""Writes a class report as one HTML page that needs no network and runs no script."""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.reports.class_report import ClassReport
from grading.reports.figures import bars, figures, left_out
from grading.reports.for_a_person import concerns
from grading.reports.misconceptions import Misconception
from grading.words import say, words

_TEMPLATES = Path(__file__).with_name("templates")
_RETAUGHT = 3
"""More than three things are not taught again in one lesson."""


def write_page(report: ClassReport, path: Path) -> None:
    """Write the page in the report's language."""
    language, table = report.language, words(report.language)["report"]
    counted = bars(report, language)
    most = max((count for _, count in counted), default=0) or 1
    mistakes = [item for item in report.misconceptions if item.kind == "mistake"]
    retaught = mistakes[:_RETAUGHT]
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("report.html.j2").render(
        report=report,
        words=table,
        style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        overview=_overview(report),
        left_out=left_out(report, language),
        bars=[(label, count, count / most) for label, count in counted],
        items=[(name, report.item(name)) for name in report.cells],
        retaught=retaught,
        others=[item for item in report.misconceptions if item not in retaught],
        told=_explained(report),
        seen_in=_seen_in(report),
        concerns=concerns(report.participants, report.titles, language),
        participants={item.student: item for item in report.participants},
        students_of=lambda count: say(
            language, "report.students_one" if count == 1 else "report.students_count", count=count
        ),
        link=lambda target: quote(Path(os.path.relpath(target, path.parent)).as_posix()),
        effort=_effort(report),
    )
    path.write_text(page, encoding="utf-8")


def _overview(report: ClassReport) -> list[tuple[str, str]]:
    language, table = report.language, words(report.language)["report"]
    handed_in = len(report.participants)
    total = handed_in + len(report.missing)
    told = say(language, "report.handed_in_of", count=handed_in, total=total)
    scores = [
        (table[key], say(language, "report.points_of", score=score, most=report.maximum))
        for key, score in figures(report.scores)
    ]
    return [(table["handed_in"], told), *scores]


def _explained(report: ClassReport) -> Callable[[Misconception], tuple[str, str, str]]:
    """Return what gives a cause's title, its explanation, and the sentence to say in class."""
    table = words(report.language)["report"]
    others = {
        "not attempted": ("not_attempted", "not_attempted_explanation", "not_attempted_in_class"),
        "no result": ("no_result", "no_result_explanation", "no_result_in_class"),
        "error": ("", "error_explanation", "error_in_class"),
    }

    def explained(item: Misconception) -> tuple[str, str, str]:
        if item.kind == "mistake":
            return item.title, item.explanation or item.finding, item.in_class
        title, *rest = (table[key] if key else item.mistake for key in others[item.kind])
        explanation, in_class = (text.format(error=item.mistake) for text in rest)
        return title, explanation, in_class

    return explained


def _seen_in(report: ClassReport) -> Callable[[Misconception], str]:
    """Return what names the parts that a cause shows in, with the number of students each."""
    table = words(report.language)["report"]

    def seen_in(item: Misconception) -> str:
        return table["semicolon"].join(
            say(report.language, "report.part_count", title=report.titles[name], count=count)
            for name, count in item.criteria.items()
        )

    return seen_in


def _effort(report: ClassReport) -> str:
    """Say how often students handed in, and how long the notebooks ran."""
    language, told = report.language, []
    attempts = [item.attempts for item in report.participants if item.attempts]
    seconds = [item.seconds for item in report.participants if item.seconds]
    if attempts:
        again = sum(number > 1 for number in attempts)
        told.append(
            say(language, "report.attempts", total=sum(attempts), again=again, most=max(attempts))
        )
    if seconds:
        total, mean, longest = sum(seconds), fmean(seconds), max(seconds)
        told.append(say(language, "report.ran", total=total, mean=mean, longest=longest))
    return say(language, "report.sentences").join(told or [say(language, "report.time_unknown")])
