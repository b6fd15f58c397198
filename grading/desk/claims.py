"""Tells what an answer claims of a table: which rows it names, and whether they are the best.

A rubric's line that speaks of the lowest or highest of a column, by the column's head, can be held
against the table. What comes out is a suggestion, which a person takes or leaves.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grading.desk.figures import Figure
from grading.desk.rubric import Line
from grading.desk.tables import Table
from grading.words import say, words


@dataclass(frozen=True)
class Extreme:
    """The rows of a table with a column's lowest or highest number; several share it in a tie."""

    column: int
    is_lowest: bool
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Suggestion:
    """What speaks for the points of a rubric's line, and what it may be worth.

    Attributes:
        points: a suggestion, in the rubric's steps.
        sentence: why.
        comment: what can be said to the student, from their own table.
        names_row: whether the answer names a row with the extreme.
        has_figure: whether it has the extreme's figure.
    """

    points: float
    sentence: str
    comment: str
    names_row: bool
    has_figure: bool


def short_name(label: str) -> str:
    """Return what people call a row: its label up to a bracket or a comma."""
    return _plain(re.split(r"[\[(（【,，]", label)[0]) or _plain(label)


def rows_named(text: str, table: Table) -> tuple[str, ...]:
    """Return the short names of rows that a text names, each once, in the table's order."""
    left = _plain(text)
    named = set()
    names = {short_name(row[0]) for row in table.rows}
    # A word that one name alone has stands for it: "the default" for "PyTorch default".
    shared = Counter(word for name in names for word in set(name.split()))
    words_of = {name: [word for word in name.split() if shared[word] == 1] for name in names}
    called = [(name, name) for name in names]
    called += [(word, name) for name in names for word in words_of[name] if len(word) > 3]
    # The longer one first: "uniform rule" is no "uniform".
    for call, name in sorted(called, key=lambda pair: (-len(pair[0]), pair)):
        pattern = _pattern(call)
        if len(call) > 1 and re.search(pattern, left):
            named.add(name)
            left = re.sub(pattern, "\0", left)
    return tuple(dict.fromkeys(name for row in table.rows if (name := short_name(row[0])) in named))


def _pattern(name: str) -> str:
    """Match a name as words of their own, where its script parts words."""
    begin = r"(?<![a-z\d])" if re.match(r"[a-z\d]", name) else ""
    end = r"(?![a-z\d])" if re.search(r"[a-z\d]$", name) else ""
    return f"{begin}{re.escape(name)}{end}"


def _plain(text: str) -> str:
    return re.sub(r"[\s’'`*_]+", " ", text.casefold().replace("’", "'")).strip()


def extreme_of(line: Line, table: Table, language: str) -> Extreme | None:
    """Return which extreme a rubric's line asks for, None where it does not ask for one."""
    text = _plain(line.text)
    heads = [
        column
        for column in range(1, len(table.heads))
        if table.heads[column] and _plain(table.heads[column]) in text
    ]
    asked = [
        is_lowest
        for is_lowest, key in ((True, "lowest_words"), (False, "highest_words"))
        if any(word in text for word in words(language)["desk"][key].split("|"))
    ]
    if len(heads) != 1 or len(asked) != 1:
        return None
    held = table.numbers(heads[0])
    if not held:
        return None
    best = min(held.values()) if asked[0] else max(held.values())
    return Extreme(heads[0], asked[0], tuple(row for row in held if held[row] == best))


def suggest(
    line: Line, table: Table, named: Sequence[str], figures: Sequence[Figure], language: str
) -> Suggestion | None:
    """Return what a table says of an answer on a rubric's line, None where it says nothing.

    Args:
        line: of the rubric.
        table: the student's own.
        named: the rows that the answer names, as `rows_named` returns them.
        figures: those of the answer, matched with the table.
        language: of the sentences.
    """
    extreme = extreme_of(line, table, language)
    if extreme is None:
        return None
    cells = {(row, extreme.column) for row in extreme.rows}
    has_figure = any(cells & set(figure.cells) for figure in figures)
    names_row = any(short_name(table.rows[row][0]) in named for row in extreme.rows)
    points = line.points if names_row and has_figure else 0.0
    if names_row != has_figure:
        points = line.points / 2
    row = extreme.rows[0]
    told = {
        "row": table.rows[row][0],
        "column": table.heads[extreme.column],
        "figure": table.rows[row][extreme.column],
        "which": say(language, "desk.lowest" if extreme.is_lowest else "desk.highest"),
    }
    key = {
        (True, True): "suggest_both",
        (True, False): "suggest_row",
        (False, True): "suggest_figure",
        (False, False): "suggest_none",
    }[names_row, has_figure]
    return Suggestion(
        points,
        say(language, f"desk.{key}", **told),
        say(language, "desk.comment_extreme", **told),
        names_row,
        has_figure,
    )
