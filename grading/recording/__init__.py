"""Step 4: the gradebook, the audit log, late policies.

Others use `record.Record`, `audit.read` and `append`, and `answers.is_unanswered`; nbgrader's
settings name `answers.GradeUnanswered` and `late_policies`.
"""
