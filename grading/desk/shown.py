"""Puts an answer into what the page shows: harmless HTML, figures marked, sentences beside it."""

import html
import re
from collections.abc import Mapping
from typing import Any

from grading.desk.answers import Answer, Question
from grading.desk.figures import Figure
from grading.desk.tables import Table
from grading.feedback.cuts import TEXT
from grading.feedback.harmless_text import harmless_markdown
from grading.feedback.limited_work import WorkLimits, work_through
from grading.feedback.rendering import markdown
from grading.words import say

# So little takes no parser long, and is not worth a process.
_QUICK = 5_000
_LIMITS = WorkLimits(seconds=2, all_seconds=2)
_MOST_TABLES = 4
_PIECE = re.compile(r"<[^>]*>|&#?\w+;|[^<&]+|[<&]")


def shown_answer(answer: Answer, language: str) -> dict[str, Any]:
    """Return what the page shows of an answer, but for its author and its marks.

    Args:
        answer: of a student; nothing in it is trusted.
        language: the page's.
    """
    nearest = answer.tables[0] if answer.tables else None
    cells = {cell for figure in answer.figures for cell in figure.cells}
    return {
        "html": _marked(_html(answer), answer.figures),
        "empty": answer.is_empty,
        "tables": [
            {
                "caption": table.caption,
                "heads": table.heads,
                "rows": table.rows,
                "quoted": sorted(cells) if table is nearest else [],
            }
            for table in answer.tables[:_MOST_TABLES]
        ],
        "figures": [
            {"kind": kind, "text": text}
            for kind, text in dict.fromkeys(
                (_kind(figure), _told(figure, nearest, language))
                for figure in answer.figures
                if nearest is not None
            )
        ],
        "lines": [
            {
                "suggestion": None
                if suggestion is None
                else {"points": suggestion.points, "text": suggestion.sentence},
                "comment": suggestion.comment
                if suggestion and suggestion.points < line.points
                else "",
            }
            for line, suggestion in zip(answer.question.lines, answer.suggestions, strict=True)
        ],
    }


def shown_question(question: Question) -> dict[str, Any]:
    """Return what the page shows of a question, which is the instructor's own."""
    has_lines = any(line.text for line in question.lines)
    return {
        "title": question.title,
        "points": question.points,
        "text": str(markdown(question.text, trusted=False)),
        # Where boxes are made of the rubric's lines, it stands there already.
        "scheme": "" if has_lines else str(markdown(question.scheme, trusted=False)),
        "lines": [
            {"html": str(markdown(line.text, trusted=False)), "points": line.points}
            for line in question.lines
        ],
    }


def _html(answer: Answer) -> str:
    source = answer.cell.source
    if len(source) <= _QUICK:
        return _laid_out(answer)
    (made,) = work_through(_laid_out, [answer], _LIMITS)
    return made if made is not None else f"<pre>{html.escape(source[:TEXT])}</pre>"


def _laid_out(answer: Answer) -> str:
    attachments = answer.cell.get("attachments", {})
    return str(markdown(harmless_markdown(answer.cell.source[:TEXT]), attachments))


def _marked(page: str, figures: list[Figure]) -> str:
    """Mark the figures in a page's text; none in its tags, entities and formulas."""
    kinds = {re.sub(r"\s*%$", "", figure.text): _kind(figure) for figure in figures}
    if not kinds:
        return page
    numbers = "|".join(map(re.escape, sorted(kinds, key=len, reverse=True)))
    # The whole number, not a part of a longer one.
    pattern = re.compile(rf"(?<![\w.,])(?:{numbers})(?![\d])(?!\.\d)")

    def mark(match: re.Match[str]) -> str:
        return f'<mark class="{kinds[match[0]]}">{match[0]}</mark>'

    pieces, in_formula = [], 0
    for piece in _PIECE.findall(page):
        if piece.startswith("<math"):
            in_formula += 1
        elif piece.startswith("</math"):
            in_formula -= 1
        is_text = not (piece.startswith(("<", "&")) or in_formula)
        pieces.append(pattern.sub(mark, piece) if is_text else piece)
    return "".join(pieces)


def _kind(figure: Figure) -> str:
    if figure.cells:
        return "quoted"
    return "difference" if figure.difference else "elsewhere"


def _told(figure: Figure, table: Table, language: str) -> str:
    if figure.cells:
        places = [
            say(language, "desk.place", row=table.rows[row][0], column=table.heads[column])
            for row, column in figure.cells[:3]
        ]
        return say(language, "desk.quoted", figure=figure.text, places="; ".join(places))
    if figure.difference:
        one, other, column = figure.difference
        return say(
            language,
            "desk.difference",
            figure=figure.text,
            one=table.rows[one][0],
            other=table.rows[other][0],
            column=table.heads[column],
        )
    return say(language, "desk.elsewhere", figure=figure.text)


def shown_marks(points: Mapping[str, float], language: str) -> list[str]:
    """Say who gave how many points."""
    return [
        say(language, "desk.mark_of", grader=grader, points=f"{given:g}")
        for grader, given in points.items()
    ]
