"""nbgrader's generate_assignment, with the packages that travel with an assignment.

It also fills a gradebook that knows nothing of a release.
"""

import shutil
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment

PACKAGE = Path("helpers")
"""What students import, in the course root; every release holds a copy."""


def source_files(root: Path, source: Path) -> dict[Path, Path]:
    """Return where the files lie that a release has beside its notebooks, by their names in it.

    Args:
        root: the course's folder.
        source: the assignment's, in its source form.
    """
    return _files(source, source) | _files(root / PACKAGE, root)


def copy_package(root: Path, target: Path) -> None:
    """Put what students import beside an assignment's notebooks.

    Args:
        root: the course's folder.
        target: the assignment's, in any other of its forms.
    """
    for name, path in _files(root / PACKAGE, root).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)


def _files(folder: Path, base: Path) -> dict[Path, Path]:
    return {
        path.relative_to(base): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".ipynb", ".pyc")
    }


class CourseGenerateAssignment(GenerateAssignment):
    """Builds a release, unless both it and its entries in the gradebook are there.

    nbgrader is content with the release. Where that came with a copy of the course, or the
    gradebook is a new one, nobody can be graded then.
    """

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Tell whether to build; a release of which the gradebook knows nothing is removed."""
        if super().init_destination(assignment_id, student_id):
            return True
        if self.no_database or self._is_known(assignment_id):
            return False
        self.log.warning("%s is built again: the gradebook knows no notebook of it", assignment_id)
        self.force = True
        return bool(super().init_destination(assignment_id, student_id))

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Put into the release's folder what lies beside the notebooks, and what they import."""
        super().init_assignment(assignment_id, student_id)
        copy_package(Path(self.coursedir.root), Path(self._format_dest(assignment_id, student_id)))

    def _is_known(self, assignment_id: str) -> bool:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return bool(gradebook.find_assignment(assignment_id).notebooks)
            except MissingEntry:
                return False
