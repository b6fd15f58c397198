"""Shows the whole way of an assignment with eleven students: run as `python -m grading demo`.

Everything happens in `build/demo`, which is made anew each time: a copy of the course, nbgrader's
exchange, and a folder for each student. The commands are nbgrader's own.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from grading import sandbox
from grading.assignment import Assignment, Assignments, course_config
from grading.course.commands import run_nbgrader
from grading.demo.students import Student, read_students, write_answers
from grading.demo.table import read_results, render
from grading.errors import GradingError

COURSE_ROOT = Path(__file__).resolve().parents[2]
_LOG_TAIL = 30  # lines of the log shown when a step fails
_STEPS = 9


class DemoFailed(GradingError):
    """A step of the demonstration did not do what it must."""


class Demo:
    """The folders of one demonstration, and the steps that are taken in them."""

    def __init__(
        self, folder: Path, assignment: str, module: Assignment, students: Sequence[Student]
    ) -> None:
        self.folder = folder
        self.assignment = assignment
        self.module = module
        self.students = students
        self.course = folder / "course"
        self.exchange = folder / "exchange"
        self.site = folder / "site"
        self.grades = folder / "grades.csv"
        self.log = folder / "demo.log"
        self._log_lock = threading.Lock()
        self._data = ""
        self._remarks: list[str] = []
        self._step = 0

    def run(self) -> None:
        """Take every step and print the table; wait for no other demonstration in this folder.

        Raises:
            DemoFailed: something does not hold that must.
            CommandFailed: an nbgrader command failed.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoFailed(f"Another demonstration is running in {self.folder}.") from None
            self._run()

    def _run(self) -> None:
        with self._stage("Prepare a scratch course, an exchange and the data"):
            self._prepare()
        for remark in self._remarks:
            print(textwrap.fill(remark, 100, initial_indent=" " * 6, subsequent_indent=" " * 6))
        with self._stage("Build the student notebook and release it"):
            self._in_course("generate_assignment", self.assignment)
            self._in_course("release_assignment", self.assignment)
        with self._stage(f"{len(self.students)} students fetch, work and submit"):
            for student in self.students:
                if not student.late:
                    self._submit(student)
            # The assignment is due now; who submits from here on is late.
            due = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
            self._in_course("db", "assignment", "add", self.assignment, f"--duedate={due}")
            for student in self.students:
                if student.late:
                    self._submit(student)
        with self._stage("Collect the submissions"):
            # All students of the demonstration share the account it runs in, so the owner of a
            # submission says nothing here.
            self._in_course("collect", self.assignment, "--ExchangeCollect.check_owner=False")
            self._expect_submissions()
        with self._stage("Grade them", progress=True):
            self._course_command("autograde", self.assignment)
        with self._stage("Generate and release the feedback"):
            self._in_course("generate_feedback", self.assignment)
            self._in_course("release_feedback", self.assignment)
        with self._stage("Fetch it back as a student"):
            page = self._fetch_feedback()
        with self._stage("Export the grades"):
            self._in_course("export", f"--to={self.grades}")
        with self._stage("Report on the class"):
            self._course_command("report", self.assignment)
        results = read_results(self.course, self.assignment, self.students)
        print(f"\n{render(results)}\n")
        report = self.course / "reports" / f"{self.assignment}.html"
        print("What to look at next, with xdg-open or in any browser:")
        for what, path in (
            ("Feedback page to open: ", page),
            ("Class report to open:  ", report),
            ("Exported grades:       ", self.grades),
            ("Log of all commands:   ", self.log),
        ):
            # As it is typed from here.
            print(what + os.path.relpath(path))

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_LOG_TAIL:])

    @contextmanager
    def _stage(self, what: str, *, progress: bool = False) -> Iterator[None]:
        self._step += 1
        print(f"[{self._step}/{_STEPS}] {what} ...", end="\n" if progress else " ", flush=True)
        began = time.monotonic()
        try:
            yield
        except BaseException:
            print("failed", flush=True)
            raise
        took = f"{time.monotonic() - began:.0f} s"
        print(f"      done in {took}" if progress else took, flush=True)

    def _prepare(self) -> None:
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(mode=0o700)
        self.course.mkdir()
        for name in ("source", *self.module.PACKAGES):
            shutil.copytree(
                COURSE_ROOT / name,
                self.course / name,
                symlinks=True,
                ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
            )
        for path in COURSE_ROOT.glob("nbgrader_config.*"):
            shutil.copy(path, self.course)
        # What a site's administrator would put into Jupyter's configuration for everybody.
        self.site.mkdir()
        settings = {
            "CourseDirectory.course_id": course_config(COURSE_ROOT).CourseDirectory.course_id,
            "Exchange.root": str(self.exchange),
            "SandboxedExecute.allow_unsandboxed": not self._is_isolated(),
            # The training that the next demonstration would repeat stays.
            "SandboxedExecute.recorded_runs": str(COURSE_ROOT / "build/recorded_runs"),
        }
        lines = ("c = get_config()\n", *(f"c.{name} = {it!r}\n" for name, it in settings.items()))
        (self.site / "nbgrader_config.py").write_text("".join(lines), encoding="utf-8")
        # nbgrader wants an exchange that everybody may write to.
        self.exchange.mkdir()
        self.exchange.chmod(0o1777)
        self._find_data()

    def _is_isolated(self) -> bool:
        """Tell whether there is a sandbox, and remark on it; the demonstration does without.

        Its students are this program's own. A course refuses.
        """
        try:
            sandbox.check_available()
        except sandbox.SandboxUnavailable as error:
            self._remarks.append(f"Student code runs WITHOUT a sandbox, with your rights. {error}")
            return False
        self._remarks.append(f"Student code runs in a sandbox, by {sandbox.program_in_use()}.")
        return True

    def _find_data(self) -> None:
        """Find the data once, so that no submission has to look or wait for a download.

        It is done in the course's own folder, where a download is kept for the next time.
        """
        finding = subprocess.run(
            [sys.executable, "-m", self.module.PACKAGES[0]],
            cwd=COURSE_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self._write_log(finding.stdout + finding.stderr)
        if finding.returncode != 0:
            reason = finding.stderr.strip().splitlines()[-1:] or ["no message"]
            raise DemoFailed(f"The data could not be prepared. {reason[0]}")
        *remarks, self._data = finding.stdout.splitlines()
        self._remarks += remarks

    def _environment(self, owner: Path) -> dict[str, str]:
        """Return the data's place, and what keeps this machine's Jupyter settings out."""
        return {
            self.module.DATA_VARIABLE: self._data,
            "JUPYTER_CONFIG_DIR": str(self.site),
            "JUPYTER_DATA_DIR": str(owner / ".jupyter"),
        }

    def _in_course(self, *arguments: str) -> None:
        self._nbgrader(arguments, self.course)

    def _nbgrader(self, arguments: Sequence[str], folder: Path) -> None:
        self._write_log(f"$ cd {folder} && nbgrader {' '.join(arguments)}")
        run_nbgrader(arguments, folder, self._environment(folder), self._write_log)

    def _write_log(self, text: str) -> None:
        with self._log_lock, self.log.open("a", encoding="utf-8") as file:
            file.write(text.rstrip("\n") + "\n")

    def _home(self, student: Student) -> Path:
        return self.folder / "students" / student.name

    def _submit(self, student: Student) -> None:
        home = self._home(student)
        home.mkdir(parents=True)
        self._nbgrader(["fetch_assignment", self.assignment], home)
        notebook = home / self.assignment / f"{self.assignment}.ipynb"
        write_answers(notebook, student)
        # nbgrader takes the account's name for the student's, unless it is told.
        self._nbgrader(["submit", self.assignment, f"--student={student.name}"], home)

    def _expect_submissions(self) -> None:
        submitted = self.course / "submitted"
        names = [student.name for student in self.students]
        if missing := [n for n in names if not (submitted / n / self.assignment).is_dir()]:
            raise DemoFailed(f"nbgrader collect brought no submission of {', '.join(missing)}.")

    def _course_command(self, *arguments: str) -> None:
        """Run one of the course's own commands in the scratch course."""
        self._write_log(f"$ cd {self.course} && python -m grading {' '.join(arguments)}")
        own = {"PYTHONPATH": str(COURSE_ROOT), **self._environment(self.course)}
        done = subprocess.run(
            [sys.executable, "-m", "grading", *arguments],
            cwd=self.course,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            # A person sees the bar; nobody else needs it.
            stderr=None if sys.stderr.isatty() else subprocess.PIPE,
            text=True,
            check=False,
        )
        self._write_log(done.stdout + (done.stderr or ""))
        if done.returncode != 0:
            raise DemoFailed(f"`python -m grading {' '.join(arguments)}` failed.")

    def _fetch_feedback(self) -> Path:
        """Fetch feedback as a student who has something to read in it; return the page."""
        graded_folder = self.course / "autograded"
        graded = [s for s in self.students if (graded_folder / s.name / self.assignment).is_dir()]
        student = min(graded, key=lambda student: student.story.startswith("right"))
        home = self._home(student)
        self._nbgrader(["fetch_feedback", self.assignment], home)
        pages = sorted((home / self.assignment / "feedback").glob(f"*/{self.assignment}.html"))
        if not pages:
            raise DemoFailed(f"{student.name} fetched feedback and found no page.")
        return pages[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; return the exit code."""
    assignments = Assignments(config=course_config(COURSE_ROOT))
    modules = ((name, assignments.of(name)) for name in assignments.modules)
    shown = ((name, module) for name, module in modules if hasattr(module, "DEMO_STUDENTS"))
    assignment, module = next(shown, ("", None))
    assert module is not None, "one of the settings' modules names students"
    students = read_students(module.DEMO_STUDENTS)
    names = [student.name for student in students]
    parser = argparse.ArgumentParser(prog="python -m grading demo", description=__doc__)
    parser.add_argument(
        "--students",
        default=",".join(names),
        help=f"who takes part, separated by commas, of: {', '.join(names)} (default: all)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=COURSE_ROOT / "build" / "demo",
        help="where to run; deleted first (default: build/demo in the course)",
    )
    options = parser.parse_args(arguments)
    chosen = options.students.split(",")
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        parser.error(f"no such student: {', '.join(unknown)}; there are {', '.join(names)}")
    there = [student for student in students if student.name in chosen]
    demo = Demo(options.folder.resolve(), assignment, module, there)
    try:
        demo.run()
    except (GradingError, OSError) as error:
        print(f"\n{error}\nThe end of {demo.log}:\n{demo.log_tail()}", file=sys.stderr)
        return 1
    return 0
