"""Tests of computing side by side: the same results, and never worse than one after the other."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms

import helpers
from helpers.machinery import cores, side_by_side
from helpers.machinery.side_by_side import run_side_by_side
from tests.benchmarks.lesson import Net


def _process() -> int:
    return os.getpid()


def _children() -> set[str]:
    """Return this process's children, dead ones that nobody has waited for included.

    Other tests leave one: the server that runs nbgrader's commands.
    """
    lists = Path("/proc/self/task").glob("*/children")
    return {child for children in lists for child in children.read_text().split()}


class TestRunSideBySide:
    def test_uses_processes_of_their_own(self) -> None:
        first, second, third = run_side_by_side([_process] * 3, 3)
        assert first == os.getpid()
        assert len({first, second, third}) == 3

    def test_no_more_at_once_than_cores(self) -> None:
        found = run_side_by_side([_process] * 5, 2)
        assert found[:3] == [os.getpid()] * 3
        assert found[3] == found[4] != os.getpid()

    def test_keeps_the_order(self) -> None:
        jobs = [partial(abs, -number) for number in range(5)]
        for number in (1, 2, 9):
            assert run_side_by_side(jobs, number) == [0, 1, 2, 3, 4]

    def test_no_jobs(self) -> None:
        assert run_side_by_side([], 2) == []

    def test_raises_what_a_job_raises(self) -> None:
        def fail() -> int:
            raise KeyError("here")

        with pytest.raises(KeyError, match="here"):
            run_side_by_side([lambda: 1, fail], 2)

    def test_a_process_that_dies(self) -> None:
        here = os.getpid()

        def die_elsewhere() -> str:
            if os.getpid() != here:
                os.kill(os.getpid(), signal.SIGKILL)
            return "done here"

        assert run_side_by_side([lambda: "first", die_elsewhere], 2) == ["first", "done here"]

    def test_a_process_that_gets_stuck(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(side_by_side, "_GRACE", 0.2)
        before, here = _children(), os.getpid()

        def sleep_elsewhere() -> str:
            if os.getpid() != here:
                time.sleep(600)
            return "done here"

        assert run_side_by_side([lambda: "first", sleep_elsewhere], 2) == ["first", "done here"]
        assert _children() == before

    def test_an_interrupt_leaves_no_process(self) -> None:
        before = _children()

        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_side_by_side([interrupt, lambda: time.sleep(600)], 2)
        assert _children() == before


class TestComparison:
    def test_the_same_to_the_last_bit(
        self, drawn_data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        matplotlib.use("agg")
        data = datasets.FashionMNIST(str(drawn_data), train=False, transform=transforms.ToTensor())
        loaders = [
            DataLoader(data, 100, sampler=SubsetRandomSampler(part))
            for part in (range(500), range(500, 800))
        ]
        models = [(Net(), label) for label in "abc"]
        found = []
        for number in (1, 3):
            monkeypatch.setattr("helpers.comparison.idle_cores", lambda number=number: number)
            found.append(helpers.compare_init_weights(models, "t", loaders[0], loaders[1]))
        for one, other in zip(found[0].runs, found[1].runs, strict=True):
            assert one.label == other.label
            assert np.array_equal(one.losses, other.losses)
            assert one.validation_accuracy == other.validation_accuracy


class TestIdleCores:
    def test_notices_who_else_computes(self) -> None:
        spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
        try:
            # A process takes a moment to start.
            deadline = time.monotonic() + 20
            while (found := cores.busy_cores()) < 3 and time.monotonic() < deadline:
                pass
            assert found >= 3
        finally:
            for process in spinning:
                process.kill()
                process.wait()

    def test_own_threads_do_not_count(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(cores, "_LOAD", tmp_path / "loadavg")
        monkeypatch.setattr(cores, "_TASKS", tmp_path / "task")
        (tmp_path / "loadavg").write_text("1.2 0.9 0.8 4/310 1234\n")
        for number, state in enumerate("RSR"):
            (tmp_path / "task" / str(number)).mkdir(parents=True)
            (tmp_path / "task" / str(number) / "stat").write_text(f"7 (a (b) R) {state} 1 2")
        assert cores.busy_cores() == 2

    def test_without_proc_the_load_counts(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(cores, "_LOAD", tmp_path / "none")
        monkeypatch.setattr(os, "getloadavg", lambda: (3.2, 0.0, 0.0))
        assert cores.busy_cores() == 2

    def test_one_thread_is_one_core(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cores, "busy_cores", lambda: 0)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            assert cores.idle_cores() == 1
        finally:
            torch.set_num_threads(threads)
