"""Fixing: findings to changed files, in rounds, until no fix is left that may be applied.

May import `lint` and what is below it; `rewriting` alone carries out rewrites, with `transfer_codemods`.
Hands out what `fix` would write (`Fixed`), and writes it, each file whole or not at all.
"""
