"""Step 2: a submission is run, here or on other machines.

Others use `sandboxed_execute.SandboxedExecute`, `workers.threads`, `cluster.cluster` and
`seed.course_secret`.
"""
