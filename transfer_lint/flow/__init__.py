"""The device-flow analysis: where every value lives and why, by abstract interpretation over the standard `ast`.

May import the byte scan and the sources of `files`, and the ground layer.
Hands out an `Analysis` of a project (`analysis`), and the questions that rules may ask of it (`ask`).
"""
