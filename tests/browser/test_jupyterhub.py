"""Types docs/jupyterhub.md, and takes a class through the hub that it gives."""

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import Browser, FrameLocator, Page, expect

from grading.recording import audit
from tests.browser import lab
from tests.browser.conftest import SCREENSHOTS
from tests.browser.formgrader import assignment, in_lab, manage_assignments, press
from tests.browser.hub import ENVIRONMENT, Hub, Machine, blocks, files
from tests.browser.server import leave_out_news
from tests.clone import clone_course
from tests.other_user import needs_root
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    cells_by_grade_id,
    read_notebook,
    shorten,
    solve,
)

pytestmark = [pytest.mark.hub, pytest.mark.slow, pytest.mark.timeout(1800), needs_root]

COURSE = "weight-initialization"
PLACE = Path("srv/nbgrader/courses") / COURSE
PASSWORD = "only on a machine that is gone in a minute"
COMMENT = "Which of the two figures would you trust more, and why?"
_ASK_REGISTRY = ("npm", "view", "--fetch-retries=0", "configurable-http-proxy@5.1.0", "version")
ANSWER = "By the rule the loss falls at once."


@pytest.fixture(scope="module")
def machine(real_data: str) -> Iterator[Machine]:
    """A machine on which all was typed but what starts the hub."""
    skip_without_sandbox()
    for program in ("npm", "unshare", "useradd"):
        if shutil.which(program) is None:
            pytest.skip(f"There is no {program}; on Debian: apt install npm util-linux passwd")
    if subprocess.run(_ASK_REGISTRY, capture_output=True, check=False).returncode:
        pytest.skip("npm cannot reach its registry, from which the hub's proxy comes")
    build = COURSE_ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="hub-") as name:
        folder = Path(name).resolve()
        machine = Machine(folder)
        machine.prepare()
        _give_data(folder / "srv/nbgrader/data/FashionMNIST/raw", Path(real_data))
        clone = folder / "srv/clone"
        clone.mkdir()
        clone_course(clone)
        # What other tests have trained needs no training again.
        recorded = build / "recorded_runs"
        if recorded.is_dir():
            shutil.copytree(recorded, clone / "build" / "recorded_runs")
        shorten(clone / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
        system, course, accounts, _start = blocks()
        machine.type(system.splitlines()[-1])
        machine.type(f"cd /srv/clone\n{course}")
        _accounts(machine, accounts)
        for path, content in files().items():
            (folder / path.lstrip("/")).write_text(content, encoding="utf-8")
        leave_out_news(folder / "etc/jupyter")
        yield machine


def _give_data(folder: Path, data: Path) -> None:
    """Put the data where `python -m helpers` leaves what it fetched."""
    folder.mkdir(parents=True)
    for path in data.glob("FashionMNIST/raw/*-ubyte*"):
        content = path.read_bytes()
        (folder / path.name.removesuffix(".gz")).write_bytes(
            gzip.decompress(content) if path.suffix == ".gz" else content
        )


def _accounts(machine: Machine, typed: str) -> None:
    """Make accounts, and give each its password, for which `passwd` would ask."""
    machine.type(typed)
    names = [line.split()[-1] for line in typed.splitlines() if line.startswith("useradd")]
    machine.type("\n".join(f"echo '{name}:{PASSWORD}' | chpasswd" for name in names))


@pytest.fixture(scope="module")
def hub(machine: Machine) -> Iterator[Hub]:
    """The hub, as the page starts it."""
    with machine.start(blocks()[-1]) as hub:
        yield hub


@pytest.fixture(scope="module")
def enter(hub: Hub, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Logs somebody in, once; returns their JupyterLab."""
    pages: dict[str, Page] = {}

    def enter(name: str) -> Page:
        if name not in pages:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            pages[name] = context.new_page()
            _log_in(pages[name], hub, name)
            expect(pages[name].locator("#jp-main-dock-panel")).to_be_visible(timeout=lab.LONG)
        return pages[name]

    yield enter
    for page in pages.values():
        page.context.close()


def _log_in(page: Page, hub: Hub, name: str) -> None:
    page.goto(hub.address)
    page.locator("#username_input").fill(name)
    page.locator("#password_input").fill(PASSWORD)
    page.locator("#login_submit").click()


def _shot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"hub-{name}.png")


@pytest.fixture(scope="module")
def graded(machine: Machine, enter: Callable[[str], Page]) -> Machine:
    """The class from its release to the feedback that a student reads, all of it on the hub."""
    ina = enter("ina")
    formgrader = in_lab(ina)
    row = assignment(formgrader, ASSIGNMENT)
    press(formgrader, row, "assign")
    press(formgrader, row, "release")
    _shot(ina, "released")

    _work(machine, enter("ada"))
    bob = enter("bob")
    lab.choose(bob, "Nbgrader", "Assignment List")
    lab.assignments(bob, "released", ASSIGNMENT).get_by_role("button", name="Fetch").click()
    expect(lab.assignments(bob, "fetched", ASSIGNMENT)).to_have_count(1, timeout=lab.USUAL)
    _submit(bob)

    press(formgrader, row, "collect")
    row.locator(".num-submissions a").click()
    for student in ("ada", "bob"):
        press(formgrader, formgrader.locator("tbody tr", has_text=student), "autograde")
    _shot(ina, "autograded")
    _grade_by_hand(ina, formgrader)

    manage_assignments(ina)
    press(formgrader, row, "generate-feedback")
    press(formgrader, row, "release-feedback")
    return machine


def _grade_by_hand(page: Page, formgrader: FrameLocator) -> None:
    """Give points and a comment to a written answer of the one who wrote one."""
    formgrader.locator("tbody tr", has_text="ada").locator(".student-name a").click()
    # What is written before the page has fetched what stands in the gradebook is not saved.
    with (
        page.expect_response(lambda answer: "/api/grades?" in answer.url),
        page.expect_response(lambda answer: "/api/comments?" in answer.url),
    ):
        formgrader.locator("tbody").get_by_role("link", name=ASSIGNMENT, exact=True).click()
    points = formgrader.locator("#reflection_results")
    expect(points).to_be_visible(timeout=lab.USUAL)
    points.fill("2")
    formgrader.locator("#reflection_results-comment").fill(COMMENT)
    with page.expect_response(lambda answer: "/api/comment/" in answer.url):
        formgrader.locator("#reflection_choice").click()
    _shot(page, "grading")


def _work(machine: Machine, page: Page) -> None:
    """Fetch, open, fill in, run, validate and submit."""
    release = machine.folder / PLACE / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook = read_notebook(release)
    cells = sum(cell["cell_type"] == "code" for cell in notebook["cells"])
    lab.fetch_and_open(page, ASSIGNMENT, ASSIGNMENT, cells)
    solve(notebook)
    solutions = [
        cell["source"]
        for cell in cells_by_grade_id(notebook).values()
        if cell["metadata"]["nbgrader"]["solution"] and cell["cell_type"] == "code"
    ]
    empty = lab.cell_with(page, "# Write your code here.")
    expect(empty).to_have_count(len(solutions))
    for place in reversed(range(len(solutions))):
        lab.write(page, empty.nth(place), solutions[place])
    unanswered = page.locator(".jp-MarkdownCell", has_text="Write your answer here")
    for place in (1, 0):
        lab.answer(page, unanswered.nth(place), ANSWER)
    told = lab.validate(page)
    expect(told).to_contain_text("Success! Your notebook passes all the tests.")
    _shot(page, "validated")
    told.get_by_role("button", name="Ok").click()
    page.locator(".lm-TabBar-tabLabel").get_by_text("Assignments", exact=True).click()
    _submit(page)


def _submit(page: Page) -> None:
    lab.assignments(page, "fetched", ASSIGNMENT).get_by_role("button", name="Submit").click()
    expect(lab.assignments(page, "submitted", ASSIGNMENT)).to_have_count(1, timeout=lab.USUAL)


def _scores(machine: Machine) -> dict[str, float]:
    with Gradebook(f"sqlite:///{machine.folder / PLACE}/gradebook.db") as gradebook:
        submissions = gradebook.assignment_submissions(ASSIGNMENT)
        return {submission.student.id: submission.score for submission in submissions}


def test_the_instructor_graded_and_not_root(graded: Machine) -> None:
    assert _scores(graded) == {"ada": 22, "bob": 0}
    entries = audit.read(graded.folder / PLACE / audit.FILE)
    assert {entry["who"] for entry in entries} == {"ina"}


def test_the_student_reads_the_feedback(graded: Machine, enter: Callable[[str], Page]) -> None:
    page = enter("ada")
    submitted = lab.assignments(page, "submitted", ASSIGNMENT)
    submitted.get_by_role("button", name="Fetch Feedback").click()
    expect(submitted.get_by_text("view feedback", exact=False)).to_be_visible(timeout=lab.USUAL)
    home = graded.folder / "home/ada"
    (feedback,) = home.glob(f"{COURSE}/{ASSIGNMENT}/feedback/*/*.html")
    own = page.context.new_page()
    own.goto(f"{page.url.partition('/lab')[0]}/files/{feedback.relative_to(home)}")
    expect(own.get_by_text("22 of 26 points").first).to_be_visible()
    expect(own.get_by_text(COMMENT)).to_be_visible()
    _shot(own, "feedback")


def test_nothing_is_open(graded: Machine) -> None:
    search = f"PATH=/{ENVIRONMENT}/bin:$PATH FASHION_MNIST=/srv/nbgrader/data"
    said = graded.type(f"cd /{PLACE}\n{search} python -m grading check", user="ina")
    assert "ina" in said


@pytest.mark.parametrize("path", [f"/{PLACE}", "/srv/jupyterhub", "/home/bob", "/home/ina"])
def test_a_student_enters_no_folder_of_others(graded: Machine, path: str) -> None:
    graded.type(f"! ls {path}", user="ada")


def test_another_instructor_goes_on_when_the_first_has_gone(
    graded: Machine, hub: Hub, enter: Callable[[str], Page], browser: Browser
) -> None:
    more, fewer = blocks("Several instructors")
    _accounts(graded, more)
    ivo = enter("ivo")
    formgrader = in_lab(ivo)
    row = assignment(formgrader, ASSIGNMENT)
    row.locator(".num-submissions a").click()
    press(formgrader, formgrader.locator("tbody tr", has_text="ada"), "autograde")
    _shot(ivo, "second-instructor")
    hub.type(fewer)
    manage_assignments(ivo)
    press(formgrader, row, "generate-feedback")
    press(formgrader, row, "release-feedback")
    assert _scores(graded)["ada"] == 22
    entries = audit.read(graded.folder / PLACE / audit.FILE)
    assert [entry["who"] for entry in entries] == ["ina", "ina", "ivo"]
    with browser.new_context() as context:
        page = context.new_page()
        _log_in(page, hub, "ina")
        expect(page.locator("#username_input")).to_be_visible()
        assert "/user/" not in page.url
    graded.type(f"! ls /{PLACE}", user="ina")
