"""Pages: the templates and the style sheet that every HTML page and picture of this tool is written with.

May import the ground.
Hands out `Templates`, which escape whatever is put into them.
"""
