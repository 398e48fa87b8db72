"""The language server: shows findings, fixes and explanations in an editor while the user writes.

May import `lint`, `fixing`, `rules` and what is below them, and pygls.
Hands out `make_server`.
"""
