"""Tests of which sandbox a thread gets: its own, and never one that broke down."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grading import sandbox
from grading.running import jobs
from grading.sandbox import SandboxFailed, pool
from grading.sandbox.given import Given
from grading.sandbox.progress import Progress
from grading.submission import Job, Limits, Surroundings


class _Fake:
    """Stands for a sandbox; what it does is `behave`."""

    made: list["_Fake"]

    def __init__(self, surroundings: object) -> None:
        self.surroundings = surroundings
        self.thread = threading.get_ident()
        self.alive = True
        self.begun: str | None = None
        self.runs = 0
        type(self).made.append(self)

    def lives(self) -> bool:
        return self.alive

    @property
    def controls(self) -> bool:
        """Whether it ran the notebook that is known to be good."""
        return self.sources == ["6 * 7"]

    def run(
        self, job: dict[str, Any], files: Path, limits: Limits, given: Given | None = None
    ) -> Progress:
        self.begun = given.digest if given else None
        assert self.thread == threading.get_ident()
        self.runs += 1
        self.sources = [cell.source for cell in job["notebook"].cells]
        type(self).behave(self)
        shown = {"output_type": "execute_result", "data": {"text/plain": "42"}, "metadata": {}}
        return Progress(complete=True, cells=dict.fromkeys(range(len(self.sources)), ([shown], 1)))

    @staticmethod
    def behave(fake: "_Fake") -> None:
        """Do nothing."""

    def kill(self) -> None:
        self.alive = False

    def close(self) -> None:
        self.alive = False


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Fake]]:
    class Fake(_Fake):
        made = []  # noqa: RUF012 - a new list for each test, which is what the fixture is for

    sandbox.close()
    monkeypatch.setattr(pool, "Sandbox", Fake)
    monkeypatch.setattr(pool, "_all", set())
    monkeypatch.setattr(pool, "_stopped", False)
    yield Fake
    sandbox.close()


def _execute(tmp_path: Path, **options: Any) -> None:
    sandbox.execute(new_notebook(), tmp_path, Surroundings(**options))


def test_the_same_one_for_the_same_surroundings(fake: type[_Fake], tmp_path: Path) -> None:
    _execute(tmp_path)
    _execute(tmp_path)
    assert [one.runs for one in fake.made] == [2]
    _execute(tmp_path, data=tmp_path)
    assert [one.alive for one in fake.made] == [False, True]


def test_two_for_those_that_begin_with_given_cells(fake: type[_Fake], tmp_path: Path) -> None:
    def execute(source: str, given: int = 1) -> None:
        sandbox.execute(new_notebook(cells=[new_code_cell(source)]), tmp_path, given=given)

    # Only from the second one on; the first could be the last.
    execute("1")
    assert [one.begun is None for one in fake.made] == [True]
    execute("1")
    assert [one.begun is None for one in fake.made] == [False]
    execute("own", 0)
    execute("1")
    assert [one.runs for one in fake.made] == [3, 1]
    # Another edition takes the place of the first, in the sandbox that had begun nowhere.
    execute("2")
    execute("2")
    assert [one.alive for one in fake.made] == [False, True]
    assert [one.runs for one in fake.made] == [3, 3]
    assert fake.made[1].begun is not None


def test_what_given_cells_break_begins_at_the_beginning(fake: type[_Fake], tmp_path: Path) -> None:
    def behave(one: _Fake) -> None:
        if one.begun:
            raise SandboxFailed("unfit", Progress())

    fake.behave = staticmethod(behave)  # type: ignore[assignment]  # as a method
    for _ in range(3):
        notebook = new_notebook(cells=[new_code_cell("broken")])
        assert sandbox.execute(notebook, tmp_path, given=1).complete
    assert [one.alive for one in fake.made] == [False, True]
    assert [one.runs for one in fake.made] == [2, 2]


def test_one_for_each_thread(fake: type[_Fake], tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=20)
    fake.behave = staticmethod(lambda _: together.wait())  # type: ignore[assignment]  # as a method
    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(_execute, tmp_path) for _ in range(6)]:
            future.result()
    assert sum(one.runs for one in fake.made) == 6
    assert len(fake.made) == 2


@pytest.mark.parametrize("error", [SandboxFailed("broke"), OSError("full"), KeyboardInterrupt()])
def test_another_after_one_broke_down(
    fake: type[_Fake], tmp_path: Path, error: BaseException
) -> None:
    def fail(_: object) -> None:
        raise error

    fake.behave = staticmethod(fail)  # type: ignore[assignment]  # as a method
    with pytest.raises(type(error)):
        _execute(tmp_path)
    fake.behave = _Fake.behave  # type: ignore[method-assign]  # what it was
    _execute(tmp_path)
    assert [one.alive for one in fake.made] == [False, True]


def test_a_job_is_tried_again_in_another(fake: type[_Fake]) -> None:
    def fail(one: _Fake) -> None:
        if len(fake.made) < 3:
            raise SandboxFailed("broke")

    fake.behave = staticmethod(fail)  # type: ignore[assignment]  # as a method
    jobs.run(Job(new_notebook()))
    assert [one.runs for one in fake.made] == [1, 1, 1]


@pytest.mark.parametrize(("alone", "sandboxes"), [(True, 2), (False, 3)])
def test_a_job_that_breaks_every_sandbox_is_to_blame(
    fake: type[_Fake], alone: bool, sandboxes: int
) -> None:
    """At once where process 1 is left, after another try where all of it is gone."""

    def fail(one: _Fake) -> None:
        if not one.controls:
            progress = Progress(ready=True, over=alone, running=1)
            progress.cells[0] = ([], 1)
            raise SandboxFailed("broke", progress)

    fake.behave = staticmethod(fail)  # type: ignore[assignment]  # as a method
    run = jobs.run(Job(new_notebook(cells=[new_code_cell("1"), new_code_cell("2")])))
    assert (run.broke, run.complete) == (1, False)
    assert [cell.execution_count for cell in run.notebook.cells] == [1, None]
    assert [one.controls for one in fake.made] == [False] * (sandboxes - 1) + [True]


def test_a_machine_that_breaks_every_sandbox_is_to_blame(fake: type[_Fake]) -> None:
    def fail(_: _Fake) -> None:
        raise SandboxFailed("broke", Progress(ready=True, over=True))

    fake.behave = staticmethod(fail)  # type: ignore[assignment]  # as a method
    with pytest.raises(SandboxFailed, match="broke"):
        jobs.run(Job(new_notebook(cells=[new_code_cell("1")])))
    assert [one.controls for one in fake.made] == [False, True] * 3


def test_none_after_all_were_stopped(fake: type[_Fake], tmp_path: Path) -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait(one: _Fake) -> None:
        started.set()
        assert go_on.wait(20)
        if not one.alive:
            raise SandboxFailed("it has ended")

    fake.behave = staticmethod(wait)  # type: ignore[assignment]  # as a method
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(jobs.run, Job(new_notebook()))
        assert started.wait(20)
        sandbox.stop()
        go_on.set()
        with pytest.raises(SandboxFailed, match="stopped"):
            future.result()
    assert len(fake.made) == 1
