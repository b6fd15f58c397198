"""Releases feedback so that whoever handed in finds it: under the name that they handed in, too.

nbgrader's `fetch_feedback` looks for a page by the names of the files that were submitted. And its
`release_feedback` stops at the first submission without the secret that `nbgrader submit` writes,
as one has that came in a zip; here one is made, and the page released under it.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash

from grading.course.exchange_folders import KeptExchange
from grading.course.literal_root import glob_in_course
from grading.course.names import shown
from grading.intake.collect import SECRET
from grading.intake.release import other_names
from grading.intake.submitted_notebook import UnreadableSubmission, find_notebook


class CourseReleaseFeedback(KeptExchange, ExchangeReleaseFeedback):
    """nbgrader's release_feedback, except that no submission keeps another's page back."""

    def copy_files(self) -> None:
        """Copy every page into the exchange; what cannot be fetched from there is logged."""
        excluded = set((self.coursedir.student_id_exclude or "").split(","))
        for folder in sorted(map(Path, glob_in_course(self.src_path))):
            student = folder.parent.name
            if student in excluded:
                continue
            try:
                self._release(folder, student)
            except OSError as error:
                self.log.error("Not released for %s: %s", shown(student), error)

    def release_one(self, student: str) -> None:
        """Copy one student's pages into the exchange, after `init_dest`.

        Raises:
            OSError: one cannot be written.
        """
        step, assignment = self.coursedir.feedback_directory, self.coursedir.assignment_id
        self._release(Path(self.coursedir.format_path(step, student, assignment)), student)

    def _release(self, folder: Path, student: str) -> None:
        pages = sorted(folder.glob("*.html"))
        secret_file = folder / SECRET
        secret = _read_secret(secret_file)
        if pages and not secret:
            secret = token_hex(32)
            secret_file.unlink(missing_ok=True)
            secret_file.write_text(secret, encoding="utf-8")
            self.log.warning(
                "The submission of %s has no secret in %s, as one from a zip, and fetch_feedback "
                "finds a page by it: give the page %s by hand.",
                shown(student),
                SECRET,
                pages[0],
            )
        for page in pages:
            for name in self._names(page.stem, student):
                target = Path(
                    self.dest_path, f"{notebook_hash(secret=secret, notebook_id=name)}.html"
                )
                # Whoever fetches meanwhile gets the whole of it.
                half = target.with_name(f"{target.stem}-tmp.html")
                shutil.copy(page, half)
                half.replace(target)
            self.log.info("Released %s for %s", page.stem, shown(student))

    def _names(self, name: str, student: str) -> set[str]:
        """Return the names under which a student may look for a notebook's page."""
        submitted = self.coursedir.format_path(
            self.coursedir.submitted_directory, student, self.coursedir.assignment_id
        )
        try:
            others = other_names(self.coursedir, self.coursedir.assignment_id, name)
            path, _ = find_notebook(Path(submitted), name, others)
        except UnreadableSubmission:
            return {name}
        # A name that is not UTF-8 has no hash; nobody can look by it.
        return {name, path.stem} if path.stem.isprintable() else {name}


def _read_secret(path: Path) -> str:
    """Return a submission's secret; "" where it has none, or something else in its place."""
    if not path.is_file():
        return ""
    with suppress(UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""
