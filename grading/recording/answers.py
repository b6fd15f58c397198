"""Tells an answer from a place where an answer should be, and gives the latter its 0 points.

nbgrader does so where a cell is exactly as released. Students also delete the stub, leave a line
of dots, or put spaces; a person should not be asked to grade that.
"""

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution, is_task

from grading.course.language import language_of
from grading.submission import Submission
from grading.words import LANGUAGES, say


def is_written_answer(cell: NotebookNode) -> bool:
    """Tell whether a cell holds an answer in words that gets points."""
    return cell.cell_type == "markdown" and is_grade(cell) and is_solution(cell)


def is_unanswered(cell: NotebookNode) -> bool:
    """Tell whether nothing was answered: no letter, digit or picture besides the stub."""
    text = re.sub(r"<!--.*?(-->|$)", "", cell.source, flags=re.DOTALL)
    ours = (say(language, "answers.stub") for language in LANGUAGES)
    for stub in (ClearSolutions.text_stub.default_value, *ours):
        text = text.replace(stub, "").replace(stub.rstrip(".。"), "")
    return not cell.get("attachments") and not any(sign.isalnum() for sign in text)


class GradeUnanswered(NbGraderPreprocessor):
    """Gives 0 points and a remark where there is no answer; stands after SaveAutoGrades.

    And lets a task wait for a person: nbgrader has given it 0 points where no file had the
    notebook's name, and never looks at it again.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Write to the gradebook; points that a person gave stay, and are looked at again."""
        unanswered = [
            cell.metadata.nbgrader.grade_id
            for cell in nb.cells
            if is_written_answer(cell) and is_unanswered(cell)
        ]
        names = resources["nbgrader"]
        place = (names["notebook"], names["assignment"], names["student"])
        comment = say(language_of(resources), "answers.unanswered")
        remarks = Submission.of(resources).remarks
        read = remarks.unreadable is None
        tasks = [cell.metadata.nbgrader.grade_id for cell in nb.cells if read and is_task(cell)]
        with Gradebook(names["db_url"]) as gradebook:
            for grade_id in tasks:
                grade = gradebook.find_grade(grade_id, *place)
                if grade.auto_score is not None:
                    grade.auto_score, grade.needs_manual_grade = None, True
            for grade_id in unanswered:
                grade = gradebook.find_grade(grade_id, *place)
                if remarks.has_unread_text:
                    # It may be the answer: a person decides.
                    grade.auto_score, grade.needs_manual_grade = None, True
                    continue
                grade.auto_score = 0.0
                grade.needs_manual_grade = grade.manual_score is not None
                gradebook.find_comment(grade_id, *place).auto_comment = comment
            gradebook.db.commit()
        return nb, resources
