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
_SETTINGS = """
exec(compile(open({path!r}).read(), {path!r}, "exec"), {{**globals(), "__file__": {path!r}}})
del c.CourseDirectory["course_id"]
"""


def main(arguments: list[str]) -> int:
    """Run pytest on nbgrader's tests, in an empty folder; return its exit status."""
    plain = "--plain" in arguments
    arguments = [argument for argument in arguments if argument != "--plain"]
    if not plain:
        try:
            check_available()
        except SandboxUnavailable as error:
            print(f"Skipped: nbgrader's tests are compared in the sandbox. {error}")
            return 0
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        scratch = Path(folder)
        settings = scratch / "settings"
        settings.mkdir()
        if not plain:
            path = str(COURSE_ROOT / "nbgrader_config.py")
            (settings / "nbgrader_config.py").write_text(_SETTINGS.format(path=path))
        ini = scratch / "pytest.ini"
        ini.write_text("[pytest]\ntimeout = 600\n")
        command = [sys.executable, "-m", "pytest", "-c", str(ini), "--rootdir", str(TESTS)]
        command += ["-p", "no:cacheprovider", "-p", "tests.peer.plugin", "-q", "-W", "ignore"]
        environment = os.environ | {
            "HOME": folder,
            "JUPYTER_CONFIG_DIR": str(settings),
            "PYTHONPATH": str(COURSE_ROOT),
            # Some of these tests ask for it, and not every shell has it.
            "USER": grader(),
            "PEER": "plain" if plain else "course",
        }
        done = subprocess.run(
            [*command, *arguments, str(TESTS)], cwd=folder, env=environment, check=False
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
