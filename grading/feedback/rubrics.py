"""Finds the rubric of each written answer in the instructor's mark schemes."""

import re

from nbformat.notebooknode import NotebookNode

from grading.feedback.sections import headings, is_own
from grading.recording.answers import is_written_answer

_SCHEME = re.compile(r"### BEGIN MARK SCHEME\n(.*?)\n?### END MARK SCHEME", re.DOTALL)


def rubrics(nb: NotebookNode) -> dict[str, str]:
    """Return the mark scheme of each written answer, by grade id, as far as there is one.

    A scheme has a heading in italics before each answer's points. There are as many as answers, in
    their order; else each belongs to the answer whose heading it begins with.
    """
    given = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    schemes = "\n".join(match[1] for cell in given for match in _SCHEME.finditer(cell.source))
    _, *pieces = re.split(r"^\*([^*\n]+)\*\s*$", schemes, flags=re.MULTILINE)
    headed = list(zip(pieces[::2], map(str.strip, pieces[1::2]), strict=True))
    heading, answers = "", {}
    for cell in nb.cells:
        if is_written_answer(cell):
            answers[cell.metadata.nbgrader.grade_id] = heading
        elif cell.cell_type == "markdown" and not is_own(cell):
            heading = next(reversed(headings(cell.source)), heading)
    if len(headed) == len(answers):
        return dict(zip(answers, (text for _, text in headed), strict=True))
    return {
        grade_id: text
        for grade_id, above in answers.items()
        for title, text in headed
        if above and re.match(rf"{re.escape(above)}\b", title)
    }
