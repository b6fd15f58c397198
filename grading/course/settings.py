"""Reads the settings of the course in whose folder one of the course's own commands was typed."""

import logging
import warnings

from nbgrader.apps import NbGrader
from sqlalchemy.exc import SAWarning


def course_settings() -> NbGrader:
    """Return nbgrader's application, which has the settings; it says nothing but errors."""
    # Of nbgrader's own queries.
    warnings.filterwarnings("ignore", category=SAWarning)
    app = NbGrader()
    app.log_level = logging.ERROR
    app.initialize([])
    return app
