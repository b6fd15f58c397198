"""Makes the skeleton of an assignment with hidden tests: `python -m grading new NAME`.

Its exercise is one of doubling: as made it is released, handed in and graded, so that an author
changes what works.
"""

import argparse
import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from grading.errors import GradingError

_SKELETON = Path(__file__).with_name("skeleton")
_SUFFIX = ".template"


class NotMade(GradingError):
    """A skeleton was not made; nothing was written."""


def make(name: str, course: Path) -> list[Path]:
    """Write the skeleton of an assignment into a course.

    Args:
        name: of the assignment, its notebook and the student's function.
        course: the folder with nbgrader_config.py.

    Returns:
        The files, relative to the course.

    Raises:
        NotMade: the folder is no course, or something of that name is there.
    """
    if not (course / "nbgrader_config.py").is_file():
        raise NotMade(f"{course} has no nbgrader_config.py; run this in the course's folder.")
    package = f"{name}_tests"
    folders = {"tests": Path(package), "source": Path("source") / name}
    for folder in folders.values():
        if (course / folder).exists():
            raise NotMade(f"{folder} is there already; nothing was written. Take another name.")
    made = []
    for template in sorted(_SKELETON.rglob(f"*{_SUFFIX}")):
        kind, *place = template.relative_to(_SKELETON).parts
        path = folders[kind].joinpath(*place).with_suffix("")
        if path.name == "notebook.ipynb":
            path = path.with_name(f"{name}.ipynb")
        text = Template(template.read_text(encoding="utf-8"))
        (course / path).parent.mkdir(parents=True, exist_ok=True)
        (course / path).write_text(text.substitute(name=name, package=package), encoding="utf-8")
        made.append(path)
    return made


def _name(text: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", text) or keyword.iskeyword(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot name an assignment and its function; take small letters, digits and "
            "_, such as batch_norm"
        )
    return text


def main(arguments: Sequence[str]) -> int:
    """Make a skeleton and say what is left to do; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grading new", description=__doc__)
    parser.add_argument("name", type=_name, help="of the assignment, such as batch_norm")
    name = parser.parse_args(arguments).name
    print(*make(name, Path.cwd()), sep="\n")
    print(
        "\nAdd this line at the end of nbgrader_config.py:\n\n"
        f'c.Assignments.modules["{name}"] = "{name}_tests.assignment"\n\n'
        f"Then: nbgrader generate_assignment {name}. "
        "docs/adding_an_assignment.md goes on from here."
    )
    return 0
