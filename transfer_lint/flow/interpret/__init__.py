"""The interpreter: values, sites and a summary for callers, computed from the body of one function.

May import `results` and what is below it; handlers of syntax forms know the `frame`, never their callers.
Hands out `Summaries`, which interpret each function once, on demand.
"""
