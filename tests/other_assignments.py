"""Five assignments that are none of this course's, and students who hand them in.

One is nbgrader's own example, with the two submissions that come with it. The others hold what
ordinary assignments have and this lesson has not: files of every name, notebooks that share grade
ids, partial credit, code and tasks that a person grades, notebooks of an older format.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbgrader
from nbgrader.api import Gradebook

from tests.scratch_course import Notebook, ScratchCourse, read_notebook

Cell = dict[str, Any]
Work = Callable[[Path], object]
Scores = dict[str, dict[str, float | str | None]]
_EXAMPLE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@dataclass(frozen=True)
class OtherAssignment:
    """An assignment and who hands it in.

    Attributes:
        name: the assignment's.
        source: puts its source into a folder.
        students: what each does to a copy of the release.
    """

    name: str
    source: Work
    students: Mapping[str, Work]


def text(source: str) -> Cell:
    """Return a given cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: str) -> Cell:
    """Return a given cell of code."""
    return _of_code({"metadata": {}, "source": source})


def solution(grade_id: str, source: str, points: float | None = None) -> Cell:
    """Return a cell for a student's code; a person grades it where it has points."""
    marked = f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"
    return _of_code(_cell(grade_id, marked, points, solution=True))


def checked(grade_id: str, source: str, points: float, hidden: str = "") -> Cell:
    """Return an automatic test, with a part that students do not see."""
    if hidden:
        source += f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return _of_code(_cell(grade_id, source, points, locked=True))


def answer(grade_id: str, points: float) -> Cell:
    """Return a cell for an answer in words."""
    return {"cell_type": "markdown"} | _cell(grade_id, "The right words.", points, solution=True)


def task(grade_id: str, source: str, points: float) -> Cell:
    """Return a task: students put cells of their own below it, and a person grades them."""
    scheme = "### BEGIN MARK SCHEME\nAll of it.\n### END MARK SCHEME"
    marked = _cell(grade_id, f"{source}\n\n{scheme}", points, locked=True, task=True)
    return {"cell_type": "markdown"} | marked


def _of_code(cell: Cell) -> Cell:
    return {"cell_type": "code", "execution_count": None, "outputs": []} | cell


def _cell(grade_id: str, source: str, points: float | None, **marks: bool) -> Cell:
    grade = points is not None and not marks.get("task")
    of_nbgrader = {"grade_id": grade_id, "schema_version": 3, "grade": grade}
    of_nbgrader |= {"solution": False, "locked": False, "task": False} | marks
    if points is not None:
        of_nbgrader["points"] = points
    return {"metadata": {"nbgrader": of_nbgrader}, "source": source}


def notebook(cells: Sequence[Cell], minor: int = 5) -> Notebook:
    """Return a notebook of format 4."""
    named = [cell | {"id": f"cell-{i}"} if minor >= 5 else cell for i, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel}
    return {"cells": named, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def _written(notebooks: Mapping[str, Notebook], files: Mapping[str, Any]) -> Work:
    def write(folder: Path) -> None:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        for name, document in notebooks.items():
            (folder / f"{name}.ipynb").write_text(json.dumps(document))

    return write


def answers(of: Mapping[str, Mapping[str, str]]) -> Work:
    """Return the work of somebody who writes these into cells, by notebook and grade id."""

    def write(folder: Path) -> None:
        for name, sources in of.items():
            path = folder / f"{name}.ipynb"
            document = read_notebook(path)
            for cell in document["cells"]:
                grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
                cell["source"] = sources.get(grade_id, cell["source"])
            path.write_text(json.dumps(document))

    return write


def _both(*works: Work) -> Work:
    def write(folder: Path) -> None:
        for work in works:
            work(folder)

    return write


def _nothing(folder: Path) -> None:
    return None


def _renamed(before: str, after: str) -> Work:
    return lambda folder: (folder / before).rename(folder / after)


def _without(name: str) -> Work:
    return lambda folder: (folder / name).unlink()


def _below(grade_id: str, name: str, cells: Sequence[Cell]) -> Work:
    """Return the work of somebody who adds cells of their own below a cell."""

    def write(folder: Path) -> None:
        path = folder / f"{name}.ipynb"
        document = read_notebook(path)
        ids = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in document["cells"]]
        place = ids.index(grade_id) + 1
        own = [cell | {"id": f"mine-{i}"} for i, cell in enumerate(cells)]
        document["cells"][place:place] = own if document["nbformat_minor"] >= 5 else cells
        path.write_text(json.dumps(document))

    return write


def _copied(origin: Path) -> Work:
    return lambda folder: shutil.copytree(origin, folder, dirs_exist_ok=True)


def _example(student: str) -> Work:
    return _copied(_EXAMPLE / "submitted" / student / "ps1")


# Files whose names a course could take for its own, or for nobody's.
_FILES = {
    "data/values.csv": "1\n2\n3\n",
    "build/unit.txt": "metres",
    "docs/note.txt": "a note",
    "tests/cases.json": "[[1, 1], [3, 9]]",
    "source/model.txt": "cubic",
    "json/schema.txt": "a schema",
    "email/letter.txt": "Dear all",
    "feedback.txt": "none",
    "figures/dot.png": _PNG,
    "images/deep/dot.png": _PNG,
    ".settings": "quiet",
    ".hidden/key.txt": "open",
    "helpers.py": "def double(x):\n    return 2 * x\n",
    "language.txt": "Klingon",
    "page.html": "<p>read me</p>",
}
_READS = "\n".join(
    f"assert Path({name!r}).read_text() == {content!r}"
    for name, content in _FILES.items()
    if isinstance(content, str)
)
_TWIN = (
    solution("answer", "def answer(): return {value}"),
    checked("test_answer", "assert answer() == {value}", 1),
)


def _twin(value: int, *more: Cell) -> Notebook:
    cells = [cell | {"source": cell["source"].format(value=value)} for cell in _TWIN]
    return notebook([text(f"# Part {value}"), *cells, *more])


def _answers_twin(value: int) -> Mapping[str, str]:
    return {"answer": f"def answer(): return {value}"}


_CREDIT = notebook(
    [
        text("# Sorting\n\n## Merge"),
        solution("merge", "def merge(a, b): return sorted(a + b)"),
        checked(
            "parts",
            "points = 0",
            3,
            "points += merge([1], [2]) == [1, 2]\n"
            "points += 2 * (merge([3], [1]) == [1, 3])\n"
            "points",
        ),
        checked(
            "whole",
            'assert merge([], []) == [], "Two empty lists"',
            1.5,
            "assert merge([2], [0]) == [0, 2]",
        ),
        text("## Why it works"),
        answer("why", 2),
        text("## Your own sort"),
        solution("own_sort", "def own_sort(a): return sorted(a)", points=3),
        task("draw", "## Draw\n\nDraw how it runs.", 4),
    ]
)
_RIGHT_CREDIT = {
    "merge": "import sys\nprint('careful', file=sys.stderr)\ndef merge(a, b): return sorted(a + b)",
    "why": "Because both are in order.",
    "own_sort": "def own_sort(a): return sorted(a)",
}
_OLD = notebook(
    [
        text("Mean"),
        code("%matplotlib inline\nimport math"),
        solution("mean", "def mean(x): return sum(x) / len(x)"),
        checked("test_mean", "assert mean([1, 3]) == 2", 2, "assert math.isnan(mean([math.nan]))"),
        code("!echo a shell"),
        solution("spread", "def spread(x): return max(x) - min(x)"),
        checked("test_spread", "%time assert spread([1, 5]) == 4", 2),
    ],
    minor=2,
)
_RIGHT_OLD = {
    "mean": "def mean(x): return sum(x) / len(x)",
    "spread": "def spread(x): return max(x) - min(x)",
}

ASSIGNMENTS = (
    OtherAssignment(
        "ps1",
        _copied(_EXAMPLE / "source" / "ps1"),
        {
            "bitdiddle": _example("bitdiddle"),
            "hacker": _example("hacker"),
            "blank": _nothing,
            "half": answers({"problem1": {"squares": "def squares(n): return [1]"}}),
        },
    ),
    OtherAssignment(
        "files",
        _written(
            {
                "files": notebook(
                    [
                        text("# Files\n\n![a](figures/dot.png) ![b](images/deep/dot.png)"),
                        code("from pathlib import Path\nfrom helpers import double"),
                        solution("total", "total = sum(map(int, Path('data/values.csv').open()))"),
                        checked("test_total", "assert total == 6", 2),
                        checked("test_files", _READS, 4),
                        checked("test_helper", "assert double(total) == 12", 1),
                    ]
                )
            },
            _FILES,
        ),
        {
            "right": answers(
                {"files": {"total": "total = sum(map(int, Path('data/values.csv').open()))"}}
            ),
            "wrong": answers({"files": {"total": "total = 7"}}),
            "blank": _nothing,
        },
    ),
    OtherAssignment(
        "twins",
        _written(
            {"p1": _twin(1), "p2": _twin(2, task("explain", "## Explain\n\nSay why.", 4))}, {}
        ),
        {
            "both": answers({"p1": _answers_twin(1), "p2": _answers_twin(2)}),
            "first": _both(answers({"p1": _answers_twin(1)}), _without("p2.ipynb")),
            "second": _both(answers({"p2": _answers_twin(2)}), _without("p1.ipynb")),
            "swapped": answers({"p1": _answers_twin(2), "p2": _answers_twin(1)}),
            "renamed": _both(
                answers({"p1": _answers_twin(1), "p2": _answers_twin(2)}),
                _below("explain", "p2", [text("It is one more than one.")]),
                _renamed("p2.ipynb", "p2 (1).ipynb"),
            ),
        },
    ),
    OtherAssignment(
        "credit",
        _written({"sorting": _CREDIT}, {}),
        {
            "right": _both(
                answers({"sorting": _RIGHT_CREDIT}),
                _below("draw", "sorting", [text("See:"), code("print('drawn')")]),
            ),
            "half": answers({"sorting": {"merge": "def merge(a, b): return a + b"}}),
            "raises": answers({"sorting": {"merge": "def merge(a, b): raise KeyError(a)"}}),
            "syntax": answers({"sorting": {"merge": "def merge(a, b) return a"}}),
            "blank": _nothing,
        },
    ),
    OtherAssignment(
        "old",
        _written({"old": _OLD}, {}),
        {
            "right": answers({"old": _RIGHT_OLD}),
            "half": answers({"old": _RIGHT_OLD | {"spread": "spread = None"}}),
            "blank": _nothing,
        },
    ),
)


PLAIN = """\
c = get_config()
c.CourseDirectory.course_id = "plain"
"""
"""The settings of a course that is graded by plain nbgrader."""


def hand_in(course: ScratchCourse, assignment: OtherAssignment) -> None:
    """Release an assignment in a course, and hand in every student's work."""
    folder = course.root / "source" / assignment.name
    folder.mkdir(parents=True)
    assignment.source(folder)
    course.nbgrader("generate_assignment", assignment.name)
    for student, work in assignment.students.items():
        submitted = course.root / "submitted" / student / assignment.name
        shutil.copytree(course.root / "release" / assignment.name, submitted)
        work(submitted)


def scores(course: ScratchCourse, assignment: str) -> Scores:
    """Return what the gradebook has: by student, by notebook and cell.

    A number is an automatic score, "person" a cell that waits for somebody; one with a score that
    waits all the same says both.
    """
    found: Scores = {}
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            cells = found[submission.student.id] = {}
            for of_notebook in submission.notebooks:
                for grade in of_notebook.grades:
                    waits, score = grade.needs_manual_grade, grade.auto_score
                    said = "person" if score is None else f"{score:g}, person"
                    cells[f"{of_notebook.name} {grade.name}"] = said if waits else score
    return found
