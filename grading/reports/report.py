"""Reports on a class: `python -m grading report ASSIGNMENT` writes a page and a CSV file."""

import argparse
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

from nbgrader.apps import NbGrader
from sqlalchemy.exc import SAWarning

from grading.assignment import Assignments
from grading.course.language import read_language
from grading.reports.class_report import read_class
from grading.reports.report_page import write_page, write_table


def main(arguments: Sequence[str]) -> int:
    """Write the report.

    Raises:
        GradingError: there is nothing to report on, or the log cannot be trusted.
    """
    parser = argparse.ArgumentParser(prog="python -m grading report", description=__doc__)
    parser.add_argument("assignment")
    parser.add_argument(
        "--output", type=Path, default=Path("reports"), help="folder; default: reports"
    )
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", category=SAWarning)
    app = NbGrader()
    app.log_level = logging.ERROR
    app.initialize([])
    root, name = Path(app.coursedir.root), options.assignment
    source = Path(app.coursedir.format_path(app.coursedir.source_directory, ".", name))
    module = Assignments(parent=app).of(name)
    report = read_class(root, app.coursedir.db_url, name, module, read_language(source))
    options.output.mkdir(parents=True, exist_ok=True)
    page = options.output / f"{options.assignment}.html"
    write_page(report, page)
    write_table(report, page.with_suffix(".csv"))
    print(f"{page} and {page.with_suffix('.csv').name}: {len(report.participants)} submissions.")
    return 0
