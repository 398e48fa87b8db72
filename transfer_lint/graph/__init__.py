"""The graph: the device flow of functions, drawn as they are and as the fixes make them.

May import `fixing` and what is below it.
Hands out a `Picture` (`pictures`), and draws one as Mermaid, DOT, SVG or HTML.
"""
