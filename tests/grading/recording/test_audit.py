"""Tests of the audit log: the chain, what breaks it, and what a regrade changed."""

import json
from pathlib import Path

import pytest

from grading.recording import audit
from grading.recording.audit import AuditLogBroken


def entry(student: str, **scores: float) -> audit.Entry:
    return {
        "when": "2026-01-01T00:00:00+00:00",
        "student": student,
        "assignment": "weight_initialization",
        "notebook": "weight_initialization",
        "scores": scores,
        "remarks": [],
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / audit.FILE
    for student, score in (("ada", 2.0), ("grace", 4.0), ("ada", 0.0), ("emmy", 1.0)):
        audit.append(path, entry(student, test_normal_mean=score))
    return path


def test_entries_come_back_in_order(log: Path) -> None:
    assert [item["student"] for item in audit.read(log)] == ["ada", "grace", "ada", "emmy"]


def test_earlier_grading_of_the_same_submission_is_returned(log: Path) -> None:
    before = audit.append(log, entry("ada", test_normal_mean=2.0))
    assert before is not None
    assert before["scores"] == {"test_normal_mean": 0.0}
    assert audit.changes(before, entry("ada", test_normal_mean=2.0)) == [
        "test_normal_mean: 0.0 -> 2.0"
    ]
    assert audit.append(log, entry("nobody")) is None


def test_scores_before_are_those_of_other_work(tmp_path: Path) -> None:
    path = tmp_path / audit.FILE
    of = ("ada", "weight_initialization", "weight_initialization")
    assert audit.scores_before(path, of, "a") == {}

    def grade(student: str, submission: str, seed: str, score: float | None) -> None:
        scored = {"submission": submission, "seed": seed, "scores": {"test_normal_mean": score}}
        audit.append(path, entry(student) | scored)

    grade("ada", "a", "1", 1.0)
    assert audit.scores_before(path, of, "a") == {}
    grade("ada", "a", "1", 2.0)  # graded again
    grade("grace", "b", "3", 4.0)
    grade("ada", "", "", None)  # the machine failed
    assert audit.scores_before(path, of, "a") == {}
    grade("ada", "b", "2", None)
    assert audit.scores_before(path, of, "b") == {"test_normal_mean": 2.0}
    grade("ada", "b", "4", 2.0)  # another file beside the same notebook
    assert audit.scores_before(path, of, "b") == {"test_normal_mean": 0.0}
    grade("ada", "c", "5", 1.5)
    assert audit.scores_before(path, of, "c") == {"test_normal_mean": 2.0}
    # The page of what is graded, whatever has been graded since.
    assert audit.scores_before(path, of, "a") == {}
    assert audit.scores_before(path, of, "d") == {}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_changed_or_removed_line_shows(log: Path, number: int) -> None:
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:number] + lines[number + 1 :]))
    with pytest.raises(AuditLogBroken, match=f"line {number + 1}: the line before"):
        list(audit.read(log))
    forged = json.dumps(json.loads(lines[number]) | {"scores": {"test_normal_mean": 4}})
    log.write_text("".join([*lines[:number], forged + "\n", *lines[number + 1 :]]))
    with pytest.raises(AuditLogBroken, match=f"line {number + 2}: the line before"):
        list(audit.read(log))


def test_half_a_line_is_not_built_upon(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-10])
    with pytest.raises(AuditLogBroken, match="ends within line 4"):
        audit.append(log, entry("ada"))


def test_command_lists_and_checks(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--file", str(log), "--student", "ada"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("ada  2")
    assert lines[1].endswith("ada  0  test_normal_mean: 2.0 -> 0.0")
    assert lines[2] == "4 entries, each linked to the one before it."
    log.write_text("not JSON\n")
    assert audit.main(["--file", str(log)]) == 1
    assert "not JSON" in capsys.readouterr().err
