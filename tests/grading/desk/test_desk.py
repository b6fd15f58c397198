"""Tests of the desk on real gradebooks: marks, undo, two graders at once, what is shown."""

from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.desk.answers import AnswerFolder, NothingToGrade, read_answers
from grading.desk.desk import Desk, NothingToUndo, Seen, WrongMark
from grading.desk.marks import OtherMark
from tests.desk_course import ASSIGNMENT, Written, hand_in, make_course, of_class
from tests.served_desk import desk_of

# nbgrader adds a submission before it belongs to the session, which SQLAlchemy remarks on.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def folder(tmp_path: Path) -> AnswerFolder:
    return make_course(tmp_path, of_class(6))


def answers_of(desk: Desk, question: int = 0) -> list[str]:
    return [each["id"] for each in desk.overview()["questions"][question]["answers"]]


def seen(desk: Desk, name: str) -> Seen:
    return Seen(name, desk.show(name)["stamp"])


def grades(folder: AnswerFolder) -> dict[str, tuple[float | None, bool, str | None]]:
    """Return manual score, whether it waits, and comment of each first answer, by student."""
    with Gradebook(folder.address) as gradebook:
        return {
            item.student.id: (
                (grade := gradebook.find_grade("results", *(2 * (ASSIGNMENT,)), item.student.id))
                and grade.manual_score,
                grade.needs_manual_grade,
                gradebook.find_comment(
                    "results", *(2 * (ASSIGNMENT,)), item.student.id
                ).manual_comment,
            )
            for item in gradebook.assignment_submissions(ASSIGNMENT)
        }


def test_a_mark_is_nbgraders_own_manual_grade(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    name = answers_of(desk)[0]
    desk.record([seen(desk, name)], [1, 0.5, 1], " Well seen. ")
    assert sorted(map(str, grades(folder).values()))[0] == str((2.5, False, "Well seen."))
    assert sum(waits for _, waits, _ in grades(folder).values()) == 5
    desk.undo()
    assert set(grades(folder).values()) == {(None, True, None)}
    with pytest.raises(NothingToUndo):
        desk.undo()


def test_a_group_is_recorded_whole_or_not_at_all(folder: AnswerFolder) -> None:
    desk, other = desk_of(folder), desk_of(folder, "bob")
    first, second = answers_of(desk)[:2]
    both = [seen(desk, first), seen(desk, second)]
    other.record([seen(other, second)], [0, 0, 0], "")
    with pytest.raises(OtherMark) as refused:
        desk.record(both, [1, 1, 1], "")
    assert refused.value.answers == (second,)
    assert sum(waits for _, waits, _ in grades(folder).values()) == 5
    desk.record([seen(desk, first), seen(desk, second)], [1, 1, 1], "")
    assert sorted(score or 0 for score, *_ in grades(folder).values()) == [0, 0, 0, 0, 3, 3]
    desk.undo()
    assert sorted(score or 0 for score, *_ in grades(folder).values()) == [0] * 6


def test_formgraders_mark_is_not_overwritten(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    name = answers_of(desk)[0]
    shown = seen(desk, name)
    with Gradebook(folder.address) as gradebook:
        grade = gradebook.find_grade_by_id(name)
        student = grade.student.id
        comment = gradebook.find_comment("results", ASSIGNMENT, ASSIGNMENT, student)
        comment.manual_comment = "By hand."
        gradebook.db.commit()
    with pytest.raises(OtherMark):
        desk.record([shown], [1, 1, 1], "")
    assert grades(folder)[student] == (None, True, "By hand.")
    assert desk.show(name)["comment"] == "By hand."


def test_what_another_took_over_is_not_undone(folder: AnswerFolder) -> None:
    desk, other = desk_of(folder), desk_of(folder, "bob")
    name = answers_of(desk)[0]
    desk.record([seen(desk, name)], [1, 1, 1], "")
    other.record([seen(other, name)], [1, 1, 0], "")
    with pytest.raises(OtherMark):
        desk.undo()
    assert desk.show(name)["score"] == 2


def test_an_answer_that_was_handed_in_again_is_shown_first(
    folder: AnswerFolder, tmp_path: Path
) -> None:
    desk = desk_of(folder, names=True)
    name = answers_of(desk)[0]
    shown = desk.show(name)
    hand_in(tmp_path, shown["student"], Written("Another answer, with 85.85 %."))
    with pytest.raises(OtherMark):
        desk.record([Seen(name, shown["stamp"])], [1, 1, 1], "")
    assert "Another answer" in desk.show(name)["html"]
    desk.record([seen(desk, name)], [1, 1, 1], "")


def test_points_are_those_of_the_rubric(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    shown = seen(desk, answers_of(desk)[0])
    for points in ([1, 1], [1, 1, 1.5], [1, 1, -0.5], [0.3, 0, 0], [1, 1, float("nan")]):
        with pytest.raises(WrongMark):
            desk.record([shown], points, "")
    assert all(waits for _, waits, _ in grades(folder).values())


def test_boxes_come_back_as_they_were_ticked(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    name = answers_of(desk)[0]
    desk.record([seen(desk, name)], [0.5, 1, 0], "")
    assert desk_of(folder, "bob").show(name)["points"] == [0.5, 1, 0]
    with Gradebook(folder.address) as gradebook:
        gradebook.find_grade_by_id(name).manual_score = 3
        gradebook.db.commit()
    # Formgrader has but the sum, and it is another one.
    assert desk.show(name)["points"] is None
    assert desk.show(name)["score"] == 3


def test_the_table_is_the_students_own(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    shown = [desk.show(name) for name in answers_of(desk)]
    assert all(len(each["tables"]) == 1 for each in shown)
    rows = {each["tables"][0]["rows"][2][1] for each in shown}
    assert rows == {f"{85.11 + place / 100:.2f} %" for place in range(6)}
    right = next(each for each in shown if "won everything" not in each["html"])
    assert right["tables"][0]["quoted"] == [(1, 2), (2, 1)]
    invented = next(each for each in shown if "won everything" in each["html"])
    assert '<mark class="elsewhere">99.99</mark>' in invented["html"]


def test_blind_unless_names_are_asked_for(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    told = str(desk.overview()) + "".join(str(desk.show(name)) for name in answers_of(desk))
    assert "student0" not in told.casefold()
    named = desk_of(folder, names=True)
    assert {named.show(name)["student"] for name in answers_of(named)} == set(of_class(6))


def test_alike_answers_follow_each_other(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    groups = [each["group"] for each in desk.overview()["questions"][0]["answers"]]
    assert groups == [0, 0, 1, 1, 2, 2]


def test_comments_are_offered_where_points_were_lost(folder: AnswerFolder) -> None:
    desk = desk_of(folder)
    first, second = answers_of(desk)[:2]
    desk.record([seen(desk, first)], [1, 0, 1], "Look at the second column.")
    lines = desk.show(second)["lines"]
    assert ["Look at the second column." in line["comments"] for line in lines] == [
        False,
        True,
        False,
    ]


HARMFUL = (
    "<img src=x onerror=alert(1)>",
    "[here](javascript:alert(1))",
    "![](https://elsewhere.example/x.png)",
    "$\\href{javascript:alert(1)}{x}$",
    "<script>alert(1)</script>" * 400,
    "[" * 20_000,
)


def test_what_a_student_writes_runs_and_fetches_nothing(tmp_path: Path) -> None:
    written = {f"eve{place}": Written(text) for place, text in enumerate(HARMFUL)}
    desk = desk_of(make_course(tmp_path, written))
    pages = [desk.show(name)["html"] for name in answers_of(desk)]
    assert len(pages) == len(HARMFUL)
    for page in pages:
        for harmful in ("<script", "<img", 'href="javascript', "href='javascript"):
            assert harmful not in page


def test_without_an_assignment_or_answers_it_says_what_to_do(
    folder: AnswerFolder, tmp_path: Path
) -> None:
    other = AnswerFolder(folder._coursedir, "ps2", None, "en")
    with pytest.raises(NothingToGrade, match="no assignment 'ps2'; it has: ps1"):
        read_answers(other)
    (tmp_path / "empty").mkdir()
    empty = make_course(tmp_path / "empty", {})
    with pytest.raises(NothingToGrade, match="autograde ps1 first"):
        read_answers(empty)


def test_shared_answers_are_marked_twice_and_compared(folder: AnswerFolder) -> None:
    ada = desk_of(folder, share=1.0)
    name = answers_of(ada)[0]
    ada.record([seen(ada, name)], [1, 1, 1], "Good.")
    bob = desk_of(folder, "bob", share=1.0)
    shown = bob.show(name)
    assert shown["second"]
    assert (shown["score"], shown["points"], shown["comment"]) == (None, None, "")
    assert bob.overview()["questions"][0]["answers"][0]["waiting"]
    assert bob.record([seen(bob, name)], [1, 1, 0], "") == 1
    # The gradebook keeps the first one's, until somebody settles it.
    shown = ada.show(name)
    assert (shown["score"], shown["comment"]) == (3, "Good.")
    assert shown["marks"] == ["ada: 3 points", "bob: 2 points"]
    (told,) = bob.agreement()
    assert "on 0 of 1 answers" in told["text"]
    assert told["differing"] == (name,)
    assert not desk_of(folder, "cyn").show(name)["second"]


def test_a_second_grader_begins_elsewhere(folder: AnswerFolder) -> None:
    ada = desk_of(folder)
    assert ada.overview()["start"] == 0
    name = answers_of(ada)[0]
    ada.record([seen(ada, name)], [1, 1, 1], "")
    assert ada.overview()["start"] == 0
    assert desk_of(folder, "bob").overview()["start"] == 0.5
