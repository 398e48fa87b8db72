"""Evidence: what a run of a program showed, as plain data that needs no torch.

May import `lint` and what is below it, for the findings that a run is held against.
Hands out a `Trace`, a `Comparison` of two runs, and what a trace says of each finding (`join`).
"""
