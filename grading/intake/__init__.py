"""Step 1: what was handed in becomes a notebook of the release's form, nothing of it lost.

Others use `take_in.take_in`, `submitted_folders.find`, `release.read_release`,
`working_folder.select_files` and `working_files`, `submitted_files.find_files`,
`remarks.ShowRemarks` and `collect.CourseCollect`.
"""
