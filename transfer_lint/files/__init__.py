"""Files: which files a run checks, decoding and encoding them, notebooks, and atomic replacement of a file.

May import the base modules `settings`, `findings` and `problems`.
Hands out a decoded `Source`, the `Sources` that the analysis reads from, and the byte scan for sites.
"""
