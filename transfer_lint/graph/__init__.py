"""The graph: the device flow of functions, drawn as directed graphs, before and after the fixes.

May import `fixing` and what is below it.
Hands out the diagrams of functions as a `BeforeAfter` (`before_after`), and draws it as Mermaid, DOT, SVG or HTML.
"""
