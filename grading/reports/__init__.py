"""Pages and tables for teachers, and exports to learning platforms.

`python -m grading report` is `report`; `nbgrader export` is told the classes of `exporters`.
"""
