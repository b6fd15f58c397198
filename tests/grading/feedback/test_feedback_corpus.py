"""Tests that each wrong way of the corpus scores what it should, and reads so on its page.

The page says all of the verdict and shows nothing of ours. Every way is graded; where several make
the same mistakes, their pages say the same, and the first one's is read.
"""

import re
from pathlib import Path

import pytest

from grader_tests.observation import FUNCTION_CRITERIA, MIME_TYPE
from grader_tests.probe import SEED_VARIABLE, observe
from grading.feedback.page import build_page
from grading.feedback.rendering import sentence
from grading.judging import stored_verdicts
from tests.corpus import Submission, load
from tests.corpus.grading import grade, misnamed, scored_as_expected
from tests.feedback_pages import MODULE, automatic_grades, feedback_page, graded_notebook
from tests.scratch_course import COURSE_ROOT

# What only the grader has: its tests, its machine, its own way of failing.
OURS = (
    "HIDDEN TESTS", "MARK SCHEME", "grader_tests", "grading/", MIME_TYPE, "Traceback",
    "site-packages", str(COURSE_ROOT), str(Path.home()) + "/", "<cell ", "{", "<script",
)  # fmt: skip
WEIGHTS = {"test_normal_mean", "test_normal_std", "test_normal_shape"}

WRONG = load("wrong")


def _outcomes(submission: Submission) -> tuple[object, ...]:
    """What its page should say: which criteria it passes or leaves, and every mistake."""
    return submission.passes, submission.skips, frozenset(submission.mistakes.items())


_ON_A_PAGE = {_outcomes(submission): submission.name for submission in reversed(WRONG)}
WITH_PAGE = [item for item in WRONG if _ON_A_PAGE[_outcomes(item)] == item.name]
OTHERS = [item for item in WRONG if _ON_A_PAGE[_outcomes(item)] != item.name]


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240307")


def test_every_outcome_has_a_page() -> None:
    assert len(WITH_PAGE) + len(OTHERS) == len(WRONG)
    assert {_outcomes(item) for item in OTHERS} <= {_outcomes(item) for item in WITH_PAGE}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("submission", OTHERS, ids=lambda item: item.name)
def test_verdicts_on_a_wrong_way(submission: Submission) -> None:
    verdicts = grade(submission)
    said = "\n".join(f"{name}: {v.outcome}: {v.finding}" for name, v in verdicts.items())
    assert scored_as_expected(submission, verdicts), said
    assert misnamed(submission, verdicts) == {}, said
    assert not all(verdict.passed for verdict in verdicts.values())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("submission", WITH_PAGE, ids=lambda item: item.name)
def test_verdicts_and_page_of_a_wrong_way(submission: Submission) -> None:
    function = submission.function()
    nb = graded_notebook(
        {"weights_init_normal": submission.source},
        {criterion: observe(criterion, function) for criterion in FUNCTION_CRITERIA},
    )
    # The rest of the lesson is the same on every page.
    exercise = {"weights_init_normal", *FUNCTION_CRITERIA}
    nb.cells = [
        cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in exercise
    ]
    pictures = {
        output.data["image/png"].strip()
        for cell in nb.cells
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    }
    grades = automatic_grades(nb)
    page = feedback_page(nb, grades)
    for advice in build_page(nb, grades, "en", MODULE).look_next:
        assert advice.explanation, advice.parts
        assert advice.hint, advice.parts
    body = page.partition("</style>")[2]
    verdicts = list(stored_verdicts.of_notebook(nb))
    assert len(verdicts) == len(FUNCTION_CRITERIA)
    said = "\n".join(f"{v.criterion}: {v.outcome}: {v.finding}" for v in verdicts)
    found = {verdict.criterion: verdict for verdict in verdicts}
    assert scored_as_expected(submission, found), said
    assert misnamed(submission, found) == {}, said
    failed = [verdict for verdict in verdicts if not verdict.passed]
    assert failed
    told = {(verdict.mistake, verdict.hint): verdict for verdict in reversed(failed)}
    for verdict in failed:
        assert str(sentence(verdict.finding)) in body
        if submission.mistakes[verdict.criterion] == ("",):
            continue  # the finding says it all: there is no function, say
        # What the same mistake does to several criteria is explained with the first of them.
        first = told[verdict.mistake, verdict.hint]
        for text in (first.explanation, verdict.hint):
            # Once on top and once beside the cell.
            assert text
            assert body.count(str(sentence(text))) >= 2, text
    for picture in pictures:
        assert picture in body
    # With new weights in every layer there is something to draw.
    passed = {verdict.criterion for verdict in verdicts if verdict.passed}
    if "test_normal_layers" in passed and not passed >= WEIGHTS:
        assert pictures
    own = "".join(re.findall(r"<pre[^>]*>.*?</pre>", body, re.DOTALL))
    for text in OURS:
        assert text not in body or text in own, text
