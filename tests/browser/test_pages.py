"""Feedback pages and the class report in Chromium: nothing cut, no error, open to everybody.

axe-core, which comes with its package, looks for what keeps people with a screen reader or without
a mouse out.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_output
from playwright.sync_api import Browser, Page

from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grading.feedback.handing_in import HandedIn
from grading.reports.class_report import ClassReport
from grading.reports.misconceptions import Misconception
from grading.reports.participants import Participant
from grading.reports.report_page import write_page
from grading.submission import remark
from tests.browser.conftest import SCREENSHOTS
from tests.corpus import load
from tests.feedback_pages import MODULE as JUDGED_BY
from tests.feedback_pages import automatic_grades, feedback_page, graded_notebook

# Together: they share the pages.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("pages")]

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


# A page of each kind: axe-core takes a second or two for a long one.
LOOKED_THROUGH = {
    "feedback-one_over_n-en",
    "feedback-full-zh",
    "feedback-damaged-en",
    "report-en",
    "report-zh",
}
# What a person may write and a cell may show that is wider than a page, or has no place in its
# outline; the table's corner is as pandas leaves it.
ANSWER = """##### My table

| row | loss |
| --- | --- |
| a_name_without_any_break_a_name_without_any_break_a_name | 0.406 |

```python
loss = "a long line of code, " + "which goes on and on, " + "farther than a narrow page is wide"
```

$$a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u + v + w + x$$
"""
OUTPUTS = [
    new_output("stream", name="stdout", text="a_name_without_any_break_" * 8),
    new_output(
        "display_data",
        data={
            "text/html": "<table><tr><th></th><th>loss</th></tr>"
            f"<tr><th>0</th><td>{'a_name_without_any_break_' * 8}</td></tr></table>"
        },
    ),
    new_output("error", ename="ValueError", evalue="no", traceback=["a long line " * 20]),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    ways = {item.name: item for item in load("wrong")}
    written = {}

    def write(name: str, text: str) -> None:
        written[name] = folder / f"{name}.html"
        written[name].write_text(text, encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SEED_VARIABLE, "20240311")
        for name, language in [(name, language) for name in WAYS for language in ("en", "zh")]:
            function = ways[name].function()
            observations = {test: observe(test, function) for test in FUNCTION_CRITERIA}
            sources = {"weights_init_normal": ways[name].source, "reflection_choice": ANSWER}
            nb = graded_notebook(sources, observations, language)
            own = next(cell for cell in nb.cells if cell.source == ways[name].source)
            own.outputs = OUTPUTS
            write(f"feedback-{name}-{language}", feedback_page(nb, automatic_grades(nb), language))
    for language in ("en", "zh"):
        nb = graded_notebook({"reflection_choice": ANSWER}, {}, language)
        grades = automatic_grades(nb)
        full = {
            key: replace(grade, score=grade.points, waiting=False) for key, grade in grades.items()
        }
        comments = {"reflection_choice": ANSWER}
        write(f"feedback-full-{language}", feedback_page(nb, full, language, comments))
        why = remark("damaged", name="weight_initialization.ipynb")
        made = datetime(2026, 1, 1, tzinfo=UTC)
        about = HandedIn("Ada Lovelace", "weight_initialization", made, unreadable=why)
        damaged = feedback_page(nb, grades, language, handed_in=about)
        write(f"feedback-damaged-{language}", damaged)
        report = folder / f"report-{language}.html"
        write_page(_report(language), report)
        written[report.stem] = report
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


def violations(page: Page) -> list[tuple[str, str]]:
    """Return axe-core's rules that a page breaks, each with the first place."""
    broken = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in broken]


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
        if name in LOOKED_THROUGH:
            assert violations(page) == [], name
        context.close()


def test_a_class_of_25_is_two_screens(pages: dict[str, Path], browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    for language in ("en", "zh"):
        page.goto(pages[f"report-{language}"].as_uri())
        assert page.evaluate("document.documentElement.scrollHeight") <= 2 * 900
    context.close()
