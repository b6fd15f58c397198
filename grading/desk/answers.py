"""Reads a class's written answers, each with the table that its author saw."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode, from_dict
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from grading.assignment import Assignment
from grading.desk.alike import groups
from grading.desk.claims import Suggestion, rows_named, suggest
from grading.desk.figures import Figure, figures_in
from grading.desk.rubric import Line, lines
from grading.desk.tables import Table, handed_in_tables
from grading.errors import GradingError
from grading.feedback.parts import titles
from grading.feedback.rubrics import rubrics
from grading.recording.answers import is_unanswered, is_written_answer


class NothingToGrade(GradingError):
    """The gradebook has no written answers of this assignment."""


@dataclass(frozen=True)
class Question:
    """A question that is answered in words.

    Attributes:
        name: of its notebook and its grade id, which is unique in an assignment.
        title: what a person calls it.
        text: what is asked, in Markdown.
        scheme: the whole rubric, in Markdown.
        lines: those of the rubric, which together give `points`.
        points: the most there are.
    """

    name: tuple[str, str]
    title: str
    text: str
    scheme: str
    lines: tuple[Line, ...]
    points: float


@dataclass
class Answer:
    """One student's answer.

    Attributes:
        id: the gradebook's id of its grade, which says nothing of its author.
        student: whose it is.
        question: what it answers.
        cell: the cell of the graded notebook.
        digest: SHA-256 of the text, by which it is told whether another one came since.
        is_empty: whether nothing was answered.
        tables: those above the question in what was handed in, the nearest first.
        figures: those of the answer, matched with the nearest table.
        named: the rows of it that the answer names.
        suggestions: for each line of the rubric, or None.
        group: the number of the answers that are like it.
    """

    id: str
    student: str
    question: Question
    cell: NotebookNode = field(default_factory=NotebookNode)
    digest: str = ""
    is_empty: bool = True
    tables: tuple[Table, ...] = ()
    figures: list[Figure] = field(default_factory=list)
    named: tuple[str, ...] = ()
    suggestions: tuple[Suggestion | None, ...] = ()
    group: int = 0

    def read(self, folder: "AnswerFolder", cell: NotebookNode) -> None:
        """Take an answer from a graded notebook's cell, and from what was handed in the table."""
        self.cell, self.digest, self.is_empty = cell, digest(cell), is_unanswered(cell)
        self.tables = handed_in_tables(folder.handed_in(self.student), *self.question.name)
        self.figures, self.named = [], ()
        self.suggestions = (None,) * len(self.question.lines)
        if self.tables:
            nearest = self.tables[0]
            self.figures = figures_in(cell.source, nearest)
            self.named = rows_named(cell.source, nearest)
            self.suggestions = tuple(
                suggest(line, nearest, self.named, self.figures, folder.language)
                for line in self.question.lines
            )


class AnswerFolder:
    """Where the answers of an assignment lie.

    Args:
        coursedir: the course's folders and the gradebook's address.
        assignment: its name.
        module: what judges it, and knows what its parts are called; None where nbgrader does.
        language: the one that it is in.
    """

    def __init__(
        self, coursedir: CourseDirectory, assignment: str, module: Assignment | None, language: str
    ) -> None:
        self._coursedir = coursedir
        self.assignment, self.module, self.language = assignment, module, language
        self.address: str = coursedir.db_url

    def graded(self, student: str, notebook: str) -> Path:
        """Return where a graded notebook is."""
        return self._folder(self._coursedir.autograded_directory, student) / f"{notebook}.ipynb"

    def handed_in(self, student: str) -> Path:
        """Return the folder of what a student handed in."""
        return self._folder(self._coursedir.submitted_directory, student)

    def source(self, notebook: str) -> Path:
        """Return where the instructor's notebook is."""
        return self._folder(self._coursedir.source_directory, ".") / f"{notebook}.ipynb"

    def _folder(self, step: str, student: str) -> Path:
        return Path(self._coursedir.format_path(step, student, self.assignment))

    def answer_cells(self, student: str, notebook: str) -> dict[str, NotebookNode]:
        """Return the cells with written answers of a graded notebook; none where it is broken."""
        try:
            document = json.loads(self.graded(student, notebook).read_bytes())
            cells = [
                from_dict(_with_text(cell))
                for cell in document["cells"]
                if cell.get("cell_type") == "markdown" and "nbgrader" in cell["metadata"]
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {cell.metadata.nbgrader.grade_id: cell for cell in cells if is_written_answer(cell)}


def digest(cell: NotebookNode) -> str:
    """Return by what it is told whether an answer is still the one that was shown."""
    return hashlib.sha256(cell.source.encode("utf-8", "replace")).hexdigest()


def _with_text(cell: dict) -> dict:
    return {**cell, "source": "".join(cell["source"])}


def read_answers(
    folder: AnswerFolder, on_progress: Callable[[int, int], None] = lambda done, of: None
) -> list[Answer]:
    """Return all answers of an assignment, alike ones after each other, those of a question first.

    Args:
        folder: where they lie.
        on_progress: called with how many submissions are read, and of how many.

    Raises:
        NothingToGrade: there are none.
    """
    handed_in = _grades(folder)
    questions: dict[tuple[str, str], Question] = {}
    answers: list[Answer] = []
    for done, ((student, notebook), grades) in enumerate(handed_in.items()):
        on_progress(done, len(handed_in))
        cells = folder.answer_cells(student, notebook)
        if not cells.keys() & grades.keys():
            continue
        if not any(of == notebook for of, _ in questions):
            questions |= _questions(folder, student, notebook, grades)
        for name, (grade, _) in grades.items():
            question = questions.get((notebook, name))
            if question is not None and name in cells:
                answers.append(Answer(grade, student, question))
                answers[-1].read(folder, cells[name])
    if not answers:
        raise NothingToGrade(
            f"There are no graded notebooks of {folder.assignment} with written answers; run "
            f"python -m grading autograde {folder.assignment} first."
        )
    return [answer for question in questions.values() for answer in _grouped(answers, question)]


def _grades(folder: AnswerFolder) -> dict[tuple[str, str], dict[str, tuple[str, float]]]:
    """Return id and most points of each grade, by student and notebook, then by grade id."""
    with Gradebook(folder.address) as gradebook:
        try:
            gradebook.find_assignment(folder.assignment)
        except MissingEntry:
            known = ", ".join(sorted(item.name for item in gradebook.assignments)) or "none"
            raise NothingToGrade(
                f"The gradebook has no assignment {folder.assignment!r}; it has: {known}."
            ) from None
        grades: dict[tuple[str, str], dict[str, tuple[str, float]]] = {}
        for submission in gradebook.assignment_submissions(folder.assignment):
            for notebook in submission.notebooks:
                grades[submission.student.id, notebook.name] = {
                    grade.name: (grade.id, float(grade.max_score))
                    for grade in notebook.grades
                    # A task has no cell type; its answer may be anywhere in the notebook.
                    if getattr(grade.cell, "cell_type", "") == "markdown"
                }
    return dict(sorted(grades.items()))


def _questions(
    folder: AnswerFolder, student: str, notebook: str, grades: dict[str, tuple[str, float]]
) -> dict[tuple[str, str], Question]:
    """Return a notebook's questions in its order, by the instructor's notebook where there is one.

    A rubric that was mended since the first grading counts as it is now.
    """
    source = folder.source(notebook)
    path = source if source.is_file() else folder.graded(student, notebook)
    nb = nbformat.read(path, as_version=4)
    schemes, titled = rubrics(nb), titles(nb.cells, folder.module, folder.language)
    questions = {}
    for before, cell in zip([NotebookNode(cell_type=""), *nb.cells], nb.cells, strict=False):
        if not is_written_answer(cell):
            continue
        name = cell.metadata.nbgrader.grade_id
        if name not in grades:
            continue
        points, scheme = grades[name][1], schemes.get(name, "")
        questions[notebook, name] = Question(
            (notebook, name),
            titled[name],
            before.source if before.cell_type == "markdown" else "",
            scheme,
            lines(scheme, points),
            points,
        )
    return questions


def _grouped(answers: list[Answer], question: Question) -> Iterator[Answer]:
    """Yield a question's answers, the largest group first; within one, by what decides nothing."""
    of_question = [answer for answer in answers if answer.question is question]
    claims = [
        (
            answer.is_empty,
            answer.named,
            tuple(each and (each.names_row, each.has_figure) for each in answer.suggestions),
        )
        for answer in of_question
    ]
    texts = [answer.cell.source for answer in of_question]
    for answer, group in zip(of_question, groups(texts, claims), strict=True):
        answer.group = group
    # By digest: the order of names would tell who it is.
    yield from sorted(of_question, key=lambda answer: (answer.group, answer.digest, answer.id))
