"""Files: which ones a run looks at, their bytes to text and back, notebooks, and replacing a file whole.

May import the ground (`findings`, `settings`, `problems`) and nothing else of the tool.
Hands out decoded `Source`s, the `Sources` that the analysis reads from, and the byte scan for sites.
"""
