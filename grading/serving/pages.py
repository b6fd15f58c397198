"""Makes one student's feedback pages and puts them into the exchange, in this process."""

from pathlib import Path

from nbconvert.writers.files import FilesWriter
from nbgrader.apps import NbGrader, generatefeedbackapp
from nbgrader.coursedir import CourseDirectory

from grading.course.language import read_language
from grading.handing_back.release import CourseReleaseFeedback
from grading.intake.release import released_names
from grading.serving.arrivals import Arrival
from grading.serving.notices import put_notice
from grading.words import say, words


class Pages:
    """The pages of an assignment.

    Args:
        app: with the course's settings.
        coursedir: of the course; its assignment is the one.
        inbound: the exchange's folder of submissions.

    Raises:
        ExchangeError: the exchange has no folder of ours for feedback.
    """

    def __init__(self, app: NbGrader, coursedir: CourseDirectory, inbound: Path) -> None:
        self._coursedir, self._inbound = coursedir, inbound
        self._release = CourseReleaseFeedback(coursedir=coursedir, parent=app)
        self._release.init_dest()
        # Whichever class the course's settings have put there.
        self._feedback = generatefeedbackapp.GenerateFeedback(coursedir=coursedir, parent=app)
        self._feedback.force = True
        own = {"parent": self._feedback, "config": self._feedback.config}
        self._feedback.writer = FilesWriter(**own)
        self._feedback.exporter = self._feedback.exporter_class(**own)
        for preprocessor in self._feedback.preprocessors:
            self._feedback.exporter.register_preprocessor(preprocessor)

    def release(self, student: str) -> None:
        """Make the pages of what is graded, and put them where the student fetches them.

        Raises:
            NbGraderException: one could not be made; the log says why.
            OSError: one could not be written.
        """
        course = self._coursedir
        graded = Path(
            course.format_path(course.autograded_directory, student, course.assignment_id)
        )
        notebooks = sorted(str(path) for path in graded.glob("*.ipynb"))
        self._feedback.assignments = {str(graded): notebooks}
        self._feedback.convert_notebooks()
        self._release.release_one(student)

    def notify(self, arrival: Arrival, heading: str, text: str, **values: object) -> None:
        """Put a page there that says why a submission is not graded, or not yet.

        Args:
            arrival: the submission.
            heading: the key of a sentence in the table `serving`.
            text: likewise.
            values: what stands in the text's braces.

        Raises:
            OSError: it could not be written.
        """
        language = read_language(Path("source", self._coursedir.assignment_id))
        put_notice(
            arrival,
            self._inbound,
            Path(self._release.dest_path),
            released_names(self._coursedir),
            language,
            words(language)["serving"][heading],
            say(language, f"serving.{text}", **values),
        )
