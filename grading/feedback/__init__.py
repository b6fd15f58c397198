"""Step 5: pages for students.

nbgrader's settings name what others use: `safe_pages.SafePages` while a submission is graded, then
`exporter.DescribeGrades` and `FeedbackExporter`, `preprocessors.HideInstructorsParts` and
`EmbedFigures`.
"""
