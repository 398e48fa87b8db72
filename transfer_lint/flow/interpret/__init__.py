"""The interpreter: the body of one function to values, sites and a summary for its callers.

May import `results` and what is below it; handlers of syntax forms know the `frame`, never who calls them.
Hands out `Summaries`, which interpret each function once, when somebody asks for it.
"""
