"""Chromium, JupyterLab servers of the tests' own, and a released course."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import JupyterServer
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, EDITIONS, ScratchCourse, shorten

# Errors of scripts that are not the course's. Formgrader fetches MathJax from the network, which a
# test does without; nbgrader's extension looks for a setting and a command of JupyterLab's that
# Notebook 7 does not have.
FOREIGN = {
    "MathJax is not defined",
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
}
SCREENSHOTS = COURSE_ROOT / "build" / "screenshots"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes longest first: begun last, it would keep one core waiting for the other."""
    items.sort(key=lambda item: item.path.name != "test_student.py")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("There is no Chromium; on Debian: apt install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        yield playwright.chromium.launch(executable_path=found, args=arguments)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of desktop size; it fails on errors that a script of the page raises."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert set(errors) <= FOREIGN


@pytest.fixture
def screenshot(page: Page) -> Callable[[str], None]:
    """Keeps what the page shows under a name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return lambda name: void(page.screenshot(path=SCREENSHOTS / f"{name}.png"))


def void(_: object) -> None:
    """Return nothing."""


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with both editions released to its exchange, the Chinese one without comparisons."""
    course = ScratchCourse(tmp_path_factory.mktemp("browser"), any_data)
    # They train as long in any language, and a student in JupyterLab runs the notebook four times.
    shorten(course.root / "source" / EDITIONS[1] / f"{ASSIGNMENT}.ipynb")
    for edition in EDITIONS:
        course.nbgrader("generate_assignment", edition)
        course.nbgrader("release_assignment", edition)
    return course


@pytest.fixture(scope="session")
def students(
    course: ScratchCourse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterServer]:
    """A student's JupyterLab, whose folder is empty at first."""
    home = tmp_path_factory.mktemp("student")
    with JupyterServer(home, settings_of_site(home, course), course.environment) as server:
        yield server


def settings_of_site(home: Path, course: ScratchCourse) -> Path:
    """Write a site's configuration into a folder beside the student's files."""
    folder = home.with_name(f"{home.name}-settings")
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(
        f"{course.settings}"
        f"c.Exchange.root = {str(course.exchange)!r}\n"
        "c.CourseDirectory.course_id = 'weight-initialization'\n"
        # A loaded machine takes longer than nbgrader's 30 s for a cell that trains.
        "c.Execute.timeout = 300\n"
        "c.ServerApp.log_level = 'ERROR'\n"
    )
    return folder
