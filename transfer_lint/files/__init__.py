"""Files: which ones a run looks at, their bytes to text and back, notebooks, and replacing a file whole.

May import the ground: `settings`, `findings` and `problems`.
Hands out a decoded `Source`, the `Sources` that the analysis reads from, and the byte scan for sites.
"""
