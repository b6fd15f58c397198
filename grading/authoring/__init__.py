"""From an instructor's source to the notebook that students get.

Others use `generate.CourseGenerateAssignment`; nbgrader's settings name
`stubs.ClearSolutionsInLanguage`, `python -m grading format` is `notebook_format`, and
`python -m grading new` is `new_assignment`.
"""
