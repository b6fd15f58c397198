"""Remarks on a submission that had to be repaired: carried through autograding, and shown."""

from dataclasses import asdict, dataclass
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor

from grading.course.language import read_language
from grading.words.remark_words import in_language, remark

_KEY = "weight_initialization_grading"
_CELL_ID = "remarks-of-the-grader"


@dataclass(frozen=True)
class Remarks:
    """What was noticed when a submission was read.

    Attributes:
        repairs: sentences on what was not as it should be, and was graded all the same.
        unreadable: a sentence that says why nothing could be graded, or "".
        digest: SHA-256 of the submitted file, or "" where there is none.
        work: SHA-256 of it and of the files beside it that are used; the seed depends on it.
    """

    repairs: tuple[str, ...] = ()
    unreadable: str = ""
    digest: str = ""
    work: str = ""


def write_remarks(nb: NotebookNode, remarks: Remarks) -> None:
    """Keep remarks in a notebook's metadata, from the phase that reads to the one that runs."""
    nb.metadata[_KEY] = NotebookNode(asdict(remarks), repairs=list(remarks.repairs))


def read_remarks(nb: NotebookNode) -> Remarks:
    """Return the remarks in a notebook's metadata."""
    entry = nb.metadata.get(_KEY, {})
    return Remarks(**{**entry, "repairs": tuple(entry.get("repairs", ()))})


class ShowRemarks(NbGraderPreprocessor):
    """Puts the remarks at the top of the graded notebook, for student and instructor."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Insert a cell where there is something to say; keep it for `resources["remarks"]`."""
        remarks = read_remarks(nb)
        nb.metadata.pop(_KEY, None)
        resources["remarks"] = remarks
        nb.cells = [cell for cell in nb.cells if cell.get("id") != _CELL_ID]
        sentences = [*([remarks.unreadable] if remarks.unreadable else []), *remarks.repairs]
        if sentences:
            # As code, so that a file's name shows as it is.
            language = read_language(Path(resources["metadata"]["path"]))
            lines = "\n".join(f"    {in_language(said, language)}" for said in sentences)
            heading = in_language(remark("heading"), language)
            cell = new_markdown_cell(f"**{heading}**\n\n{lines}", id=_CELL_ID)
            nb.cells.insert(0, cell)
        return nb, resources
