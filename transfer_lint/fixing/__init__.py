"""Fixing: from findings to changed files, in rounds, until no allowed fix is left (the fixpoint).

May import `lint` and what is below it; only `rewriting` carries out rewrites, with `transfer_codemods`.
Hands out what `fix` would write (`Fixed`), and writes it, each file by atomic replacement.
"""
