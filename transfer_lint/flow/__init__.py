"""Where every value lives: the device-flow analysis, over the standard `ast`.

Abstract interpretation of one function at a time, with summaries for callees. Nothing is imported or executed.
"""
