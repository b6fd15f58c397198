"""Tests whose turn it is, what has arrived as a whole, and what is remembered of it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grading.serving.arrivals import Arrival, Inbound, Settling
from grading.serving.journal import Journal
from grading.serving.only_one import only_one
from grading.serving.status import Failure, NoStatus, Status, read, sentences, utc_now
from grading.serving.waiting import Turn, Waiting

NOON = datetime(2026, 1, 2, 12)


def arrival(student: str, minute: int, assignment: str = "one") -> Arrival:
    handed_in = NOON + timedelta(minutes=minute)
    return Arrival(f"{student}+{minute}", student, assignment, handed_in, 60.0 * minute)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def turns(waiting: Waiting) -> list[str]:
    """Take turns, each over at once, until nobody waits."""
    taken = []
    while (turn := waiting.next()) is not None:
        taken.append(turn.arrival.name)
        waiting.done(turn.arrival)
    return taken


class TestWaiting:
    def test_order_of_arrival(self) -> None:
        waiting = Waiting()
        for student, minute in (("bob", 2), ("ada", 1), ("cyn", 3)):
            waiting.add(arrival(student, minute))
        assert len(waiting) == 3
        assert turns(waiting) == ["ada+1", "bob+2", "cyn+3"]

    def test_the_newest_of_a_student_alone(self) -> None:
        waiting = Waiting()
        for minute in (3, 5, 4):
            waiting.add(arrival("ada", minute))
        turn = waiting.next()
        assert turn == Turn(arrival("ada", 5), (arrival("ada", 3), arrival("ada", 4)))
        assert len(waiting) == 0

    def test_each_in_order_where_the_best_counts(self) -> None:
        waiting = Waiting(each=True)
        for minute in (3, 5, 4):
            waiting.add(arrival("ada", minute))
        assert turns(waiting) == ["ada+3", "ada+4", "ada+5"]

    def test_who_hands_in_again_and_again_keeps_nobody_waiting(self) -> None:
        waiting = Waiting(each=True)
        for minute in range(50):
            waiting.add(arrival("eve", minute))
        waiting.add(arrival("bob", 60))
        assert turns(waiting)[:3] == ["eve+0", "bob+60", "eve+1"]

    def test_one_of_a_student_at_a_time_for_an_assignment(self) -> None:
        waiting = Waiting()
        waiting.add(arrival("ada", 1))
        first = waiting.next()
        waiting.add(arrival("ada", 2))
        waiting.add(arrival("ada", 3, "two"))
        assert first is not None
        other = waiting.next()
        assert other is not None
        assert other.arrival.assignment == "two"
        assert waiting.next() is None
        assert waiting.students("one") == {"ada"}
        waiting.done(first.arrival)
        assert turns(waiting) == ["ada+2"]

    def test_what_fails_is_tried_again_later_and_seldomer(self) -> None:
        clock = Clock()
        waiting = Waiting(clock=clock)
        waiting.add(arrival("ada", 1))
        pauses = []
        for _ in range(12):
            turn = waiting.next()
            assert turn is not None
            pauses.append(waiting.again(turn))
            assert waiting.next() is None
            clock.now += pauses[-1]
        assert pauses[:3] == [2, 4, 8]
        assert pauses[-1] == 300

    def test_what_fails_is_replaced_by_what_is_newer(self) -> None:
        clock = Clock()
        waiting = Waiting(clock=clock)
        waiting.add(arrival("ada", 1))
        turn = waiting.next()
        assert turn is not None
        waiting.again(turn)
        waiting.add(arrival("ada", 2))
        clock.now = 10
        assert waiting.next() == Turn(arrival("ada", 2), (arrival("ada", 1),))

    def test_what_always_fails_lets_the_next_attempt_pass(self) -> None:
        clock = Clock()
        waiting = Waiting(each=True, clock=clock)
        waiting.add(arrival("ada", 1))
        waiting.add(arrival("ada", 2))
        tried = []
        for _ in range(5):
            turn = waiting.next()
            assert turn is not None
            tried.append(turn.arrival.name)
            clock.now += waiting.again(turn) if turn.arrival.name == "ada+1" else 0
            if turn.arrival.name == "ada+2":
                break
        assert tried == ["ada+1"] * 3 + ["ada+2"]

    def test_who_has_to_wait_is_no_failure(self) -> None:
        clock = Clock()
        waiting = Waiting(clock=clock)
        waiting.add(arrival("ada", 1))
        turn = waiting.next()
        assert turn is not None
        assert waiting.again(turn, 600) == 600
        clock.now = 599
        assert waiting.next() is None
        clock.now = 600
        assert waiting.next() == turn
        assert waiting.again(turn) == 2

    def test_thousands_wait(self) -> None:
        waiting = Waiting()
        for number in range(1000):
            waiting.add(arrival(f"student{number:04}", number))
        assert turns(waiting) == [f"student{number:04}+{number}" for number in range(1000)]


def submission(inbound: Path, student: str = "ada", whole: bool = True) -> Path:
    folder = inbound / f"{student}+one+2026-01-02 12:00:00.000000 UTC+abc"
    (folder / "below").mkdir(parents=True)
    for name in ("one.ipynb", "below/data.csv", "timestamp.txt"):
        (folder / name).write_text("x")
    if whole:
        (folder / "submission_secret.txt").write_text("ab" * 64)
        folder.chmod(0o777)
    return folder


class TestInbound:
    def test_what_was_submitted_is_whole_at_once(self, tmp_path: Path) -> None:
        folder = submission(tmp_path)
        inbound = Inbound(tmp_path, ["one"], set())
        (found,) = inbound.arrivals()
        assert (found.name, found.student, found.assignment) == (folder.name, "ada", "one")
        assert found.handed_in == NOON
        assert found.arrived == folder.stat().st_ctime
        assert list(inbound.arrivals()) == []

    @pytest.mark.parametrize("step", ["no secret", "half a secret", "closed file", "closed folder"])
    def test_what_is_half_written_is_not(self, tmp_path: Path, step: str) -> None:
        folder = submission(tmp_path)
        secret = folder / "submission_secret.txt"
        if step == "no secret":
            secret.unlink()
        elif step == "half a secret":
            secret.write_text("")
        elif step == "closed file":
            (folder / "below/data.csv").chmod(0o600)
        else:
            folder.chmod(0o755)
        inbound = Inbound(tmp_path, ["one"], set(), Settling(settled=1000, longest=1000))
        assert list(inbound.arrivals()) == []
        secret.write_text("ab" * 64)
        (folder / "below/data.csv").chmod(0o644)
        folder.chmod(0o777)
        assert [found.student for found in inbound.arrivals()] == ["ada"]

    def test_what_was_put_there_by_hand_is_taken_once_it_rests(self, tmp_path: Path) -> None:
        folder = submission(tmp_path, whole=False)
        inbound = Inbound(tmp_path, ["one"], set(), Settling(settled=0.0, longest=1000))
        assert list(inbound.arrivals()) == []
        assert len(list(inbound.arrivals())) == 1
        assert folder.is_dir()

    def test_what_goes_on_changing_is_taken_in_the_end(self, tmp_path: Path) -> None:
        folder = submission(tmp_path, whole=False)
        settling = Settling(settled=1000, longest=0.0)
        assert not settling.has_settled(folder)
        (folder / "more").write_text("x")
        assert settling.has_settled(folder)

    def test_a_change_begins_the_wait_anew(self, tmp_path: Path) -> None:
        folder = submission(tmp_path, whole=False)
        settling = Settling(settled=0.0, longest=1000)
        assert not settling.has_settled(folder)
        (folder / "below/data.csv").write_text("longer")
        # With no wait at all the new state counts as rested; with one it does not.
        assert settling.has_settled(folder)
        patient = Settling(settled=0.2, longest=1000)
        assert not patient.has_settled(folder)
        (folder / "below/data.csv").write_text("longer still")
        assert not patient.has_settled(folder)

    def test_what_is_done_or_of_others_is_passed_over(self, tmp_path: Path) -> None:
        done = submission(tmp_path)
        (tmp_path / "ada+two+2026-01-02 12:00:00 UTC+abc").mkdir()
        (tmp_path / "no submission").mkdir()
        (tmp_path / "ada+one+when?+abc").mkdir()
        assert list(Inbound(tmp_path, ["one"], {done.name}).arrivals()) == []

    def test_a_link_is_not_looked_into(self, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        inbound = tmp_path / "inbound"
        inbound.mkdir()
        (inbound / "ada+one+2026-01-02 12:00:00 UTC+abc").symlink_to(other)
        # Collecting says why it is not taken.
        assert [found.student for found in Inbound(inbound, ["one"], set()).arrivals()] == ["ada"]

    def test_thousands_of_old_ones_cost_little(self, tmp_path: Path) -> None:
        names = {f"s{n}+one+2026-01-02 12:00:00 UTC+abc" for n in range(3000)}
        for name in names:
            (tmp_path / name).mkdir()
        inbound = Inbound(tmp_path, ["one"], names)
        began = os.times().user + os.times().system
        assert list(inbound.arrivals()) == []
        assert os.times().user + os.times().system - began < 0.2


class TestJournal:
    def test_remembers_across_restarts(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        Journal(path).add(["a", "", "ü \udcff"])
        Journal(path).add(["b"])
        assert Journal(path).names == {"a", "ü \udcff", "b"}

    def test_a_line_that_a_crash_cut_short_does_not_count(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        Journal(path).add(["a", "b"])
        path.write_bytes(path.read_bytes()[:-4])
        journal = Journal(path)
        assert journal.names == {"a"}
        journal.add(["c"])
        assert Journal(path).names == {"a", "c"}

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_a_full_disk_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        journal = Journal(path)
        path.symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            journal.add(["a"])
        assert journal.names == set()


class TestOnlyOne:
    def test_the_second_says_so(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        script = (
            "import sys; from pathlib import Path\n"
            "from grading.serving.only_one import *\n"
            "try:\n"
            "    with only_one(Path(sys.argv[1])): print('served')\n"
            "except AlreadyServed as error: print(error)\n"
        )
        command = [sys.executable, "-c", script, str(path)]
        with only_one(path):
            second = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"served already, by process {os.getpid()} on" in second
        third = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert third == "served\n"

    def test_a_child_that_outlives_it_keeps_nobody_out(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        with only_one(path):
            child = os.fork()
            if child == 0:
                os.execvp("sleep", ["sleep", "30"])
        try:
            done = subprocess.run(
                [sys.executable, "-c", _TAKE, str(path)], capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


_TAKE = (
    "import sys; from pathlib import Path; from grading.serving.only_one import only_one\n"
    "with only_one(Path(sys.argv[1])): pass"
)


class TestStatus:
    def test_tells_queue_rate_and_failures(self, tmp_path: Path) -> None:
        told = Status(["one"], utc_now(), waiting=3, under_way=2)
        for waited in (1.0, 2.0, 9.0):
            told.end(waited, flagged=waited > 5)
        told.failures.append(Failure(utc_now(), "bob\x1b[2J", "one", "The disk is full.", 4.0))
        told.write(tmp_path / "status")
        said = sentences(read(tmp_path / "status"))
        assert "3 waiting, 2 under way; 3 graded, 1 of them for a person" in said
        assert "3 a minute, a page 2 s after handing in (median)." in said
        assert "bob\\x1b[2J, one: The disk is full.; tried again after 4 s" in said
        assert "nobody serves" not in said

    def test_an_old_one_says_so(self, tmp_path: Path) -> None:
        Status(["one"], utc_now()).write(tmp_path / "status")
        old = read(tmp_path / "status")
        old["at"] = (datetime.now(UTC) - timedelta(minutes=7)).isoformat()
        assert sentences(old).startswith("This is 7 min old: nobody serves the course now.")

    def test_keeps_the_last_failures_alone(self, tmp_path: Path) -> None:
        told = Status(["one"], utc_now())
        for number in range(1000):
            told.failures.append(Failure(utc_now(), f"s{number}", "one", "why", None))
            told.end(1.0, flagged=False)
        told.write(tmp_path / "status")
        kept = json.loads((tmp_path / "status").read_text())["failures"]
        assert [entry["student"] for entry in kept] == [f"s{number}" for number in range(990, 1000)]

    def test_nobody_has_served(self, tmp_path: Path) -> None:
        with pytest.raises(NoStatus, match="nobody has served"):
            read(tmp_path / "status")
