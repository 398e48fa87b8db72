"""Pages: the templates and the style sheet of all HTML pages and pictures of this tool.

May import the base modules `settings`, `findings` and `problems`.
Hands out `Templates`, which escape all values put into them.
"""
