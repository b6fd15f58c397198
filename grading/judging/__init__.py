"""Step 3: observations become verdicts, outside the kernel that ran student code.

Others use `judge.Judge`, `stored_verdicts.of_notebook` and `of_cell`, and
`reasons.without_cell_number`.
"""
