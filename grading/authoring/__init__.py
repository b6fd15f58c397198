"""From an instructor's source to the notebook that students get.

Others use `generate.CourseGenerateAssignment`; nbgrader's settings name
`stubs.ClearSolutionsInLanguage`, and `python -m grading format` is `notebook_format`.
"""
