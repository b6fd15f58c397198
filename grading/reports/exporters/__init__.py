"""nbgrader export plugins for learning platforms: `nbgrader export --exporter=...`."""

from grading.reports.exporters.canvas import CanvasExporter
from grading.reports.exporters.grades import GradesExporter
from grading.reports.exporters.moodle import MoodleExporter

__all__ = ["CanvasExporter", "GradesExporter", "MoodleExporter"]
