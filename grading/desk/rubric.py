"""Takes a rubric apart into its lines, each with the points that it gives."""

import re
from dataclasses import dataclass

STEP = 0.5
"""Points are given in such steps."""

# A list's item, up to the next one or an empty line: "- 2 points: ..." in any language.
_LINE = re.compile(
    r"^[-*+] +(?P<points>\d+(?:\.\d+)?)[^\S\n]*[^\W\d]*[^\S\n]*[:：]"
    r"(?P<text>.*(?:\n(?![-*+] |\n).*)*)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Line:
    """One line of a rubric.

    Attributes:
        text: what the points are given for, in Markdown; "" where the rubric has no such lines.
        points: the most that it gives.
    """

    text: str
    points: float


def lines(scheme: str, points: float) -> tuple[Line, ...]:
    """Return a rubric's lines; one line for all points where those it has do not add up to them.

    Args:
        scheme: the mark scheme of one answer, in Markdown; a line of a list that begins with a
            number of points and a colon gives these.
        points: the most that the answer gets.
    """
    found = tuple(
        Line(re.sub(r"\s*\n\s*", " ", match["text"]).strip(), float(match["points"]))
        for match in _LINE.finditer(scheme)
    )
    return found if sum(line.points for line in found) == points else (Line("", points),)
