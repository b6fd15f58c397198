"""Runs nbgrader's own tests of its commands under this course's settings.

`python -m tests.peer --plain` runs them without, for comparison; other arguments are pytest's.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from grading.recording.record import grader
from grading.sandbox import SandboxUnavailable, check_available
from tests.peer.listed import TESTS
from tests.scratch_course import COURSE_ROOT

# Without the name of the course: nbgrader's tests give their own, and where they give none they
# expect none.
SETTINGS = """
path = {path!r}
exec(compile(open(path).read(), path, "exec"), {{**globals(), "__file__": path}})
del c.CourseDirectory["course_id"]
""".format(path=str(COURSE_ROOT / "nbgrader_config.py"))


def run(arguments: list[str], settings: str = SETTINGS, *, plain: bool = False) -> int:
    """Run pytest on nbgrader's tests, in an empty folder; return its exit status.

    Args:
        arguments: pytest's.
        settings: of the nbgrader_config.py that every command finds in Jupyter's folder.
        plain: whether plain nbgrader is wanted: nothing is expected to differ.
    """
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        scratch = Path(folder)
        (scratch / "nbgrader_config.py").write_text("" if plain else settings)
        (scratch / "pytest.ini").write_text("[pytest]\ntimeout = 600\n")
        # An empty folder to work in: nbgrader reads the settings in it as well.
        (scratch / "empty").mkdir()
        command = [sys.executable, "-m", "pytest", "-c", str(scratch / "pytest.ini"), "-q"]
        command += ["--rootdir", str(TESTS), "-p", "no:cacheprovider", "-W", "ignore"]
        command += ["-p", "tests.peer.plugin", *arguments, str(TESTS)]
        environment = os.environ | {
            "HOME": folder,
            "JUPYTER_CONFIG_DIR": folder,
            "PYTHONPATH": str(COURSE_ROOT),
            "PEER": "plain" if plain else "course",
            # Some of these tests ask for it, and not every shell has it.
            "USER": grader(),
        }
        done = subprocess.run(command, cwd=scratch / "empty", env=environment, check=False)
    return done.returncode


def main(arguments: list[str]) -> int:
    """Compare, or say why not; return the exit status."""
    plain = "--plain" in arguments
    if not plain:
        try:
            check_available()
        except SandboxUnavailable as error:
            print(f"Skipped: nbgrader's tests are compared in the sandbox. {error}")
            return 0
    more = [argument for argument in arguments if argument != "--plain"]
    return run(["-n", "auto", "--dist", "loadfile", *more], plain=plain)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
