"""Feedback pages and the class report in Chromium: at every width, nothing cut, no error."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grading.reports.class_report import ClassReport
from grading.reports.misconceptions import Misconception
from grading.reports.participants import Participant
from grading.reports.report_page import write_page
from tests.browser.conftest import SCREENSHOTS
from tests.corpus import load
from tests.feedback_pages import MODULE as JUDGED_BY
from tests.feedback_pages import automatic_grades, feedback_page, graded_notebook

pytestmark = [pytest.mark.browser]

# Figures, sentences and code of every kind: nothing drawn, a wrong width, an exception.
WAYS = ("blank", "one_over_n", "in_place_on_a_leaf")
assert JUDGED_BY is not None
MODULE = JUDGED_BY
POINTS = {
    "test_normal_layers": 2.0,
    "test_normal_mean": 2.0,
    "test_normal_std": 4.0,
    "test_normal_shape": 2.0,
    "test_normal_bias": 2.0,
    "test_default_model": 4.0,
    "test_default_comparison": 4.0,
    "reflection_results": 3.0,
    "reflection_choice": 3.0,
}
# How far the page is wider than the window, and what sticks out; what scrolls by itself may.
OUTSIDE = """() => {
    document.querySelectorAll('details').forEach(part => { part.open = true; });
    const width = document.documentElement.clientWidth;
    const outside = [...document.querySelectorAll('body *')].filter(
        part => part.getBoundingClientRect().right > width + 1
            && !part.closest('pre, .wide, table, math'));
    return [document.documentElement.scrollWidth - width,
            outside.map(part => part.outerHTML.slice(0, 80))];
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    ways = {item.name: item for item in load("wrong")}
    written = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SEED_VARIABLE, "20240311")
        for name, language in [(name, language) for name in WAYS for language in ("en", "zh")]:
            function = ways[name].function()
            observations = {test: observe(test, function) for test in FUNCTION_CRITERIA}
            nb = graded_notebook({"weights_init_normal": ways[name].source}, observations, language)
            path = folder / f"feedback-{name}-{language}.html"
            path.write_text(feedback_page(nb, automatic_grades(nb), language), encoding="utf-8")
            written[path.stem] = path
    for language in ("en", "zh"):
        path = folder / f"report-{language}.html"
        write_page(_report(language), path)
        written[path.stem] = path
    return written


def _report(language: str) -> ClassReport:
    """A class of 25, as large as the screens that its report may fill are counted for."""
    long = "a_name_without_any_break_" * 4
    titles = {name: MODULE.title(name, language) for name in POINTS}
    participants = [
        Participant(
            f"student{number}",
            float(number % 27),
            seconds_late=7200.0 * (number % 4 == 0),
            flagged=(long,) if number % 9 == 0 else (),
            waiting=("reflection_results", "reflection_choice") if number % 5 else (),
            points={name: points * float(number % 3 > 0) for name, points in POINTS.items()},
            seconds=4.0,
            attempts=1 + number % 2,
            submission=Path("submitted") / f"student{number}",
            feedback=Path("feedback") / f"student{number}",
        )
        for number in range(25)
    ]
    causes = [
        Misconception(
            mistake,
            "mistake",
            tuple(f"student{number}" for number in range(9 - place)),
            {"test_normal_std": 9 - place},
            "Why it is so.",
            "What was found.",
            f"{long} = 1",
            *MODULE.teaching(mistake, language),
        )
        for place, mistake in enumerate(
            ("variance_for_deviation", "no_guard", "uniform_rule", long)
        )
    ]
    return ClassReport(
        assignment="weight_initialization",
        maximum=26,
        cells=POINTS,
        participants=participants,
        missing=["absent"],
        misconceptions=[
            *causes,
            Misconception("SyntaxError", "error", ("student3",), {"test_normal_std": 1}),
            Misconception("", "not attempted", ("student4",), {"test_normal_std": 1}),
            Misconception("", "no result", ("student5",), {"test_normal_std": 1}),
        ],
        titles=titles,
        language=language,
        elsewhere={"weight_initialization_zh": ["other"]},
    )


def _listen(page: Page) -> list[str]:
    """Return a list that fills with what goes wrong on a page."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("requestfailed", lambda request: told.append(request.url[:80]))
    return told


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_and_raises_nothing(
    width: int, scheme: Literal["light", "dark"], pages: dict[str, Path], browser: Browser
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, path in pages.items():
        # The page's own policy forbids the measuring script too; it is tested elsewhere.
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
        )
        page = context.new_page()
        told = _listen(page)
        page.goto(path.as_uri())
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
        assert page.evaluate(OUTSIDE) == [0, []], name
        assert told == [], name
        context.close()
