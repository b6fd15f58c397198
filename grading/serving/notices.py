"""Puts a page into the exchange for what is not graded, or not yet: it says why.

Whoever handed in finds it where feedback is fetched; the page of a grading takes its place.
"""

import html
import re
from pathlib import Path

from nbgrader.utils import notebook_hash

from grading.intake.collect import SECRET, read_owned
from grading.serving.arrivals import Arrival
from grading.words import words

_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{heading}</title>
<style>body {{ font: 1.1em/1.5 sans-serif; max-width: 40em; margin: 3em auto; }}</style>
</head>
<body>
<h1>{heading}</h1>
<p>{text}</p>
</body>
</html>
"""
_LONGEST_SECRET = 256  # bytes; nbgrader writes 128


def put_notice(
    arrival: Arrival,
    inbound: Path,
    pages: Path,
    notebooks: list[str],
    language: str,
    heading: str,
    text: str,
) -> None:
    """Put a notice where a submission's feedback is looked for.

    Args:
        arrival: the submission.
        inbound: the exchange's folder of submissions.
        pages: its folder of feedback.
        notebooks: the names of the assignment's notebooks.
        language: the page's.
        heading: as text.
        text: likewise.

    Raises:
        OSError: the page cannot be written.
    """
    secret = read_owned(inbound / arrival.name, SECRET, _LONGEST_SECRET)
    if secret is None or not re.fullmatch(rb"[0-9a-f]{32,256}", secret):
        return  # by nobody's secret nobody fetches anything
    content = _PAGE.format(
        language=words(language)["feedback"]["html_language"],
        heading=html.escape(heading),
        text=html.escape(text),
    )
    for name in notebooks:
        target = pages / f"{notebook_hash(secret=secret.decode(), notebook_id=name)}.html"
        half = target.with_name(f"{target.stem}-tmp.html")
        half.write_text(content, encoding="utf-8")
        half.chmod(0o644)
        half.replace(target)
