"""The language server: what editors show of the lint while one writes.

May import `lint`, `fixing`, `rules` and what is below them, and pygls.
Hands out `make_server`.
"""
