"""The abstract domain: symbols, terms, abstract values and the abstract state. Syntax is stored, never inspected.

May import `program` and `knowledge`.
Hands out what a value may be (`values`), when two placements are equal (`terms`), and how states join (`state`).
"""
