"""Measures the grading desk: `python -m tests.benchmarks.desk` writes a part of its page in docs/.

A script grades a class in Chromium as a person would, by keyboard. It reads nothing and thinks
nothing, so what it takes is the page's own part of the work: from a key to the next answer.
"""

import argparse
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles

from playwright.sync_api import Page, sync_playwright
from sqlalchemy.exc import SAWarning

from tests.desk_course import make_course, of_class
from tests.scratch_course import COURSE_ROOT
from tests.served_desk import desk_of, served

PAGE = COURSE_ROOT / "docs" / "grading_desk.md"
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


@dataclass(frozen=True)
class Graded:
    """What a way of grading took.

    Attributes:
        way: in words.
        answers: how many were graded.
        keys: how many were pressed.
        seconds: of each step, from its last key until the next answer is shown.
        height: the page's, in pixels, at most.
    """

    way: str
    answers: int
    keys: int
    seconds: list[float]
    height: int

    @property
    def row(self) -> str:
        """The row of the table."""
        slow = quantiles(self.seconds, n=20)[-1]
        return (
            f"| {self.way} | {self.answers} | {self.keys / self.answers:.1f} | 0 | "
            f"{fmean(self.seconds) * len(self.seconds) / self.answers:.2f} s | {slow:.2f} s | "
            f"{self.height:,} px |"
        )


def _one_by_one(page: Page) -> int:
    """Take the suggestions over, give the other line by hand, and record; return the keys."""
    keys = "s1" if page.locator(".suggestion").count() == 0 else "s3"
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def _by_groups(page: Page) -> int:
    """Grade alike answers along."""
    if page.locator("#group").is_disabled():
        return _one_by_one(page)
    page.keyboard.press("g")
    page.locator("#alike").wait_for()
    return 1 + _one_by_one(page)


def grade(page: Page, students: int, way: str, give: Callable[[Page], int]) -> Graded:
    """Grade all answers of a class of its own."""
    root = Path(tempfile.mkdtemp(prefix="desk-"))
    try:
        with served(desk_of(make_course(root, of_class(students)))) as access:
            page.goto(access.link())
            page.locator("#desk").wait_for()
            keys, seconds, height = 0, [], 0
            for question in range(2):
                done = 0
                while done < students:
                    keys += give(page) + 1
                    height = max(height, page.evaluate("document.body.scrollHeight"))
                    before = page.locator("#place").inner_text()
                    began = time.perf_counter()
                    page.keyboard.press("Enter")
                    page.wait_for_function(
                        "before => document.getElementById('place').innerText !== before"
                        " || document.getElementById('told').innerText.includes('All answers')",
                        arg=before,
                    )
                    seconds.append(time.perf_counter() - began)
                    done = int(page.locator("#count").inner_text().split()[0])
                if question == 0:
                    page.keyboard.press("q")
                    page.locator("#total", has_text="of 2").wait_for()
                    keys += 1
            return Graded(way, 2 * students, keys, seconds, height)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> None:
    """Measure, and write what came out into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=100, help="each answers two questions")
    students = parser.parse_args().students
    warnings.filterwarnings("ignore", category=SAWarning)
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        # The desk's own policy forbids the measuring script too.
        page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        rows = [
            grade(page, students, "one by one", _one_by_one).row,
            grade(page, students, "alike answers together", _by_groups).row,
        ]
    table = (
        "| way | answers | keys per answer | clicks | seconds per answer | slowest 5 % of steps"
        " | height of the page |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    measured = f"{_BEGIN}{table}" + "".join(f"{row}\n" for row in rows) + _END
    PAGE.write_text(f"{before}{measured}{after}", encoding="utf-8")
    print(table + "\n".join(rows))


if __name__ == "__main__":
    main()
