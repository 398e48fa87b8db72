"""The graph: the device flow of functions, drawn as directed graphs, before and after the fixes.

May import `fixing` and what is below it.
Hands out a `Picture` (`pictures`), and draws one as Mermaid, DOT, SVG or HTML.
"""
