"""Tests the page for what is not graded: where it lies, what it says, whose secret it takes."""

from pathlib import Path

import pytest
from nbgrader.utils import notebook_hash

from grading.serving.arrivals import Arrival
from grading.serving.notices import put_notice
from grading.words import LANGUAGES, say, words

SECRET = "5e" * 64


def submission(folder: Path) -> Arrival:
    (folder / "inbound/ada").mkdir(parents=True)
    (folder / "pages").mkdir()
    return Arrival("ada", "ada", "one", None, 0.0)


def notify(folder: Path, arrival: Arrival, text: str = "Wait.") -> list[Path]:
    put_notice(arrival, folder / "inbound", folder / "pages", ["nb", "nb2"], "en", "Not yet", text)
    return sorted((folder / "pages").iterdir())


def test_lies_where_feedback_is_looked_for(tmp_path: Path) -> None:
    arrival = submission(tmp_path)
    (tmp_path / "inbound/ada/submission_secret.txt").write_text(SECRET)
    pages = notify(tmp_path, arrival, "Wait & <see>.")
    names = {f"{notebook_hash(secret=SECRET, notebook_id=name)}.html" for name in ("nb", "nb2")}
    assert {page.name for page in pages} == names
    assert "<p>Wait &amp; &lt;see&gt;.</p>" in pages[0].read_text()
    assert pages[0].stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("secret", ["", "no secret", "5e" * 64 + "\n", "../" * 20])
def test_nobodys_secret_gets_no_page(tmp_path: Path, secret: str) -> None:
    arrival = submission(tmp_path)
    (tmp_path / "inbound/ada/submission_secret.txt").write_text(secret)
    assert notify(tmp_path, arrival) == []


def test_a_link_for_a_secret_is_not_followed(tmp_path: Path) -> None:
    arrival = submission(tmp_path)
    (tmp_path / "other").write_text(SECRET)
    (tmp_path / "inbound/ada/submission_secret.txt").symlink_to(tmp_path / "other")
    assert notify(tmp_path, arrival) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_why(language: str) -> None:
    told: dict[str, dict[str, object]] = {
        "used_up": {"most": 5},
        "too_soon": {"minutes": "7", "start": "2026-01-02 14:05 UTC"},
        "older": {},
    }
    for key, values in told.items():
        sentence = say(language, f"serving.{key}", **values)
        assert all(str(value) in sentence for value in values.values())
    assert {"heading", "used_up_heading", "older_heading"} <= words(language)["serving"].keys()
