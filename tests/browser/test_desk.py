"""The grading desk in Chromium: a person grades by keyboard, at every width and in both schemes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SCREENSHOTS
from tests.browser.test_pages import OUTSIDE, violations
from tests.desk_course import make_course, of_class
from tests.served_desk import desk_of, served

# nbgrader adds a submission before it belongs to the session, which SQLAlchemy remarks on.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]


@pytest.fixture
def opened(page: Page, tmp_path: Path) -> Iterator[Page]:
    """The desk of a class of six."""
    with served(desk_of(make_course(tmp_path, of_class(6)))) as access:
        page.goto(access.link())
        expect(page.locator("#desk")).to_be_visible()
        yield page


def test_a_person_grades_by_keyboard(opened: Page) -> None:
    page = opened
    assert "#" not in page.url
    expect(page.locator("#place")).to_contain_text("1 of 6")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("Give points first")
    # A suggestion is taken over, and recorded but with the next key.
    page.keyboard.press("s")
    expect(page.locator("#total")).to_have_text("2 of 3")
    expect(page.locator("#count")).to_have_text("0 of 6 graded")
    page.keyboard.press("3")
    page.keyboard.press("3")
    expect(page.locator("#total")).to_have_text("2.5 of 3")
    page.keyboard.press("c")
    page.keyboard.type("Say by how much. 1 0 f s")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#count")).to_have_text("1 of 6 graded")
    expect(page.locator("#comment")).to_have_value("")
    page.keyboard.press("u")
    expect(page.locator("#count")).to_have_text("0 of 6 graded")


def test_a_group_is_graded_at_once(opened: Page) -> None:
    page = opened
    page.keyboard.press("g")
    expect(page.locator(".member")).to_have_count(1)
    page.keyboard.press("f")
    expect(page.locator("#record")).to_have_text("Record for 2 answers, next")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("2 of 6 graded")
    expect(page.locator("#alike")).to_be_hidden()
    for _ in range(2):
        page.keyboard.press("g")
        expect(page.locator("#alike")).to_be_visible()
        page.keyboard.press("0")
        page.keyboard.press("Enter")
        expect(page.locator("#alike")).to_be_hidden()
    expect(page.locator("#told")).to_contain_text("Question 2 has some left")
    page.keyboard.press("q")
    expect(page.locator("#count")).to_have_text("0 of 6 graded")


def test_who_has_not_opened_the_link_sees_a_sentence(page: Page, tmp_path: Path) -> None:
    with served(desk_of(make_course(tmp_path, of_class(1)))) as access:
        page.goto(access.link().partition("#")[0])
        expect(page.locator("#told")).to_contain_text("has not been let in")
        expect(page.locator("#desk")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_desk_fits_and_raises_nothing(
    width: int, scheme: Literal["light", "dark"], browser: Browser, tmp_path: Path
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with served(desk_of(make_course(tmp_path, of_class(6)))) as access:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
        )
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(access.link())
        expect(page.locator("#desk")).to_be_visible()
        page.screenshot(path=SCREENSHOTS / f"desk-{width}-{scheme}.png", full_page=True)
        assert page.evaluate(OUTSIDE) == [0, []]
        if width == 1280:
            # Answer, table, rubric and button at one glance.
            box = page.locator("#record").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 800
        assert violations(page) == []
        page.keyboard.press("g")
        expect(page.locator("#alike")).to_be_visible()
        assert violations(page) == []
        assert told == []
        context.close()
