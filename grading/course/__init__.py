"""The course's folder: who may read what, names and languages in it, nbgrader's commands.

Others use `course_folder.install`, `commands.run_nbgrader`, `language.read_language` and
`language_of`, `modes.for_group_alone` and `open_to_all`, `names.shown`, `readable` and `listed`,
`package_files.source_files` and `copy_packages`, `timestamps.read_timestamp`.
"""
