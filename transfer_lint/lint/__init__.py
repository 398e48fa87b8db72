"""The lint: paths and settings to findings, in one process or several.

May import `rules`, `flow`, `files` and the ground.
Hands out an `Outcome` for files (`check`), an `Examined` for one text (`check_text`), and what is said of a line.
"""
