"""The lint: from paths and settings to findings, in one process or several.

May import `rules`, `flow`, `files`, and the base modules `settings`, `findings` and `problems`.
Hands out an `Outcome` for files (`check`), an `Examined` for one text (`check_text`), and the explanation of one line
(`explain`).
"""
