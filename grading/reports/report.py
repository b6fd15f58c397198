"""Reports on a class: `python -m grading report ASSIGNMENT` writes a page and two CSV files.

One file is of the class, the other has a row for each student. Students who handed in another
edition of the assignment, one that the same module judges, do not count as missing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from grading.assignment import Assignments
from grading.course.language import read_language
from grading.course.settings import course_settings
from grading.reports.class_report import read_class
from grading.reports.report_page import write_page
from grading.reports.report_tables import write_class, write_students


def main(arguments: Sequence[str]) -> int:
    """Write the report.

    Raises:
        GradingError: there is nothing to report on, or the log cannot be trusted.
    """
    parser = argparse.ArgumentParser(
        prog="python -m grading report",
        description=__doc__,
    )
    parser.add_argument("assignment")
    parser.add_argument(
        "--output", type=Path, default=Path("reports"), help="folder; default: reports"
    )
    options = parser.parse_args(arguments)
    app = course_settings()
    root, name = Path(app.coursedir.root), options.assignment
    source = Path(app.coursedir.format_path(app.coursedir.source_directory, ".", name))
    assignments = Assignments(parent=app)
    named = assignments.module_of(name)
    editions = [other for other in assignments.modules if other != name] if named else []
    report = read_class(
        root,
        app.coursedir.db_url,
        name,
        assignments.of(name),
        read_language(source),
        [other for other in editions if assignments.module_of(other) == named],
    )
    options.output.mkdir(parents=True, exist_ok=True)
    page = options.output / f"{name}.html"
    write_page(report, page)
    tables = (page.with_suffix(".csv"), page.with_name(f"{name}_students.csv"))
    write_class(report, tables[0])
    write_students(report, tables[1])
    files = " and ".join(table.name for table in tables)
    print(f"{page}, {files}: {len(report.participants)} submissions.")
    return 0
