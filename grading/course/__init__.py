"""The course's folder: who may read what, names and languages in it, nbgrader's commands."""
