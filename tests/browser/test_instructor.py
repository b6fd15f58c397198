"""An instructor in formgrader, from the release to the feedback that the student reads."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import lab
from tests.browser.conftest import settings_of_site
from tests.browser.formgrader import assignment, press
from tests.browser.server import JupyterServer
from tests.grading.feedback.test_safe_pages import PAYLOADS, RUN
from tests.scratch_course import (
    ASSIGNMENT,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
    solve,
)

# Together: they share a course and its server.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("instructor"),
]

COMMENT = "Which of the two figures would you trust more, and why?"


@pytest.fixture(scope="module")
def own_course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course of which nothing is released yet; its notebook has no comparisons to wait for."""
    course = ScratchCourse(tmp_path_factory.mktemp("formgrader"), any_data)
    course.shorten()
    return course


@pytest.fixture(scope="module")
def formgrader(
    own_course: ScratchCourse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the instructor's server, up to the page."""
    settings = settings_of_site(tmp_path_factory.mktemp("instructor"), own_course)
    with JupyterServer(own_course.root, settings, own_course.environment) as server:
        yield server.address


@pytest.fixture(scope="module")
def student(
    own_course: ScratchCourse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The address of the student's JupyterLab, and the student's folder."""
    home = tmp_path_factory.mktemp("student")
    settings = settings_of_site(home, own_course)
    with JupyterServer(home, settings, own_course.environment) as server:
        yield server.address, home


def _open(page: Page, address: str, place: str) -> None:
    page.goto(address.replace("/lab?", f"/formgrader/{place}?"))


def _hand_in(home: Path, page: Page, address: str) -> None:
    """Fetch in Assignment List, fill in the notebook, and submit in the list."""
    lab.open_lab(page, address)
    lab.choose(page, "Nbgrader", "Assignment List")
    lab.assignments(page, "released", ASSIGNMENT).get_by_role("button", name="Fetch").click()
    expect(lab.assignments(page, "fetched", ASSIGNMENT)).to_have_count(1, timeout=lab.USUAL)
    path = home / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook = read_notebook(path)
    solve(notebook)
    cells = cells_by_grade_id(notebook)
    cells["reflection_results"]["source"] = "The normal rule: 85.9 % and 0.407."
    cells["weights_init_normal"]["source"] = cells["weights_init_normal"]["source"].replace(
        "np.sqrt(n)", "n"
    )
    path.write_text(json.dumps(notebook), encoding="utf-8")
    lab.assignments(page, "fetched", ASSIGNMENT).get_by_role("button", name="Submit").click()
    expect(lab.assignments(page, "submitted", ASSIGNMENT)).to_have_count(1, timeout=lab.USUAL)


def test_from_release_to_feedback(
    own_course: ScratchCourse,
    formgrader: str,
    student: tuple[str, Path],
    page: Page,
    screenshot: Callable[[str], None],
) -> None:
    lab.open_lab(page, formgrader)
    _open(page, formgrader, "manage_assignments")
    press(page, assignment(page, ASSIGNMENT), "assign")
    press(page, assignment(page, ASSIGNMENT), "release")
    screenshot("formgrader-released")
    assert own_course.release.is_dir()

    address, home = student
    _hand_in(home, page, address)

    _open(page, formgrader, "manage_assignments")
    press(page, assignment(page, ASSIGNMENT), "collect")
    assignment(page, ASSIGNMENT).locator(".num-submissions a").click()
    row = page.locator("tbody tr").filter(has=page.locator(".autograde a"))
    expect(row).to_have_count(1, timeout=lab.USUAL)
    press(page, row, "autograde")
    screenshot("formgrader-autograded")

    _grade_by_hand(page, formgrader, screenshot)

    _open(page, formgrader, "manage_assignments")
    press(page, assignment(page, ASSIGNMENT), "generate-feedback")
    press(page, assignment(page, ASSIGNMENT), "release-feedback")
    screenshot("formgrader-feedback-released")

    lab.open_lab(page, address)
    lab.choose(page, "Nbgrader", "Assignment List")
    submitted = lab.assignments(page, "submitted", ASSIGNMENT)
    submitted.get_by_role("button", name="Fetch Feedback").click()
    screenshot("assignment-list-feedback")
    expect(submitted.get_by_text("view feedback", exact=False)).to_be_visible(timeout=lab.USUAL)
    [feedback] = home.glob(f"{ASSIGNMENT}/feedback/*/{ASSIGNMENT}.html")
    page.goto(feedback.as_uri())
    expect(page.get_by_text(COMMENT)).to_be_visible()
    expect(page.get_by_text("1/n would give exactly these").first).to_be_visible()
    screenshot("feedback-page")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    screenshot("feedback-page-phone")


def _grade_by_hand(page: Page, address: str, screenshot: Callable[[str], None]) -> None:
    """Give points and a comment to a written answer."""
    _open(page, address, f"gradebook/{ASSIGNMENT}/{ASSIGNMENT}")
    page.locator("tbody tr a").first.click()
    points = page.locator("#reflection_results")
    expect(points).to_be_visible(timeout=lab.USUAL)
    points.scroll_into_view_if_needed()
    # The rubric stands beside the answers, for whoever grades.
    expect(page.get_by_text("2 points: you give a reason that holds.").first).to_be_attached()
    points.fill("2")
    page.locator("#reflection_results-comment").fill(COMMENT)
    with page.expect_response(lambda answer: "/api/comment/" in answer.url):
        page.locator("#reflection_choice").click()
    screenshot("formgrader-grading")


def _hostile(notebook: Notebook) -> None:
    """Show and write every payload that a submission can."""
    solve(notebook)
    cells = cells_by_grade_id(notebook)
    shown = "".join(
        f"display(HTML({payload!r}))\ndisplay(Markdown({payload!r}))\nprint({payload!r})\n"
        for payload in PAYLOADS.values()
    )
    cells["default_model"]["source"] += (
        "\nfrom IPython.display import HTML, Javascript, Markdown, display\n"
        f"{shown}display(Javascript({RUN!r}))\n"
    )
    cells["reflection_results"]["source"] = "\n\n".join(PAYLOADS.values())
    cells["reflection_choice"]["source"] = f"[link](javascript:{RUN}) " + PAYLOADS["handler"]


def test_no_payload_runs(
    own_course: ScratchCourse, formgrader: str, page: Page, screenshot: Callable[[str], None]
) -> None:
    ran = "document.documentElement.dataset.ran"
    # The detector works: the same payloads run in a page that nobody cleaned.
    page.set_content(PAYLOADS["handler"])
    page.wait_for_function(f"{ran} === '1'")

    if not own_course.release.is_dir():
        own_course.nbgrader("generate_assignment", ASSIGNMENT)
    notebook = own_course.released()
    _hostile(notebook)
    own_course.submit("mallory", notebook)
    lab.open_lab(page, formgrader)
    _open(page, formgrader, f"manage_submissions/{ASSIGNMENT}")
    row = page.locator("tbody tr", has_text="mallory")
    press(page, row, "autograde")
    row.locator(".student-name a").click()
    page.locator("tbody tr a", has_text=ASSIGNMENT).click()
    points = page.locator("#reflection_results")
    expect(points).to_be_visible(timeout=lab.USUAL)
    page.wait_for_load_state("networkidle")
    screenshot("formgrader-hostile")
    assert page.evaluate(ran) is None
    assert page.locator("#notebook script, #notebook iframe, #notebook [onerror]").count() == 0

    own_course.nbgrader("generate_feedback", ASSIGNMENT, "--student", "mallory")
    [feedback] = own_course.root.glob(f"feedback/mallory/{ASSIGNMENT}/*.html")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(feedback.as_uri())
        page.wait_for_load_state("networkidle")
        assert page.evaluate(ran) is None
        screenshot(f"feedback-hostile-{width}")
