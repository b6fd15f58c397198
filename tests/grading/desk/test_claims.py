"""Tests of what is read out of an answer and a rubric: figures, rows, lines, kappa."""

import pytest

from grading.desk.agreement import cohens_kappa, is_shared
from grading.desk.alike import groups
from grading.desk.claims import rows_named, suggest
from grading.desk.figures import figures_in
from grading.desk.rubric import Line, lines
from grading.desk.tables import tables_in

TEXT = """\
Training, epoch 1:  done
After 2 epochs on images:
initial weights         validation accuracy  training loss
All zeros                            9.98 %          2.303
Uniform [0, 1)                      46.20 %         14.210
Uniform rule [-y, y)                85.38 %          0.406
PyTorch default                     85.84 %          0.411
"""
(TABLE,) = tables_in(TEXT)


def test_a_table_has_a_caption_heads_and_rows() -> None:
    assert TABLE.caption == "After 2 epochs on images"
    assert TABLE.heads == ("initial weights", "validation accuracy", "training loss")
    assert TABLE.rows[3] == ("PyTorch default", "85.84 %", "0.411")
    # A data frame names its rows in a column without a head.
    (frame,) = tables_in("   loss  accuracy\na  0.41      0.86\nb  0.52      0.81\n")
    assert frame.heads == ("", "loss", "accuracy")
    assert frame.rows[1] == ("b", "0.52", "0.81")
    assert tables_in("a  b\nc\n\nx  y\nno  figures\n") == []


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("85.84 %", ((3, 1),)),
        ("85.8%", ((3, 1),)),
        ("86 %", ((3, 1),)),
        ("85,84 %", ((3, 1),)),
        ("８５.８４％", ((3, 1),)),
        ("0.8584", ((3, 1),)),
        ("0.41", ((2, 2), (3, 2))),
        ("85.02 %", ()),
    ],
    ids=["whole", "rounded", "integer", "comma", "wide", "share", "two", "none"],
)
def test_a_figure_stands_where_it_is_rounded_from(
    text: str, cells: tuple[tuple[int, int], ...]
) -> None:
    (figure,) = figures_in(f"It reached {text} after 2 epochs of run 1.", TABLE)
    assert figure.cells == cells


def test_a_lead_is_a_difference_from_the_best() -> None:
    (figure,) = figures_in("Only 0.46 points ahead, in 3 layers, by 1/sqrt(n) and x2.", TABLE)
    assert (figure.cells, figure.difference) == ((), (3, 2, 1))


def test_a_part_of_a_rows_name_is_no_figure() -> None:
    (table,) = tables_in("row  loss\nCentered [-0.5, 0.5)  0.75\nRule  0.25\n")
    assert [each.text for each in figures_in("[−0.5, 0.5) reached 0.75.", table)] == ["0.75"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The uniform rule won.", ("uniform rule",)),
        ("The **Uniform  Rule** and the default.", ("uniform rule", "pytorch default")),
        ("uniform from 0 to 1, and zeros", ("all zeros", "uniform")),
        ("Unruly uniforms, defaulting.", ()),
    ],
    ids=["short", "two", "unique-word", "within-words"],
)
def test_rows_are_named_as_people_do(text: str, named: tuple[str, ...]) -> None:
    assert rows_named(text, TABLE) == named


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("The default, 85.84 %, had the highest accuracy.", 1),
        ("The default had the highest accuracy.", 0.5),
        ("It was 85.84 %.", 0.5),
        ("The uniform rule, 85.38 %.", 0),
    ],
    ids=["both", "row", "figure", "other"],
)
def test_a_suggestion_holds_an_answer_against_the_table(text: str, points: float) -> None:
    line = Line("you name the row with the highest validation accuracy, with its figure.", 1)
    told = suggest(line, TABLE, rows_named(text, TABLE), figures_in(text, TABLE), "en")
    assert told is not None
    assert told.points == points
    other = Line("you say how far ahead each of them is.", 1)
    assert suggest(other, TABLE, (), (), "en") is None


def test_a_rubric_has_lines_that_add_up() -> None:
    scheme = "- 1 point: first,\n  which goes on.\n- 2 points: second.\n"
    assert lines(scheme, 3) == (Line("first, which goes on.", 1), Line("second.", 2))
    assert lines("- 1 分：一。\n- 0.5 分：二。", 1.5) == (Line("一。", 1), Line("二。", 0.5))
    assert lines(scheme, 4) == lines("", 4) == (Line("", 4),)


def test_groups_are_of_one_claim_and_like_words() -> None:
    texts = [
        "the rule keeps the signal in size",
        "the rule keeps the size of the signal",
        "I like bananas",
        "the rule keeps the signal in size",
        "信号的大小逐层不变",
        "信号的大小逐层都不变",
    ]
    numbers = groups(texts, ["a", "a", "a", "b", "c", "c"])
    assert numbers[0] == numbers[1]
    assert numbers[4] == numbers[5]
    assert len(set(numbers)) == 4
    assert groups([], []) == []


def test_kappa_is_cohens() -> None:
    # Cohen's own kind of table: 20 and 15 equal of 50, 5 and 10 not.
    pairs = [(1.0, 1.0)] * 20 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 10 + [(0.0, 0.0)] * 15
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([(1.0, 1.0)] * 3) is None
    assert cohens_kappa([]) is None


def test_a_share_of_answers_is_the_same_for_everybody() -> None:
    names = [f"{number:032x}" for number in range(2000)]
    assert 150 < sum(is_shared(name, 0.1) for name in names) < 250
    assert all(is_shared(name, 1) for name in names)
    assert not any(is_shared(name, 0) for name in names)
