"""Ways in which right work arrives, as data: each arranges a solved notebook."""

import copy
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.scratch_course import ASSIGNMENT, Notebook, ScratchCourse, cells_by_grade_id, solve

NOTEBOOK = f"{ASSIGNMENT}.ipynb"
QUESTIONS = ("reflection_results", "reflection_choice")
FUNCTION = """def weights_init_normal(m):
    if isinstance(m, nn.Linear):
        m.weight.data.normal_(0, 1 / np.sqrt(m.in_features))
        m.bias.data.zero_()"""
MODEL = "model_default = Net()"
COMPARISON = (
    "default_comparison = helpers.compare_init_weights("
    "[(model_default, 'Default')], 'Default', train_loader, valid_loader)"
)
IMPORTS = "import numpy as np\nimport torch\nfrom torch import nn"

Cell = dict[str, Any]


@dataclass
class Draft:
    """What is handed in, while it is arranged.

    Attributes:
        notebook: solved, with both questions answered.
        given: the release's sources by grade id.
        files: what lies beside the notebook, by relative path.
        name: where the notebook lies in the submission.
    """

    notebook: Notebook
    given: Mapping[str, str]
    files: dict[str, str] = field(default_factory=dict)
    name: str = NOTEBOOK

    @property
    def cells(self) -> list[Cell]:
        """The notebook's cells, to be changed."""
        cells: list[Cell] = self.notebook["cells"]
        return cells

    def __getitem__(self, grade_id: str) -> Cell:
        return cells_by_grade_id(self.notebook)[grade_id]

    def place(self, grade_id: str) -> int:
        """Return where a cell stands."""
        return self.cells.index(self[grade_id])

    def blank(self, grade_id: str) -> str:
        """Put the release's source back; return what stood there."""
        cell = self[grade_id]
        source: str = cell["source"]
        cell["source"] = self.given[grade_id]
        return source


@dataclass(frozen=True)
class Arrival:
    """One submission of right work.

    Attributes:
        arrange: changes the draft; its name is the student's id in the tests.
        points: for the function and for the second exercise.
        remarks: keys of remarks that must be among those made, without "remarks.".
        flagged: whether a person is asked.
        answers: of both questions, "person" where somebody reads it, or 0.
    """

    arrange: Callable[[Draft], None]
    points: tuple[float, float] = (12, 8)
    remarks: tuple[str, ...] = ()
    flagged: bool = False
    answers: tuple[object, object] = ("person", "person")

    @property
    def name(self) -> str:
        """The student's id."""
        return self.arrange.__name__


def submit(course: ScratchCourse, arrival: Arrival) -> None:
    """Hand one in."""
    notebook = course.released()
    given = {name: cell["source"] for name, cell in cells_by_grade_id(notebook).items()}
    solve(notebook)
    for name in QUESTIONS:
        cells_by_grade_id(notebook)[name]["source"] = f"The normal rule, says {name}."
    draft = Draft(notebook, given)
    arrival.arrange(draft)
    folder = course.root / "submitted" / arrival.name / ASSIGNMENT
    shutil.copytree(course.release, folder)
    if draft.name != NOTEBOOK:
        (folder / NOTEBOOK).unlink()
    for name, text in {draft.name: json.dumps(draft.notebook), **draft.files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _code(source: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def _text(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _released(draft: Draft) -> str:
    """Return the notebook as it was given out."""
    notebook = copy.deepcopy(draft.notebook)
    for name, cell in cells_by_grade_id(notebook).items():
        cell["source"] = draft.given[name]
    return json.dumps(notebook)


def function_alone(draft: Draft) -> None:
    draft.notebook["cells"] = [_code(IMPORTS), _code(FUNCTION)]


def five_cells(draft: Draft) -> None:
    given = draft.given
    sources = given["load_data"], given["define_model"], FUNCTION, MODEL, COMPARISON
    draft.notebook["cells"] = [_code(source) for source in sources]


def one_cell(draft: Draft) -> None:
    given = draft.given
    sources = given["load_data"], given["define_model"], FUNCTION, MODEL, COMPARISON
    draft.notebook["cells"] = [_code("\n\n".join(sources))]


def no_marks(draft: Draft) -> None:
    for cell in draft.cells:
        cell["metadata"] = {}
        cell.pop("id", None)


def back_to_front(draft: Draft) -> None:
    draft.cells.reverse()


def import_in_a_given_cell(draft: Draft) -> None:
    draft["load_data"]["source"] = f"import math\n{draft['load_data']['source']}"
    draft["weights_init_normal"]["source"] = FUNCTION.replace("np.sqrt", "math.sqrt")


def function_in_the_first_test(draft: Draft) -> None:
    work = draft.blank("weights_init_normal")
    draft["test_normal_layers"]["source"] = f"{work}\n\n{draft['test_normal_layers']['source']}"


def function_above_the_exercise(draft: Draft) -> None:
    work = draft.blank("weights_init_normal")
    draft.cells.insert(draft.place("weights_init_normal"), _code(work))


def function_at_the_end(draft: Draft) -> None:
    draft.cells.append(_code(draft.blank("weights_init_normal")))


def function_doubled_and_one_blank(draft: Draft) -> None:
    place = draft.place("weights_init_normal")
    solved = copy.deepcopy(draft.cells[place])
    draft.blank("weights_init_normal")
    draft.cells.insert(place + 1, solved)


def function_in_two_cells(draft: Draft) -> None:
    draft.cells.insert(
        draft.place("weights_init_normal"), _code("def scale(n):\n    return n ** -0.5")
    )
    draft["weights_init_normal"]["source"] = FUNCTION.replace(
        "1 / np.sqrt(m.in_features)", "scale(m.in_features)"
    )


def function_under_another_name(draft: Draft) -> None:
    draft["weights_init_normal"]["source"] = (
        FUNCTION.replace("weights_init_normal", "normal_rule")
        + "\n\nweights_init_normal = normal_rule"
    )


def function_timed(draft: Draft) -> None:
    cell = draft["weights_init_normal"]
    cell["source"], cell["metadata"] = f"%%time\n{FUNCTION}", {}
    cell.pop("id", None)


def function_in_a_file(draft: Draft) -> None:
    draft.files["my_rule.py"] = f"{IMPORTS}\n\n{FUNCTION}\n"
    draft["weights_init_normal"]["source"] = "from my_rule import weights_init_normal"


def function_in_a_text_cell(draft: Draft) -> None:
    function = _text(f"My function:\n\n```python\n{draft.blank('weights_init_normal')}\n```")
    draft.cells.insert(draft.place("weights_init_normal") + 1, function)


def function_in_comments(draft: Draft) -> None:
    lines = draft.blank("weights_init_normal").splitlines()
    draft.cells.append(_code("\n".join(f"# {line}" for line in lines)))


def function_in_an_unused_file(draft: Draft) -> None:
    draft.files["my_rule.py"] = f"{IMPORTS}\n\n{draft.blank('weights_init_normal')}\n"


def helper_for_a_given_cell(draft: Draft) -> None:
    draft.cells[draft.place("uniform_init")] = _code("def scale(n):\n    return n ** -0.5")
    draft["weights_init_normal"]["source"] = FUNCTION.replace(
        "1 / np.sqrt(m.in_features)", "scale(m.in_features)"
    )


def answer_below(draft: Draft) -> None:
    answer = draft.blank("reflection_results")
    draft.cells.insert(draft.place("reflection_results") + 1, _text(answer))


def answer_in_paragraphs(draft: Draft) -> None:
    place = draft.place("reflection_choice")
    draft.cells[place : place + 1] = [_text("The default,"), _text("because it follows the rule.")]


def answer_in_the_questions_cell(draft: Draft) -> None:
    answer = draft.blank("reflection_results")
    draft.cells[draft.place("reflection_results") - 1]["source"] += f"\n\n{answer}"


def answers_at_the_end(draft: Draft) -> None:
    draft.cells.extend([_text(draft.blank(name)) for name in QUESTIONS])


def answer_in_a_comment(draft: Draft) -> None:
    answer = draft.blank("reflection_choice")
    draft.cells.insert(draft.place("reflection_choice") + 1, _code(f"# {answer}"))


def answer_printed(draft: Draft) -> None:
    answer = draft.blank("reflection_choice")
    draft.cells.append(_code(f"print({answer!r})"))


def answer_in_a_cell_for_code(draft: Draft) -> None:
    draft["reflection_results"]["cell_type"] = "code"
    draft["reflection_results"]["outputs"] = []


def copy_beside(draft: Draft) -> None:
    draft.files[f"{ASSIGNMENT}-Copy1.ipynb"] = json.dumps(draft.notebook)
    draft.notebook = json.loads(_released(draft))


def two_copies_beside(draft: Draft) -> None:
    for number in (1, 2):
        draft.files[f"{ASSIGNMENT}-Copy{number}.ipynb"] = json.dumps(draft.notebook)
    draft.notebook = json.loads(_released(draft))


def renamed(draft: Draft) -> None:
    draft.name = f"{ASSIGNMENT} (1).ipynb"


def named_by_the_student(draft: Draft) -> None:
    draft.name = "Ada final FINAL.ipynb"


def in_a_folder(draft: Draft) -> None:
    draft.name = f"{ASSIGNMENT}/{NOTEBOOK}"


def time_in_words(draft: Draft) -> None:
    draft.files["timestamp.txt"] = "tomorrow"


ARRIVALS = (
    Arrival(function_alone, points=(12, 0), remarks=("many_missing",), answers=(0, 0)),
    Arrival(five_cells, remarks=("many_missing",), answers=(0, 0)),
    Arrival(one_cell, remarks=("many_missing",), answers=(0, 0)),
    Arrival(no_marks),
    Arrival(back_to_front),
    Arrival(import_in_a_given_cell),
    Arrival(function_in_the_first_test),
    Arrival(function_above_the_exercise),
    Arrival(function_at_the_end),
    Arrival(function_doubled_and_one_blank),
    Arrival(function_in_two_cells),
    Arrival(function_under_another_name),
    Arrival(function_timed),
    Arrival(function_in_a_file),
    Arrival(function_in_a_text_cell, (0, 8), ("code_elsewhere",), flagged=True),
    Arrival(function_in_comments, (0, 8), ("code_elsewhere",), flagged=True),
    Arrival(function_in_an_unused_file, (0, 8), ("file_elsewhere",), flagged=True),
    Arrival(helper_for_a_given_cell),
    Arrival(answer_below),
    Arrival(answer_in_paragraphs),
    Arrival(answer_in_the_questions_cell),
    Arrival(answers_at_the_end, remarks=("text_elsewhere",)),
    Arrival(answer_in_a_comment, remarks=("text_elsewhere",)),
    Arrival(answer_printed, remarks=("text_elsewhere",)),
    Arrival(answer_in_a_cell_for_code),
    Arrival(copy_beside, remarks=("copy_beside",), flagged=True),
    Arrival(two_copies_beside, points=(0, 0), remarks=("several_copies",), flagged=True),
    Arrival(renamed, remarks=("other_name",)),
    Arrival(named_by_the_student, remarks=("other_name",)),
    Arrival(in_a_folder, remarks=("other_name",)),
    Arrival(time_in_words, remarks=("timestamp",)),
)
