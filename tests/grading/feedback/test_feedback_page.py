"""Tests of the feedback page: what it tells, in which words, and that it runs and loads nothing."""

import re
from copy import deepcopy
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook

from grader_tests.assignment import title
from grading.feedback import rendering as feedback_rendering
from grading.feedback.handing_in import HandedIn, Lateness, delay_in_words, full_name
from grading.feedback.mathml import to_mathml
from grading.feedback.page import build_page
from grading.feedback.parts import Grade
from grading.feedback.safe_pages import clean_output
from grading.feedback.sections import sections
from grading.judging import stored_verdicts
from grading.recording.answers import GradeUnanswered, is_unanswered
from grading.submission import remark
from grading.words import say, words
from tests.feedback_pages import MODULE, automatic_grades, feedback_page, graded_notebook

DEADLINE = datetime(2026, 11, 1, 12)


@pytest.fixture(scope="module")
def nothing_ran() -> NotebookNode:
    return graded_notebook({"reflection_choice": "..."}, {})


def answered(nb: NotebookNode) -> dict[str, Grade]:
    """Grades after a person has read the first answer, and found no second."""
    grades = automatic_grades(nb)
    grades["reflection_results"] = Grade(2, 3, manual=2)
    grades["reflection_choice"] = replace(grades["reflection_choice"], waiting=False)
    return grades


class TestAnswers:
    @pytest.mark.parametrize(
        "text",
        ["", "  \n\t", "\u200b\u3000", "...", "Write your answer here.", "请在这里作答。",
         " Write your answer here \n", "- \n- ", "<!-- my answer -->", "**", "?"],
    )  # fmt: skip
    def test_nothing_is_no_answer(self, text: str) -> None:
        assert is_unanswered(v4.new_markdown_cell(text))

    @pytest.mark.parametrize("text", ["A", "7", "默认", "Write your answer here. No.", "π"])
    def test_anything_said_is_an_answer(self, text: str) -> None:
        assert not is_unanswered(v4.new_markdown_cell(text))

    def test_picture_is_an_answer(self) -> None:
        cell = v4.new_markdown_cell("![](attachment:1.png)", attachments={"1.png": {}})
        cell.source = ""
        assert not is_unanswered(cell)

    # nbgrader adds a submission before it belongs to the session, which SQLAlchemy remarks on.
    @pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
    def test_points_that_a_person_gave_stay_and_are_looked_at(self, tmp_path: Path) -> None:
        marks = {"grade": True, "solution": True, "locked": False, "schema_version": 3}
        cells = [
            v4.new_markdown_cell(text, metadata={"nbgrader": {**marks, "grade_id": name}})
            for name, text in {"empty": " ", "given": "...", "said": "Because."}.items()
        ]
        address = f"sqlite:///{tmp_path}/gradebook.db"
        with Gradebook(address) as gradebook:
            gradebook.add_assignment("ps1")
            gradebook.add_notebook("ps1", "ps1")
            for name in ("empty", "given", "said"):
                gradebook.add_grade_cell(name, "ps1", "ps1", max_score=3, cell_type="markdown")
                gradebook.add_solution_cell(name, "ps1", "ps1")
            gradebook.add_student("ada")
            gradebook.add_submission("ps1", "ada")
            gradebook.find_grade("given", "ps1", "ps1", "ada").manual_score = 2
            gradebook.db.commit()
        resources = ResourcesDict()
        resources["nbgrader"] = {
            "db_url": address, "notebook": "ps1", "assignment": "ps1", "student": "ada"
        }  # fmt: skip
        (tmp_path / "language.txt").write_text("zh\n", encoding="utf-8")
        resources["metadata"] = {"path": str(tmp_path)}
        GradeUnanswered().preprocess(v4.new_notebook(cells=cells), resources)
        with Gradebook(address) as gradebook:
            (notebook,) = gradebook.find_submission("ps1", "ada").notebooks
            found = {g.name: (g.score, g.needs_manual_grade) for g in notebook.grades}
            remarks = {comment.name: comment.auto_comment for comment in notebook.comments}
        assert found == {"empty": (0, False), "given": (2, True), "said": (0, True)}
        assert remarks == {
            "empty": say("zh", "answers.unanswered"),
            "given": say("zh", "answers.unanswered"),
            "said": None,
        }


class TestPage:
    def test_top_says_score_parts_and_lateness(self, nothing_ran: NotebookNode) -> None:
        grades = answered(nothing_ran)
        late = Lateness(timedelta(days=1, hours=3), DEADLINE, 1.5)
        page = feedback_page(nothing_ran, grades, lateness=late)
        assert "0.5 of 26 points" in page
        assert "1 d 3 h after your deadline (2026-11-01 12:00 UTC)" in page
        assert "takes 1.5 off 2 points" in page
        for name in grades:
            assert f'href="#{name}"' in page
            assert page.count(f'id="{name}"') == 1

    def test_late_without_penalty_says_so(self, nothing_ran: NotebookNode) -> None:
        late = Lateness(timedelta(minutes=3), DEADLINE, 0)
        page = build_page(nothing_ran, answered(nothing_ran), "en", MODULE, lateness=late)
        assert "3 min after" in page.late_sentence
        assert "No points are taken off" in page.late_sentence

    def test_rubric_and_comment_come_once_a_person_graded(self, nothing_ran: NotebookNode) -> None:
        comments = {"reflection_results": "Fine, but <b>what</b> of $1/\\sqrt{n}$?"}
        page = feedback_page(nothing_ran, answered(nothing_ran), comments=comments)
        assert "Fine, but &lt;b&gt;what&lt;/b&gt; of <math" in page
        assert "you name the row with the lowest training loss" in page
        assert "you choose an initialization" not in page, "nobody graded the second answer"
        page = feedback_page(nothing_ran, automatic_grades(nothing_ran))
        assert "you name the row with the lowest training loss" not in page
        assert "Rubric" not in page

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_rubric_is_told_apart_for_each_answer(self, language: str) -> None:
        nb = graded_notebook({}, {}, language)
        grades = automatic_grades(nb)
        for name in ("reflection_results", "reflection_choice"):
            grades[name] = Grade(1, 3, manual=1)
        first, second = (
            p.rubric for p in build_page(nb, grades, language, MODULE).parts if p.written
        )
        assert first.count("\n- ") + 1 == 3
        assert second.count("\n- ") + 1 == 2

    def test_waiting_answers_are_counted_as_open(self, nothing_ran: NotebookNode) -> None:
        grades = automatic_grades(nothing_ran)
        page = build_page(nothing_ran, grades, "en", MODULE)
        assert page.open_points == 3, "the empty answer waits for nobody"
        assert {part.status for part in page.parts if part.written} == {"waiting", "empty"}

    def test_an_empty_answer_waits_where_a_person_is_to_decide(
        self, nothing_ran: NotebookNode
    ) -> None:
        grades = automatic_grades(nothing_ran)
        grades = {
            name: Grade(0, each.points, waiting=True) if name.startswith("reflection") else each
            for name, each in grades.items()
        }
        page = build_page(nothing_ran, grades, "en", MODULE)
        assert {part.status for part in page.parts if part.written} == {"waiting"}

    def test_points_that_a_person_changed_are_explained(self, nothing_ran: NotebookNode) -> None:
        grades = answered(nothing_ran)
        grades["test_default_model"] = Grade(4, 4, automatic=0.0, manual=4.0)
        page = feedback_page(nothing_ran, grades)
        assert "The automatic test gave 0; a person changed the points." in page

    def test_other_assignments_have_pages_too(self) -> None:
        """Nothing but nbgrader's own: a test, a program for a person to grade, and a task."""
        kinds = {
            "plain_test": ("code", {"grade": True, "solution": False, "locked": True}),
            "program": ("code", {"grade": True, "solution": True, "locked": False}),
            "task": ("markdown", {"grade": False, "solution": False, "task": True}),
        }
        cells = []
        for name, (kind, marks) in kinds.items():
            new = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
            known: dict[str, object] = {"grade_id": name, "task": False, **marks}
            cells.append(new(f"# This is {name}", metadata={"nbgrader": known}))
        cells[0].outputs = [v4.new_output("error", ename="AssertionError", evalue="no")]
        grades = {"plain_test": Grade(0, 2, automatic=0.0)}
        grades |= {name: Grade(0, 3, waiting=True) for name in ("program", "task")}
        nb = v4.new_notebook(cells=cells)
        assert [p.status for p in build_page(nb, grades, "en", MODULE).parts] == ["none"] + [
            "waiting"
        ] * 2
        page = feedback_page(nb, grades, comments={"program": "Neat.", "task": "Good."})
        for name in kinds:
            assert f'id="{name}"' in page
        for text in ("AssertionError: no", "Neat.", "Good.", "0 of 8 points", "6 points are still"):
            assert text in page

    def test_flag_is_told(self, nothing_ran: NotebookNode) -> None:
        grades = answered(nothing_ran)
        grades["test_normal_std"] = replace(grades["test_normal_std"], waiting=True)
        assert say("en", "feedback.flagged") in feedback_page(nothing_ran, grades)

    def test_page_speaks_the_assignments_language(self) -> None:
        nb = graded_notebook({}, {}, "zh")
        page = feedback_page(nb, automatic_grades(nb), "zh")
        assert '<html lang="zh-CN">' in page
        assert "0 分，满分 26 分" in page
        for english in (
            say("en", "feedback.went_well"),
            say("en", "feedback.look_next"),
            title("test_normal_std", "en"),
        ):
            assert english not in page

    def test_page_loads_and_runs_nothing(self, nothing_ran: NotebookNode) -> None:
        page = feedback_page(nothing_ran, answered(nothing_ran))
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert not re.search(r"""(src|url\()=?['"(]?(?!data:)\w+:""", page)
        assert not re.search(r"<link(?![^>]*href=.data:,)", page)
        assert "HIDDEN TESTS" not in page
        assert "grader_tests" not in page

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_links_within_the_page_lead_somewhere(self, language: str) -> None:
        nb = graded_notebook({"reflection_choice": "# test normal std\n\n# Try it"}, {}, language)
        page = feedback_page(nb, automatic_grades(nb), language)
        links = {unquote(link) for link in re.findall(r'href="#([^"]+)"', page)}
        names = re.findall(r' id="([^"]+)"', page)
        assert len(links) > 10
        assert links <= set(names)
        assert len(names) == len(set(names))

    def test_formulas_are_mathml(self, nothing_ran: NotebookNode) -> None:
        page = feedback_page(nothing_ran, answered(nothing_ran))
        assert page.count("<math ") > 50
        assert "\\frac" not in page
        assert "\\begin" not in page

    def test_missing_results_are_told_in_the_language(self) -> None:
        nb = graded_notebook({}, {}, "zh")
        page = feedback_page(nb, automatic_grades(nb), "zh")
        assert say("zh", "judge.not_run") in page
        assert say("en", "judge.not_run") not in page


def handed_in(**fields: Any) -> HandedIn:
    made = DEADLINE.replace(tzinfo=UTC) - timedelta(days=1)
    return HandedIn("Ada Lovelace", "weight_initialization", made, **fields)


class TestHandingIn:
    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_whose_it_is_and_when_it_came(self, nothing_ran: NotebookNode, language: str) -> None:
        zone = ZoneInfo("Asia/Shanghai")
        about = handed_in(time=datetime(2026, 10, 30, 9, 5, tzinfo=zone))
        page = feedback_page(nothing_ran, {}, language, handed_in=about)
        assert about.by_line(words(language)["feedback"]) in page
        assert "Ada Lovelace" in page
        assert "2026-10-30 09:05 CST" in page

    @pytest.mark.parametrize(
        ("first", "last", "name"),
        [
            ("Ada", "Lovelace", "Ada Lovelace"),
            (None, "Lovelace", "Lovelace"),
            ("", None, "ada"),
            ("小明", "王", "王小明"),
            ("Xiaoming", "王", "Xiaoming 王"),
        ],
    )
    def test_names(self, first: str | None, last: str | None, name: str) -> None:
        assert full_name(first, last, "ada") == name

    def test_whether_handing_in_again_helps(self, nothing_ran: NotebookNode) -> None:
        def again(grades: dict[str, Grade], **fields: Any) -> str:
            return build_page(
                nothing_ran, grades, "en", MODULE, handed_in=handed_in(**fields)
            ).again

        lost = answered(nothing_ran)
        assert "until 2026-11-01 12:00 UTC" in again(lost, deadline=DEADLINE.replace(tzinfo=UTC))
        early = DEADLINE.replace(tzinfo=UTC) - timedelta(days=2)
        assert "The deadline was 2026-10-30 12:00 UTC" in again(lost, deadline=early)
        assert "as long as the course takes submissions" in again(lost)
        assert "the last one counts" in again(lost)
        assert "gave most for counts" in again(lost, counts="best")
        assert "No attempt is left" in again(lost, may_follow=False)
        full = {name: replace(grade, score=grade.points) for name, grade in lost.items()}
        assert "nothing more" in again(full, deadline=DEADLINE.replace(tzinfo=UTC))

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_points_of_the_time_before_stand_beside_these(
        self, nothing_ran: NotebookNode, language: str
    ) -> None:
        before = {"test_normal_std": 4.0, "test_normal_mean": 0.0, "test_default_model": 2.5}
        page = feedback_page(
            nothing_ran, answered(nothing_ran), language, handed_in=handed_in(before=before)
        )
        assert say(language, "feedback.compared", before="6.5", now="0") in page
        rows = dict(re.findall(r'<tr><td>.*?href="#(\w+)".*?before">(.*?)</td>', page))
        assert rows["test_normal_std"] == "4"
        assert rows["test_default_model"] == "2.5"
        assert rows["reflection_results"] == "–"
        alone = feedback_page(nothing_ran, answered(nothing_ran), language, handed_in=handed_in())
        assert "points before" not in alone

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize(
        ("key", "told"),
        [
            ("damaged", "mend_damaged"),
            ("empty_file", "mend_damaged"),
            ("too_large", "mend_large"),
            ("no_notebook", "mend_name"),
            ("link", "mend_name"),
        ],
    )
    def test_a_file_that_cannot_be_read_shows_no_stub_and_says_what_to_do(
        self, language: str, key: str, told: str
    ) -> None:
        nb = graded_notebook({}, {}, language)
        why = remark(key, name="weight_initialization.ipynb", size="9", most="8")
        deadline = DEADLINE.replace(tzinfo=UTC)
        about = handed_in(unreadable=why, deadline=deadline, before={"test_normal_std": 4.0})
        comments = {"reflection_choice": "I read the file that you sent by mail."}
        page = feedback_page(
            nb, automatic_grades(nb), language, comments, handed_in=about
        ).partition("</style>")[2]
        said = words(language)["feedback"]
        assert said[told].format(name="weight_initialization.ipynb") in page
        assert why.said(language) in page
        assert about.again(said) in page
        assert said["compared"].format(before="4", now="0") in page
        assert comments["reflection_choice"] in page
        for text in ("your_code", "your_answer", "not_attempted", "empty", "no_answer", "no_code"):
            assert said[text] not in page, text
        assert MODULE is not None
        stubs = MODULE.CODE_STUB
        for stub in [stubs] if isinstance(stubs, str) else stubs.values():
            assert stub not in page
        assert page.count(said["unread"]) >= 7
        links = set(re.findall(r'href="#([^"]+)"', page))
        assert links <= set(re.findall(r' id="([^"]+)"', page))


class TestEmptyCells:
    @pytest.mark.parametrize("kind", ["code", "markdown"])
    def test_work_in_another_place_is_not_called_empty(self, kind: str) -> None:
        nb = graded_notebook({"weights_init_normal": ""}, {})
        page = feedback_page(nb, automatic_grades(nb))
        assert say("en", "feedback.no_code") in page
        assert say("en", "feedback.no_code_here") not in page
        # A raw cell is one of Markdown by then.
        new = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
        nb.cells.append(new("def weights_init_normal(m): pass", id="own-1"))
        page = feedback_page(nb, automatic_grades(nb))
        assert say("en", "feedback.no_code_here") in page

    def test_an_answer_in_another_place_waits_and_shows_no_stub(
        self, nothing_ran: NotebookNode
    ) -> None:
        grades = automatic_grades(nothing_ran)
        grades["reflection_choice"] = Grade(0, 3, waiting=True)
        page = feedback_page(nothing_ran, grades)
        assert say("en", "feedback.answer_elsewhere") in page
        assert say("en", "feedback.no_answer") not in page


class TestHints:
    def test_each_part_without_its_points_has_a_hint(self, nothing_ran: NotebookNode) -> None:
        """Where nothing ran, and where nbgrader or a person gave the points."""
        page = build_page(nothing_ran, answered(nothing_ran), "en", MODULE)
        for advice in page.look_next:
            assert advice.explanation, advice.parts
            assert advice.hint or advice.explanation == say("en", "feedback.below_rubric")
        shown = feedback_page(nothing_ran, answered(nothing_ran))
        assert say("en", "feedback.hint_no_result") in shown
        marks = {"grade": True, "solution": False, "locked": True, "grade_id": "plain"}
        plain = v4.new_notebook(cells=[v4.new_code_cell("1/0", metadata={"nbgrader": marks})])
        for score in (0.0, 1.5):
            grades = {"plain": Grade(score, 2, automatic=score)}
            (advice,) = build_page(plain, grades, "en", None).look_next
            assert advice.explanation == say("en", "feedback.test_failed")
            assert advice.hint

    def test_a_test_that_a_person_marked_down_is_not_praised(
        self, nothing_ran: NotebookNode
    ) -> None:
        grades = automatic_grades(nothing_ran)
        grades["test_normal_std"] = Grade(1, 4, automatic=4.0, manual=1.0)
        nb = deepcopy(nothing_ran)
        for cell in nb.cells:
            if verdict := stored_verdicts.of_cell(cell):
                cell.metadata[stored_verdicts.KEY] = NotebookNode(
                    asdict(replace(verdict, passed=True, outcome="correct", finding="Right."))
                )
        advice = build_page(nb, grades, "en", MODULE).look_next
        told = next(a for a in advice if a.parts[0].grade_id == "test_normal_std")
        assert told.explanation == say("en", "feedback.by_a_person")
        assert told.hint


class TestSections:
    def test_lesson_is_folded_and_students_part_open(self, nothing_ran: NotebookNode) -> None:
        own = v4.new_code_cell("x = 1", id="own-1")
        failed = v4.new_code_cell(
            "1/0", outputs=[v4.new_output("error", ename="E", evalue="", traceback=[])]
        )
        cells = [*nothing_ran.cells[:5], own, nothing_ran.cells[6], failed, *nothing_ran.cells[7:]]
        shown = {id(cell): not part.folded for part in sections(cells) for cell in part.cells}
        assert shown[id(own)]
        assert shown[id(failed)]
        for cell in cells:
            marks = cell.metadata.get("nbgrader", {})
            if marks.get("solution") or marks.get("grade"):
                assert shown[id(cell)]
        assert sum(shown.values()) < 20
        assert len(shown) == len(cells)

    def test_delays_have_two_units(self) -> None:
        english = words("en")["feedback"]
        assert delay_in_words(timedelta(seconds=20), english) == "1 min"
        assert delay_in_words(timedelta(days=2, hours=0, minutes=5), english) == "2 d 5 min"
        assert delay_in_words(timedelta(days=2, hours=1, minutes=5), english) == "2 d 1 h"


class TestRendering:
    def test_tracebacks_hide_where_this_machine_keeps_its_files(self) -> None:
        traceback = [
            "\x1b[31mFile /srv/venv/lib/python3.11/site-packages/torch/nn/init.py:10\x1b[0m",
            "File /usr/lib/python3.11/json/__init__.py",
        ]
        cell = v4.new_code_cell(
            "", outputs=[v4.new_output("error", ename="E", evalue="<b>", traceback=traceback)]
        )
        (shown,) = feedback_rendering.outputs(cell, "Stopped")
        assert "site-packages/torch/nn/init.py:10" in shown
        assert "/srv" not in shown
        assert "/usr" not in shown
        assert "\x1b" not in shown
        assert "&lt;b&gt;" in shown

    def test_prints_are_joined_and_progress_keeps_its_last_line(self) -> None:
        outputs = [v4.new_output("stream", text=text) for text in ("10 %\r50 %\r", "100 %\nend\n")]
        (shown,) = feedback_rendering.outputs(v4.new_code_cell("", outputs=outputs), "")
        assert "100 %\nend</pre>" in shown
        assert "50 %" not in shown

    def test_html_outputs_are_cleaned_again(self) -> None:
        output = v4.new_output("display_data", data={"text/html": "<b onclick=x()>a</b><script>"})
        (shown,) = feedback_rendering.outputs(v4.new_code_cell("", outputs=[output]), "")
        assert "<b>a</b>" in shown
        assert "script" not in shown
        assert "onclick" not in shown

    def test_drawings_show(self) -> None:
        output = v4.new_output("display_data", data={"image/svg+xml": "<svg/>"})
        clean = clean_output(output)
        (shown,) = feedback_rendering.outputs(v4.new_code_cell("", outputs=[clean]), "")
        assert "data:image/svg+xml;base64," in shown

    def test_missing_attachment_breaks_no_page(self) -> None:
        assert "<em>a</em>" in feedback_rendering.markdown("![a](attachment:b.png)")

    @pytest.mark.parametrize(
        "formula",
        [r"\href{javascript:x()}{y}", r"\style{color:red}{x}", "\\class{a}{x}", "x" * 3000],
    )
    def test_formulas_link_and_style_nothing(self, formula: str) -> None:
        assert to_mathml(formula, display=False).startswith("<code>")

    def test_formula_holds_no_markup(self) -> None:
        shown = to_mathml(r"\text{<img src=x onerror=y>} &lt;script&gt;", display=True)
        assert "<img" not in shown
        assert "<script" not in shown

    def test_students_text_makes_no_markup(self) -> None:
        shown = feedback_rendering.markdown("<script>x</script>\n\n[a](javascript:x) **b**")
        assert "<script" not in shown
        assert "javascript:" not in shown
        assert "<strong>b</strong>" in shown
