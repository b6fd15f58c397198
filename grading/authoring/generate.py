"""nbgrader's generate_assignment, with the packages that travel with an assignment.

It also fills a gradebook that knows nothing of a release.
"""

from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment

from grading.assignment import Assignments
from grading.course.package_files import copy_packages


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
        assignment = Assignments(parent=self).of(assignment_id)
        if assignment is not None:
            target = Path(self._format_dest(assignment_id, student_id))
            copy_packages(Path(self.coursedir.root), target, assignment.PACKAGES)

    def _is_known(self, assignment_id: str) -> bool:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return bool(gradebook.find_assignment(assignment_id).notebooks)
            except MissingEntry:
                return False
