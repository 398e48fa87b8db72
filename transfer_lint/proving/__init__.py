"""Proving: which fixes a run of the program bears out, by applying choices of them and running a scenario on each.

May import `evidence`, `fixing` and what is below them.
Hands out `prove`, which gives a `Proof`: the fixes that were kept and dropped, why, and what each saved.
"""
