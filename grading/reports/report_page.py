"""Writes a class report as one HTML page that needs no network, and as CSV."""

import html
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import fmean, median

from grading.reports.class_report import ClassReport, Participant
from grading.reports.exporters.table import safe_text, write_rows
from grading.words.feedback_words import title

_LANGUAGE = "en"
_BARS = 13
_WIDTHS = (0.5, 1, 2, 5, 10, 20, 50, 100)  # points
_MARKS = 8
_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 20rem; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0;
  border-bottom: 1px solid #8886; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { min-width: 7rem; }
td.bar { min-width: 10rem; width: 16rem; vertical-align: middle; }
.bar div { background: #0072b2; height: 1rem; }
pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886; border-radius: .3rem; }
.note { opacity: .8; }
@media print { body { max-width: none; } h2 { break-after: avoid; } tr, pre { break-inside: avoid; }
  .bar div { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

Rows = list[Sequence[object]]


def write_page(report: ClassReport, path: Path) -> None:
    """Write the page."""
    heading = f"{report.assignment}: the class at a glance"
    sections = [
        _overview(report),
        _distribution(report),
        _criteria(report),
        _misconceptions(report),
        _for_a_person(report),
        _alike(report),
        _time(report),
    ]
    body = "\n".join(sections)
    path.write_text(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(heading)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(heading)}</h1>\n{body}\n</body>\n</html>\n",
        encoding="utf-8",
    )


def write_table(report: ClassReport, path: Path) -> None:
    """Write the same as CSV: section, item, count, of how many, and a detail."""
    rows: list[Sequence[str]] = [("section", "item", "count", "of", "detail")]

    def add(section: str, item: str, count: object = "", of: object = "", detail: str = "") -> None:
        rows.append(
            (section, safe_text(item), str(count), str(of), safe_text(detail) if detail else "")
        )

    handed_in = len(report.participants)
    add("overview", "handed in", handed_in, handed_in + len(report.missing))
    for name, value in _figures(report.scores):
        add("overview", name, f"{value:.10g}", f"{report.maximum:g}")
    for label, count in _bars(report):
        add("distribution", f"{label} points", count, handed_in)
    for name in report.cells:
        passed, graded = report.passed(name)
        add("full points", name, passed, graded, f"{report.cells[name]:g} points")
    for item in report.misconceptions:
        add("misconception", item.mistake, item.students, handed_in, item.explanation)
    for participant, reasons in _reasons(report):
        add("for a person", participant.student, detail="; ".join(reasons))
    for student in report.missing:
        add("nothing handed in", student)
    for group in report.alike:
        shared = "; ".join(f"{mark} ({count} of {handed_in})" for mark, count in group.marks)
        add("alike", ", ".join(group.students), len(group.students), handed_in, shared)
    seconds = sum(item.seconds for item in report.participants)
    add("time", "seconds of running notebooks", f"{seconds:.1f}")
    write_rows(path, rows)


def _overview(report: ClassReport) -> str:
    handed_in = len(report.participants)
    rows: Rows = [
        ("handed in", f"{handed_in} of {handed_in + len(report.missing)}"),
        ("a person should look at", str(sum(1 for _ in _reasons(report)))),
    ]
    for name, value in _figures(report.scores):
        rows.append((name, f"{value:.1f} of {report.maximum:g} points"))
    return _table(("", ""), rows)


def _figures(scores: Sequence[float]) -> Iterable[tuple[str, float]]:
    if scores:
        yield "mean score", fmean(scores)
        yield "median score", median(scores)
        yield "lowest score", scores[0]
        yield "highest score", scores[-1]


def _bars(report: ClassReport) -> list[tuple[str, int]]:
    """Return ranges of points, each with the number of scores in it."""
    width = next((w for w in _WIDTHS if report.maximum / w <= _BARS), report.maximum / _BARS)
    number = max(1, ceil(report.maximum / width))
    counts = [0] * number
    for score in report.scores:
        counts[min(number - 1, max(0, ceil(score / width) - 1))] += 1
    ends = [min(report.maximum, place * width) for place in range(number + 1)]
    labels = [f"{low:g} to {high:g}" for low, high in pairwise(ends)]
    return list(zip(labels, counts, strict=True))


def _distribution(report: ClassReport) -> str:
    bars = _bars(report)
    most = max((count for _, count in bars), default=0) or 1
    rows: Rows = [(label, count, _Bar(count / most)) for label, count in bars]
    note = (
        "<p class='note'>A score on the border counts with the lower range. Late penalties are not "
        "taken off; answers that wait for a person count as 0.</p>"
    )
    return "<h2>Scores</h2>" + _table(("points", "students", ""), rows) + note


def _criteria(report: ClassReport) -> str:
    rows: Rows = []
    for name, maximum in report.cells.items():
        passed, graded = report.passed(name)
        share = passed / graded if graded else 0.0
        told = f"{share:.0%} ({passed} of {graded})" if graded else "not graded yet"
        rows.append((title(name, _LANGUAGE), f"{maximum:g}", told, _Bar(share)))
    return "<h2>Full points, by criterion</h2>" + _table(
        ("criterion", "points", "students", ""), rows
    )


def _misconceptions(report: ClassReport) -> str:
    if not report.misconceptions:
        return "<h2>Misconceptions</h2><p>None was found.</p>"
    parts = ["<h2>Misconceptions, the most frequent first</h2>"]
    for item in report.misconceptions:
        criteria = "; ".join(
            f"{title(name, _LANGUAGE)} ({count})" for name, count in item.criteria.items()
        )
        many = "student" if item.students == 1 else "students"
        parts.append(
            f"<h3>{_escaped(item.mistake.replace('_', ' '))}: {item.students} {many}</h3>"
            f"<p>{_escaped(item.explanation or item.finding)}</p>"
            f"<p class='note'>Seen in: {_escaped(criteria)}.</p>"
        )
        if item.example:
            parts.append(f"<p>For example:</p><pre>{_escaped(item.example)}</pre>")
    return "\n".join(parts)


def _reasons(report: ClassReport) -> Iterable[tuple[Participant, list[str]]]:
    """Yield whom a person should look at, with the reasons."""
    for item in report.participants:
        reasons = [f"flagged: {reason}" for reason in item.flagged]
        if item.score is None:
            reasons.append("not graded")
        elif item.waiting:
            reasons.append("answers to grade: " + ", ".join(item.waiting))
        if item.seconds_late > 0:
            penalty = f", {item.penalty:g} points off" if item.penalty else ""
            reasons.append(_duration(item.seconds_late) + " late" + penalty)
        if reasons:
            yield item, reasons


def _duration(seconds: float) -> str:
    for name, length in (("days", 86400), ("hours", 3600)):
        if seconds >= length:
            return f"{seconds / length:.1f} {name}"
    return f"{max(1, round(seconds / 60))} min"


def _for_a_person(report: ClassReport) -> str:
    rows: Rows = [(item.student, "; ".join(reasons)) for item, reasons in _reasons(report)]
    told = _table(("student", "why"), rows) if rows else "<p>Nothing.</p>"
    if report.missing:
        told += f"<p>Nothing handed in: {_escaped(', '.join(report.missing))}.</p>"
    return "<h2>What needs a person</h2>" + told


def _alike(report: ClassReport) -> str:
    parts = [
        "<h2>Solutions that share rare marks</h2>"
        "<p class='note'>A hint, not a verdict. The exercise is short, so equal code says little; "
        "listed are students who share names, comments or statements that few others of this class "
        "use. Behind each mark stands how many of the class have it. Friends, a tutorial or a "
        "textbook explain much: talk before you judge.</p>"
    ]
    if not report.alike:
        parts.append("<p>None.</p>")
    total = len(report.participants)
    for group in report.alike:
        shown = [
            f"<li><code>{_escaped(mark)}</code>: {n} of {total}</li>" for mark, n in group.marks
        ]
        more = len(shown) - _MARKS
        rest = f"<li>and {more} more</li>" if more > 0 else ""
        parts.append(
            f"<h3>{_escaped(', '.join(group.students))}</h3>"
            f"<p>If marks were spread by chance, {group.expected:.2g} pairs of this class would "
            f"share as much.</p><ul>{''.join(shown[:_MARKS])}{rest}</ul>"
        )
    return "\n".join(parts)


def _time(report: ClassReport) -> str:
    known = [item.seconds for item in report.participants if item.seconds]
    if not known:
        return "<h2>Time spent grading</h2><p>The log does not tell.</p>"
    rows: Rows = [
        ("running the notebooks, together", f"{sum(known):.0f} s"),
        ("mean of a notebook", f"{fmean(known):.1f} s"),
        ("longest", f"{max(known):.1f} s"),
    ]
    return "<h2>Time spent grading</h2>" + _table(("", ""), rows)


class _Bar(float):
    """A share from 0 to 1, drawn as a bar; the number stands in words beside it."""


def _table(head: Sequence[str], rows: Rows) -> str:
    columns = "".join(f"<th scope='col'>{_escaped(column)}</th>" for column in head)
    first = f"<thead><tr>{columns}</tr></thead>" if any(head) else ""
    lines = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<div class='wide'><table>{first}<tbody>\n{lines}\n</tbody></table></div>"


def _cell(value: object) -> str:
    if isinstance(value, _Bar):
        return f"<td class='bar' aria-hidden='true'><div style='width:{value:.1%}'></div></td>"
    number = isinstance(value, int)
    return f"<td{' class=number' if number else ''}>{_escaped(str(value))}</td>"


def _escaped(text: str) -> str:
    return html.escape(text)
