"""The device-flow analysis: where every value lives and why, by abstract interpretation over the standard `ast`.

May import the byte scan and the sources of `files`, and the base modules `settings`, `findings` and `problems`.
Hands out an `Analysis` of a project (`analysis`), and the questions that rules may ask of it (`ask`).
"""
