"""Pages: what every HTML page and picture of this tool is written with, jinja2 templates and one style sheet.

May import the ground and nothing else of the tool.
Hands out `Templates`, which escape whatever is put into them.
"""
