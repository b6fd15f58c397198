"""Says which figure in an answer stands in which row of a table, and which stands in none."""

import re
from dataclasses import dataclass

from grading.desk.tables import Table

_WIDE = str.maketrans("０１２３４５６７８９．％", "0123456789.%")
# Not within a word or a formula such as x2 or 1e-3; a comma may part decimals, or thousands.
_FIGURE = re.compile(
    r"(?<![A-Za-z_\\^\d.,])(?P<number>\d{1,9}(?:[.,]\d{1,9})?)(?![\d_^A-Za-z])\s*(?P<percent>%)?"
)
_LEAST_WHOLE = 10  # smaller whole numbers count epochs, runs and layers


@dataclass(frozen=True)
class Figure:
    """A number in an answer.

    Attributes:
        start: where it begins in the text.
        end: where it ends.
        text: as it was written.
        cells: row and column of the cells that it stands in, rounded as it is.
        difference: two rows and the column whose cells differ by it, or None.
    """

    start: int
    end: int
    text: str
    cells: tuple[tuple[int, int], ...] = ()
    difference: tuple[int, int, int] | None = None


def figures_in(text: str, table: Table) -> list[Figure]:
    """Return the figures of an answer that are about a table: those with decimals or in per cent.

    Whole numbers are left out unless they stand in a cell.
    """
    figures = []
    names = " ".join(row[0] for row in table.rows)
    for match in _FIGURE.finditer(text.translate(_WIDE)):
        number, is_percent = match["number"], match["percent"] is not None
        start, end = match.span("number")
        told = Figure(start, end, text[start : match.end()].strip())
        for value, digits in _readings(number):
            cells = _cells_with(value, digits, is_percent, table)
            difference = None if cells else _difference(value, digits, table)
            if not (cells or difference or is_percent) and digits > 1:
                # 0.86 for 86 %; 0.9 could be anything.
                cells = _cells_with(100 * value, digits - 2, True, table)
            if cells or difference:
                told = Figure(start, end, told.text, cells, difference)
                break
        # A part of a row's name, such as the ends of an interval, is no result.
        is_name = not told.cells and re.search(rf"(?<!\d){re.escape(number)}(?!\d)", names)
        is_about_it = told.cells or told.difference or is_percent or not number.isdigit()
        if is_about_it and not is_name:
            figures.append(told)
    return figures


def _readings(number: str) -> list[tuple[float, int]]:
    """Return what a number may mean, each with its digits after the point."""
    whole, sign, decimals = re.fullmatch(r"(\d+)([.,]?)(\d*)", number).groups()  # type: ignore[union-attr]
    readings = [(float(f"{whole}.{decimals or 0}"), len(decimals))]
    if sign == "," and len(decimals) == 3:
        readings.append((float(whole + decimals), 0))
    return readings


def _cells_with(
    value: float, digits: int, is_percent: bool, table: Table
) -> tuple[tuple[int, int], ...]:
    if digits == 0 and value < _LEAST_WHOLE and not is_percent:
        return ()
    cells = []
    for row in range(len(table.rows)):
        for column in range(1, len(table.heads)):
            held = table.value(row, column)
            if held is None or (is_percent and "%" not in _with_head(table, row, column)):
                continue
            if _is_rounded(value, digits, held):
                cells.append((row, column))
    return tuple(cells)


def _with_head(table: Table, row: int, column: int) -> str:
    return table.heads[column] + table.rows[row][column]


def _is_rounded(value: float, digits: int, exact: float) -> bool:
    """Tell whether a value is an exact one, rounded to some digits, either way at the border."""
    return abs(value - exact) <= 0.5 * 10.0**-digits + 1e-9


def _difference(value: float, digits: int, table: Table) -> tuple[int, int, int] | None:
    """Return two rows and a column that differ by a value; one row is the column's best or worst.

    Any two of many rows differ by something, so that others would fit by chance.
    """
    if digits == 0:
        return None
    for column in range(1, len(table.heads)):
        held = table.numbers(column)
        for end in (min, max):
            if not held:
                continue
            best = end(held, key=lambda row: held[row])
            for row, number in held.items():
                if row != best and value and _is_rounded(value, digits, abs(held[best] - number)):
                    return best, row, column
    return None
