"""What a person calls the parts of an assignment, where the assignment does not say."""

import re
from collections import Counter
from collections.abc import Sequence

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from grading.assignment import Assignment
from grading.feedback.sections import headings, is_own


def titles(
    cells: Sequence[NotebookNode], assignment: Assignment | None, language: str
) -> dict[str, str]:
    """Return the title of each part of a graded notebook, by grade id, no two of them alike.

    It is the assignment's own; for a part that it does not know, the heading above, with a number
    where several parts stand below one; without any heading the grade id.
    """
    heading = ""
    result, below = {}, {}
    for cell in cells:
        if cell.cell_type == "markdown" and not (is_own(cell) or is_solution(cell)):
            heading = next(reversed(headings(cell.source)), heading)
        if not (is_grade(cell) or is_task(cell)):
            continue
        grade_id = cell.metadata.nbgrader["grade_id"]
        own = assignment.title(grade_id, language) if assignment else grade_id
        result[grade_id] = own
        if own == grade_id:
            below[grade_id] = re.sub(r"[*`]", "", heading) or grade_id
    shared = {title for title, count in Counter(below.values()).items() if count > 1}
    numbers: Counter[str] = Counter()
    for grade_id, title in below.items():
        numbers[title] += 1
        result[grade_id] = f"{title} · {numbers[title]}" if title in shared else title
    return result
