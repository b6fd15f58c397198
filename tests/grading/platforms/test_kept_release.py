"""Tests that what was built is used again, and only of what it was built of."""

import os
from pathlib import Path

import pytest

from grading.platforms.kept_release import release


class Course:
    """A folder with a source, in which a release is built, and where such are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder / "course", folder / "kept"
        self.built = 0
        (self.folder / "source" / "a").mkdir(parents=True)
        (self.folder / "source" / "a" / "a.ipynb").write_text("1")

    def release(self) -> str:
        """Take the release; return what was built of."""
        for name in ("release/a/a.ipynb", "gradebook.db"):
            (self.folder / name).unlink(missing_ok=True)
        for name in ("release/a", "release"):
            if (self.folder / name).is_dir():
                (self.folder / name).rmdir()
        release(self.folder, "a", self.kept, self._build)
        assert (self.folder / "gradebook.db").read_text() == "gradebook"
        return (self.folder / "release" / "a" / "a.ipynb").read_text()

    def _build(self) -> None:
        self.built += 1
        (self.folder / "release" / "a").mkdir(parents=True)
        source = (self.folder / "source" / "a" / "a.ipynb").read_text()
        (self.folder / "release" / "a" / "a.ipynb").write_text(source)
        (self.folder / "gradebook.db").write_text("gradebook")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def test_it_is_built_once(course: Course) -> None:
    assert [course.release(), course.release(), course.built] == ["1", "1", 1]


def test_other_sources_are_built_anew_and_the_older_is_dropped(course: Course) -> None:
    course.release()
    (course.folder / "source" / "a" / "a.ipynb").write_text("2")
    assert [course.release(), course.built] == ["2", 2]
    assert len(list(course.kept.iterdir())) == 1


def test_other_settings_of_the_site_are_built_anew(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.release()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    course.release()
    assert course.built == 2


def test_where_nothing_can_be_kept_it_is_built_each_time(course: Course) -> None:
    course.kept.write_text("a file")
    assert [course.release(), course.release(), course.built] == ["1", "1", 2]


def test_it_is_kept_from_others(course: Course) -> None:
    before = os.umask(0)
    try:
        course.release()
    finally:
        os.umask(before)
    assert course.kept.stat().st_mode & 0o777 == 0o700
