"""Puts notebooks into their canonical form: `python -m grading format [--check] [PATHS]`.

A notebook is a program that people review line by line, and Jupyter writes into it what changes
with every run: outputs, counts, random ids, the machine's Python version. The canonical form has
none of it, so that a diff shows what an author changed and nothing else.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grading.assignment import Assignments, course_config
from grading.errors import GradingError

# Cell metadata that an author means; everything else comes from editors and from runs.
_KEPT = {"nbgrader", "tags"}
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# What Jupyter makes up for a new cell: 8 hexadecimal digits, or a UUID.
_RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")
# nbformat's own limit.
_LONGEST_ID = 64


class NotebookFormatError(GradingError):
    """A file is no notebook that can be formatted."""


def canonical(text: str) -> str:
    """Return the canonical text of a notebook.

    No outputs and no execution counts; ids that say what a cell is, namely its nbgrader grade id,
    the name an author gave it, or the heading it stands under; keys sorted, indented by 1, a
    newline at the end. The canonical form of a canonical text is that text.

    Args:
        text: a notebook as JSON, format 4.

    Raises:
        NotebookFormatError: `text` is not a valid notebook.
    """
    try:
        # Read without nbformat's repairs, which warn of missing ids and make up random ones.
        notebook = nbformat.reader.reads(text)
        if notebook.nbformat != 4:
            raise ValueError(f"it has format {notebook.nbformat}; save it with JupyterLab as 4")
        notebook.nbformat_minor = 5
        notebook.metadata = nbformat.from_dict(_METADATA)
        for cell in notebook.cells:
            _strip(cell)
        _name(notebook.cells)
        nbformat.validate(notebook)
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        reason = getattr(error, "message", str(error)).partition("\n")[0]
        raise NotebookFormatError(f"not a notebook of format 4: {reason}") from error
    # nbformat sorts the keys, indents by 1 and writes a text as a list of lines.
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def _strip(cell: NotebookNode) -> None:
    """Take away what editors and runs write into a cell."""
    cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k in _KEPT})
    cell.source = cell.source.rstrip()
    if cell.cell_type == "code":
        cell.outputs = []
        cell.execution_count = None


def _name(cells: Sequence[NotebookNode]) -> None:
    """Give each cell an id of its own that says what it is."""
    taken: set[str] = set()
    heading = "start"
    for cell in cells:
        found = re.search(r"^#+ +(.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            heading = re.sub(r"[^a-z0-9]+", "-", found[1].lower()).strip("-")[:50] or heading
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        given = cell.get("id", "")
        wanted = grade_id or (heading if not given or _RANDOM_ID.fullmatch(given) else given)
        name, count = wanted[:_LONGEST_ID], 1
        while name in taken:
            count += 1
            name = f"{wanted[: _LONGEST_ID - 4]}-{count}"
        taken.add(name)
        cell.id = name


def format_paths(paths: Sequence[Path], check: bool) -> list[str]:
    """Format the notebooks in `paths`, files or folders, or only look at them.

    Args:
        paths: notebooks, or folders searched for them; what Jupyter keeps in hidden folders is
            passed over.
        check: change nothing.

    Returns:
        A line for each notebook that is not, or was not, in canonical form.

    Raises:
        NotebookFormatError: a path does not exist, or a file in it is not a notebook.
    """
    lines = []
    for path in _notebooks(paths):
        text = path.read_text(encoding="utf-8")
        try:
            wanted = canonical(text)
        except NotebookFormatError as error:
            raise NotebookFormatError(f"{path}: {error}") from error
        if text == wanted:
            continue
        if not check:
            path.write_text(wanted, encoding="utf-8")
        lines.append(f"{path}: {'not in canonical form' if check else 'formatted'}")
    return lines


def _notebooks(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*.ipynb"))
            found += [p for p in inside if not any(part[0] == "." for part in p.parts)]
        elif path.is_file():
            found.append(path)
        else:
            raise NotebookFormatError(f"{path}: no such file or folder")
    return found


def _sources() -> list[Path]:
    """Return the sources of the assignments that have a module, in the course root."""
    modules = Assignments(config=course_config(Path.cwd())).modules
    return [folder for name in sorted(modules) if (folder := Path("source", name)).is_dir()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Format or check; return 1 where a check found something to format."""
    parser = argparse.ArgumentParser(
        prog="python -m grading format",
        description="Put notebooks into their canonical form.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        help="notebooks, or folders of them; default: the sources of c.Assignments.modules, since "
        "another assignment may have kernels and ids that it needs",
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if any would")
    options = parser.parse_args(arguments)
    try:
        lines = format_paths(options.paths or _sources(), options.check)
    except GradingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(*lines, sep="\n", end="\n" if lines else "")
    if lines and options.check:
        print("Run `make format` to put them into canonical form.", file=sys.stderr)
        return 1
    return 0
