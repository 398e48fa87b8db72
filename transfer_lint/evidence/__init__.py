"""Evidence: what was recorded in runs of programs, as plain data that needs no torch.

May import `lint` and what is below it, for the findings that a run is compared with.
Hands out a `Trace`, a `Comparison` of two runs, and `join`, which says what a trace shows about each finding.
"""
