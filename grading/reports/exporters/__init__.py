"""nbgrader export plugins for learning platforms: `nbgrader export --exporter=...`."""

from grading.exporters.canvas import CanvasExporter
from grading.exporters.moodle import MoodleExporter

__all__ = ["CanvasExporter", "MoodleExporter"]
