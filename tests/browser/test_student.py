"""A student in JupyterLab: fetch, run, fill in, check, validate, submit."""

import shutil
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from grading.words import say
from tests.browser import lab
from tests.browser.server import JupyterServer
from tests.scratch_course import (
    ASSIGNMENT,
    EDITIONS,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
    shorten,
    solve,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]

STUBS = {
    "weight_initialization": "# Write your code here.",
    "weight_initialization_zh": "# 请在这里编写代码。",
}
OUTCOMES = {
    "weight_initialization": ("not attempted", "correct"),
    "weight_initialization_zh": ("尚未作答", "正确"),
}


def _cells(notebook: Notebook) -> int:
    """Return how many cells of code a notebook has."""
    return sum(cell["cell_type"] == "code" for cell in notebook["cells"])


def _released(course: ScratchCourse, edition: str) -> Notebook:
    return read_notebook(course.root / "release" / edition / f"{ASSIGNMENT}.ipynb")


def _solutions(course: ScratchCourse, edition: str) -> list[str]:
    """Return what belongs in the cells for code that are to be filled in, in their order."""
    notebook = _released(course, edition)
    solve(notebook)
    return [
        cell["source"]
        for cell in cells_by_grade_id(notebook).values()
        if cell["metadata"]["nbgrader"]["solution"] and cell["cell_type"] == "code"
    ]


# Each on a server of its own where there are two cores: they take longest.
@pytest.mark.parametrize(
    "edition", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in EDITIONS]
)
def test_from_fetching_to_submitting(
    edition: str,
    course: ScratchCourse,
    students: JupyterServer,
    page: Page,
    screenshot: Callable[[str], None],
) -> None:
    name = "weights_init_normal" + (": " if edition == ASSIGNMENT else " 的自检结果：")
    language = "en" if edition == ASSIGNMENT else "zh"
    not_attempted, correct = (name + outcome for outcome in OUTCOMES[edition])
    lab.open_lab(page, students.address)
    lab.fetch_and_open(page, edition, ASSIGNMENT, _cells(_released(course, edition)))
    screenshot(f"{edition}-opened")
    lab.run_all(page)
    check = lab.cell_with(page, "helpers.check(weights_init_normal)")
    check.scroll_into_view_if_needed()
    expect(check).to_contain_text(not_attempted)
    check.scroll_into_view_if_needed()
    screenshot(f"{edition}-blank")

    empty = lab.cell_with(page, STUBS[edition])
    solutions = _solutions(course, edition)
    expect(empty).to_have_count(len(solutions))
    # From the last, since a cell that was filled in is no longer among the empty ones.
    for place in reversed(range(len(solutions))):
        lab.write(page, empty.nth(place), solutions[place])
    lab.run_cell(page, lab.cell_with(page, "def weights_init_normal"))
    lab.run_cell(page, check)
    expect(check).to_contain_text(correct)
    screenshot(f"{edition}-checked")

    # Validate names what is still to do, and in the end nothing.
    told = lab.validate(page)
    expect(told).to_contain_text(say(language, "answers.stub"))
    expect(told).not_to_contain_text("weights_init_normal")
    screenshot(f"{edition}-validated-without-answers")
    told.get_by_role("button", name="Ok").click()
    unanswered = page.locator(".jp-MarkdownCell", has_text=say(language, "answers.stub"))
    for place in (1, 0):
        lab.answer(page, unanswered.nth(place), "By the rule the loss falls at once.")
    told = lab.validate(page)
    expect(told).to_contain_text("Success! Your notebook passes all the tests.")
    screenshot(f"{edition}-validated")
    told.get_by_role("button", name="Ok").click()

    lab.run_all(page)
    figures = page.locator(".jp-NotebookPanel:visible .jp-OutputArea img")
    assert figures.count() >= (10 if edition == ASSIGNMENT else 1)
    for place in range(figures.count()):
        figures.nth(place).scroll_into_view_if_needed()
        shown, around = (
            figures.nth(place).evaluate(f"image => image{of}.getBoundingClientRect().right")
            for of in ("", ".closest('.jp-OutputArea')")
        )
        assert shown <= around + 1, "a figure is cut"
        screenshot(f"{edition}-figure-{place:02}")

    page.locator(".lm-TabBar-tabLabel").get_by_text("Assignments", exact=True).click()
    lab.assignments(page, "fetched", edition).get_by_role("button", name="Submit").click()
    expect(lab.assignments(page, "submitted", edition)).to_have_count(1, timeout=lab.USUAL)
    screenshot(f"{edition}-submitted")
    handed_in = course.exchange / "weight-initialization" / "inbound"
    [folder] = [path for path in handed_in.iterdir() if f"+{edition}+" in path.name]
    submitted = read_notebook(folder / f"{ASSIGNMENT}.ipynb")
    assert [
        cells_by_grade_id(submitted)[name]["source"]
        for name in ("weights_init_normal", "default_model", "default_comparison")
    ] == solutions


def test_notebook_7_runs_it_too(
    course: ScratchCourse,
    students: JupyterServer,
    page: Page,
    screenshot: Callable[[str], None],
) -> None:
    shutil.copytree(course.release, students.root / "by_hand")
    notebook = students.root / "by_hand" / f"{ASSIGNMENT}.ipynb"
    shorten(notebook)
    page.goto(students.address.replace("/lab?", f"/notebooks/by_hand/{ASSIGNMENT}.ipynb?"))
    expect(page.locator(".jp-NotebookPanel:visible .jp-CodeCell")).to_have_count(
        _cells(read_notebook(notebook)), timeout=lab.USUAL
    )
    lab.wait_until_idle(page)
    lab.run_all(page)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    check = lab.cell_with(page, "helpers.check(weights_init_normal)")
    check.scroll_into_view_if_needed()
    expect(check).to_contain_text("not attempted")
    screenshot("notebook-7")
