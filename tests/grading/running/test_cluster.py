"""Tests of grading on a cluster over mutual TLS, set up by the commands of docs/large_classes.md.

Its workers die, share no folder with us, or are killed.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from tests.deadly_jobs import WORD
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, cells_by_grade_id, solve

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(900)]

POINTS = {"ada": 20.0, "bob": 0.0, "cyn": 20.0, "dan": 0.0, "eve": 20.0, "fay": 0.0}
_PATIENCE = 120


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with three right and three blank submissions."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("cluster"), any_data)
    course.build()
    course.submit_all(POINTS)
    shutil.copy(course.root / "gradebook.db", course.root / "ungraded.db")
    return course


def _environment(course: ScratchCourse) -> dict[str, str]:
    return course.environment | {"PYTHONPATH": str(COURSE_ROOT)}


def _forget(course: ScratchCourse) -> None:
    """Let nobody be graded yet."""
    shutil.rmtree(course.root / "autograded", ignore_errors=True)
    (course.root / audit.FILE).unlink(missing_ok=True)
    shutil.copy(course.root / "ungraded.db", course.root / "gradebook.db")


def _logged(course: ScratchCourse) -> list[str]:
    path = course.root / audit.FILE
    return [entry["student"] for entry in audit.read(path)] if path.is_file() else []


def _scores(course: ScratchCourse) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}


@contextlib.contextmanager
def _running(
    *command: str, folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside, and end it and all that it started."""
    process = subprocess.Popen(
        [*command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A cluster's."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    return _certified(tmp_path_factory.mktemp("home"))


def _certified(home: Path) -> dict[str, str]:
    """Type the page's commands in a home; return the environment that they give."""
    page = (COURSE_ROOT / "docs" / "large_classes.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(bash|yaml)\n((?:umask|distributed).*?)```", page, re.DOTALL))
    subprocess.run(
        ["bash", "-e", "-c", blocks["bash"]],
        env=os.environ | {"HOME": str(home)},
        check=True,
        capture_output=True,
    )
    folder = home / "grading-tls"
    (folder / "dask.yaml").write_text(blocks["yaml"].replace("/FOLDER", str(folder)))
    assert folder.stat().st_mode & 0o077 == 0
    return {"DASK_CONFIG": str(folder / "dask.yaml")}


class _Cluster:
    """A scheduler, and what starts workers for it; in folders of their own."""

    def __init__(
        self, running: contextlib.ExitStack, environment: dict[str, str], folder: Path
    ) -> None:
        self._running = running
        self._started: list[int] = []
        self._environment = environment
        self._folder = folder
        file = folder / "scheduler.json"
        options = ["--protocol", "tls", "--no-dashboard", "--port", "0", "--host", "127.0.0.1"]
        self.start([*_DASK, "scheduler", *options, "--scheduler-file", str(file)])
        deadline = time.monotonic() + _PATIENCE
        while not file.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.address: str = json.loads(file.read_text())["address"]

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        started = self._running.enter_context(
            _running(*command, folder=self._folder, environment=self._environment)
        )
        self._started.append(started.pid)
        return started

    def ports(self) -> set[int]:
        """Return the TCP ports on which it listens."""
        first = [psutil.Process(number) for number in self._started]
        family = [each for one in first for each in (one, *one.children(recursive=True))]
        return {
            connection.laddr.port
            for process in family
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }

    def worker(self, *options: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        ordinary = ["--protocol", "tls", "--no-dashboard", "--nthreads", "1", "--memory-limit", "0"]
        ordinary += ["--local-directory", str(self._folder)]
        return self.start([*before, *_DASK, "worker", *ordinary, *options, self.address])


_DASK = [sys.executable, "-m", "dask"]


def _grade(*options: str) -> list[str]:
    return [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, *options]


def test_a_killed_worker_costs_nobody_a_grade(
    course: ScratchCourse, certificates: dict[str, str], tmp_path: Path
) -> None:
    _forget(course)
    environment = _environment(course) | certificates
    # A worker sees neither the course nor the recorded runs, as on a machine of its own.
    hidden = [str(course.root), str(COURSE_ROOT / "build")]
    elsewhere = ["bwrap", "--dev-bind", "/", "/", "--die-with-parent", "--cap-add", "ALL"]
    elsewhere += [word for folder in hidden for word in ("--tmpfs", folder)]
    with contextlib.ExitStack() as running:
        cluster = _Cluster(running, environment, tmp_path)
        assert cluster.address.startswith("tls://")
        workers = [cluster.worker("--no-nanny", before=[*elsewhere, "--"]) for _ in range(2)]
        batch = running.enter_context(
            _running(
                *_grade("--scheduler", cluster.address),
                folder=course.root,
                environment=environment,
            )
        )
        deadline = time.monotonic() + _PATIENCE
        while not _logged(course) and batch.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 1 <= len(_logged(course)) < len(POINTS), "a worker should be killed midway"
        os.killpg(workers[0].pid, signal.SIGKILL)
        assert batch.wait(600) == 0
        assert workers[1].poll() is None
    assert Counter(_logged(course)) == dict.fromkeys(POINTS, 1)
    assert _scores(course) == POINTS


def test_a_submission_that_kills_workers_is_flagged(
    course: ScratchCourse, certificates: dict[str, str], tmp_path: Path
) -> None:
    _forget(course)
    notebook = course.released()
    solve(notebook)
    cells_by_grade_id(notebook)["weights_init_normal"]["source"] += f"\n{WORD}"
    course.submit("mal", notebook)
    environment = _environment(course) | certificates
    # Dask's own 3 would be right as well, and take longer.
    environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "0"
    try:
        with contextlib.ExitStack() as running:
            cluster = _Cluster(running, environment, tmp_path)
            for _ in range(2):
                # With a nanny, which starts another where one has died.
                cluster.worker("--preload", "tests.deadly_jobs")
            done = subprocess.run(
                _grade("--scheduler", cluster.address),
                cwd=course.root,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
    finally:
        shutil.rmtree(course.root / "submitted" / "mal")
    assert done.returncode == 0, done.stderr
    assert "flagged: mal" in done.stdout
    assert "1 flagged, 0 failed" in done.stdout
    assert Counter(_logged(course)) == dict.fromkeys([*POINTS, "mal"], 1)
    assert _scores(course) == POINTS | {"mal": 0.0}


def _answer(address: str, certificate: Path | None = None, key: Path | None = None) -> bytes:
    """Return what a scheduler answers to somebody with a certificate and its key, or without."""
    host, _, port = address.removeprefix("tls://").partition(":")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, key)
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        # TLS 1.3 tells of a missing certificate with the first answer.
        try:
            with context.wrap_socket(plain) as connection:
                connection.sendall(b"hello")
                return connection.recv(1024)
        except (ssl.SSLError, ConnectionError):
            return b""


def test_who_has_no_certificate_is_not_heard(
    course: ScratchCourse, certificates: dict[str, str], tmp_path: Path
) -> None:
    with contextlib.ExitStack() as running:
        cluster = _Cluster(running, _environment(course) | certificates, tmp_path)
        assert not _answer(cluster.address)


def test_another_authority_is_not_heard(
    course: ScratchCourse, certificates: dict[str, str], tmp_path: Path
) -> None:
    other = _certified(tmp_path)
    with contextlib.ExitStack() as running:
        cluster = _Cluster(running, _environment(course) | certificates, tmp_path)
        done = subprocess.run(
            _grade("--scheduler", cluster.address),
            cwd=course.root,
            env=_environment(course) | other,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        folder = Path(other["DASK_CONFIG"]).parent
        answer = _answer(cluster.address, folder / "cert.pem", folder / "key.pem")
    assert done.returncode == 2
    assert "No connection to the scheduler" in done.stderr
    assert not answer


def test_plain_http_says_nothing(
    course: ScratchCourse, certificates: dict[str, str], tmp_path: Path
) -> None:
    """Scheduler, worker and nanny each listen for HTTP as well, which knows no certificate."""
    with contextlib.ExitStack() as running:
        cluster = _Cluster(running, _environment(course) | certificates, tmp_path)
        cluster.worker()
        deadline = time.monotonic() + _PATIENCE
        ports: set[int] = set()
        # Two of the scheduler, two of the worker, one of its nanny.
        while len(ports) < 5 and time.monotonic() < deadline:
            time.sleep(1)
            ports = cluster.ports()
        answers = {
            (port, path): _get(port, path)
            for port in ports
            for path in ("/", "/info", "/health", "/status", "/metrics", "/json/counts.json")
        }
    assert len(ports) >= 5
    assert {answer for answer in answers.values() if answer is not None} == {404}


def _get(port: int, path: str) -> int | None:
    """Return the status of an answer over HTTP; None where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("address", "configured", "said"),
    [
        ("tcp://127.0.0.1:1", True, "is refused"),
        ("127.0.0.1:1", True, "is refused"),
        ("ws://127.0.0.1:1", True, "is refused"),
        ("tls://127.0.0.1:1", False, "distributed.comm.tls.client.key"),
        ("tls://127.0.0.1:1", True, "No connection to the scheduler"),
    ],
)
def test_an_unsafe_scheduler_is_refused(
    course: ScratchCourse,
    certificates: dict[str, str],
    address: str,
    configured: bool,
    said: str,
) -> None:
    done = subprocess.run(
        _grade("--scheduler", address),
        cwd=course.root,
        env=_environment(course) | (certificates if configured else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "tls" in done.stderr or "certificate" in done.stderr
