"""The abstract domain: symbols, terms, values, and the state that holds them. Syntax is carried, never looked into.

May import `program` and `knowledge`.
Hands out what a value may be (`values`), when two placements are equal (`terms`), and how states join (`state`).
"""
